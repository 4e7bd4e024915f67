package secrets

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/policy/detect"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/policy/detect/internal/shape"
)

// rules returns all rules that are patterns.
func rules() (out []rule) {
	for _, g := range [][]rule{codeRules, cloudRules, serviceRules} {
		out = append(out, g...)
	}
	return out
}

// A pattern matches all that it can mean: alternatives are tried in order and
// repetitions give nothing back, so a careless pattern would not.
func TestPatternsMatchThemselves(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	for _, r := range rules() {
		p := shape.Compile(r.pattern)
		for range 200 {
			token := p.Sample(rnd.IntN)
			c := detect.NewCursor(token, true)
			if e := p.Match(&c, 0); e != len(token) {
				t.Errorf("%s: %d of the %d bytes of %q", r.id, e, len(token), token)
				break
			}
		}
	}
}

// Every rule finds tokens of its form: made up here, since none may stand in a
// file. Another rule may claim a token that fits both, but it must be found, and
// whole.
func TestEveryRuleFinds(t *testing.T) {
	rnd := rand.New(rand.NewPCG(3, 4))
	for _, r := range rules() {
		p := shape.Compile(r.pattern)
		found, named := 0, 0
		const tries = 200
		for range tries {
			token := p.Sample(rnd.IntN)
			before := "value \""
			if r.near != "" {
				before = strings.Split(r.near, "|")[0] + " \""
			}
			text := before + token + "\" end"
			for _, m := range New().Scan(nil, text) {
				if m.Start == len(before) && m.End >= len(before)+len(token) || m.Start < len(before)+4 && m.End >= len(before)+len(token)-2 {
					found++
					if m.Rule == r.id {
						named++
					}
					break
				}
			}
		}
		if found < tries*7/10 { // short ones may by chance have no digit, or little entropy
			t.Errorf("%s: %d of %d tokens were found", r.id, found, tries)
		}
		if named == 0 {
			t.Logf("%s: always claimed by another rule", r.id)
		}
	}
}

// No rule finds what only begins like a token, what is one byte written over and
// over, or an example, and rules that need a word need it.
func TestNoRuleFinds(t *testing.T) {
	rnd := rand.New(rand.NewPCG(5, 6))
	for _, r := range rules() {
		p := shape.Compile(r.pattern)
		for range 20 {
			token := p.Sample(rnd.IntN)
			for name, text := range map[string]string{
				"begin": "value \"" + token[:min(len(token)/3, 7)] + "\" end",
				"alone": "value \"" + token + "\" end",
				"glued": "value \"Q7" + token + "\" end",
			} {
				if name == "alone" && r.near == "" || name == "glued" && (!alnum(token[0]) || r.open) {
					continue
				}
				for _, m := range New().Scan(nil, text) {
					if m.Rule == r.id && (name != "glued" || m.Start < 9) {
						t.Errorf("%s: %s: %q was found in %q", r.id, name, text[m.Start:m.End], text)
					}
				}
			}
		}
	}
}

func TestNames(t *testing.T) {
	valid := func(b byte) bool { return b >= 'a' && b <= 'z' || b >= '0' && b <= '9' || b == '-' }
	for _, id := range New().Rules() {
		for i := range len(id) {
			if !valid(id[i]) {
				t.Errorf("the name %q is not lower case with hyphens", id)
			}
		}
	}
	if n := len(New().Rules()); n < 150 {
		t.Errorf("%d rules", n)
	}
	for _, r := range rules() {
		if strings.ToLower(r.near) != r.near {
			t.Errorf("%s: the words %q are not in lower case", r.id, r.near)
		}
	}
}

// Assignments, addresses and commands, and what is found in them.
func TestAssignments(t *testing.T) {
	for _, c := range []struct{ text, rule, match string }{
		{`password = "tr0ub4dor&3"`, rulePassword, "tr0ub4dor&3"},
		{`"session": "0b8f7b1e-6c1f-4f7e-9a55-2f1f0c3a9d11"`, "", ""},
		{`"account":"01JD8Q2N3X4V5B6C7D8E9F0G1H"`, "", ""},
		{`"session": "0b8f7b1e6c1fZ4f7eQ9a552f1f0c3a9d11"`, ruleGeneric, "0b8f7b1e6c1fZ4f7eQ9a552f1f0c3a9d11"},
		{`api_key = "0b8f7b1e-6c1f-4f7e-9a55-2f1f0c3a9d11"`, ruleGeneric, "0b8f7b1e-6c1f-4f7e-9a55-2f1f0c3a9d11"},
		{`"db_password": "Xk29vLq8"`, rulePassword, "Xk29vLq8"},
		{"DB_PASS=hunter22x", rulePassword, "hunter22x"},
		{"MAIL_PASSWORD=whiteduke\n", rulePassword, "whiteduke"},
		{"user = 'bob'\npassword = 'opensesam'", rulePassword, "opensesam"},
		{"Server=db;User Id=sa;Password=geheim;Database=x", rulePassword, "geheim"},
		{`the default password is "blooberry"`, rulePassword, "blooberry"},
		{`new NetworkCredential("cidownload", "AP7JaG9ToerxBc6gWP5L")`, rulePassword, "AP7JaG9ToerxBc6gWP5L"},
		{"machine api.host login me password 012345abcdef", rulePassword, "012345abcdef"},
		{"<password>Zx81spectrum</password>", rulePassword, "Zx81spectrum"},
		{`<add key="MailPassword" value="Prestig1tari$"/>`, rulePassword, "Prestig1tari$"},
		{`api_key: "9f8a7b6c5d4e3f2a1b0c9d8e"`, ruleGeneric, "9f8a7b6c5d4e3f2a1b0c9d8e"},
		{"X-Api-Key: Zk3jd82LmQp0sYx7", ruleGeneric, "Zk3jd82LmQp0sYx7"},
		{"clientSecret := `Qm9iJ2xkV0mP4tRz`", ruleGeneric, "Qm9iJ2xkV0mP4tRz"},
		{"let authToken: string = 'a81Kd7Qp02mZx93L'", ruleGeneric, "a81Kd7Qp02mZx93L"},
		{"?access_token=38bb7b318cc6898c80317decb345", ruleGeneric, "38bb7b318cc6898c80317decb345"},
		{"Authorization: Bearer mF9.B5f41JqMx7Kq2", ruleGeneric, "mF9.B5f41JqMx7Kq2"},
		{"Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==", ruleBasic, "QWxhZGRpbjpvcGVuIHNlc2FtZQ=="},
		{"postgres://app:s3cr3tPa55@db.host:5432/x", ruleURL, "s3cr3tPa55"},
		{"mongodb+srv://u:p%40ss%21w@cluster0.net/", ruleURL, "p%40ss%21w"},
		{"curl -u me:9d8f7s6a5g https://x.host", ruleFlag, "9d8f7s6a5g"},
		{"docker login -u me -p 9d8f7s6a5g", ruleFlag, "9d8f7s6a5g"},

		{`buildConfigField 'String', 'API_KEY', '\"951bc382db9cfee29c68634761dd6e19\"'`, ruleGeneric, "951bc382db9cfee29c68634761dd6e19"},
		{"<apiToken>\n    Zk3jd82LmQp0sYx7Kd82\n</apiToken>", ruleGeneric, "Zk3jd82LmQp0sYx7Kd82"},
		{"use the acme token Zk3jd82LmQp0sYx7Kd82 for this", ruleGeneric, "Zk3jd82LmQp0sYx7Kd82"},

		{"password: Zk3jd82LmQp0sYx7", rulePassword, "Zk3jd82LmQp0sYx7"},
		{"I set DB_PASSWORD to Zk3jd82LmQp0 and it fails", rulePassword, "Zk3jd82LmQp0"},
		{"The password for the test box is Zk3jd82LmQp0.", rulePassword, "Zk3jd82LmQp0"},
		{"My password for the staging box: l97wyn5w8fpu", rulePassword, "l97wyn5w8fpu"},
		{"пароль: Zk3jd82LmQp0", rulePassword, "Zk3jd82LmQp0"},
		{"contraseña: Zk3jd82LmQp0", rulePassword, "Zk3jd82LmQp0"},
		{"variable \"api_token\" {\n  type    = string\n  default = \"Zk3jd82LmQp0sYx7Kd82\"\n}", ruleGeneric, "Zk3jd82LmQp0sYx7Kd82"},
		{"  - name: API_SECRET\n    value: Zk3jd82LmQp0sYx7Kd82\n", ruleGeneric, "Zk3jd82LmQp0sYx7Kd82"},
		{"ENV API_SECRET Zk3jd82LmQp0sYx7Kd82", ruleGeneric, "Zk3jd82LmQp0sYx7Kd82"},
		{`gh secret set API_SECRET --body "Zk3jd82LmQp0sYx7Kd82"`, ruleGeneric, "Zk3jd82LmQp0sYx7Kd82"},
		{"API_SECRET\nZk3jd82LmQp0sYx7Kd82\n", ruleGeneric, "Zk3jd82LmQp0sYx7Kd82"},
		{"| API_SECRET | Zk3jd82LmQp0sYx7Kd82 |", ruleGeneric, "Zk3jd82LmQp0sYx7Kd82"},
		{`@Value("${api.secret:Zk3jd82LmQp0sYx7Kd82}")`, ruleGeneric, "Zk3jd82LmQp0sYx7Kd82"},
		{`<Pass encoding="base64">Zk3jd82LmQp0</Pass>`, rulePassword, "Zk3jd82LmQp0"},
		{"Cookie: a=b; sessionid=zk3jd82lmqp0syx7kd82; c=d", ruleGeneric, "zk3jd82lmqp0syx7kd82"},
		{`oauth_token_secret="Zk3jd82LmQp0sYx7Kd82"`, ruleGeneric, "Zk3jd82LmQp0sYx7Kd82"},
		{"db.host:5432:app:me:Zk3jd82LmQp0\n", rulePassword, "Zk3jd82LmQp0"},
		{"WIFI:T:WPA;S:office;P:Zk3jd82LmQp0;;", rulePassword, "Zk3jd82LmQp0"},
		{"sshpass -p 'Zk3jd82LmQp0' ssh me@host", rulePassword, "Zk3jd82LmQp0"},
		{"redis-cli -h cache -a Zk3jd82LmQp0 ping", ruleFlag, "Zk3jd82LmQp0"},
		{"CREATE USER me IDENTIFIED BY 'Zk3jd82LmQp0'", rulePassword, "Zk3jd82LmQp0"},
		{`requests.get(u, auth=("me", "Zk3jd82LmQp0"))`, rulePassword, "Zk3jd82LmQp0"},

		{`#define API_SECRET "Zk3jd82LmQp0sYx7Kd82"`, ruleGeneric, "Zk3jd82LmQp0sYx7Kd82"},
		{`os.Setenv("ACME_KEY", "1365bb89ae4d68b3ec229a4feb1e2cf4")`, ruleGeneric, "1365bb89ae4d68b3ec229a4feb1e2cf4"},
		{"mein Passwort ist Zk3jd82LmQp0", rulePassword, "Zk3jd82LmQp0"},
		{"mi contraseña es Zk3jd82LmQp0", rulePassword, "Zk3jd82LmQp0"},
		{"secret key → Zk3jd82LmQp0sYx7Kd82", ruleGeneric, "Zk3jd82LmQp0sYx7Kd82"},
		{"api key - Zk3jd82LmQp0sYx7Kd82", ruleGeneric, "Zk3jd82LmQp0sYx7Kd82"},
		{"requirepass Zk3jd82LmQp0", rulePassword, "Zk3jd82LmQp0"},
		{"sqlcmd -S db -U sa -P 'Zk3jd82LmQp0'", ruleFlag, "Zk3jd82LmQp0"},
		{"http -a me:Zk3jd82LmQp0 https://x", ruleFlag, "Zk3jd82LmQp0"},
		{"$client->setAccessToken('Zk3jd82LmQp0sYx7Kd82');", ruleGeneric, "Zk3jd82LmQp0sYx7Kd82"},

		{"password - at least 8 characters", "", ""},
		{`getToken("oauth2-authorization-code-2")`, "", ""},
		{"the token is ERC20", "", ""},
		{"image:20170915032832-14c0d48ead0cd47e3104ada247d91be04afc7a5a", "", ""},
		{"extra arguments to pass to 'actool1'", "", ""},
		{`a problem identified by "jamesh"`, "", ""},
		{"primary_key=b769b776-9bc6-444b-8f8f-0fae1f108a8f", "", ""},
		{"idempotency-key: b769b776-9bc6-444b-8f8f-0fae1f108a8f", "", ""},
		{`password_hash_algorithm = "argon2id-v19-m65536"`, "", ""},
		{"var a=1;a.password=function(e){return e}", "", ""},
		{"signer{privateKey: ecTestKey256}", "", ""},
		{`SessionID: "sesn_011CZkZAtmR3yMPDzynEDxu7"`, "", ""},
		{"graph/badge.svg?token=VW0VO503U6)", "", ""},
		{"(GnuPG key: 0x7EC2DBB6F4DBF434)", "", ""},
		{"| access_token | string of 32 characters |", "", ""},
		{"a.go:12:col:name:message2", "", ""},
		{"data " + strings.Repeat("A", 120) + " end", "", ""},
		{"PASS: print-memory-usage-1\nPASS: 64-bit", "", ""},
		{"License: CC-BY-SA-3.0-Unported", "", ""},
		{"patches/0001-xargs-warn-on-conflicting-options-L-I", "", ""},
		{`get_credential(); else if (!strcmp(argv[1], "store"))`, "", ""},
		{"instead pass PNG_TRANSFORM_EXPAND_16 to it", "", ""},
		{`"Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ=="`, "", ""},
		{"cloudflare: commit 950e2374d0c12b52c1b6e439f5410bbd6a1ce6bf", "", ""},
		{`password = os.getenv("DB_PASSWORD")`, "", ""},
		{"password = config.password", "", ""},
		{`password: "your_password"`, "", ""},
		{`password: "${DB_PASSWORD}"`, "", ""},
		{"password = getPassword()", "", ""},
		{"the password is required and must have 8 characters", "", ""},
		{"type: password, name: token, key: value", "", ""},
		{`"token": "string"`, "", ""},
		{"max_tokens: 4096000000", "", ""},
		{`"tokenizer": "gpt2-large-1024-v2-en"`, "", ""},
		{"public_key = 9f8a7b6c5d4e3f2a1b0c9d8e", "", ""},
		{`api_key = "YOUR_API_KEY_1234"`, "", ""},
		{`commit_key: "my-app-release-01"`, "", ""},
		{"http://host:8080/path and http://[::1]:80/", "", ""},
		{"postgres://user:${PASS}@host/ and ftp://u:<pw>@host", "", ""},
		{"Authorization: Basic realm", "", ""},
		{"Basic training is fun", "", ""},
		{"sha256: 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08", "", ""},
		{"-----BEGIN PRIVATE KEY----- is how such a file begins", "", ""},
	} {
		found := New().Scan(nil, c.text)
		switch {
		case c.rule == "" && len(found) > 0:
			t.Errorf("%q: %s %q was found", c.text, found[0].Rule, c.text[found[0].Start:found[0].End])
		case c.rule == "":
		case len(found) != 1 || found[0].Rule != c.rule || c.text[found[0].Start:found[0].End] != c.match:
			t.Errorf("%q: %+v, want %s %q", c.text, found, c.rule, c.match)
		}
	}
}
