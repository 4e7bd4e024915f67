package audit

import (
	"encoding/hex"
	"strconv"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/audit/vault"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

// Bounds of a record. Those of strings are on encoded bytes, so that text made
// of nothing but control characters cannot grow sixfold.
const (
	maxString = 1024
	maxTag    = 128
	maxTags   = 24
	// maxPolicies bounds the hashes of sets of rules.
	maxPolicies = 8
	// Lists are cut when the record has grown to these lengths, so that what
	// follows them always has room below MaxRecord.
	decisionsEnd = 30 << 10
	scansEnd     = 36 << 10
	attemptsEnd  = 50 << 10
)

// cutMark ends a string that was cut.
const cutMark = "…"

// line builds the part of a record behind its sequence number. It is written by
// hand because it is on the way of every request.
type line struct {
	b       []byte
	omitted int // members of lists that did not fit
}

func (l *line) name(n string) {
	l.b = append(l.b, ',', '"')
	l.b = append(l.b, n...)
	l.b = append(l.b, '"', ':')
}

func (l *line) str(n, v string) {
	if v != "" {
		l.name(n)
		l.b = appendString(l.b, v, maxString)
	}
}

func (l *line) num(n string, v int64) {
	if v != 0 {
		l.always(n, v)
	}
}

func (l *line) always(n string, v int64) {
	l.name(n)
	l.b = strconv.AppendInt(l.b, v, 10)
}

func (l *line) yes(n string, v bool) {
	if v {
		l.name(n)
		l.b = append(l.b, "true"...)
	}
}

// open begins an object whose first member is a string that is always there.
func (l *line) open(first, v string) {
	l.b = append(l.b, '{', '"')
	l.b = append(l.b, first...)
	l.b = append(l.b, '"', ':')
	l.b = appendString(l.b, v, maxString)
}

func (l *line) byte(c byte) { l.b = append(l.b, c) }

// lineSize is the room of a new record's buffer in bytes: most fit. Buffers that
// have grown beyond maxLine are not used again.
const (
	lineSize = 2 << 10
	maxLine  = 8 << 10
)

// lineBuffers are buffers of records that were written.
var lineBuffers = sync.Pool{New: func() any {
	b := make([]byte, 0, lineSize)
	return &b
}}

// reuse gives the buffer of a record back. Nobody may have it any more.
func reuse(line []byte) {
	if c := cap(line); c >= lineSize && c <= maxLine {
		lineBuffers.Put(&line)
	}
}

func begin(node, stage string, at time.Time) *line {
	l := &line{b: (*lineBuffers.Get().(*[]byte))[:0]}
	l.name("ts")
	l.byte('"')
	l.b = at.UTC().AppendFormat(l.b, time.RFC3339Nano)
	l.byte('"')
	l.str("node", node)
	l.str("stage", stage)
	return l
}

// request writes what every record of a request begins with.
func (l *line) request(x *llm.Exchange, who *vault.Subject, config string) {
	l.str("request", x.ID)
	l.str("trace", x.TraceID)
	if who != nil {
		l.str("subject", who.ID)
	}
	if p := x.Principal; p != nil {
		l.name("principal")
		l.open("key", p.Key)
		l.personal("user", who, kindUser, p.User)
		l.str("team", p.Team)
		l.str("org", p.Org)
		l.byte('}')
	}
	l.personal("client_ip", who, kindClientIP, x.ClientIP)
	l.str("server", x.Server)
	l.str("method", x.Method)
	l.str("path", x.Path)
	l.str("dialect", x.Dialect.String())
	if x.View != nil {
		l.str("model", x.View.Model)
		l.yes("stream", x.View.Stream)
	}
	l.str("config", config)
}

func (l *line) decisions(x *llm.Exchange) {
	if len(x.Decisions) == 0 {
		return
	}
	l.name("decisions")
	l.byte('[')
	for i := range x.Decisions {
		d, at := &x.Decisions[i], len(l.b)
		if i > 0 {
			l.byte(',')
		}
		l.open("module", d.Module)
		l.str("rule", d.Rule)
		l.str("action", d.Action)
		l.str("code", d.Code)
		l.str("policy", d.Policy)
		l.str("detail", d.Detail)
		l.byte('}')
		if len(l.b) > decisionsEnd {
			l.b = l.b[:at]
			l.omitted += len(x.Decisions) - i
			break
		}
	}
	l.byte(']')
}

// evidence writes which rules judged and which detectors looked.
func (l *line) evidence(x *llm.Exchange) {
	l.strings("policies", x.Policies, maxPolicies, maxTag)
	l.omitted += x.ScansOmitted
	if len(x.Scans) == 0 {
		return
	}
	l.name("scans")
	l.byte('[')
	for i := range x.Scans {
		s, at := &x.Scans[i], len(l.b)
		if i > 0 {
			l.byte(',')
		}
		l.open("detector", s.Detector)
		l.str("rule", s.Rule)
		l.str("where", s.Where)
		l.always("texts", int64(s.Texts))
		l.always("bytes", s.Bytes)
		l.str("verdict", s.Verdict)
		l.num("found", int64(s.Found))
		l.num("score_millis", int64(s.ScoreMillis))
		l.byte('}')
		if len(l.b) > scansEnd {
			l.b = l.b[:at]
			l.omitted += len(x.Scans) - i
			break
		}
	}
	l.byte(']')
}

// strings writes a list of at most most strings, none for an empty one.
func (l *line) strings(name string, list []string, most, limit int) {
	n := len(list)
	if n == 0 {
		return
	}
	l.omitted += max(0, n-most)
	l.name(name)
	for i, s := range list[:min(n, most)] {
		l.byte("[,"[min(i, 1)])
		l.b = appendString(l.b, s, limit)
	}
	l.byte(']')
}

func (l *line) deployment(x *llm.Exchange, d *llm.Deployment, reserved llm.Money) {
	l.open("provider", d.Provider)
	l.str("type", d.Type)
	l.str("model", d.Model)
	if d.Dialect != llm.DialectNone && d.Dialect != x.Dialect {
		l.str("dialect", d.Dialect.String())
	}
	l.str("credential", d.Credential)
	l.num("reserved_nanousd", int64(reserved))
}

// encodeAdmitted is the record of a call that is about to leave.
func encodeAdmitted(node, config string, x *llm.Exchange, a *llm.Attempt, who *vault.Subject, kept *Content) []byte {
	l := begin(node, StageAdmitted, a.Started)
	l.request(x, who, config)
	l.name("deployment")
	l.deployment(x, &a.Deployment, a.Reserved)
	l.byte('}')
	l.num("attempt", int64(len(x.Attempts)))
	l.decisions(x)
	l.evidence(x)
	l.content(kept)
	l.num("omitted", int64(l.omitted))
	l.byte('}')
	return l.b
}

// encodeEnded is the record of an outcome.
func encodeEnded(node, config, stage string, x *llm.Exchange, who *vault.Subject, kept *Content) []byte {
	l := begin(node, stage, x.End)
	l.request(x, who, config)
	l.decisions(x)
	l.evidence(x)
	l.tags(who, x.Tags)
	l.content(kept)
	if n := len(x.Attempts); n > 0 {
		l.name("attempts")
		l.byte('[')
		for i, a := range x.Attempts {
			at := len(l.b)
			if i > 0 {
				l.byte(',')
			}
			l.attempt(x, a)
			if len(l.b) > attemptsEnd {
				l.b = l.b[:at]
				l.omitted += n - i
				break
			}
		}
		l.byte(']')
		_, cost := x.Totals()
		l.always("cost_nanousd", int64(cost))
	}
	l.str("outcome", string(x.Outcome))
	l.num("status", int64(x.Status))
	if d := x.Denied; d != nil {
		l.name("denial")
		l.open("code", d.Code)
		l.str("stage", string(d.Stage))
		l.str("rule", d.Rule)
		l.str("param", d.Param)
		l.byte('}')
	}
	l.num("bytes_in", x.BytesIn)
	l.num("bytes_out", x.BytesOut)
	if x.Digest != nil && kept.showsDigest() {
		l.name("answer_sha256")
		l.byte('"')
		l.b = hex.AppendEncode(l.b, x.Digest)
		l.byte('"')
	}
	l.str("finish_reason", x.FinishReason)
	if !x.FirstByte.IsZero() {
		l.num("ttft_us", x.FirstByte.Sub(x.Start).Microseconds())
	}
	l.num("duration_us", x.End.Sub(x.Start).Microseconds())
	l.num("omitted", int64(l.omitted))
	l.byte('}')
	return l.b
}

func (l *line) attempt(x *llm.Exchange, a *llm.Attempt) {
	l.deployment(x, &a.Deployment, a.Reserved)
	l.num("status", int64(a.Status))
	l.str("result", a.Result.String())
	l.str("error", a.Error)
	l.str("provider_request_id", a.ProviderRequestID)
	l.always("offset_us", a.Started.Sub(x.Start).Microseconds())
	if !a.FirstByte.IsZero() {
		l.num("ttft_us", a.FirstByte.Sub(a.Started).Microseconds())
	}
	l.always("duration_us", a.Ended.Sub(a.Started).Microseconds())
	l.always("admitted_index", a.AuditIndex)
	u := &a.Usage
	l.name("usage")
	l.b = append(l.b, `{"input":`...)
	l.b = strconv.AppendInt(l.b, u.Input, 10)
	l.num("cache_read", u.CacheRead)
	l.num("cache_write", u.CacheWrite)
	l.num("cache_write_1h", u.CacheWrite1h)
	l.num("input_audio", u.InputAudio)
	l.num("input_image", u.InputImage)
	l.num("cache_read_audio", u.CacheReadAudio)
	l.always("output", u.Output)
	l.num("reasoning", u.Reasoning)
	l.num("output_audio", u.OutputAudio)
	l.num("output_image", u.OutputImage)
	l.num("web_searches", u.WebSearches)
	l.num("file_searches", u.FileSearches)
	l.num("code_sessions", u.CodeSessions)
	l.str("model", u.Model)
	l.str("tier", u.Tier)
	l.str("region", u.Region)
	l.yes("estimated", u.Estimated)
	l.byte('}')
	l.always("cost_nanousd", int64(a.Cost))
	l.str("price_version", a.PriceVersion)
	l.byte('}')
}

// encodeStrangers is the record of denials of one source that were counted.
func encodeStrangers(node string, at time.Time, s *stranger, key strangerKey, who *vault.Subject) []byte {
	l := begin(node, StageDenied, at)
	if who != nil {
		l.str("subject", who.ID)
	}
	l.personal("client_ip", who, kindClientIP, key.source)
	l.str("server", s.server)
	l.str("outcome", string(llm.OutcomeDenied))
	l.num("status", int64(s.status))
	l.name("denial")
	l.open("code", key.code)
	l.str("stage", s.stage)
	l.byte('}')
	l.always("count", s.count)
	l.always("interval_s", int64(at.Sub(s.since)/time.Second))
	l.num("omitted", int64(l.omitted))
	l.byte('}')
	return l.b
}

// systemEvent is what the log has to say about itself.
type systemEvent struct{ event, detail string }

func encodeSystem(node string, at time.Time, e systemEvent) []byte {
	l := begin(node, StageSystem, at)
	l.str("event", e.event)
	l.str("detail", e.detail)
	l.byte('}')
	return l.b
}

const hexDigits = "0123456789abcdef"

// plain marks the characters that stand for themselves in JSON and on a terminal.
var plain = func() (t [256]bool) {
	for c := ' '; c < 0x7f; c++ {
		t[c] = c != '"' && c != '\\'
	}
	return t
}()

// plainPrefix is the length of the plain text that s begins with, eight bytes at
// a time: nearly every string of a record is plain to its end.
func plainPrefix(s string) (i int) {
	const ones, highs = 0x0101010101010101, 0x8080808080808080
	for ; i+8 <= len(s); i += 8 {
		w := uint64(s[i]) | uint64(s[i+1])<<8 | uint64(s[i+2])<<16 | uint64(s[i+3])<<24 |
			uint64(s[i+4])<<32 | uint64(s[i+5])<<40 | uint64(s[i+6])<<48 | uint64(s[i+7])<<56
		quote, slash := w^'"'*ones, w^'\\'*ones
		// A byte below 0x20, at 0x7f or above, or equal to one of the two
		// sets its high bit; a borrow only ever adds false alarms, which the
		// loop below settles.
		if (w|(w-' '*ones)|(w+ones)|(quote-ones)|(slash-ones))&highs != 0 {
			break
		}
	}
	for i < len(s) && plain[s[i]] {
		i++
	}
	return i
}

// appendString appends a JSON string of at most limit bytes between its quotes.
// Whatever a terminal may obey instead of showing it is escaped; invalid UTF-8
// becomes U+FFFD.
func appendString(b []byte, s string, limit int) []byte {
	b = append(b, '"')
	i := plainPrefix(s)
	if i == len(s) && i <= limit {
		b = append(b, s...)
		return append(b, '"')
	}
	most := len(b) + limit
	fits := len(b) // where the mark goes if the string turns out too long
	for i = 0; i < len(s); {
		if len(b) <= most-len(cutMark) {
			fits = len(b)
		}
		r, size := rune(s[i]), 1
		if r >= utf8.RuneSelf {
			r, size = utf8.DecodeRuneInString(s[i:])
		}
		switch {
		case r < utf8.RuneSelf && plain[r], r >= utf8.RuneSelf && (size > 1 && !obeyed(r)):
			b = append(b, s[i:i+size]...)
		case r == '"' || r == '\\':
			b = append(b, '\\', byte(r))
		default:
			b = append(b, '\\', 'u', hexDigits[r>>12&15], hexDigits[r>>8&15], hexDigits[r>>4&15], hexDigits[r&15])
		}
		i += size
		if len(b) > most {
			b = append(b[:fits], cutMark...)
			break
		}
	}
	return append(b, '"')
}

// obeyed reports whether a terminal or viewer may act on the character: C1
// controls, marks and overrides of direction, separators, invisible characters.
// All of them are below U+10000.
func obeyed(r rune) bool {
	return r < 0xa0 || r == 0x061c || r >= 0x200b && r <= 0x200f || r >= 0x2028 && r <= 0x202e ||
		r >= 0x2060 && r <= 0x206f || r == 0xfeff || r >= 0xfff9 && r <= 0xfffb
}
