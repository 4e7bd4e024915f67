package secrets

import (
	"strings"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/policy/detect/automaton"
)

// What examples and templates are made of.
var placeholders = automaton.Must("example", "sample", "placeholder", "your_", "your-", "yourpass", "your.", "yours", "yourapi", "yourkey", "yoursecret",
	"changeme", "change_me", "change-me", "replace", "xxxx", "****", "....", "____", "redacted", "dummy", "insert", "{{", "${", "}}",
	"todo", "fixme", "foobar", "enter_", "enter-", "my_", "my-", "mysecret", "mypass", "mykey", "mytoken", "some_", "some-", "the_", "a_valid", "not_", "none", "null",
	"process.env", "os.env", "getenv", "environ", "secrets.", "config.", "settings.", "self.", "this.", "request.", "params", "test_", "test-",
	"1234567890", "0123456789", "abcdefgh", "hidden", "masked", "-here", "_here")

// What a prefix followed by nonsense holds; fewer than for assignments, since
// the format alone says much.
var (
	emptyTokens = automaton.Must("example", "xxxxxx", "placeholder", "your_", "your-", "redacted",
		"00000000", "aaaaaaaa", "replace", "insert", "dummy", "....", "sample", "-here", "_here")
	// Rows of digits and letters: no token where the format is all there is to go
	// by, and one that somebody made up where the prefix is a provider's own.
	rows = automaton.Must("1234567890abcdef", "0123456789abcdef", "abcdefghijklmnop", "123456789012345")
)

// Values that are words of a language and not secrets.
var plainValues = map[string]bool{}

func init() {
	for _, w := range strings.Fields(`string str text char int integer number bool boolean true false nil null none undefined required optional
 password passwd secret token key apikey username user admin root email name value default hidden input field type basic bearer digest negotiate
 oauth oauth2 public private protected static final const let var self this return function class object array list varchar date
 invalid missing incorrect expired reset forgot change confirm login logout validate encrypted hashed unknown empty present disabled enabled
 access refresh authorization authentication credentials content application header query path cookie session`) {
		plainValues[w] = true
	}
}

// hollow tells whether v is surely nothing: too short, or the separators of a
// text that is full of quotes.
func hollow(v string, a *assignment) bool {
	return len(v) < 4 || len(v) < 5 && a.before != ';' || strings.HasSuffix(v, "=") && !strings.ContainsAny(v, "0123456789")
}

// plausible tells whether a value that is assigned to a name of strength s is a
// secret and not a variable, a template or a word.
func plausible(v string, s strength, a *assignment) bool {
	if s == password && a.before == ';' && a.op == '=' && a.quote == 0 && len(v) >= 4 && strings.IndexByte("$%<{[#*\"'", v[0]) < 0 && !strings.ContainsAny(v, "({") && !same(v, a.name) && !placeholders.Contains(v) {
		return true // in a connection string all values are literal
	}
	if plainValues[strings.ToLower(v)] || (s != password && len(v) < 8) {
		return false
	}
	switch v[0] {
	case '$', '{', '<', '[', '(', '&', '*', '/', '.', ',', ';', ':', '\\':
		if !(s == password && a.quote != 0 && v[0] == '$' && look(v[1:]).other > 0) {
			return false
		}
	}
	if placeholders.Contains(v) || strings.Contains(v, "://") || a.quote == 0 && strings.ContainsAny(v, "()<>[]{}") || a.quote == '`' && strings.Contains(v, "\"") {
		return false
	}
	l := look(v)
	if l.repeat > 4 && l.repeat*2 > len(v) || a.quote == 0 && path(v, &l) {
		return false
	}
	if a.op == ' ' && a.quote == 0 && s == password && (identifier(v) || strings.HasSuffix(a.name, ".")) {
		return false // "pass LIB_FLAG" and "the first pass." are sentences
	}
	bits := entropy(v)
	mixed := l.digit > 0 && l.lower+l.upper > 0
	loud := a.op == 'i' || a.op == 't' || a.op == ' ' || a.op == ',' || a.op == '('
	if (a.op == ',' || a.op == ' ' || a.op == 't') && a.quote == '`' || a.op == 't' && identifier(v) && s == password {
		return false // a list of names, or a name in a sentence
	}
	switch s {
	case password:
		if same(v, a.name) {
			return false
		}
		if a.op == '=' && a.tight && a.quote == 0 && shouted(a.name) && !dotted(v) {
			return true // PASS=word, as in an environment file
		}
		if a.op == 'i' && a.quote != 0 && l.lower > 0 && l.other == 0 && len(v) < 32 {
			return true // the password is "word"
		}
		if a.quote != 0 && (a.op == '=' || a.op == ':') && l.lower == len(v) && len(v) >= 8 && len(v) < 32 && bits >= 2.5 {
			return true
		}
		if a.paired && len(v) < 64 && l.repeat < 4 && a.op != ',' {
			if a.quote != 0 {
				return a.op != '(' && (l.words > 0 || mixed) && !(l.upper == 0 && l.digit == 0 && strings.ContainsAny(v, "_.-"))
			}
			if a.op == ' ' || a.tight && !dotted(v) {
				return mixed || l.other == 0 && a.op == '=' && l.upper+l.lower >= 6 && a.tight
			}
		}
		if loud && !(mixed && (l.other > 0 || l.changes > 0) && len(v) >= 8) {
			return false
		}
		if a.quote == 0 {
			// Code says password = something: only what no identifier and no
			// sentence is counts.
			return mixed && bits >= 2.5 && (l.other > 0 || a.tight || made(v, &l)) && !dotted(v) || (l.other > 0 && special(v) && !dotted(v))
		}
		return mixed || special(v) || (l.upper > 0 && l.lower > 0 && l.words < 2)
	case secretly:
		if len(v) < 10 || !mixed && !(len(v) >= 20 && bits >= 3.5 && a.quote != 0 && l.lower > 0 && l.upper*3 > len(v)) || wordy(v, &l) {
			return false
		}
		if a.op == '(' && (len(v) < 20 || l.digit < 3 || l.other > 2 || bits < 3.5) {
			return false
		}
		if a.quote == 0 && (dotted(v) || len(v) < 16) && (l.digit < 3 || l.changes == 1 && l.upper > 0 && l.lower > 0) {
			return false // also ecTestKey256
		}
		return bits >= 2.9 && (l.digit >= 2 || len(v) >= 20 || made(v, &l)) && !slug(v, &l)
	}
	if len(v) < 15 || len(v) <= 18 && strings.HasPrefix(v, "0x") || l.digit < 2 || l.lower+l.upper < 2 || bits < 3.0 || slug(v, &l) || wordy(v, &l) || dotted(v) || loud || numeric(v) || identifies(a.name) && id(v) {
		return false
	}
	return l.hex || bits >= 3.4
}

// path tells whether v is one of a file: words without capitals between slashes.
func path(v string, l *looks) bool { return l.upper == 0 && strings.IndexByte(v, '/') >= 0 }

// identifier tells whether v is one of a program or of a command: words with
// underscores or slashes.
func identifier(v string) bool { return strings.ContainsAny(v, "_/") }

// numeric tells whether v is a number, a date or a version.
func numeric(v string) bool { return strings.Trim(v, "0123456789.,:-+TZ_") == "" }

// same tells whether v is the name itself, or part of it.
func same(v, name string) bool {
	return len(name) > 0 && strings.Contains(strings.ToLower(name), strings.ToLower(v))
}

// dotted tells whether v reads like a path of identifiers: user.password1.
func dotted(v string) bool {
	dots := 0
	for i := range len(v) {
		if v[i] == '.' {
			dots++
		} else if !alnum(v[i]) && v[i] != '_' {
			return false
		}
	}
	return dots > 0 && !digit(v[0])
}

// wordy tells whether v is words as programs write them: X-Content-Sha256,
// oauth2.serviceAccount. Capitals only begin words, digits only end them.
func wordy(v string, l *looks) bool {
	if l.changes > 2 || l.digit*4 > len(v) {
		return false
	}
	humps, letters := 0, l.lower+l.upper
	for i := range len(v) {
		if letter(v[i]) && (i == 0 || !letter(v[i-1]) || v[i]&0x20 == 0 && v[i-1]&0x20 != 0) {
			humps++
		}
	}
	return humps > 1 && letters >= 4*humps && (l.upper*3 <= letters || l.lower == 0)
}

// made tells whether v is letters and digits as machines draw them and no word of
// a program: digits between the letters, capitals behind small ones.
func made(v string, l *looks) bool {
	if len(v) < 8 || l.other > 0 || l.digit == 0 || l.repeat > 3 || l.digit*4 >= 3*len(v) || wordy(v, l) {
		return false
	}
	turns := l.changes
	for i := 1; i < len(v); i++ {
		if v[i] >= 'A' && v[i] <= 'Z' && v[i-1] >= 'a' {
			turns++
		}
	}
	return turns*10 >= 3*len(v) && (len(v) >= 10 || turns*2 >= len(v))
}

// identifies tells whether a name mostly stands before what tells one thing from others.
func identifies(name string) bool {
	for _, word := range [...]string{"session", "account", "sid", "login"} {
		if i := len(name) - len(word); i >= 0 && strings.EqualFold(name[i:], word) {
			return true
		}
	}
	return false
}

// id tells whether v has the form of a UUID or a ULID.
func id(v string) bool {
	switch len(v) {
	case 36:
		for i := range len(v) {
			if dash := i == 8 || i == 13 || i == 18 || i == 23; dash != (v[i] == '-') {
				return false
			}
		}
		return true
	case 26:
		return v[0] == '0' && strings.ToUpper(v) == v && !strings.ContainsAny(v, "ILOU-_+/=.")
	}
	return false
}

// special tells whether v has a byte that identifiers and words do not have.
// One at either end may belong to the sentence.
func special(v string) bool {
	return len(v) > 4 && strings.ContainsAny(strings.Trim(v, "!?*~+"), "!@#$%^&*?~+")
}

// slug tells whether v is words with separators and perhaps a number: my-app-01.
func slug(v string, l *looks) bool {
	return l.other > 0 && l.digit*5 < len(v) && l.changes <= 2 && (l.upper == 0 || l.lower == 0)
}

// shouted tells whether a name is that of a variable of the environment.
func shouted(name string) bool {
	upper := 0
	for i := range len(name) {
		b := name[i]
		if b >= 'a' && b <= 'z' || !nameByte(b) && b != ' ' {
			return false
		}
		if b >= 'A' && b <= 'Z' {
			upper++
		}
	}
	return upper >= 3
}
