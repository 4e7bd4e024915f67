package gateway

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/audit"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/audit/vault"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/handlers"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/policy/trial"
)

func policyReplayCommand() *cobra.Command {
	var cfg policyConfig
	var in recordedTraffic
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "replay <audit log directory> --policy <Caddyfile>",
		Short: "Judge recorded traffic by a new policy, and tell what would have changed",
		Long: `Reads the records of an audit log, live or copied, and judges each request that had
come to the policy by the rules of another configuration. Records hold no text unless
llm_audit says "content full" or "content redacted": without it, only rules over what
records do hold (model, dialect, stream, key, team, org, time, path) can be judged;
for how many requests that was not enough, and why, is told. Nothing is dialled;
classifiers do not answer.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := newCandidate(&cfg)
			if err != nil {
				return err
			}
			var report trial.Replay
			var failed error
			err = in.each(args[0], func(rec *audit.Record, v *vault.Vault) bool {
				if rec.Denial != nil && rec.Denial.Stage != string(llm.StagePolicy) && rec.Stage == audit.StageDenied {
					report.Others++
					return true
				}
				r, masked := recorded(rec, v)
				if masked {
					report.Masked++
				}
				failed = report.Add(contextOf(cmd.Context()), c, r)
				return failed == nil
			})
			if err = errors.Join(err, failed); err != nil {
				return err
			}
			report.Done()
			if asJSON {
				return printJSON(cmd.OutOrStdout(), &report)
			}
			report.Print(cmd.OutOrStdout())
			return nil
		},
	}
	cfg.flags(cmd, "policy")
	in.flags(cmd)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the comparison as JSON")
	return cmd
}

// recordedTraffic is the part of an audit log that is read.
type recordedTraffic struct {
	from, to, vaultKey string
}

func (t *recordedTraffic) flags(cmd *cobra.Command) {
	cmd.Flags().StringVar(&t.from, "from", "", "from this day (2026-01-15) or time on")
	cmd.Flags().StringVar(&t.to, "to", "", "up to this day or time, exclusive")
	cmd.Flags().StringVar(&t.vaultKey, "vault-key", "", "file with the key of the log's vault, if it is not in the vault")
}

func dayOrTime(option, s string) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	for _, layout := range []string{time.DateOnly, time.RFC3339} {
		if t, err := time.Parse(layout, s); err == nil {
			return t, nil
		}
	}
	return time.Time{}, fmt.Errorf("--%s: %q is neither a day such as 2026-01-15 nor a time such as 2026-01-15T12:00:00Z", option, s)
}

// each calls f with the last record of every request, in order, until it returns false.
func (t *recordedTraffic) each(dir string, f func(rec *audit.Record, v *vault.Vault) bool) error {
	v, err := t.vault(dir)
	if err != nil {
		return err
	}
	return t.all(dir, func(rec *audit.Record) bool {
		if rec.Stage != audit.StageCompleted && rec.Stage != audit.StageDenied || rec.Request == "" || rec.Principal == nil {
			return true
		}
		return f(rec, v)
	})
}

// all calls f with every record of the time that is meant.
func (t *recordedTraffic) all(dir string, f func(rec *audit.Record) bool) error {
	from, err := dayOrTime("from", t.from)
	if err != nil {
		return err
	}
	to, err := dayOrTime("to", t.to)
	if err != nil {
		return err
	}
	if _, err := os.Stat(dir); err != nil {
		return err
	}
	var bad error
	n := 0
	err = audit.Scan(dir, 0, func(_ int64, line []byte) bool {
		n++
		rec, err := audit.Decode(line)
		if err != nil {
			bad = err
			return false
		}
		if !from.IsZero() && rec.TS.Before(from) || !to.IsZero() && !rec.TS.Before(to) {
			return true
		}
		return f(rec)
	})
	if err == nil && bad == nil && n == 0 {
		return fmt.Errorf("%s holds no records: is it the directory of an audit log?", dir)
	}
	return errors.Join(err, bad)
}

// vault opens the vault of a log to read it, nil if there is none or its key is not
// here: then what is encrypted is not known.
func (t *recordedTraffic) vault(dir string) (*vault.Vault, error) {
	o := vault.Options{ReadOnly: true}
	if t.vaultKey != "" {
		b, err := os.ReadFile(t.vaultKey)
		if err != nil {
			return nil, err
		}
		if o.Key, err = vault.ParseKey(string(b)); err != nil {
			return nil, err
		}
	}
	v, err := vault.Open(filepath.Join(dir, "vault"), o)
	if err != nil && t.vaultKey == "" {
		return nil, nil
	}
	return v, err
}

// recorded turns a record into a request to judge. masked is true if its text was
// kept with what detectors find masked.
func recorded(rec *audit.Record, v *vault.Vault) (r *trial.Recorded, masked bool) {
	_ = rec.Reveal(v) // what cannot be decrypted stays unknown
	p := rec.Principal
	r = &trial.Recorded{
		ID: rec.Request, At: rec.TS.Add(-time.Duration(rec.DurationMicros) * time.Microsecond),
		Caller:    &llm.Principal{Key: p.Key, Team: p.Team, Org: p.Org},
		UserKnown: p.User == nil || p.User.Revealed, IPKnown: rec.ClientIP != nil && rec.ClientIP.Revealed,
		Server: rec.Server, Method: rec.Method, Path: rec.Path, Dialect: rec.Dialect, Model: rec.Model, Stream: rec.Stream,
		WhyNoBody: "llm_audit kept no content",
	}
	if p.User != nil && p.User.Revealed {
		r.Caller.User = p.User.Clear
	}
	if r.IPKnown {
		r.IP = rec.ClientIP.Clear
	}
	if rec.Denial != nil && rec.Denial.Stage == string(llm.StagePolicy) {
		r.Denied, r.DeniedBy = true, rec.Denial.Rule
	}
	c := rec.Content
	if c == nil || !c.Level.Stores() || c.Request == nil {
		return r, false
	}
	var why string
	if r.Body, why = keptText(rec, v, c.Request); r.Body == nil {
		r.WhyNoBody = why
		return r, false
	}
	// What was answered without asking a model is our own refusal.
	if c.Answer != nil && len(rec.Attempts) > 0 && rec.Denial == nil {
		r.Answer, _ = keptText(rec, v, c.Answer)
	}
	return r, c.Level == audit.LevelRedacted
}

// keptText reads a text that a record says was kept, or tells why it cannot.
func keptText(rec *audit.Record, v *vault.Vault, t *audit.Text) ([]byte, string) {
	switch {
	case t.Omitted != "":
		return nil, "its text was not kept: " + t.Omitted
	case t.Truncated:
		return nil, "its text was kept in part only"
	case t.File == "":
		return nil, "its text was not kept"
	case v == nil:
		return nil, "the key of the log's vault is not here"
	}
	s, err := v.Lookup(rec.Subject)
	if err != nil {
		return nil, "the key of its subject is not here: it was erased, or is not in this copy"
	}
	b, err := v.Read(s, t.File, t.SHA256)
	if err != nil {
		return nil, "its text cannot be read"
	}
	return b, ""
}

// candidate implements trial.Candidate by a configuration.
type candidate struct {
	policies []json.RawMessage
	known    handlers.Known
	reads    map[string][]string
	made     map[string]*judge // by what is known
}

type judge struct {
	runner  *handlers.Trial
	skipped []trial.Skipped
}

func newCandidate(cfg *policyConfig) (*candidate, error) {
	policies, known, err := cfg.policies()
	if err != nil {
		return nil, err
	}
	t, err := handlers.NewTrial(policies, known)
	if err != nil {
		return nil, err
	}
	return &candidate{policies: policies, known: known, reads: t.Reads(), made: map[string]*judge{}}, nil
}

// For implements trial.Candidate.
func (c *candidate) For(known map[string]bool) (trial.Runner, []trial.Skipped, error) {
	var id strings.Builder
	for _, f := range slices.Sorted(maps.Keys(known)) {
		if known[f] {
			id.WriteString(f + " ")
		}
	}
	if j := c.made[id.String()]; j != nil {
		return j.runner, j.skipped, nil
	}
	j := new(judge)
	known = maps.Clone(known)
	var kept []json.RawMessage
	for _, raw := range c.policies {
		var p map[string]json.RawMessage
		var rules []json.RawMessage
		if err := errors.Join(json.Unmarshal(raw, &p), json.Unmarshal(p["rules"], &rules)); err != nil {
			return nil, nil, err
		}
		var left []json.RawMessage
		for _, r := range rules {
			var rule struct {
				Name        string `json:"name"`
				Action      string `json:"action"`
				Enforcement string `json:"enforcement"`
			}
			if err := json.Unmarshal(r, &rule); err != nil {
				return nil, nil, err
			}
			missing := c.missing(rule.Name, known)
			if missing == "" {
				left = append(left, r)
				continue
			}
			j.skipped = append(j.skipped, trial.Skipped{Rule: rule.Name, Action: rule.Action, Missing: missing,
				Refuses: rule.Enforcement != "shadow" && slices.Contains([]string{"deny", "approve", "require_header"}, rule.Action)})
			if rule.Action == "set" || rule.Action == "route" {
				// What it may have changed is not known to the rules behind it.
				known["llm.model"], known["llm.max_tokens"] = false, false
			}
		}
		if len(left) == 0 {
			continue
		}
		b, err := json.Marshal(left)
		if err != nil {
			return nil, nil, err
		}
		p["rules"] = b
		if raw, err = json.Marshal(p); err != nil {
			return nil, nil, err
		}
		kept = append(kept, bytes.Clone(raw))
	}
	var err error
	if j.runner, err = handlers.NewTrial(kept, c.known); err != nil {
		return nil, nil, err
	}
	c.made[id.String()] = j
	return j.runner, j.skipped, nil
}

// missing is the first field that a rule reads and that is not known.
func (c *candidate) missing(rule string, known map[string]bool) string {
	for _, f := range c.reads[rule] {
		root, _, _ := strings.Cut(f, ".")
		if root == "content" {
			root = "response"
		}
		if !known[f] && !(root == "response" && known["response"]) {
			return f
		}
	}
	return ""
}
