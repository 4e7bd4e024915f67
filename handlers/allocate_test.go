package handlers

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

func TestAllocate(t *testing.T) {
	many := make([]string, 40)
	for i := range many {
		many[i] = fmt.Sprint("t", i)
	}
	all := &Allocation{ProjectHeader: "X-Project", ProjectMetadata: "project", TagsHeader: "X-Tags"}
	for name, c := range map[string]struct {
		a       *Allocation
		project []string
		tags    []string
		body    string
		want    string
		wantTag []string
	}{
		"nothing configured":     {nil, []string{"atlas"}, []string{"a"}, `{"metadata":{"project":"body"}}`, "", nil},
		"header":                 {all, []string{" atlas "}, nil, `{}`, "atlas", nil},
		"metadata":               {all, nil, nil, `{"metadata":{"project":"body"}}`, "body", nil},
		"header before metadata": {all, []string{"atlas", "second"}, nil, `{"metadata":{"project":"body"}}`, "atlas", nil},
		"empty header":           {all, []string{" \t"}, nil, `{"metadata":{"project":"body"}}`, "body", nil},
		"no body":                {all, nil, nil, "", "", nil},
		"tags":                   {all, nil, []string{"a, b,,a", "env=prod"}, `{}`, "", []string{"a", "b", "env=prod"}},
		"too many tags":          {all, nil, []string{strings.Join(many, ",")}, `{}`, "", many[:16]},
		"control characters":     {all, []string{"at\x1b[31mlas\r\n\x00\u202e\u200b\xff"}, []string{"\x07"}, `{}`, "at[31mlas", nil},
		"the gateway's names":    {all, []string{"_none"}, []string{"__other"}, `{}`, "none", []string{"other"}},
		"long":                   {all, []string{strings.Repeat("x", 1<<20)}, []string{strings.Repeat("é", 100)}, `{}`, strings.Repeat("x", 64), []string{strings.Repeat("é", 32)}},
	} {
		t.Run(name, func(t *testing.T) {
			var x call
			r := &http.Request{Header: http.Header{"X-Other": {"stays"}}}
			if c.project != nil {
				r.Header["X-Project"] = c.project
			}
			if c.tags != nil {
				r.Header["X-Tags"] = c.tags
			}
			if c.body != "" {
				x.x.View = &llm.View{Raw: []byte(c.body)}
			}
			x.allocate(r, c.a)
			if x.x.Project != c.want || !slices.Equal(x.x.Tags, c.wantTag) {
				t.Errorf("project %q, tags %q; want %q and %q", x.x.Project, x.x.Tags, c.want, c.wantTag)
			}
			if left := len(r.Header); c.a != nil && left != 1 {
				t.Errorf("%d headers would be sent to the provider: %v", left, r.Header)
			}
			// A second handler with the option changes nothing.
			x.allocate(r, c.a)
			if x.x.Project != c.want || !slices.Equal(x.x.Tags, c.wantTag) {
				t.Errorf("the second time: project %q, tags %q", x.x.Project, x.x.Tags)
			}
		})
	}
}

func TestUnmarshalAllocation(t *testing.T) {
	for _, c := range []struct {
		in   string
		want Allocation
		err  string
	}{
		{"project header x-project", Allocation{ProjectHeader: "X-Project"}, ""},
		{"project header X-Project\nproject metadata project\ntags header X-Tags", Allocation{"X-Project", "project", "X-Tags"}, ""},
		{"project header A\nproject header B", Allocation{}, "given twice"},
		{"project metadata a\nproject metadata b", Allocation{}, "given twice"},
		{"project", Allocation{}, "e.g. project header"},
		{"project header", Allocation{}, "e.g. project header"},
		{"project cookie x", Allocation{}, "e.g. project header"},
		{"tags metadata x", Allocation{}, "e.g. tags header"},
		{"tags header \"\"", Allocation{}, "e.g. tags header"},
		{"tags header \"X Tags\"", Allocation{}, "not the name of a header"},
		{"tags header authorization", Allocation{}, "meaning of its own"},
		{"project header X-P\ntags header x-p", Allocation{}, "two different headers"},
		{"project metadata " + strings.Repeat("x", 65), Allocation{}, "more than 64 bytes"},
	} {
		d := caddyfile.NewTestDispenser(c.in)
		var a *Allocation
		var err error
		for d.Next() && err == nil {
			var ok bool
			if ok, err = unmarshalAllocation(d, &a); !ok {
				t.Fatalf("%q: not taken", d.Val())
			}
		}
		switch {
		case c.err == "" && (err != nil || *a != c.want):
			t.Errorf("%q: %+v %v", c.in, a, err)
		case c.err != "" && (err == nil || !strings.Contains(err.Error(), c.err)):
			t.Errorf("%q: %v, want %s", c.in, err, c.err)
		}
	}
	d := caddyfile.NewTestDispenser("budget 1 USD/day")
	d.Next()
	if ok, err := unmarshalAllocation(d, new(*Allocation)); ok || err != nil {
		t.Errorf("another option was taken: %v", err)
	}
}

func FuzzAllocated(f *testing.F) {
	for _, s := range []string{"atlas", "_none", "\x1b[2J", "a\xffb", strings.Repeat("é", 80)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := allocated(s)
		if len(got) > maxAllocated || !utf8.ValidString(got) || strings.ContainsAny(got, "\r\n\x00\x1b") || strings.HasPrefix(got, "_") || strings.TrimSpace(got) != got {
			t.Errorf("%q became %q", s, got)
		}
		if allocated(got) != got {
			t.Errorf("%q became %q, then %q", s, got, allocated(got))
		}
	})
}
