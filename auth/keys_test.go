package auth

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

const (
	secretWeb   = "sgw-web-0123456789abcdef-CANARY"
	secretBatch = "sgw-batch-0123456789abcdef-CANARY"
)

var noon = time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)

func twoKeys(t testing.TB) *Keys {
	t.Helper()
	k, err := NewKeys([]KeySpec{
		{Name: "web", Secret: secretWeb, User: "ann", Team: "growth", Org: "acme",
			Groups: []string{"dev"}, Scopes: []string{"tools"}, Models: []string{"gpt-*"}},
		{Name: "batch", Secret: secretBatch, Expires: noon},
	})
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestFind(t *testing.T) {
	k := twoKeys(t)
	p, d := k.Find(secretWeb, noon)
	if d != nil {
		t.Fatal(d)
	}
	if p.Key != "web" || p.User != "ann" || p.Team != "growth" || p.Org != "acme" ||
		p.Groups[0] != "dev" || p.Scopes[0] != "tools" || !p.MayUse("gpt-4o") || p.MayUse("claude") {
		t.Errorf("got %+v", p)
	}
	if p, d := k.Find(secretBatch, noon.Add(-1)); d != nil || p.Key != "batch" {
		t.Errorf("a moment before expiry: %v, %v", p, d)
	}
	for _, now := range []time.Time{noon, noon.Add(time.Hour)} {
		if p, d := k.Find(secretBatch, now); p != nil || d == nil || d.Code != llm.CodeExpired || d.Status != 401 {
			t.Errorf("at expiry: %v, %v", p, d)
		}
	}
}

func TestFindRefusesAlike(t *testing.T) {
	k := twoKeys(t)
	var first string
	for _, secret := range []string{
		"", "x", secretWeb[:len(secretWeb)-1], secretWeb + "x", strings.ToUpper(secretWeb), " " + secretWeb, secretWeb + "\x00",
		"web", strings.Repeat("a", MaxSecret+100), strings.Repeat("\xff", 40),
	} {
		p, d := k.Find(secret, noon)
		if p != nil || d == nil {
			t.Fatalf("%.40q was let in", secret)
		}
		if d.Status != 401 || d.Code != llm.CodeUnauthenticated || d.Stage != llm.StageAuth || len(d.Header) != 1 || d.Header[0][0] != "WWW-Authenticate" {
			t.Errorf("%.40q: %+v", secret, d)
		}
		all := fmt.Sprintf("%+v", *d)
		if first == "" {
			first = all
		}
		if all != first {
			t.Errorf("%.40q is told something else: %s", secret, all)
		}
	}
	if strings.Contains(first, "web") || strings.Contains(first, "batch") {
		t.Errorf("the denial names keys: %s", first)
	}
}

// A secret of the greatest length must work, and no longer one may pass for it.
func TestFindLongestSecret(t *testing.T) {
	longest := strings.Repeat("k", MaxSecret-1) + "x"
	k, err := NewKeys([]KeySpec{{Name: "a", Secret: longest}})
	if err != nil {
		t.Fatal(err)
	}
	if _, d := k.Find(longest, noon); d != nil {
		t.Error(d)
	}
	if _, d := k.Find(longest+"y", noon); d == nil {
		t.Error("a longer secret was let in")
	}
}

func TestNewKeysRefuses(t *testing.T) {
	ok := KeySpec{Name: "web", Secret: secretWeb}
	with := func(f func(*KeySpec)) []KeySpec {
		s := ok
		f(&s)
		return []KeySpec{s}
	}
	for name, c := range map[string]struct {
		specs []KeySpec
		want  string
	}{
		"none":              {nil, "no keys"},
		"no name":           {with(func(s *KeySpec) { s.Name = "" }), "no name"},
		"name with space":   {with(func(s *KeySpec) { s.Name = "a b" }), "space"},
		"reserved name":     {with(func(s *KeySpec) { s.Name = "_none" }), "reserved"},
		"reserved team":     {with(func(s *KeySpec) { s.Team = "_other" }), "reserved"},
		"newline in team":   {with(func(s *KeySpec) { s.Team = "a\nb" }), "control"},
		"long user":         {with(func(s *KeySpec) { s.User = strings.Repeat("u", 200) }), "longer"},
		"empty secret":      {with(func(s *KeySpec) { s.Secret = "" }), `"web" is empty`},
		"short secret":      {with(func(s *KeySpec) { s.Secret = "CANARY-CANARY-1" }), "at least 16"},
		"huge secret":       {with(func(s *KeySpec) { s.Secret = strings.Repeat("CANARY", 1000) }), "at most"},
		"secret with space": {with(func(s *KeySpec) { s.Secret = "CANARY CANARY CANARY" }), "space"},
		"trailing newline":  {with(func(s *KeySpec) { s.Secret = "CANARYCANARYCANARY\n" }), "control"},
		"control":           {with(func(s *KeySpec) { s.Secret = "CANARYCANARYCANARY\x01" }), "control"},
		"not ascii":         {with(func(s *KeySpec) { s.Secret = "CANARYCANARYCANARYé" }), "ASCII"},
		"placeholder":       {with(func(s *KeySpec) { s.Secret = "{env.CANARY_WEB_APP_KEY}" }), "placeholder"},
		"same name":         {[]KeySpec{ok, {Name: "web", Secret: secretBatch}}, "twice"},
		"same secret":       {[]KeySpec{ok, {Name: "web2", Secret: secretWeb}}, `"web" and "web2" have the same secret`},
		"empty scope":       {with(func(s *KeySpec) { s.Scopes = []string{""} }), "empty scope"},
		"bad model":         {with(func(s *KeySpec) { s.Models = []string{"gpt 4"} }), "model"},
	} {
		k, err := NewKeys(c.specs)
		if err == nil || k != nil {
			t.Errorf("%s: accepted", name)
			continue
		}
		if !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v does not say %q", name, err, c.want)
		}
		for e := err; e != nil; e = errors.Unwrap(e) {
			if s := fmt.Sprintf("%v %+v %#v", e, e, e); strings.Contains(s, "CANARY") {
				t.Errorf("%s: the secret is in %s", name, s)
			}
		}
	}
}

// TestCanary prints, marshals and logs everything that the package makes.
func TestCanary(t *testing.T) {
	spec := KeySpec{Name: "web", Secret: secretWeb, Team: "growth"}
	k := twoKeys(t)
	p, _ := k.Find(secretWeb, noon)
	_, wrong := k.Find(secretWeb+"CANARY", noon)
	_, expired := k.Find(secretBatch, noon)
	_, conflict := Credential(map[string][]string{"X-Api-Key": {secretWeb, secretBatch}}, "")
	_, basic := Credential(map[string][]string{"Authorization": {"Basic " + secretWeb}}, "")
	_, query := Credential(nil, "key="+secretWeb+"%zz")
	for i, v := range []any{spec, &spec, []KeySpec{spec}, map[string]KeySpec{"x": spec}, struct{ S KeySpec }{spec},
		k, *p, p, wrong, expired, conflict, basic, query} {
		var out strings.Builder
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
			fmt.Fprintf(&out, verb+"\n", v)
		}
		j, err := json.Marshal(v)
		if err != nil {
			t.Errorf("%d: %v", i, err)
		}
		out.Write(j)
		slog.New(slog.NewJSONHandler(&out, nil)).Info("x", "v", v)
		slog.New(slog.NewTextHandler(&out, nil)).Info("x", "v", v)
		if err, ok := v.(error); ok {
			out.WriteString(err.Error())
		}
		for _, form := range []string{"CANARY", fmt.Sprintf("%x", "CANARY"), "53 47 57", fmt.Sprint([]byte("CANARY"))} {
			if strings.Contains(out.String(), form) {
				t.Errorf("%d (%T): the secret is in %s", i, v, out.String())
			}
		}
	}
	// The set itself must not keep it, not even where printing does not reach.
	if s := fmt.Sprintf("%#v %#v", k.byDigest, k.decoy); strings.Contains(s, "CANARY") {
		t.Error("the set keeps a secret")
	}
	if k.Len() != 2 || (*Keys)(nil).String() == "" {
		t.Error("Len or String")
	}
}

func TestFindConcurrently(t *testing.T) {
	k := twoKeys(t)
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for j := range 500 {
				if p, d := k.Find(secretWeb, noon); d != nil || p.Key != "web" {
					t.Error(p, d)
				}
				if p, d := k.Find(fmt.Sprint("unknown-key-", i, j), noon); d == nil {
					t.Error(p)
				}
			}
		})
	}
	wg.Wait()
}

// Two sets must not share a pepper: equal digests would tie configurations to
// each other in a memory dump.
func TestPepperIsPerSet(t *testing.T) {
	if a, b := twoKeys(t), twoKeys(t); a.hash(secretWeb) == b.hash(secretWeb) {
		t.Error("two sets hash alike")
	}
}

func BenchmarkFind(b *testing.B) {
	k := twoKeys(b)
	for name, secret := range map[string]string{"known": secretWeb, "unknown": "sgw-unk-0123456789abcdef-CANARY", "almost": secretWeb[:len(secretWeb)-1] + "Z"} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				k.Find(secret, noon)
			}
		})
	}
}
