package secrets

import (
	"slices"
	"strings"
	"testing"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/policy/detect"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/policy/detect/internal/detecttest"
)

const prose = "The quarterly report shows that sales rose by four percent, while costs stayed flat. Please find the figures attached; the meeting was moved to Thursday at ten, platform seven (Self-service, don't ask). "

// seeds are texts around which streams and fuzzing look.
func seeds() []string {
	pem := "-----BEGIN RSA PRIV" + "ATE KEY-----\n" + strings.Repeat("b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAA\n", 3) + "-----END RSA PRIV" + "ATE KEY-----\n"
	return []string{
		prose,
		"key " + "gh" + "p_4U3LSowpDx8XvYE7A8GH56oxU5aWnY2mzIbV and then",
		pem + "after",
		"postgres://app:s3cr3tPa55@db.internal:5432/x",
		`{"password": "tr0ub4dor&3", "api_key":"9f8a7b6c5d4e3f2a1b0c9d8e"}`,
		"Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\nAuthorization: Bearer mF9.B5f41JqMx7Kq2",
		"export DB_PASSWORD=hunter22x\nSERVER=1;Password=geheim;x",
		"heroku_api_key = 8f14e45f-ceea-467f-9575-6a3bb1e3f1d2",
		"curl -u me:9d8f7s6a5g https://x.example",
		"variable \"api_token\" {\n  default = \"Zk3jd82LmQp0sYx7Kd82\"\n}",
		"- name: API_SECRET\n  value: Zk3jd82LmQp0sYx7Kd82\n",
		"API_SECRET\nZk3jd82LmQp0sYx7Kd82\n| API_SECRET | Zk3jd82LmQp0sYx7Kd82 |\nENV API_SECRET Zk3jd82LmQp0sYx7Kd82",
		"db.host:5432:app:me:Zk3jd82LmQp0\n*:5432:*:*:x",
		"пароль: Zk3jd82LmQp0 WIFI:T:WPA;S:a;P:Zk3jd82LmQp0;;",
		`<Pass encoding="base64">Zk3jd82LmQp0</Pass> oauth_token_secret="Zk3jd82LmQp0sYx7Kd82"`,
		"redis-cli -a Zk3jd82LmQp0 IDENTIFIED BY 'Zk3jd82LmQp0' sshpass -p 'Zk3jd82LmQp0'",
		"My password for the staging box: l97wyn5w8fpu. I set DB_PASSWORD to Zk3jd82LmQp0.",
		"secret key → Zk3jd82LmQp0sYx7Kd82, api key - Zk3jd82LmQp0sYx7Kd82, mi contraseña es Zk3jd82LmQp0",
		"#define API_SECRET \"Zk3jd82LmQp0sYx7Kd82\"\nhttp -a me:Zk3jd82LmQp0 x setToken('Zk3jd82LmQp0sYx7Kd82')",
		"key=key=key=((((\"\"\"''\\n\\u0041KIA%3D",
	}
}

func TestStreams(t *testing.T) {
	for _, text := range seeds() {
		found := detecttest.Equal(t, text, 7, New())
		if text != prose && !strings.HasPrefix(text, "key=") && len(found) == 0 {
			t.Errorf("nothing was found in %q", text)
		}
	}
}

// Prose is held back by a word at most.
func TestProseIsNotHeld(t *testing.T) {
	s := detect.NewStream(New())
	text := strings.Repeat(prose, 3)
	for i := range len(text) {
		s.Feed(text[i : i+1])
		if s.Held() > 16 {
			t.Fatalf("%d bytes are held at %q", s.Held(), text[max(0, i-30):i+1])
		}
	}
}

func FuzzStream(f *testing.F) {
	for _, s := range seeds() {
		f.Add(s, 3)
	}
	f.Fuzz(func(t *testing.T, text string, size int) {
		if len(text) > 200 {
			text = text[:200]
		}
		detecttest.Equal(t, text, min(max(size, 1), 64), New())
	})
}

func TestHostileInputsEnd(t *testing.T) {
	for name, text := range hostile(64 << 10) {
		found := New().Scan(nil, text)
		if len(found) > len(text)/4 {
			t.Errorf("%s: %d matches", name, len(found))
		}
	}
}

func hostile(n int) map[string]string {
	rep := func(s string) string { return strings.Repeat(s, n/len(s)+1)[:n] }
	return map[string]string{
		"letters": rep("a"), "digits": rep("1"), "slashes": rep("/"), "assignments": rep("key=key="), "parentheses": rep("("),
		"nested": rep(`{"a":[`), "quotes": rep(`"`), "passwords": rep(`password="`), "hyphens": rep("-"), "begin": rep("-----BEGIN PRIV" + "ATE KEY-----"),
		"urls": rep("http://a:"), "base64": rep("a/"), "words": rep("token "), "equals": rep("="), "spaces": rep(" "), "backslashes": rep(`\`), "colons": rep(":"),
		"ats": rep("a@"), "heads": rep("eyJ"), "tokens": rep("sk-"), "invalid": rep("\xff\xe2\x80"), "basic": rep("Basic "), "flags": rep("-u a:"), "dotted": rep("a."), "percent": rep("%3D"), "hex": rep("deadbeef-"),
	}
}

func BenchmarkScan(b *testing.B) {
	texts := hostile(1 << 20)
	texts["1KB prose"] = strings.Repeat(prose, 8)[:1024]
	texts["100KB prose"] = strings.Repeat(prose, 700)[:100<<10]
	texts["100KB secrets"] = strings.Repeat(strings.Join(seeds(), "\n"), 200)[:100<<10]
	for name, text := range texts {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(text)))
			var dst []detect.Match
			for b.Loop() {
				dst = New().Scan(dst[:0], text)
			}
		})
	}
}

// A key that is longer than any match is one match of the bound, is never held
// beyond it, and is the same in pieces.
func TestLongKey(t *testing.T) {
	text := "x -----BEGIN PRIV" + "ATE KEY-----\n" + strings.Repeat("b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAA\n", 400)
	want := New().Scan(nil, text)
	if len(want) == 0 || want[0].Rule != ruleKey || want[0].End-want[0].Start != detect.MaxLong {
		t.Fatalf("%+v", want)
	}
	var cuts []int
	for c := 61; c < len(text); c += 61 {
		cuts = append(cuts, c)
	}
	if got := detecttest.Feed(t, text, cuts, New()); !slices.Equal(got, want) {
		t.Errorf("%+v, want %+v", got, want)
	}
}
