package secrets

import (
	"encoding/base64"
	"strings"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/policy/detect"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/policy/detect/automaton"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/policy/detect/internal/shape"
)

var (
	label  = shape.Bytes(`A-Za-z0-9 `)
	armour = shape.Bytes(`A-Za-z0-9+/=\s"'\x60,;:\\.()_>-`)
)

const (
	keyBegin = "BEGIN "
	keyName  = "PRIVATE KEY"
	vpnName  = "OpenVPN Static key"
	keyBytes = 48 // bytes of base64 that a key has at least
)

// privateKey matches a key in armour, or as much of it as there is. A header
// with nothing behind it is talk about keys.
func (j *job) privateKey(p int) int {
	c := &j.c
	for i := range 4 {
		if c.At(p+i) != '-' {
			return 0
		}
	}
	i := p + 4
	if b := c.At(i); b != '-' && b != ' ' {
		return 0
	}
	i++
	for k := range len(keyBegin) {
		if c.At(i+k) != keyBegin[k] {
			return 0
		}
	}
	i += len(keyBegin)
	from := i
	for i-from < 48 && label.Has(c.At(i)) {
		i++
	}
	if c.At(i) != '-' {
		return 0
	}
	if !strings.Contains(j.text[from:i], keyName) && !strings.Contains(j.text[from:i], vpnName) {
		return 0
	}
	for k := 0; k < 6 && c.At(i) == '-'; k++ {
		i++
	}
	body := 0
	for i < p+detect.MaxLong {
		b := c.At(i)
		if b == '-' && c.At(i+1) == '-' && c.At(i+2) == '-' {
			i += 3
			for k := 0; k < 64 && (label.Has(c.At(i)) || c.At(i) == '-'); k++ {
				i++
			}
			break
		}
		if !armour.Has(b) {
			break
		}
		if alnum(b) || b == '+' || b == '/' {
			body++
		}
		i++
	}
	if c.Short() || body < keyBytes {
		return 0
	}
	return min(i, p+detect.MaxLong)
}

// urlPassword matches the password of scheme://user:password@host.
func (j *job) urlPassword(p int) int {
	lo := max(0, p-detect.MaxBehind)
	i := p - 1
	for i > lo && p-i < 100 && userByte(j.text[i-1]) {
		i--
	}
	if i < lo+3 || j.text[i-1] != '/' || j.text[i-2] != '/' || j.text[i-3] != ':' {
		return 0
	}
	if p+maxURL <= len(j.text) && strings.IndexByte(j.text[p:p+maxURL], '@') < 0 {
		return 0
	}
	at := 0
	var e int
	for e = p; e < p+maxURL; e++ {
		b := j.c.At(e)
		if b <= ' ' || b == '"' || b == '\'' || b == '`' || b == '<' || b == '>' || b == '\\' || b >= 0x7f {
			break
		}
		if at > 0 && (b == '/' || b == '?' || b == ',') {
			break
		}
		if b == '/' && allDigits(j.text[p:e]) {
			break // that was a port
		}
		if b == '@' && e > p {
			at = e
		}
	}
	if j.c.Short() || at == 0 || !(alnum(j.c.At(at+1)) || j.c.At(at+1) == '[' || j.c.At(at+1) == '*') {
		return 0
	}
	v := j.text[p:at]
	if strings.ContainsAny(v, "{}<>()[]|") || v[0] == '$' || v[0] == '%' && len(v) > 1 && !hexDigit(v[1]) || strings.Trim(v, "*.x") == "" {
		return 0
	}
	switch strings.ToLower(v) {
	case "password", "pass", "pwd", "passwd", "your_password", "yourpassword", "your-password", "port", "redacted", "xxxxxx", "xxxxx", "changeme":
		return 0
	}
	return at
}

func userByte(b byte) bool { return userBytes.Has(b) }

var userBytes = shape.Bytes(`!#-&(-.0-9;=?A-Z\[\]^_a-z{|}~*+,`)

func allDigits(s string) bool {
	for i := range len(s) {
		if !digit(s[i]) {
			return false
		}
	}
	return true
}

// assigned matches a value that is assigned to the name of a secret, or that
// stands behind a word which announces one.
func (j *job) assigned(p int) (int, string) {
	a, ok := lookBack(j.text, p, max(0, p-detect.MaxBehind))
	if !ok {
		return 0, ""
	}
	if a.op == ' ' && !announces(a.name) {
		return 0, ""
	}
	s, rule := judge(a.name), ""
	switch {
	case s == secretly && sessionName(a.name) && !strings.Contains(j.text[max(0, p-trailBytes):p], "ookie"), a.before == '?' && strings.Contains(j.text[max(0, p-24):p], ".svg?"):
		return 0, "" // one of many names of sessions, the token of a badge
	case a.op == '>' && s == nothing && a.quote == 0:
		s = j.element(p)
	case a.op == ':' && a.name == "P" && a.before == ';' && strings.Contains(j.text[max(0, p-nearBytes):p], "WIFI:"):
		s, a.paired, a.op = password, true, '=' // what the code of a wireless network says
	case a.op != ' ':
	case s >= secretly && j.environment(p, &a):
		a.op = '='
	case a.quote != 0 && strings.EqualFold(a.name, "by") && j.behind(p, "identified by"):
		s = password
	case strings.EqualFold(a.name, "convertto-securestring"), a.name == "-p" && j.behind(p, "sshpass -p"):
		s, a.op, a.paired = password, '=', true
	case a.name == "-a" && a.quote == 0 && strings.Contains(j.text[max(0, p-nearBytes):p], "redis-cli "):
		s, a.op, a.tight, rule = password, '=', true, ruleFlag
	}
	if a.name == "PASS" && a.op == ':' && a.quote == 0 {
		return 0, "" // what a test says
	}
	if a.op == '(' && s < secretly {
		return 0, ""
	}
	if a.op == ',' && s == weak && a.quote != '`' && strings.IndexByte(a.name, '_') > 0 && shouted(a.name) {
		a.op = '=' // setenv("NAME_KEY", "…")
	}
	if a.op == ',' && s < password && j.inCredentialCall(p) {
		s, a.op, a.paired = password, '=', true
	}
	if a.op == ' ' && (a.quote == 0 && (a.name == "-p" || a.name == "--pass") || a.name == "-P") && j.flags.to(j.text, p, userFlags) {
		s, a.paired = password, true
		rule = ruleFlag
	}
	switch {
	case a.op == ' ' && strings.EqualFold(a.name, "basic"):
		return j.basic(p), ruleBasic
	case a.op == ' ' && strings.EqualFold(a.name, "bearer"):
		s = secretly
	case a.op == ' ' && strings.EqualFold(a.name, "token"):
		s, a.op = weak, '=' // "use the token …": the value must speak for itself
	case a.op == ' ' && s < password && !strings.HasPrefix(a.name, "--"):
		return 0, ""
	}
	switch s {
	case nothing:
		return 0, ""
	case password:
		if rule == "" {
			rule = rulePassword
		}
	default:
		rule = ruleGeneric
	}
	e := j.value(p, &a)
	if e == 0 || j.c.Short() {
		return 0, ""
	}
	v := j.text[p:e]
	if hollow(v, &a) {
		return 0, ""
	}
	if s == password && !a.paired {
		a.paired = j.names.to(j.text, p, userNames)
	}
	if !plausible(v, s, &a) {
		return 0, ""
	}
	return e, rule
}

// announces tells whether a value may follow name with nothing but a space
// between: the name of an option, or a word that is used like that. It spares
// most words of a sentence a closer look.
func announces(name string) bool {
	if name == "" {
		return false
	}
	switch {
	case name[0] == '-':
		return true
	case len(name) == len("by"):
		return strings.EqualFold(name, "by")
	case name == "requirepass":
		return true
	case name[0] >= 'A' && name[0] <= 'Z' && len(name) >= 6 && (strings.IndexByte(name, '_') > 0 && shouted(name) || strings.EqualFold(name, "convertto-securestring")):
		return true
	}
	switch name[0] | 0x20 {
	case 'p', 'b', 'k', 'm', 's', 't':
		return len(name) >= 3 && len(name) <= 12
	}
	return false
}

// announcing tells whether the name that text ends in may announce a value behind one
// space. It is a first look that spares most words of a sentence lookBack and judge, and
// is true wherever these could come to another end than "no".
func announcing(text string) bool {
	i, lo := len(text)-1, max(0, len(text)-maxName)
	for i > lo && nameByte(text[i-1]) {
		i--
	}
	name := text[i:]
	if name[0] == '-' || len(name) < len(typeWords) && strings.IndexByte(typeWords[len(name)], name[0]|0x20) >= 0 {
		return true
	}
	if !announces(name) {
		return false
	}
	// A name that is not that of a variable of the environment must be one of a
	// password, or one of three words.
	a, b := name[len(name)-2], name[len(name)-1]
	return len(name) == 2 || !letter(a) || b < 'a' || b > 'z' || announcers[a&31][b&31]
}

// typeWords are the first letters of the words, by their length, that lookBack reads on
// from: is, es, to; are, ist, est, str, val; char, text; value; string; default, varchar.
var typeWords = [8]string{2: "iet", 3: "aiesv", 4: "ct", 5: "v", 6: "s", 7: "dv"}

// announcers are the last two letters of the names that announce a value, by their place
// in the alphabet.
var announcers = func() (t [32][32]bool) {
	add := func(w string) { t[w[len(w)-2]&31][w[len(w)-1]&31] = true }
	for _, w := range nameWords {
		if w.strength == password {
			add(w.word)
		}
	}
	for _, w := range []string{"basic", "bearer", "token"} {
		add(w)
	}
	return t
}()

// sessionName tells whether name is a name of sessions that is not only one of cookies.
func sessionName(name string) bool {
	i := len(name) - len("session_id")
	return i >= 0 && strings.EqualFold(name[i:], "session_id") || i+1 >= 0 && strings.EqualFold(name[i+1:], "sessionid") && !strings.HasSuffix(name, "JSESSIONID")
}

// element judges the name of the element of XML in which the value at p stands.
func (j *job) element(p int) strength {
	lo := max(0, p-detect.MaxBehind)
	from := lo + strings.LastIndexByte(j.text[lo:p], '<') + 1
	end := from
	for end < p && nameByte(j.text[end]) {
		end++
	}
	if from == lo || end == p || j.text[end] != ' ' {
		return nothing
	}
	return judge(j.text[from:end])
}

// setters are commands that take the name of a variable and its value.
var setters = []string{"env", "arg", "setx", "set", "setenv", "config:set", "secrets put", "secret set", "#define"}

// environment tells whether a, with nothing but a space before the value at p, is a
// variable that a command sets: ENV in a container file, setx, setenv.
func (j *job) environment(p int, a *assignment) bool {
	if !shouted(a.name) || strings.IndexByte(a.name, '_') < 0 && strings.IndexByte(a.name, '-') < 0 {
		return false
	}
	lo := max(0, p-detect.MaxBehind)
	before := strings.TrimRight(j.text[lo:lo+max(0, strings.LastIndex(j.text[lo:p], a.name))], " \t")
	for _, w := range setters {
		if i := len(before) - len(w); i >= 0 && strings.EqualFold(before[i:], w) && (i == 0 || !alnum(before[i-1])) {
			return true
		}
	}
	return false
}

// behind tells whether the value at p follows words, quotes and blanks aside.
func (j *job) behind(p int, words string) bool {
	s := strings.TrimRight(j.text[max(0, p-len(words)-6):p], "\"' \t")
	return len(s) >= len(words) && strings.EqualFold(s[len(s)-len(words):], words)
}

// Words that stand before a password in calls, commands and configurations.
var (
	credentialCalls = automaton.Must("getconnection(", "auth=(", "auth = (", ".login(", "mysqli(", "mysqli_connect(", "pdo(", "credential(", "credentials(", "directoryentry(", "usernamepassword(", "basicauth(", "httpbasicauth(", "passwordauthentication(")
	userFlags       = automaton.Must("-u ", "--user", "-user", "psexec", "login")
	userNames       = automaton.Must("user", "login", "uid", "email", "account", "machine ", "data source", "server=", "host=", "admin")
)

// trailBytes is how far before a value words count that make it one of a login.
const trailBytes = 160

// trail is how far a machine has read, so that no byte is read once a candidate. A
// word is found if all of it is in the trailBytes before a place.
type trail struct {
	state automaton.State
	read  int
	start int // where the last word begins, +1
	end   int // and ends
}

// to reads on to p and tells whether a word stands before it.
func (t *trail) to(text string, p int, a *automaton.Automaton) bool {
	lo := max(0, p-trailBytes)
	if t.read < lo {
		t.read, t.state = lo, 0
	}
	for ; t.read < p; t.read++ {
		if t.state = a.Next(t.state, text[t.read]); a.Ends(t.state) {
			a.Words(t.state, func(_, n int) bool {
				t.start = max(t.start, t.read-n+2)
				return true
			})
			t.end = t.read + 1
		}
	}
	return t.start > lo
}

// inCredentialCall tells whether p is among the arguments of a call that takes a
// name and a password, none of which is a word of a program.
func (j *job) inCredentialCall(p int) bool {
	if j.text[p-1] != '"' && j.text[p-1] != '\'' || !j.calls.to(j.text, p, credentialCalls) {
		return false
	}
	// Each of the words ends in the only bracket that it has: the last that begins ends last.
	return !strings.ContainsAny(j.text[j.calls.end:p], ");{}")
}

// userFlag matches the password of curl -u user:password.
func (j *job) userFlag(p int) int {
	lo := max(0, p-detect.MaxBehind)
	i := p - 1
	for i > lo && p-i < 100 && userByte(j.text[i-1]) {
		i--
	}
	for i > lo && (j.text[i-1] == '"' || j.text[i-1] == '\'' || j.text[i-1] == ' ' || j.text[i-1] == '=') {
		i--
	}
	if s := j.text[lo:i]; !strings.HasSuffix(s, " -u") && !strings.HasSuffix(s, " --user") && !strings.HasSuffix(s, "http -a") && !strings.HasSuffix(s, "https -a") {
		return 0
	}
	e := p
	for e < p+maxURL && j.c.At(e) > ' ' && j.c.At(e) < 0x7f && strings.IndexByte("\"'`<>\\", j.c.At(e)) < 0 {
		e++
	}
	if j.c.Short() || e-p < 5 {
		return 0
	}
	v := j.text[p:e]
	if strings.ContainsAny(v, "{}<>()[]") || v[0] == '$' || v[0] == '%' || plainValues[strings.ToLower(v)] || placeholders.Contains(v) {
		return 0
	}
	return e
}

// passwordFile matches the password of a line host:port:database:user:password, as
// clients of PostgreSQL read them.
func (j *job) passwordFile(p int) int {
	lo := max(0, p-detect.MaxBehind)
	i := p - 1
	field := func() string {
		end := i
		for i > lo && j.text[i-1] > ' ' && j.text[i-1] != ':' && strings.IndexByte("\"'/()[]{}<>,;=", j.text[i-1]) < 0 {
			i--
		}
		return j.text[i:end]
	}
	for range 2 { // user and database
		if field() == "" || i == lo || j.text[i-1] != ':' {
			return 0
		}
		i--
	}
	if port := field(); port != "*" && (len(port) != 4 && len(port) != 5 || !allDigits(port)) || i == lo || j.text[i-1] != ':' {
		return 0
	}
	i--
	if field() == "" || p-i >= detect.MaxBehind || i > 0 && j.text[i-1] != '\n' {
		return 0
	}
	e := p
	for e < p+maxURL && j.c.At(e) > ' ' && j.c.At(e) < 0x7f && j.c.At(e) != ':' {
		e++
	}
	if j.c.Short() || e-p < 5 || j.c.At(e) > ' ' {
		return 0
	}
	v := j.text[p:e]
	if l := look(v); l.digit == 0 && l.other == 0 || l.digit == len(v) || placeholders.Contains(v) {
		return 0
	}
	return e
}

// value returns the end of the value at p, or 0 if there is none.
func (j *job) value(p int, a *assignment) int {
	e := p
	if a.quote != 0 {
		for e < p+detect.MaxMatch {
			b := j.c.At(e)
			if b == a.quote || b == '\\' && j.c.At(e+1) == a.quote {
				return e
			}
			if b <= ' ' {
				return 0
			}
			e++
		}
		return e
	}
	if a.op == ',' || a.op == '(' {
		return 0
	}
	open, shut := false, false
	for e < p+detect.MaxMatch {
		b := j.c.At(e)
		if b == '=' {
			// Padding at the end, or the name of another value.
			k := e
			for k < e+3 && j.c.At(k) == '=' {
				k++
			}
			if n := j.c.At(k); alnum(n) || n == '"' || n == '\'' || n == '=' {
				return e
			}
			return k
		}
		if !plainBytes.Has(b) || b == '&' || (a.op == '>' && b == '<') {
			break
		}
		switch {
		case b == '(' || b == '{':
			open = true
		case (b == ')' || b == '}') && !open:
			shut = true // it closes what began before the value
		}
		if shut {
			break
		}
		e++
	}
	if n := j.c.At(e); n == '(' || n == '[' {
		return 0 // a call
	}
	if a.op == '|' && (j.c.At(e) != ' ' || j.c.At(e+1) != '|') || a.op == '\n' && j.c.At(e) >= ' ' {
		return 0 // more than a value in the cell, or on the line
	}
	for e > p && strings.IndexByte(".!?", j.text[e-1]) >= 0 {
		e-- // the end of a sentence
	}
	return e
}

// basic matches what stands behind "Basic": base64 of user:password.
func (j *job) basic(p int) int {
	e := p
	for e < p+detect.MaxMatch && (alnum(j.c.At(e)) || j.c.At(e) == '+' || j.c.At(e) == '/' || j.c.At(e) == '=') {
		e++
	}
	if j.c.Short() || e-p < 12 {
		return 0
	}
	raw, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(j.text[p:e], "="))
	if err != nil || strings.IndexByte(string(raw), ':') < 1 {
		return 0
	}
	for _, b := range raw {
		if b < ' ' {
			return 0
		}
	}
	return e
}
