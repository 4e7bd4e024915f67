package secrets

import (
	"strings"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/policy/detect/automaton"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/policy/detect/internal/shape"
)

// strength is how much the name of a value says that the value is a secret.
type strength uint8

const (
	nothing  strength = iota
	weak              // "key", "auth": the value must look very much like a secret
	secretly          // "client_secret", "api_key": it must not look like a word
	password          // anything but a placeholder
)

type nameWord struct {
	word     string
	strength strength
	whole    bool // only as a word of its own: "pass", not "bypass"
	anywhere bool // also before the end of the name
}

// Names are compared in lower case, without separators.
var nameWords = []nameWord{
	{word: "password", strength: password, anywhere: true}, {word: "passwd", strength: password, anywhere: true},
	{word: "passphrase", strength: password}, {word: "passcode", strength: password}, {word: "pwd", strength: password},
	{word: "passwort", strength: password}, {word: "kennwort", strength: password}, {word: "contrasena", strength: password},
	{word: "motdepasse", strength: password}, {word: "losenord", strength: password}, {word: "adgangskode", strength: password},
	{word: "salasana", strength: password}, {word: "passord", strength: password, whole: true}, {word: "sifre", strength: password, whole: true},
	{word: "wpapsk", strength: password}, {word: "requirepass", strength: password}, {word: "psk", strength: password, whole: true},
	{word: "authsalt", strength: secretly}, {word: "noncesalt", strength: secretly}, {word: "insalt", strength: secretly}, {word: "noncekey", strength: secretly}, {word: "loggedinkey", strength: secretly},
	{word: "presharedkey", strength: secretly}, {word: "sessionid", strength: secretly}, {word: "sessid", strength: secretly},
	{word: "connectsid", strength: secretly}, {word: "tokensecret", strength: secretly}, {word: "securestring", strength: password},
	{word: "wachtwoord", strength: password}, {word: "senha", strength: password, whole: true},
	{word: "pass", strength: password, whole: true}, {word: "psw", strength: password, whole: true}, {word: "pw", strength: password, whole: true},
	{word: "userpass", strength: password}, {word: "dbpass", strength: password}, {word: "passwrd", strength: password},
	{word: "secret", strength: secretly, anywhere: true}, {word: "token", strength: secretly, anywhere: true},
	{word: "apikey", strength: secretly, anywhere: true}, {word: "accesskey", strength: secretly, anywhere: true},
	{word: "secretkey", strength: secretly, anywhere: true}, {word: "privatekey", strength: secretly}, {word: "privkey", strength: secretly},
	{word: "authkey", strength: secretly}, {word: "signingkey", strength: secretly}, {word: "encryptionkey", strength: secretly},
	{word: "encryptkey", strength: secretly}, {word: "decryptionkey", strength: secretly}, {word: "cryptkey", strength: secretly},
	{word: "masterkey", strength: secretly}, {word: "clientkey", strength: secretly}, {word: "licensekey", strength: secretly},
	{word: "accountkey", strength: secretly}, {word: "sharedkey", strength: secretly}, {word: "storagekey", strength: secretly},
	{word: "deploykey", strength: secretly}, {word: "insertkey", strength: secretly}, {word: "querykey", strength: secretly},
	{word: "servicekey", strength: secretly}, {word: "appkey", strength: secretly}, {word: "consumerkey", strength: secretly},
	{word: "subscriptionkey", strength: secretly}, {word: "sessionkey", strength: secretly}, {word: "serverkey", strength: secretly},
	{word: "aeskey", strength: secretly}, {word: "hmackey", strength: secretly}, {word: "jwtkey", strength: secretly},
	{word: "streamkey", strength: secretly}, {word: "adminkey", strength: secretly}, {word: "integrationkey", strength: secretly},
	{word: "webhookkey", strength: secretly}, {word: "ingestionkey", strength: secretly}, {word: "writekey", strength: secretly},
	{word: "credential", strength: secretly}, {word: "credentials", strength: secretly}, {word: "bearer", strength: secretly},
	{word: "authorization", strength: secretly}, {word: "accesscode", strength: secretly}, {word: "authcode", strength: secretly},
	{word: "connectionkey", strength: secretly}, {word: "salt", strength: weak, whole: true},
	{word: "key", strength: weak}, {word: "auth", strength: weak}, {word: "pat", strength: weak, whole: true},
	{word: "jwt", strength: weak, whole: true}, {word: "cred", strength: weak, whole: true}, {word: "creds", strength: weak, whole: true},
	{word: "apitoken", strength: secretly, anywhere: true}, {word: "sid", strength: weak, whole: true}, {word: "session", strength: weak, whole: true},
	{word: "signature", strength: weak, whole: true}, {word: "webhook", strength: weak}, {word: "login", strength: weak, whole: true},
	{word: "api", strength: weak, whole: true}, {word: "seed", strength: weak, whole: true},
	{word: "xapikey", strength: secretly, anywhere: true}, {word: "account", strength: weak, whole: true},
}

// Names with these words mean something else.
var otherNames = automaton.Must("keyid", "keyname", "secretname", "tokenname", "tokentype", "tokenurl", "tokenuri", "secretarn",
	"endpoint", "tokencount", "tokens", "tokeniz", "tokenlimit", "publickey", "pubkey", "keypath", "keyfile", "passwordfile", "passfile",
	"label", "placeholder", "foreignkey", "sortkey", "partitionkey", "cachekey", "keycode", "hotkey", "keyword", "message", "error",
	"keytype", "tokenclass", "integrity", "checksum", "digest", "sha256", "sha512", "commit", "etag", "objectkey", "translationkey", "i18n",
	"passwordreset", "resetpassword", "forgotpassword", "csrf", "xsrf", "fingerprint", "color", "colour", "bypass", "monkey", "turkey", "hockey", "whiskey",
	"websocketkey", "errcode", "invalidpassword", "keypress", "keydown", "keyup", "author", "oauthurl", "authurl", "padtoken", "eostoken", "bostoken", "unktoken", "specialtoken", "nexttoken", "pagetoken", "synctoken",
	"haspsk", "primarykey", "idempotencykey", "dedupkey", "rowkey", "algorithm")

var nameMachine = func() *automaton.Automaton {
	words := make([]string, len(nameWords))
	for i, w := range nameWords {
		words[i] = w.word
	}
	return automaton.Must(words...)
}()

// services are companies whose keys have no form of their own: a value that is
// assigned to a name with one of these is looked at like that of a key.
var services = automaton.Must("adafruit", "adobe", "airtable", "algolia", "alibaba", "aliyun", "amplitude", "appdynamics", "artifactory", "asana", "atlassian", "auth0",
	"azure", "beamer", "binance", "bitbucket", "bitfinex", "bittrex", "bugsnag", "circleci", "clearbit", "cloudant", "cloudflare", "cloudinary", "cloudsight", "codacy", "codeclimate", "codecov",
	"cohere", "coinbase", "coinapi", "coinlayer", "confluence", "confluent", "contentful", "coveralls", "datadog", "deepgram", "digitalocean", "discord", "drone", "droneci", "dropbox", "dynatrace",
	"elastic", "etherscan", "etsy", "facebook", "fastly", "finicity", "finnhub", "firebase", "flickr", "foursquare", "freshbooks", "freshdesk", "gitea", "gitter", "gocardless", "grafana", "hashicorp",
	"helpscout", "heroku", "hubspot", "hunterio", "infura", "instagram", "intercom", "jfrog", "jumpcloud", "kraken", "kucoin", "launchdarkly", "linkedin", "loggly", "mailchimp", "mailgun", "mailjet",
	"mandrill", "mapbox", "mattermost", "messagebird", "mixpanel", "moralis", "mural", "netlify", "newrelic", "nexmo", "nytimes", "okta", "onelogin", "openai", "openweather", "opsgenie", "optimizely",
	"pagerduty", "paypal", "paystack", "pinterest", "plaid", "plivo", "postmark", "privateai", "pusher", "quickbooks", "rapidapi", "razorpay", "reddit", "rollbar", "salesforce", "sauce", "segment",
	"sendbird", "sendgrid", "sentry", "shodan", "shopify", "shippo", "sidekiq", "snyk", "sonar", "sparkpost", "splunk", "spotify", "squarespace", "statuspage", "stytch", "sumologic", "surge", "tableau",
	"teamcity", "telegram", "ticketmaster", "todoist", "travis", "trello", "twilio", "twitch", "twitter", "typeform", "unsplash", "virustotal", "vonage", "wakatime", "webex", "wepay", "wistia", "yandex",
	"yelp", "youtube", "zapier", "zendesk", "zoho", "zoom")

// maxName is how many bytes of a name count, from its end.
const maxName = 64

// judge returns how much name says. It is what stands before a value, as it is
// written, separators and all.
func judge(name string) strength {
	name = name[max(0, len(name)-maxName):]
	var folded [maxName]byte
	var start [maxName + 1]bool // where a word of the name begins
	n := 0
	start[0] = true
	for i := range len(name) {
		b := name[i]
		if !alnum(b) {
			start[n] = true
			continue
		}
		if i > 0 && b >= 'A' && b <= 'Z' && name[i-1] >= 'a' && name[i-1] <= 'z' {
			start[n] = true
		}
		if letter(b) {
			b |= 0x20
		}
		folded[n] = b
		n++
	}
	start[n] = true
	key := string(folded[:n])
	end := n
	for end > 0 && digit(key[end-1]) { // token1, password2
		end--
	}
	best := nothing
	nameMachine.Find(key, func(w, from, to int) bool {
		word := &nameWords[w]
		switch {
		case word.whole && !(start[from] && (start[to] || to == end)):
		case to == end || to == n:
			best = max(best, word.strength)
		case word.anywhere:
			best = max(best, weak)
		}
		return true
	})
	if best == nothing && n <= 40 && services.Contains(key) {
		best = weak
	}
	if best != nothing && otherNames.Contains(key) && !strings.HasSuffix(key[:end], "tokensecret") {
		return nothing
	}
	return best
}

// assignment is what stands before a value.
type assignment struct {
	name  string
	op    byte // '=' or ':' and so on; ' ' for none; 'i' for "is", 't' for "to"
	quote byte // the quote before the value, or 0
	// paired says that the name of a user, or what else makes it a login, stands
	// before it.
	paired bool
	before byte // what stands before the name: ';' in a connection string
	tight  bool // nothing between the operator and the value but the quote
}

// What may stand between a name and its value.
var (
	slashes   = shape.Bytes(`\\`)
	brackets  = shape.Bytes(`(\[{`)
	blanks    = shape.Bytes(` \t`)
	ends      = shape.Bytes(`\r\n`)
	operators = shape.Bytes(`=:!?<>+|`)
	colons    = shape.Bytes(`:`)
	bars      = shape.Bytes(`|`)
	quotes    = shape.Bytes("\"'`")
	closing   = shape.Bytes("\"'`\\\\\\])>")
	between   = shape.Bytes(` \t:?*&.="',<>{`)
)

// lookBack reads what stands before the value at p, no further than lo.
func lookBack(text string, p, lo int) (a assignment, ok bool) {
	i := p
	at := func() byte {
		if i > lo {
			return text[i-1]
		}
		return 0
	}
	skip := func(set *shape.Set, most int) (n int) {
		for n < most && i > lo && set.Has(text[i-1]) {
			i--
			n++
		}
		return n
	}
	if b := at(); b == '"' || b == '\'' || b == '`' {
		a.quote = b
		i--
		if skip(slashes, 3) > 0 && (at() == '"' || at() == '\'') {
			i-- // a string within a string: '"…"', as build files have them
		}
		if strings.IndexByte("bruf@L", at()) >= 0 && at() != 0 && (i-1 <= lo || !alnum(text[i-2])) {
			i--
		}
	}
	opened := skip(brackets, 1)
	spaces := skip(blanks, 48)
	if skip(ends, 2) > 0 {
		skip(blanks, 48)
		if a.quote == 0 && at() != '>' {
			// A line of its own, unless it is in an element of XML. The line
			// before may be the name of a variable and nothing else.
			end := i
			for i > lo && end-i < maxName && nameByte(text[i-1]) {
				i--
			}
			a.name, a.op = text[i:end], '\n'
			return a, spaces == 0 && (i == 0 || i > lo && text[i-1] == '\n') && strings.IndexByte(a.name, '_') > 0 && shouted(a.name)
		}
	}
	a.tight = spaces == 0
	switch b := at(); {
	case b == '=':
		a.op = '='
		skip(operators, 4)
	case b == ':':
		a.op = ':'
		skip(colons, 2)
	case b == '>':
		i--
		if strings.IndexByte("=-", at()) >= 0 && at() != 0 {
			a.op = '='
			i--
			break
		}
		a.op = '>'
		a.tight = spaces == 0
	case b == ',' && a.quote != 0:
		a.op = ','
		i--
	case b == '|':
		a.op = '|'
		skip(bars, 2)
	case opened > 0 && a.quote != 0:
		a.op = '('
	case spaces > 0 && strings.HasSuffix(text[lo:i], "→"):
		a.op = ':'
		i -= len("→")
	case spaces > 0 && b == '-' && i > lo+2 && text[i-2] == ' ' && letter(text[i-3]):
		a.op = 'i' // api key - …
		i--
	case spaces > 0:
		a.op = ' '
	default:
		return a, false
	}
	skip(blanks, 48)
	skip(closing, 3)
	if a.op == ' ' && i > lo && text[i-1] == ':' {
		return a, false
	}
	end := i
	for i > lo && end-i < maxName && nameByte(text[i-1]) {
		i--
	}
	if i > lo && text[i-1] >= 0x80 && (a.op == ':' || a.op == '=') && foreign(text[lo:end]) {
		a.name = "password"
		return a, true
	}
	if i == end {
		return a, false
	}
	a.name = text[i:end]
	var small [8]byte
	n := 0
	if len(a.name) < len(small) {
		for n < len(a.name) {
			small[n] = a.name[n]
			if letter(small[n]) {
				small[n] |= 0x20
			}
			n++
		}
	}
	switch string(small[:n]) { // typeWords has the first letters of these
	case "string", "str", "char", "text", "varchar", "value", "val", "default", "--body":
		// The type stands before the operator, or an attribute of XML does: the
		// name is further ahead.
		if name := declared(text[lo:i]); name != "" {
			a.name = name
			return a, true
		}
		skip(between, 12)
		end = i
		for i > lo && end-i < maxName && nameByte(text[i-1]) {
			i--
		}
		a.name = text[i:end]
	case "is", "are", "ist", "est", "es", "to":
		if a.op != ' ' && (a.op != ':' || small[0] == 't') {
			return a, false
		}
		a.op = 'i'
		if small[0] == 't' {
			a.op = 't'
			if !renewed(text[lo:i]) {
				return a, false
			}
		}
		skip(blanks, 2)
		skip(quotes, 1)
		end = i
		for i > lo && end-i < maxName && (nameByte(text[i-1]) || text[i-1] == ' ') {
			i--
		}
		a.name = text[i:end]
		if i > lo && text[i-1] >= 0x80 && foreign(text[lo:end]) {
			a.name = "password"
		}
		for _, w := range asides {
			if at := strings.Index(a.name, w); at > 0 {
				a.name = a.name[:at] // the password for the test system is …
			}
		}
	default:
		// "secret key: …" is a name of two words.
		if a.op == ':' || a.op == '=' || a.op == 'i' {
			end = i + len(a.name)
			for n := 0; n < 24 && i > lo && (nameByte(text[i-1]) || text[i-1] == ' '); n++ {
				i--
			}
			a.name = text[i:end]
		}
		if a.op == ':' && end-i >= 24 && judge(a.name) == nothing {
			k := i // the password for the test system: …
			for i-k < 24 && k > lo && (nameByte(text[k-1]) || text[k-1] == ' ') {
				k--
			}
			for _, w := range asides[:2] {
				if at := strings.Index(text[k:end], w); at > 0 && judge(text[k:k+at]) == password {
					a.name, a.op = text[k:k+at], 'i'
				}
			}
		}
	}
	for i > lo && text[i-1] == ' ' && end-i < maxName {
		i--
	}
	if i > lo {
		a.before = text[i-1]
	}
	return a, true
}

// foreignNames are what a password is called in languages with letters beyond ASCII,
// without the first letter where that may be a capital.
var foreignNames = []string{"ontraseña", "ontrasenya", "ароль", "密码", "密碼", "口令", "暗証番号", "パスワード", "비밀번호", "암호", "كلمة المرور", "كلمة السر",
	"סיסמה", "รหัสผ่าน", "ật khẩu", "asło", "ösenord", "şifre", "Şifre", "arolă", "elszó", "ωδικός", "पासवर्ड"}

// foreign tells whether text ends in such a name.
func foreign(text string) bool {
	for _, w := range foreignNames {
		if strings.HasSuffix(text, w) {
			return true
		}
	}
	return false
}

// renewed tells whether text, behind which "to" stands, ends in a word for what one sets
// to a secret. It spares all other sentences the rest.
func renewed(text string) bool {
	text = strings.TrimRight(text, " `\"'")
	for _, w := range [...]string{"password", "passwd", "pwd", "_pass", "secret", "token", "key"} {
		if n := len(text) - len(w); n >= 0 && text[n+1]|0x20 == w[1] && strings.EqualFold(text[n:], w) {
			return true
		}
	}
	return false
}

// asides begin what is said about a secret between its name and "is".
var asides = []string{" for ", " of ", " you ", " we ", " to "}

// declared returns the name that text declares, at whose end a line or an option says
// what the value is: variable "name" { … default = in Terraform, name: and then
// value: in lists of variables, secret set name --body.
func declared(text string) string {
	text = strings.TrimRight(text, " \t\"'")
	if cut, ok := strings.CutSuffix(text, "--body"); ok {
		text = cut
	}
	word := func(s string) string {
		s = strings.TrimRight(s, " \t\"',")
		i := len(s)
		for i > 0 && len(s)-i < maxName && nameByte(s[i-1]) {
			i--
		}
		return s[i:]
	}
	if i := strings.LastIndex(text, "variable \""); i >= 0 {
		rest := text[i+len("variable \""):]
		if end := strings.IndexByte(rest, '"'); end > 0 && strings.IndexByte(rest, '}') < 0 {
			return rest[:end]
		}
	}
	i := strings.LastIndexByte(text, '\n')
	if i < 0 {
		return ""
	}
	line := strings.TrimRight(text[:i], " \t\r")
	name := word(line)
	before := strings.TrimRight(line[:strings.LastIndex(line, name)], " \t\"'")
	if name == "" || !strings.HasSuffix(before, "name:") && !strings.HasSuffix(before, "key:") && !strings.HasSuffix(before, "Name:") && !strings.HasSuffix(before, "name\":") {
		return ""
	}
	return name
}

func nameByte(b byte) bool { return nameBytes[b] }

var nameBytes = func() (t [256]bool) {
	for b := range 256 {
		t[b] = alnum(byte(b)) || strings.IndexByte("_-.$", byte(b)) >= 0
	}
	return t
}()
