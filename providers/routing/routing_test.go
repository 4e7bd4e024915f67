package routing

import (
	"slices"
	"strings"
	"testing"
)

func table(t *testing.T, inline string, lines ...string) *Table {
	t.Helper()
	declared := []string{"openai", "claude", "local"}
	tb := &Table{Inline: inline, Declared: func(n string) bool { return slices.Contains(declared, n) }}
	for _, s := range lines {
		f := strings.Fields(s)
		l := Line{Pattern: f[0]}
		for _, x := range f[1:] {
			tg, err := ParseTarget(x)
			if err != nil {
				t.Fatal(err)
			}
			l.Targets = append(l.Targets, tg)
		}
		tb.Lines = append(tb.Lines, l)
	}
	return tb
}

func TestResolve(t *testing.T) {
	governed := []string{"gpt-4o* openai", "claude-* claude", "smart openai/gpt-4o claude/claude-sonnet-4-5", "local/* local"}
	for _, tc := range []struct {
		name, inline string
		lines        []string
		model        string
		want         []Choice
		pattern      string
	}{
		{"pattern", "", governed, "gpt-4o-mini", []Choice{{"openai", "gpt-4o-mini", 1}}, "gpt-4o*"},
		{"alias", "", governed, "smart", []Choice{{"openai", "gpt-4o", 1}, {"claude", "claude-sonnet-4-5", 1}}, "smart"},
		{"prefix in the pattern is stripped", "", governed, "local/llama3", []Choice{{"local", "llama3", 1}}, "local/*"},
		{"prefix chooses among the targets", "", governed, "claude/smart", []Choice{{"claude", "claude-sonnet-4-5", 1}}, "smart"},
		{"prefix before a pattern", "", governed, "openai/gpt-4o", []Choice{{"openai", "gpt-4o", 1}}, "gpt-4o*"},
		{"prefix of a provider that the line does not list", "", governed, "claude/gpt-4o", nil, ""},
		{"unknown", "", governed, "llama3", nil, ""},
		{"a slash that is no provider", "", []string{"meta/* local"}, "meta/llama", []Choice{{"local", "meta/llama", 1}}, "meta/*"},
		{"inline takes all and never strips", "openai", nil, "openai/gpt-4o", []Choice{{"openai", "openai/gpt-4o", 1}}, ""},
		{"inline with lines", "sim", []string{"a*"}, "abc", []Choice{{"sim", "abc", 1}}, "a*"},
		{"inline with lines, unknown", "sim", []string{"a*"}, "b", nil, ""},
		{"first line wins", "", []string{"* openai", "x claude"}, "x", []Choice{{"openai", "x", 1}}, "*"},
		{"prefix skips a line that cannot serve it", "", []string{"* openai", "x claude"}, "claude/x", []Choice{{"claude", "x", 1}}, "x"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			tb := table(t, tc.inline, tc.lines...)
			if err := tb.Check(); err != nil {
				t.Fatal(err)
			}
			got, line := tb.Resolve(tc.model)
			pattern := ""
			if line != nil {
				pattern = line.Pattern
			}
			if !slices.Equal(got, tc.want) || pattern != tc.pattern {
				t.Fatalf("got %v by %q, want %v by %q", got, pattern, tc.want, tc.pattern)
			}
		})
	}
}

func TestCheck(t *testing.T) {
	for _, tc := range []struct {
		inline string
		lines  []string
		want   string
	}{
		{"", nil, "no provider"},
		{"", []string{"a nobody"}, `no provider "nobody"`},
		{"", []string{"a"}, "leads to no provider"},
		{"", []string{"a openai", "a claude"}, "given twice"},
		{"", []string{"a openai openai"}, "given twice"},
	} {
		if err := table(t, tc.inline, tc.lines...).Check(); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%v: got %v, want %q", tc.lines, err, tc.want)
		}
	}
	for _, bad := range []string{"", "/x", "x/"} {
		if _, err := ParseTarget(bad); err == nil {
			t.Errorf("%q is no target", bad)
		}
	}
}

func TestNames(t *testing.T) {
	tb := table(t, "", "gpt-4o* openai", "local/* local")
	if got := tb.Names("openai", []string{"gpt-4o", "o1", "gpt-4o-mini"}); !slices.Equal(got, []string{"gpt-4o", "gpt-4o-mini"}) {
		t.Error(got)
	}
	if got := tb.Names("local", []string{"llama3"}); !slices.Equal(got, []string{"local/llama3"}) {
		t.Error(got)
	}
}
