package audit

import (
	"encoding/hex"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

// maxString bounds every string in a record, in bytes.
const maxString = 1024

// maxDecisions bounds the list of decisions, so that no record outgrows
// MaxRecord.
const maxDecisions = 24

// line builds the part of a record behind its sequence number. It is written by
// hand because it is on the way of every request.
type line struct{ b []byte }

func (l *line) name(n string) {
	l.b = append(l.b, ',', '"')
	l.b = append(l.b, n...)
	l.b = append(l.b, '"', ':')
}

func (l *line) str(n, v string) {
	if v != "" {
		l.name(n)
		l.b = appendString(l.b, v)
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
	l.b = appendString(l.b, v)
}

func (l *line) byte(c byte) { l.b = append(l.b, c) }

func begin(node, stage string, at time.Time, size int) *line {
	l := &line{b: make([]byte, 0, size)}
	l.name("ts")
	l.byte('"')
	l.b = at.UTC().AppendFormat(l.b, time.RFC3339Nano)
	l.byte('"')
	l.str("node", node)
	l.str("stage", stage)
	return l
}

// request writes what every record of a request begins with.
func (l *line) request(x *llm.Exchange, config string) {
	l.str("request", x.ID)
	l.str("trace", x.TraceID)
	if p := x.Principal; p != nil {
		l.name("principal")
		l.open("key", p.Key)
		l.str("user", p.User)
		l.str("team", p.Team)
		l.str("org", p.Org)
		l.byte('}')
	}
	l.str("client_ip", x.ClientIP)
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
	for i := range x.Decisions[:min(len(x.Decisions), maxDecisions)] {
		d := &x.Decisions[i]
		if i > 0 {
			l.byte(',')
		}
		l.open("module", d.Module)
		l.str("rule", d.Rule)
		l.str("action", d.Action)
		l.str("code", d.Code)
		l.str("detail", d.Detail)
		l.byte('}')
	}
	l.byte(']')
}

func (l *line) deployment(d *llm.Deployment, reserved llm.Money) {
	l.open("provider", d.Provider)
	l.str("type", d.Type)
	l.str("model", d.Model)
	l.num("reserved_nanousd", int64(reserved))
}

// encodeAdmitted is the record of a call that is about to leave.
func encodeAdmitted(node, config string, x *llm.Exchange, a *llm.Attempt) []byte {
	l := begin(node, StageAdmitted, a.Started, 768)
	l.request(x, config)
	l.name("deployment")
	l.deployment(&a.Deployment, a.Reserved)
	l.byte('}')
	l.num("attempt", int64(len(x.Attempts)))
	l.decisions(x)
	l.byte('}')
	return l.b
}

// encodeEnded is the record of an outcome.
func encodeEnded(node, config, stage string, x *llm.Exchange) []byte {
	l := begin(node, stage, x.End, 1280)
	l.request(x, config)
	l.decisions(x)
	if len(x.Tags) > 0 {
		l.name("tags")
		for i, t := range x.Tags[:min(len(x.Tags), maxDecisions)] {
			l.byte("[,"[min(i, 1)])
			l.b = appendString(l.b, t)
		}
		l.byte(']')
	}
	if n := len(x.Attempts); n > 0 {
		l.name("attempts")
		for i, a := range x.Attempts[:min(n, maxDecisions)] {
			l.byte("[,"[min(i, 1)])
			l.attempt(x, a)
		}
		l.byte(']')
	}
	l.str("outcome", string(x.Outcome))
	l.num("status", int64(x.Status))
	if d := x.Denied; d != nil {
		l.name("denial")
		l.open("code", d.Code)
		l.str("stage", string(d.Stage))
		l.str("rule", d.Rule)
		l.byte('}')
	}
	l.num("bytes_in", x.BytesIn)
	l.num("bytes_out", x.BytesOut)
	if x.Digest != nil {
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
	l.byte('}')
	return l.b
}

func (l *line) attempt(x *llm.Exchange, a *llm.Attempt) {
	l.deployment(&a.Deployment, a.Reserved)
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
	l.always("output", u.Output)
	l.num("reasoning", u.Reasoning)
	l.str("model", u.Model)
	l.str("tier", u.Tier)
	l.yes("estimated", u.Estimated)
	l.byte('}')
	l.always("cost_nanousd", int64(a.Cost))
	l.str("price_version", a.PriceVersion)
	l.byte('}')
}

// encodeStrangers is the record of denials of one source that were counted.
func encodeStrangers(node string, at time.Time, s *stranger, key strangerKey) []byte {
	l := begin(node, StageDenied, at, 512)
	l.str("client_ip", key.source)
	l.str("server", s.server)
	l.str("outcome", string(llm.OutcomeDenied))
	l.num("status", int64(s.status))
	l.name("denial")
	l.open("code", key.code)
	l.str("stage", s.stage)
	l.byte('}')
	l.always("count", s.count)
	l.always("interval_s", int64(at.Sub(s.since)/time.Second))
	l.byte('}')
	return l.b
}

// systemEvent is what the log has to say about itself.
type systemEvent struct{ event, detail string }

func encodeSystem(node string, at time.Time, e systemEvent) []byte {
	l := begin(node, StageSystem, at, 512)
	l.str("event", e.event)
	l.str("detail", e.detail)
	l.byte('}')
	return l.b
}

const hexDigits = "0123456789abcdef"

// appendString appends a JSON string: bounded, with controls (those of
// terminals too), quotes and separators escaped and invalid UTF-8 replaced.
func appendString(b []byte, s string) []byte {
	if len(s) > maxString {
		s = s[:maxString]
		for i := 0; i < utf8.UTFMax && len(s) > 0; i++ { // not inside a character
			if r, size := utf8.DecodeLastRuneInString(s); r != utf8.RuneError || size > 1 {
				break
			}
			s = s[:len(s)-1]
		}
	}
	b = append(b, '"')
	start := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= 0x20 && c < 0x7f && c != '"' && c != '\\' {
			i++
			continue
		}
		r, size := rune(c), 1
		if c >= utf8.RuneSelf {
			r, size = utf8.DecodeRuneInString(s[i:])
			if (r != utf8.RuneError || size > 1) && r >= 0xa0 && r != 0x2028 && r != 0x2029 && (r < 0x200b || r > 0x200f) && (r < 0x202a || r > 0x202e) {
				i += size
				continue
			}
		}
		b = append(b, s[start:i]...)
		if r == '"' || r == '\\' {
			b = append(b, '\\', byte(r))
		} else {
			b = append(b, '\\', 'u', hexDigits[r>>12&15], hexDigits[r>>8&15], hexDigits[r>>4&15], hexDigits[r&15])
		}
		i += size
		start = i
	}
	b = append(b, s[start:]...)
	return append(b, '"')
}
