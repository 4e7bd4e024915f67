package dialects

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
	"pgregory.net/rapid"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

var dialectDirs = map[string]llm.Dialect{
	"chat": llm.Chat, "responses": llm.Responses, "messages": llm.Messages, "count_tokens": llm.CountTokens,
	"embeddings": llm.Embeddings, "completions": llm.Completions, "input_tokens": llm.InputTokens,
	"generate_content": llm.GenerateContent, "gemini_count_tokens": llm.GeminiCount, "embed_content": llm.GeminiEmbed, "batch_embed_contents": llm.GeminiBatchEmbed,
	"ollama_chat": llm.OllamaChat, "ollama_generate": llm.OllamaGenerate, "ollama_embed": llm.OllamaEmbed,
}

type request struct {
	name    string
	dialect llm.Dialect
	body    []byte
}

// corpus are the recorded shapes: dialect × {text, tools, unknown fields, big
// integers, odd escapes}.
func corpus(t testing.TB) (all []request) {
	t.Helper()
	files, err := filepath.Glob("testdata/requests/*/*.json")
	if err != nil || len(files) == 0 {
		t.Fatal("no corpus", err)
	}
	for _, f := range files {
		body, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		d, ok := dialectDirs[filepath.Base(filepath.Dir(f))]
		if !ok {
			t.Fatal("no dialect", f)
		}
		all = append(all, request{f, d, body})
	}
	return all
}

// members are the top-level members as raw JSON, by name.
func members(t testing.TB, raw []byte) map[string]string {
	t.Helper()
	d := jsontext.NewDecoder(bytes.NewReader(raw), jsontext.AllowInvalidUTF8(true))
	out := map[string]string{}
	if _, err := d.ReadToken(); err != nil {
		t.Fatalf("%s: %v", raw, err)
	}
	for d.PeekKind() == '"' {
		name, err := d.ReadToken()
		if err != nil {
			t.Fatalf("%s: %v", raw, err)
		}
		key := name.String()
		val, err := d.ReadValue()
		if err != nil {
			t.Fatalf("%s: %v", raw, err)
		}
		out[key] = string(val)
	}
	return out
}

// sameBut checks that every top-level member but the changed ones is there, byte
// for byte, and that no other appeared.
func sameBut(t testing.TB, name string, before, after []byte, changed ...string) {
	t.Helper()
	a, b := members(t, before), members(t, after)
	may := map[string]bool{}
	for _, c := range changed {
		may[c] = true
	}
	for k, v := range a {
		if !may[k] && b[k] != v {
			t.Errorf("%s: %s changed from %s to %s", name, k, v, b[k])
		}
	}
	for k := range b {
		if _, had := a[k]; !had && !may[k] {
			t.Errorf("%s: %s appeared", name, k)
		}
	}
}

// TestByteDiff: without changes the very same bytes leave; a change of model
// changes the bytes of the model and nothing else.
func TestByteDiff(t *testing.T) {
	n := 0
	for _, r := range corpus(t) {
		v, den := Parse(r.dialect, r.body)
		if den != nil {
			t.Errorf("%s: %v", r.name, den)
			continue
		}
		checkView(t, v)
		for _, c := range []struct {
			c llm.Changes
			d llm.Deployment
		}{{}, {llm.Changes{Model: v.Model}, llm.Deployment{}}, {llm.Changes{Model: "alias"}, llm.Deployment{Model: v.Model}}, {llm.Changes{IncludeUsage: !v.Stream}, llm.Deployment{}}} {
			out := Outbound(v, &c.c, c.d)
			if &out[0] != &r.body[0] || len(out) != len(r.body) {
				t.Errorf("%s: without changes the body is not the same memory", r.name)
			}
			n++
		}
		if v.Dialect.Family() == llm.FamilyGemini { // see TestGeminiModels
			continue
		}
		for _, model := range []string{"x", "a \"quoted\\ model\" é", v.Model + "-2"} {
			out := Outbound(v, &llm.Changes{Model: "unused"}, llm.Deployment{Model: model})
			s := v.ModelSpan
			tail := len(r.body) - s.End
			if !bytes.Equal(out[:s.Start], r.body[:s.Start]) || !bytes.Equal(out[len(out)-tail:], r.body[s.End:]) {
				t.Errorf("%s: more than the model changed: %s", r.name, out)
			}
			again, den := Parse(r.dialect, out)
			if den != nil || again.Model != model {
				t.Errorf("%s: %v, model %q", r.name, den, again.Model)
			}
			sameBut(t, r.name, r.body, out, "model")
			n++
		}
	}
	t.Logf("%d byte comparisons over %d requests", n, len(corpus(t)))
}

func TestOutbound(t *testing.T) {
	for _, c := range []struct {
		dialect llm.Dialect
		body    string
		c       llm.Changes
		d       llm.Deployment
		want    string
	}{
		{llm.Chat, ` {"model":"m","messages":[]}`, llm.Changes{MaxTokens: 5}, llm.Deployment{}, ` {"max_completion_tokens":5,"model":"m","messages":[]}`},
		{llm.Chat, `{"model":"m","messages":[]}`, llm.Changes{MaxTokens: 5, Model: "n"}, llm.Deployment{MaxTokensField: "max_tokens"}, `{"max_tokens":5,"model":"n","messages":[]}`},
		{llm.Chat, `{"model":"m","messages":[],"max_tokens":9}`, llm.Changes{MaxTokens: 5}, llm.Deployment{}, `{"model":"m","messages":[],"max_tokens":5}`},
		{llm.Chat, `{"model":"m","messages":[],"max_tokens":9,"max_completion_tokens" : 9 }`, llm.Changes{MaxTokens: 5}, llm.Deployment{}, `{"model":"m","messages":[],"max_tokens":5,"max_completion_tokens" : 5 }`},
		{llm.Chat, `{"model":"m","messages":[],"max_tokens":9,"max_completion_tokens":null}`, llm.Changes{MaxTokens: 5}, llm.Deployment{}, `{"model":"m","messages":[],"max_tokens":5,"max_completion_tokens":null}`},
		{llm.Chat, `{"model":"m","messages":[],"max_tokens":4}`, llm.Changes{MaxTokens: 5}, llm.Deployment{}, `{"model":"m","messages":[],"max_tokens":4}`},
		{llm.Chat, `{"model":"m","messages":[],"max_tokens":null}`, llm.Changes{MaxTokens: 5}, llm.Deployment{}, `{"max_completion_tokens":5,"model":"m","messages":[],"max_tokens":null}`},
		{llm.Chat, `{"model":"m","messages":[],"max_tokens":null,"max_completion_tokens":null}`, llm.Changes{MaxTokens: 5}, llm.Deployment{}, `{"model":"m","messages":[],"max_tokens":null,"max_completion_tokens":5}`},
		{llm.Chat, `{"model":"m","messages":[],"max_tok\u0065ns":null}`, llm.Changes{MaxTokens: 5}, llm.Deployment{MaxTokensField: "max_tokens"}, `{"model":"m","messages":[],"max_tok\u0065ns":5}`},
		{llm.Responses, `{"model":"m"}`, llm.Changes{MaxTokens: 5, IncludeUsage: true}, llm.Deployment{MaxTokensField: "max_tokens"}, `{"max_output_tokens":5,"model":"m"}`},
		{llm.Messages, `{"model":"m","messages":[]}`, llm.Changes{MaxTokens: 5}, llm.Deployment{MaxTokensField: "max_completion_tokens"}, `{"max_tokens":5,"model":"m","messages":[]}`},
		{llm.CountTokens, `{"model":"m","messages":[]}`, llm.Changes{MaxTokens: 5}, llm.Deployment{}, `{"model":"m","messages":[]}`},
		{llm.Embeddings, `{"model":"m","input":"x"}`, llm.Changes{MaxTokens: 5, IncludeUsage: true}, llm.Deployment{}, `{"model":"m","input":"x"}`},
		{llm.Chat, `{"model":"m","messages":[],"stream":true}`, llm.Changes{IncludeUsage: true, MaxTokens: 7}, llm.Deployment{}, `{"max_completion_tokens":7,"stream_options":{"include_usage":true},"model":"m","messages":[],"stream":true}`},
		{llm.Chat, `{"model":"m","messages":[],"stream":true,"stream_options":{}}`, llm.Changes{IncludeUsage: true}, llm.Deployment{}, `{"model":"m","messages":[],"stream":true,"stream_options":{"include_usage":true}}`},
		{llm.Chat, `{"model":"m","messages":[],"stream":true,"stream_options":{ "x":1}}`, llm.Changes{IncludeUsage: true}, llm.Deployment{}, `{"model":"m","messages":[],"stream":true,"stream_options":{"include_usage":true, "x":1}}`},
		{llm.Chat, `{"model":"m","messages":[],"stream":true,"stream_options":null}`, llm.Changes{IncludeUsage: true}, llm.Deployment{}, `{"model":"m","messages":[],"stream":true,"stream_options":{"include_usage":true}}`},
		{llm.Completions, `{"model":"m","stream":true,"stream_options":{"include_usage":false}}`, llm.Changes{IncludeUsage: true}, llm.Deployment{}, `{"model":"m","stream":true,"stream_options":{"include_usage":true}}`},
		{llm.Completions, `{"model":"m","stream":true,"stream_options":{"include_usage":null}}`, llm.Changes{IncludeUsage: true}, llm.Deployment{}, `{"model":"m","stream":true,"stream_options":{"include_usage":true}}`},
		{llm.Chat, `{"model":"m","messages":[],"stream":true,"stream_options":{"include_usage":true}}`, llm.Changes{IncludeUsage: true}, llm.Deployment{}, `{"model":"m","messages":[],"stream":true,"stream_options":{"include_usage":true}}`},
		{llm.Chat, `{"model":"m","messages":[]}`, llm.Changes{IncludeUsage: true}, llm.Deployment{}, `{"model":"m","messages":[]}`},
		{llm.Responses, `{"input":"secret","model":"m"}`, llm.Changes{MaxTokens: 3, Edits: []llm.Edit{{Span: llm.Span{Start: 9, End: 17}, New: []byte(`"***"`)}}}, llm.Deployment{Model: "n"}, `{"max_output_tokens":3,"input":"***","model":"n"}`},
	} {
		v, den := Parse(c.dialect, []byte(c.body))
		if den != nil {
			t.Errorf("%s: %v", c.body, den)
			continue
		}
		if got := string(Outbound(v, &c.c, c.d)); got != c.want {
			t.Errorf("%s\n got %s\nwant %s", c.body, got, c.want)
		}
	}
	v, _ := Parse(llm.Responses, []byte(`{"model":"m"}`))
	if got := Outbound(v, nil, llm.Deployment{}); string(got) != `{"model":"m"}` {
		t.Errorf("nil changes: %s", got)
	}
}

// TestOutboundProperty: any changes of any request leave a strict document that
// says what was asked for, and every other member byte for byte as it was.
func TestOutboundProperty(t *testing.T) {
	all := corpus(t)
	all = slices.DeleteFunc(all, func(r request) bool { return r.dialect.Family() == llm.FamilyGemini }) // see TestNestedLimit
	limits := []string{"", `"max_tokens":9,`, `"max_tokens":null,`, `"max_completion_tokens":9,`, `"max_tokens":9,"max_completion_tokens":9,`,
		`"max_completion_tokens":null,"max_tokens":9,`, `"max_tokens":null,"max_completion_tokens":null,`}
	options := []string{"", `"stream_options":null,`, `"stream_options":{},`, `"stream_options":{ "a" : 1 },`, `"stream_options":{"include_usage":false,"a":1},`, `"stream_options":{"a":1,"include_usage":true},`}
	rapid.Check(t, func(rt *rapid.T) {
		r := rapid.SampledFrom(all).Draw(rt, "request")
		if rapid.Bool().Draw(rt, "made") {
			r = request{"made", rapid.SampledFrom([]llm.Dialect{llm.Chat, llm.Completions}).Draw(rt, "dialect"), []byte(`{` + rapid.SampledFrom(limits).Draw(rt, "limits") +
				rapid.SampledFrom(options).Draw(rt, "options") + `"stream":` + fmt.Sprint(rapid.Bool().Draw(rt, "stream")) + `,"model":"m","messages":[]}`)}
		}
		v, den := Parse(r.dialect, r.body)
		if den != nil {
			rt.Fatalf("%s: %v", r.body, den)
		}
		c := llm.Changes{Model: rapid.SampledFrom([]string{"", "m", "other", "é\"\\"}).Draw(rt, "model"), MaxTokens: rapid.SampledFrom([]int64{0, 1, 9, 20, 300}).Draw(rt, "max"), IncludeUsage: rapid.Bool().Draw(rt, "usage")}
		d := llm.Deployment{Model: rapid.SampledFrom([]string{"", "dep"}).Draw(rt, "deployment"), MaxTokensField: rapid.SampledFrom([]string{"", "max_tokens", "max_completion_tokens"}).Draw(rt, "field")}
		before := string(r.body)
		out := Outbound(v, &c, d)
		if string(r.body) != before {
			rt.Fatalf("the body was modified")
		}
		w, den := Parse(r.dialect, out)
		if den != nil {
			rt.Fatalf("%s: %v", out, den)
		}
		model := v.Model
		if c.Model != "" {
			model = c.Model
		}
		if d.Model != "" {
			model = d.Model
		}
		if w.Model != model && c.Model+d.Model != "" {
			rt.Errorf("model %q, want %q", w.Model, model)
		}
		limited := r.dialect != llm.Embeddings && r.dialect != llm.CountTokens && r.dialect != llm.InputTokens && r.dialect != llm.OllamaEmbed
		switch {
		case c.MaxTokens == 0 || !limited:
			if w.MaxTokens != v.MaxTokens {
				rt.Errorf("max tokens %d became %d", v.MaxTokens, w.MaxTokens)
			}
		case v.MaxTokens < 0 || v.MaxTokens > c.MaxTokens:
			if w.MaxTokens != c.MaxTokens {
				rt.Errorf("max tokens %d, want %d: %s", w.MaxTokens, c.MaxTokens, out)
			}
		case w.MaxTokens != v.MaxTokens:
			rt.Errorf("a lower limit was changed: %s", out)
		}
		if can := r.dialect == llm.Chat || r.dialect == llm.Completions; can && w.IncludeUsage != (v.IncludeUsage || c.IncludeUsage && v.Stream) {
			rt.Errorf("include_usage %v: %s", w.IncludeUsage, out)
		}
		sameBut(t, r.name, r.body, out, "model", "max_tokens", "max_completion_tokens", "max_output_tokens", "stream_options", "options")
	})
}

func FuzzParse(f *testing.F) {
	for _, r := range corpus(f) {
		f.Add(uint8(r.dialect), r.body)
	}
	f.Add(uint8(llm.GeminiEmbed), []byte(`{"content":{},"":"0"}`))
	f.Add(uint8(llm.Chat), []byte(`{"model":"m","messages":[],"":"say hi","stream_options":{"":"say hi"}}`))
	f.Add(uint8(llm.Messages), []byte(`{"model":"m","messages":[],"thinking":"say hi","context_management":"say hi"}`))
	f.Add(uint8(llm.CountTokens), []byte(`{"model":"m","messages":[],"context_management":{"":"say hi"},"thinking":{"":"say hi"}}`))
	f.Fuzz(func(t *testing.T, dialect uint8, body []byte) {
		d := llm.Dialect(dialect % uint8(llm.Objects+1))
		v, den := Parse(d, body)
		if den != nil {
			if den.Status != 400 || den.Message == "" {
				t.Fatalf("%+v", den)
			}
			return
		}
		checkView(t, v)
		// What we accept, an independent reader accepts, and it reads the same.
		dec := jsontext.NewDecoder(bytes.NewReader(body), jsontext.AllowInvalidUTF8(true))
		if _, err := dec.ReadValue(); err != nil {
			t.Fatalf("we accept %q, jsontext says %v", body, err)
		}
		if d.Family() == llm.FamilyGemini {
			geminiAgain(t, v)
			return
		}
		lenient := struct {
			Model  string
			Stream bool
		}{Stream: d == llm.OllamaChat || d == llm.OllamaGenerate} // they stream unless told not to
		if err := json.Unmarshal(body, &lenient); err != nil || lenient.Model != v.Model || lenient.Stream != v.Stream {
			t.Fatalf("%q: we read %q %v, encoding/json %+v %v", body, v.Model, v.Stream, lenient, err)
		}
		c := llm.Changes{Model: "other", MaxTokens: 1, IncludeUsage: true}
		w, den := Parse(d, Outbound(v, &c, llm.Deployment{}))
		if den != nil || w.Model != "other" || w.MaxTokens != 1 && maxTokensField(d, llm.Deployment{}) != "" {
			t.Fatalf("%q: outbound %v %+v", body, den, w)
		}
		if len(w.Segments) != len(v.Segments) {
			t.Fatalf("%q: %d segments became %d", body, len(v.Segments), len(w.Segments))
		}
	})
}

// chatBody is a request of about n bytes with a system prompt and a few turns.
func chatBody(n int, anthropic bool) []byte {
	var b strings.Builder
	if anthropic {
		b.WriteString(`{"model":"claude-sonnet-4","max_tokens":1024,"system":"You are a helpful assistant.","messages":[`)
	} else {
		b.WriteString(`{"model":"gpt-4o-mini","temperature":0.7,"max_tokens":1024,"messages":[{"role":"system","content":"You are a helpful assistant."},`)
	}
	text := strings.Repeat("The quick brown fox jumps over the lazy dog, twice. ", n/3/52+1)
	fmt.Fprintf(&b, `{"role":"user","content":"%s"},{"role":"assistant","content":"%s"},{"role":"user","content":"%s"}],"stream":true}`, text, text, text)
	return []byte(b.String())
}

func BenchmarkParse(b *testing.B) {
	for _, c := range []struct {
		name string
		d    llm.Dialect
		body []byte
	}{
		{"chat/1KB", llm.Chat, chatBody(800, false)}, {"chat/100KB", llm.Chat, chatBody(100_000, false)},
		{"messages/1KB", llm.Messages, chatBody(800, true)}, {"messages/100KB", llm.Messages, chatBody(100_000, true)},
		{"chat/100KB_escapes", llm.Chat, bytes.ReplaceAll(chatBody(100_000, false), []byte("twice. "), []byte(`twice.\n`))},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.SetBytes(int64(len(c.body)))
			b.ReportAllocs()
			for b.Loop() {
				if _, den := Parse(c.d, c.body); den != nil {
					b.Fatal(den)
				}
			}
		})
	}
}

func BenchmarkOutbound(b *testing.B) {
	v, _ := Parse(llm.Chat, chatBody(800, false))
	for name, c := range map[string]llm.Changes{"same": {}, "model+usage": {Model: "x", IncludeUsage: true}} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				Outbound(v, &c, llm.Deployment{})
			}
		})
	}
}

func BenchmarkClassify(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		Classify("POST", "/team/v1/chat/completions", nil)
	}
}
