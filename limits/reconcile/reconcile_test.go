package reconcile

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/limits/ledger"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/limits/usage"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

// The calls of the tests: 2026-11-01 and 02, UTC.
var calls = []*ledger.Row{
	row(1, 0, "openai", "web-app", "gpt-4o", "gpt-4o-2024-08-06", 2_000_000_000, llm.Usage{Input: 600_000, CacheRead: 200_000, Output: 50_000}),
	row(1, 23, "openai", "batch", "gpt-4o-mini", "", 100_000_000, llm.Usage{Input: 500_000, Output: 40_000}),
	row(2, 5, "openai", "web-app", "gpt-4o", "gpt-4o-2024-08-06", 1_000_000_000, llm.Usage{Input: 400_000, CacheWrite: 1_000, Output: 1_000, Estimated: true}),
	row(2, 6, "openai-eu", "web-app", "gpt-4o", "gpt-4o-2024-08-06", 7_000_000_000, llm.Usage{Input: 7, Output: 7}),
	row(1, 12, "anthropic", "web-app", "claude-sonnet-4-5", "claude-sonnet-4-5-20250929", 500_000_000, llm.Usage{Input: 1500, CacheRead: 200, CacheWrite: 500, CacheWrite1h: 1000, Output: 500}),
	row(2, 12, "anthropic", "batch", "claude-haiku-4-5", "", 30_000_000, llm.Usage{Input: 100, Output: 20}),
	row(3, 0, "openai", "web-app", "gpt-4o", "", 9_000_000_000, llm.Usage{Input: 99, Output: 99}),
	row(3, 0, "anthropic", "web-app", "claude-haiku-4-5", "", 9_000_000_000, llm.Usage{Input: 99, Output: 99}),
}

func row(day, hour int, provider, key, model, served string, cost llm.Money, u llm.Usage) *ledger.Row {
	return &ledger.Row{Call: ledger.Call{Time: time.Date(2026, 11, day, hour, 0, 0, 0, time.UTC), Provider: provider, Key: key, Model: model},
		Served: served, Usage: u, Cost: cost, Kind: ledger.Settled, Result: llm.ResultAnswered}
}

func ours(from, to time.Time, by string) (*usage.Report, error) {
	dims, err := usage.ParseBy(by)
	if err != nil {
		return nil, err
	}
	a := usage.New(usage.Options{From: from, To: to, By: dims})
	for _, r := range calls {
		a.Add(r)
	}
	return a.Report(), nil
}

func read(t *testing.T, files ...string) *Export {
	t.Helper()
	e, err := New("")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		f, err := os.Open(filepath.Join("testdata", name))
		if err != nil {
			t.Fatal(err)
		}
		err = e.Read(f, name)
		f.Close()
		if err != nil {
			t.Fatal(err)
		}
	}
	return e
}

func TestCompare(t *testing.T) {
	keyMap := func(entries ...string) *KeyMap {
		m, err := ParseMap(entries)
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	for _, c := range []struct {
		name  string
		files []string
		o     Options
		want  int // findings
	}{
		{"openai", []string{"openai_usage_1.json", "openai_usage_2.json", "openai_costs.json"}, Options{Tolerance: 10_000}, 0},
		{"openai_keys", []string{"openai_usage_1.json", "openai_usage_2.json"}, Options{Map: keyMap("key_web=web-app", "key_batch=batch")}, 3},
		{"openai_slices", []string{"openai_usage_1.json", "openai_usage_2.json"}, Options{Tolerance: 10_000, PerSlice: true}, 0},
		{"openai_csv", []string{"openai_usage.csv", "openai_costs.csv"}, Options{Tolerance: 10_000}, 0},
		{"openai_other_name", []string{"openai_costs.csv"}, Options{Providers: []string{"nobody"}}, 3},
		{"anthropic", []string{"anthropic_usage.json", "anthropic_costs.json"}, Options{Tolerance: 10_000}, 0},
		{"anthropic_csv", []string{"anthropic_usage.csv", "anthropic_costs.csv"}, Options{Map: keyMap("web=web-app", "batch=batch"), Tolerance: 10_000}, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			rep, err := read(t, c.files...).Compare(c.o, ours)
			if err != nil {
				t.Fatal(err)
			}
			var b bytes.Buffer
			if err := rep.Table(&b); err != nil {
				t.Fatal(err)
			}
			golden(t, c.name+".txt", b.Bytes())
			if rep.Beyond != c.want {
				t.Errorf("%d findings, want %d", rep.Beyond, c.want)
			}
			if c.name != "openai" {
				return
			}
			b.Reset()
			if err := rep.CSV(&b); err != nil {
				t.Fatal(err)
			}
			golden(t, c.name+".csv", b.Bytes())
			b.Reset()
			if err := rep.JSON(&b); err != nil {
				t.Fatal(err)
			}
			golden(t, c.name+".report.json", b.Bytes())
		})
	}
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", "golden", name)
	if os.Getenv("UPDATE_GOLDEN") != "" {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s:\n%s\nwant\n%s", name, got, want)
	}
}

// A finding is what is beyond the tolerance, and not what is at it.
func TestTolerance(t *testing.T) {
	for _, c := range []struct {
		theirs    int64
		tolerance string
		want      bool
	}{
		{50_000, "0%", true}, {91_000, "0%", false}, {91_001, "0%", true}, {91_001, "0.01%", false},
		{90_000, "1.1112%", false}, {90_000, "1.1111%", true}, {92_000, "1%", true}, {92_000, "1.1%", false}, {0, "100%", true}, {182_000, "50%", false},
	} {
		e, _ := New("")
		in := fmt.Sprintf(`{"data":[{"start_time":1793491200,"end_time":1793664000,"results":[{"input_tokens":1701000,"input_cached_tokens":200000,"output_tokens":%d}]}]}`, c.theirs)
		if err := e.Read(strings.NewReader(in), "x"); err != nil {
			t.Fatal(err)
		}
		o := Options{}
		var err error
		if o.Tolerance, err = ParseTolerance(c.tolerance); err != nil {
			t.Fatal(err)
		}
		rep, err := e.Compare(o, ours)
		if err != nil {
			t.Fatal(err)
		}
		for _, l := range rep.Totals {
			if l.Measure == "output_tokens" && l.Beyond != c.want || l.Measure != "output_tokens" && l.Beyond {
				t.Errorf("%d at %s: %+v", c.theirs, c.tolerance, l)
			}
		}
	}
	for _, bad := range []string{"", "1", "%", "-1%", "101%", "1.%", "0.00001%", "1e2%", "１%"} {
		if _, err := ParseTolerance(bad); err == nil {
			t.Errorf("%q was taken", bad)
		}
	}
}

func TestMap(t *testing.T) {
	for _, bad := range [][]string{{"x"}, {"=a"}, {"a="}, {"a=x", "a=y"}, {"a=x", "b=x"}, {"a=x", "b=team:y"}, {"a=x,,y"}, {"*=x"}, {"_unmapped=x"}} {
		if _, err := ParseMap(bad); !errors.Is(err, ErrMap) {
			t.Errorf("%q: %v", bad, err)
		}
	}
	m, err := ParseMap([]string{"a=provider:x,y", "b=provider:z"})
	if err != nil || m.dim != "provider" || m.theirs["y"] != "a" || m.theirs["z"] != "b" {
		t.Errorf("%+v %v", m, err)
	}
	// By the names of our providers: several keys of one provider.
	e := read(t, "openai_usage_1.json", "openai_usage_2.json")
	if m, err = ParseMap([]string{"key_web=provider:openai", "key_batch=provider:openai-eu"}); err != nil {
		t.Fatal(err)
	}
	rep, err := e.Compare(Options{Map: m}, ours)
	if err != nil {
		t.Fatal(err)
	}
	found := false
	for _, l := range rep.Lines {
		found = found || l.Key == "key_batch" && l.Measure == "output_tokens" && l.Ours == "7"
	}
	if !found {
		t.Errorf("%+v", rep.Lines)
	}
}

func TestCanonical(t *testing.T) {
	for in, want := range map[string]string{
		"gpt-4o-2024-08-06": "gpt-4o", "gpt-4o": "gpt-4o", "GPT-4o": "gpt-4o", "claude-sonnet-4-5-20250929": "claude-sonnet-4-5",
		"claude-3-5-sonnet-latest": "claude-3-5-sonnet", "Claude Haiku 4.5": "claude-haiku-4-5", "-2024-08-06": "-2024-08-06",
		"model-12345678": "model-12345678", "gpt-4-0613": "gpt-4-0613", "": "", "ft:gpt-4o-2024-08-06:org::id": "ft:gpt-4o-2024-08-06:org::id",
	} {
		if got := canonical(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

func TestDecimal(t *testing.T) {
	for _, c := range []struct {
		in     string
		places int
		want   string // nano-dollars
	}{
		{"0.06", 0, "60000000"}, {"0.8958740000000000", 0, "895874000"}, {"1.2e-05", 0, "12000"}, {"123.78912", 2, "1237891200"},
		{"5E2", 0, "500000000000"}, {"0", 0, "0"}, {"-0.00", 0, "0"}, {"0.0000000005", 0, "1"}, {"0.00000000049", 0, "0"},
		{"0.060000000000000005", 0, "60000000"}, {"1e-30", 0, "0"}, {"1000000000000000", 0, "1000000000000000000000000"},
	} {
		d, err := parseDecimal(c.in, c.places)
		if err != nil || d.nanos().String() != c.want {
			t.Errorf("%s: %v %v, want %s", c.in, d, err, c.want)
		}
	}
	for _, bad := range []string{"", ".", "1.", ".5", "1,5", "NaN", "Inf", "-1", "-0.01", "--0", "1e", "1e999", "1e-999", "0x1", "1_0", "1000000000000001", "1e30", strings.Repeat("9", 300), " 1"} {
		if d, err := parseDecimal(bad, 0); err == nil {
			t.Errorf("%q was read as %s", bad, d.nanos())
		}
	}
}
