package gateway

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/audit"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/limits/usage"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

// summary tells a record in one line.
func summary(r *audit.Record) string {
	s := r.Stage
	if r.Outcome != "" && r.Outcome != r.Stage {
		s += ", " + r.Outcome
	}
	if r.Denial != nil {
		s += ", " + r.Denial.Code + " at " + r.Denial.Stage
		if r.Denial.Rule != "" {
			s += " by " + r.Denial.Rule
		}
	}
	if d := r.Deployment; d != nil {
		s += ", to " + d.Provider + "/" + d.Model
	}
	for i := range r.Attempts {
		a := &r.Attempts[i]
		s += fmt.Sprintf(", %s/%s %s: %d in %d out, %s", a.Provider, a.Model, a.Result,
			a.Usage.Input+a.Usage.CacheRead+a.Usage.CacheWrite+a.Usage.CacheWrite1h, a.Usage.Output, llm.Money(a.Cost))
		if a.Usage.Estimated {
			s += " (estimated)"
		}
	}
	if r.Event != "" {
		s += ", " + r.Event
		if r.Erased != "" {
			s += " of subject " + r.Erased
		}
		s += ": " + r.Detail
		if r.Actor != "" {
			s += " (" + r.Actor + ")"
		}
	}
	return s
}

// tell prints the whole story of a record.
func tell(out io.Writer, f foundRecord) error {
	r, err := audit.Decode(f.Record)
	if err != nil {
		return err
	}
	f.Clear.apply(r)
	fmt.Fprintf(out, "record %d of log %s: %s, %s\n", f.Index, f.Log, r.Stage, r.TS.Format(time.RFC3339Nano))
	t := tabwriter.NewWriter(out, 0, 8, 2, ' ', 0)
	row := func(name, value string) {
		if value != "" {
			// Names of models and keys are the client's words.
			fmt.Fprintf(t, "  %s\t%s\n", name, usage.PrintableLine(value))
		}
	}
	if p := r.Principal; p != nil {
		who := "key " + p.Key
		for _, kv := range [][2]string{{"user", p.User.String()}, {"team", p.Team}, {"org", p.Org}} {
			if kv[1] != "" {
				who += ", " + kv[0] + " " + kv[1]
			}
		}
		row("who", who+", from "+orDash(r.ClientIP.String()))
	} else {
		row("who", "nobody known, from "+orDash(r.ClientIP.String()))
	}
	if f.Clear != nil && f.Clear.Erased {
		row("", "the key of this subject was erased: ~… are pseudonyms")
	}
	row("asked", strings.TrimSpace(r.Method+" "+r.Path)+" for "+orDash(r.Model)+streamed(r.Stream))
	for _, d := range r.Decisions {
		text := d.Action
		for _, more := range []string{d.Rule, d.Code, d.Detail} {
			if more != "" {
				text += " " + more
			}
		}
		row(usage.Printable("llm_"+d.Module), text)
	}
	for _, e := range r.Scans {
		text := fmt.Sprintf("%s of %s: %s", strings.TrimSpace(e.Detector+" "+e.Rule), e.Where, e.Verdict)
		if e.Found > 0 {
			text += fmt.Sprintf(" %d", e.Found)
		}
		if e.ScoreMillis > 0 {
			text += fmt.Sprintf(" %d.%03d", e.ScoreMillis/1000, e.ScoreMillis%1000)
		}
		row("looked at", fmt.Sprintf("%s, %d bytes", text, e.Bytes))
	}
	if len(r.Tags) > 0 {
		tags := make([]string, len(r.Tags))
		for i, t := range r.Tags {
			tags[i] = t.String()
		}
		row("tags", strings.Join(tags, ", "))
	}
	if d := r.Deployment; d != nil {
		row("goes to", d.Provider+"/"+d.Model+", reserved "+llm.Money(d.Reserved).String())
	}
	for i, a := range r.Attempts {
		text := fmt.Sprintf("%s/%s: %s", a.Provider, a.Model, a.Result)
		if a.Status != 0 {
			text += fmt.Sprintf(", status %d", a.Status)
		}
		if a.Error != "" {
			text += ", " + a.Error
		}
		text += fmt.Sprintf(", %d + %d tokens", a.Usage.Input+a.Usage.CacheRead+a.Usage.CacheWrite+a.Usage.CacheWrite1h, a.Usage.Output)
		if a.Usage.Estimated {
			text += " (estimated)"
		}
		text += fmt.Sprintf(", %s of %s reserved, %s", llm.Money(a.Cost), llm.Money(a.Reserved), time.Duration(a.DurationMicros)*time.Microsecond)
		row(fmt.Sprintf("attempt %d", i+1), text)
	}
	if r.Denial != nil {
		row("refused", r.Denial.Code+" at stage "+r.Denial.Stage+" "+r.Denial.Rule)
	}
	if r.Outcome != "" {
		text := fmt.Sprintf("%s, status %d, %d bytes in %s", r.Outcome, r.Status, r.BytesOut, time.Duration(r.DurationMicros)*time.Microsecond)
		if r.FinishReason != "" {
			text += ", finished: " + r.FinishReason
		}
		row("ended", text)
	}
	if r.AnswerSHA256 != "" {
		row("answer", "sha256 "+r.AnswerSHA256)
	}
	if c := r.Content; c != nil {
		row("content", string(c.Level)+stored("request", c.Request)+stored("answer", c.Answer))
	}
	if r.Count > 0 {
		row("stands for", fmt.Sprintf("%d requests within %d s", r.Count, r.IntervalSeconds))
	}
	return t.Flush()
}

// stored says what was kept of a text.
func stored(what string, t *audit.Text) string {
	switch {
	case t == nil:
		return ""
	case t.Omitted != "":
		return "; " + what + " not stored: " + t.Omitted
	case t.HMAC != "":
		return "; " + what + " hmac " + t.HMAC
	}
	return fmt.Sprintf("; %s of %d bytes stored, ciphertext sha256 %s", what, t.Bytes, t.SHA256)
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

func streamed(yes bool) string {
	if yes {
		return ", streamed"
	}
	return ""
}
