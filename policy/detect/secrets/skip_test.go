package secrets

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/policy/detect"
)

// everywhere is Scan that tries each place where a match may begin, however surely none does.
func everywhere(text string) (out []detect.Match) {
	j := job{s: New(), c: detect.NewCursor(text, true), text: text}
	j.c.Remember(&j.runs)
	for p := 0; p < len(text); {
		var prev byte
		if p > 0 {
			prev = text[p-1]
		}
		if !alnum(prev) || j.escaped(p) {
			if end, rule := j.at(p, text[p], prev); end > p {
				out = append(out, detect.Match{Start: p, End: end, Rule: rule, Kind: detect.KindSecret})
				p = end
				continue
			}
		}
		p++
	}
	return out
}

// What is passed over begins nothing.
func TestPassedOver(t *testing.T) {
	parts := append(seeds(), New().Words()...)
	parts = append(parts, "\n", "DB_PASSWORD\n", "localhost:5432:db:me:tr0ub4dor3", "WIFI:S:x;P:", "IDENTIFIED BY ", `\n`, `\r`, `\t`, `\u0041`, `\u00`, "%3D", "%4", `\`, "_", "%", "n", "t0", " ", "=", ":", `"`, "'", "`", ">", "(", "-", "é", "\xff", "word ", "is ", "string ", "val ", "tr0ub4dor&3", "hunter22", "9f8a7b6c5d4e3f2a1b0c9d8e", "AKIA"+"IOSF0DNN7QXAMPLF")
	rapid.Check(t, func(r *rapid.T) {
		text := strings.Join(rapid.SliceOfN(rapid.SampledFrom(parts), 1, 10).Draw(r, "parts"), rapid.SampledFrom([]string{"", "", " "}).Draw(r, "between"))
		if got, want := New().Scan(nil, text), everywhere(text); !slices.Equal(got, want) {
			t.Fatalf("%q: %+v, want %+v", text, got, want)
		}
	})
}

// Behind a byte that opens nothing no idle byte begins anything.
func TestIdle(t *testing.T) {
	for prev := range 256 {
		for b := range 256 {
			if !New().idle[b] || opens[byte(prev)] {
				continue
			}
			text := "password = " + string([]byte{byte(prev), byte(b)}) + "tr0ub4dor&3"
			j := job{s: New(), c: detect.NewCursor(text, false), text: text}
			j.c.Remember(&j.runs)
			if end, rule := j.at(12, byte(b), byte(prev)); end > 0 || j.c.Short() {
				t.Fatalf("%q: %d %s", text, end, rule)
			}
		}
	}
}

// A name behind which a value is found announces.
func TestAnnouncing(t *testing.T) {
	words := []string{"is", "are", "to", "by", "password is", "kennwort ist", "contrasena es", "motdepasse est", "api key -", "key →", "requirepass", "-P", "identified by", "ENV DB_PASSWORD", "setx API_TOKEN", "set X-AUTH-TOKEN", "export K-TOKENS", "ConvertTo-SecureString", "sshpass -p", "redis-cli -a", "--body", "password to", "string", "str", "char", "text", "varchar", "value", "val", "default", "basic", "bearer", "token", "word", "-p", "--pass", "--x-secret-key", "-u", "a", "12", ".", "$pass"}
	for _, w := range nameWords {
		words = append(words, w.word)
	}
	announced := 0
	rapid.Check(t, func(r *rapid.T) {
		name := rapid.SampledFrom(words).Draw(r, "name")
		switch rapid.IntRange(0, 5).Draw(r, "change") {
		case 0:
			name = strings.ToUpper(name)
		case 1:
			name += rapid.SampledFrom([]string{"1", "_", "-2", ".", "$", "s", "22"}).Draw(r, "behind")
		case 2:
			name = rapid.SampledFrom([]string{"my", "the_", "-", "--", "db.", "B", strings.Repeat("t", 62)}).Draw(r, "before") + name
		}
		text := rapid.SampledFrom([]string{"", "user ", "password = ", "password ", "-u root "}).Draw(r, "ahead") + name + " "
		at := len(text)
		text += rapid.SampledFrom([]string{"S3cret-9x!", "tr0ub4dor&3", "9f8a7b6c5d4e3f2a1b0c9d8e", "QWxhZGRpbjpvcGVuIHNlc2FtZQ=="}).Draw(r, "value")
		j := job{s: New(), c: detect.NewCursor(text, true), text: text}
		j.c.Remember(&j.runs)
		if end, rule := j.assigned(at); end > 0 {
			announced++
			// Behind another byte, an arrow's for one, Scan takes no first look.
			if nameByte(text[at-2]) && !announcing(text[:at-1]) {
				t.Fatalf("%q: a %s is found, and nothing announces it", text, rule)
			}
		}
	})
	if announced == 0 {
		t.Error("no value was found")
	}
}
