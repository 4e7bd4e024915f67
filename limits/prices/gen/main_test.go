package main

import (
	"bytes"
	"compress/gzip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/limits/prices"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

const source = `[{"id":"openai","name":"ignored","models":[
 {"id":"a","match":{"or":[{"equals":"a"},{"starts_with":"a-"}]},"prices":{"input_mtok":0.18000000000000002,"output_mtok":{"base":1,"tiers":[{"start":1000,"price":2}]},"web_searches_kcount":10}},
 {"id":"b","match":{"contains":"bb"},"prices":[{"prices":{"input_mtok":5e-2,"input_image_mtok":7}},{"constraint":{"start_date":"2026-09-01"},"prices":{"input_mtok":1}}]},
 {"id":"unknown","match":{"equals":"u"},"prices":{}}]}]`

func TestGenerate(t *testing.T) {
	dir := t.TempDir()
	var zipped bytes.Buffer
	z := gzip.NewWriter(&zipped)
	z.Write([]byte(source))
	z.Close()
	for name, data := range map[string][]byte{"plain.json": []byte(source), "zipped.json.gz": zipped.Bytes()} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		if err := run([]string{path, "2026-08-21"}, &out); err != nil {
			t.Fatal(err)
		}
		c, err := prices.Load(out.Bytes())
		if err != nil {
			t.Fatal(err)
		}
		at := time.Date(2026, 8, 21, 0, 0, 0, 0, time.UTC)
		a, ok := c.Lookup("", "openai", "A-1", at)
		if !ok || *a.Input != 180_000_000 || *a.Output != llm.USD || a.Tiers[0].Above != 1000 || *a.Tiers[0].Output != 2*llm.USD || *a.WebSearch != 10_000_000 {
			t.Errorf("a: %v %+v", ok, a)
		}
		if b, _ := c.Lookup("", "openai", "xbbx", at); *b.Input != 50_000_000 || *b.InputImage != 7*llm.USD {
			t.Errorf("b: %+v", b)
		}
		if b, _ := c.Lookup("", "openai", "xbbx", at.AddDate(0, 1, 0)); *b.Input != llm.USD {
			t.Errorf("b in September: %+v", b)
		}
		if _, ok := c.Lookup("", "openai", "u", at); ok {
			t.Error("a model without a price got one")
		}
	}
}

// The snapshot in the binary is what the generator writes, byte for byte, and has
// what it adds to the source.
func TestSnapshotIsTheGenerators(t *testing.T) {
	b, err := os.ReadFile("../snapshot.json")
	if err != nil {
		t.Fatal(err)
	}
	im, err := prices.Import(b)
	if err != nil {
		t.Fatal(err)
	}
	for i := range im.Snapshot.Providers {
		p := &im.Snapshot.Providers[i]
		if p.WellKnown != wellKnown[p.Name] || !slices.Equal(p.Also, also[p.Name]) {
			t.Errorf("provider %s: well known %v, also %v", p.Name, p.WellKnown, p.Also)
		}
		for j := range p.Models {
			supplement(p.Name, &p.Models[j])
		}
	}
	made, err := marshal(im.Snapshot)
	if err != nil || !bytes.Equal(made, b) {
		t.Errorf("the snapshot was not made by the generator: %v", err)
	}
	sonnet, ok := prices.Embedded().Lookup("", "anthropic", "claude-opus-4-8", time.Now())
	if !ok || sonnet.Regions["us"] != 1_100_000_000 || sonnet.Served["fast"].Times != 2_000_000_000 {
		t.Errorf("supplements: %+v", sonnet)
	}
}

func TestGenerateRefuses(t *testing.T) {
	for name, s := range map[string]string{
		"unknown price":  `[{"id":"p","models":[{"id":"a","match":{"equals":"a"},"prices":{"input_furlong":1}}]}]`,
		"wildcard":       `[{"id":"p","models":[{"id":"a","match":{"equals":"a*"},"prices":{"input_mtok":1}}]}]`,
		"unknown match":  `[{"id":"p","models":[{"id":"a","match":{"sounds_like":"a"},"prices":{"input_mtok":1}}]}]`,
		"negative price": `[{"id":"p","models":[{"id":"a","match":{"equals":"a"},"prices":{"input_mtok":-1}}]}]`,
		"no number":      `[{"id":"p","models":[{"id":"a","match":{"equals":"a"},"prices":{"input_mtok":"x"}}]}]`,
	} {
		if _, err := convert([]byte(s)); err == nil {
			t.Errorf("%s: converted", name)
		}
	}
	if err := run([]string{"x"}, &strings.Builder{}); err == nil {
		t.Error("one argument was enough")
	}
}
