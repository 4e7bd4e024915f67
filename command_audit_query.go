package gateway

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/audit"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/audit/vault"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/limits/usage"
)

// exitNothing is the exit status of commands that look for something and find
// nothing. 1 is any other failure.
const exitNothing = 3

var errNothing = errors.New("no record matches")

// logReader is where the commands that read records read from, and how.
type logReader struct {
	dataDir, vaultKey string
}

func (l *logReader) flags(cmd *cobra.Command) {
	cmd.Flags().StringVar(&l.dataDir, "data-dir", "", "the data directory in which a named log is")
	cmd.Flags().StringVar(&l.vaultKey, "vault-key", "", "file with the key of the vault, where the config gives it to the server (vault_key)")
}

// dir is the directory of a log, named or given.
func (l *logReader) dir(args []string) string {
	src := source{dir: l.dataDir}
	return src.logDir(args)
}

// revealer decrypts the personal values of a log's records; without the key of the
// vault it says so on standard error and leaves pseudonyms.
func (l *logReader) revealer(cmd *cobra.Command, dir string) (*revealer, error) {
	key, err := readVaultKey(l.vaultKey)
	if err != nil {
		return nil, err
	}
	r := newRevealer(dir, key)
	if r.why != nil {
		if key != nil {
			return nil, r.why
		}
		fmt.Fprintf(cmd.ErrOrStderr(), "note: users, addresses and tags are shown as pseudonyms (%v)\n", r.why)
	}
	return r, nil
}

func readVaultKey(path string) ([]byte, error) {
	if path == "" {
		return nil, nil
	}
	text, err := audit.ReadKeyFile(path)
	if err != nil {
		return nil, err
	}
	return vault.ParseKey(text)
}

// filterFlags are the flags that choose records.
type filterFlags struct {
	since, until, principal, ip, model, rule string
	outcomes, stages, requests               []string
}

func (f *filterFlags) flags(cmd *cobra.Command) {
	s := cmd.Flags()
	s.StringVar(&f.since, "since", "", "records from then on: an RFC 3339 time, a day (UTC), or how long ago (90m, 24h, 7d)")
	s.StringVar(&f.until, "until", "", "records before then, in the same forms; a day counts to its end")
	s.StringVar(&f.principal, "principal", "", "pattern of a key, user, team or org; of one of these with key:, user:, team: or org: before it")
	s.StringVar(&f.ip, "client-ip", "", "pattern of the client's address")
	s.StringVar(&f.model, "model", "", "pattern of the model asked for, called or answering, e.g. gpt-4o*")
	s.StringVar(&f.rule, "rule", "", "pattern of a rule, limit or budget that had a say")
	s.StringSliceVar(&f.outcomes, "outcome", nil, "ok, denied, provider_error, client_gone, cut or error")
	s.StringSliceVar(&f.stages, "stage", nil, "admitted, completed, denied, admin or system")
	s.StringSliceVar(&f.requests, "request", nil, "request id")
}

func (f *filterFlags) filter(now time.Time) (out audit.Filter, err error) {
	out = audit.Filter{Principal: f.principal, ClientIP: f.ip, Model: f.model, Rule: f.rule, Outcomes: f.outcomes, Stages: f.stages, Requests: f.requests}
	if out.Since, err = moment(f.since, now, false); err != nil {
		return out, fmt.Errorf("since: %w", err)
	}
	if out.Until, err = moment(f.until, now, true); err != nil {
		return out, fmt.Errorf("until: %w", err)
	}
	return out, nil
}

// moment reads a time as flags give it; zero for none. end makes a day its end.
func moment(s string, now time.Time, end bool) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	if t, err := time.Parse(time.RFC3339Nano, s); err == nil {
		return t, nil
	}
	if t, err := time.Parse(time.DateOnly, s); err == nil {
		if end {
			t = t.AddDate(0, 0, 1)
		}
		return t, nil
	}
	if d, err := parseAge(s); err == nil {
		return now.Add(-d), nil
	}
	return time.Time{}, fmt.Errorf("%q is neither a time such as 2026-11-28T15:04:05Z, a day such as 2026-11-28 nor an age such as 24h or 7d", s)
}

func parseAge(s string) (time.Duration, error) {
	if days, ok := strings.CutSuffix(s, "d"); ok {
		d, err := time.ParseDuration(days + "h")
		return 24 * d, err
	}
	return time.ParseDuration(s)
}

// printer shows records, one a line.
type printer struct {
	out    *bufio.Writer
	asJSON bool
	log    string
	node   bool // name the node of each record
	clear  *revealer
}

func newPrinter(out io.Writer, asJSON bool, dir string, clear *revealer) *printer {
	return &printer{out: bufio.NewWriterSize(out, 64<<10), asJSON: asJSON, log: filepath.Base(dir), clear: clear}
}

func (p *printer) print(r *audit.Record, clear *clearValues) error {
	if p.asJSON {
		return json.NewEncoder(p.out).Encode(foundRecord{Log: p.log, Index: r.Index, Record: r.Raw, Clear: clear})
	}
	node := ""
	if p.node {
		node = usage.Printable(r.Node) + " "
	}
	_, err := fmt.Fprintf(p.out, "%s %s#%d %s%s\n", r.TS.Format("2006-01-02T15:04:05.000Z07:00"), node, r.Index, usage.PrintableLine(whoOf(r)), usage.PrintableLine(summary(r)))
	return err
}

// whoOf names who asked, with a colon; empty for records of nobody.
func whoOf(r *audit.Record) string {
	var parts []string
	if p := r.Principal; p != nil {
		parts = append(parts, p.Key)
		if p.User != nil {
			parts = append(parts, p.User.String())
		}
	}
	if r.ClientIP != nil {
		parts = append(parts, "from "+r.ClientIP.String())
	}
	if r.Model != "" {
		parts = append(parts, "for "+r.Model)
	}
	if len(parts) == 0 {
		return ""
	}
	return strings.Join(parts, " ") + ": "
}

func auditQueryCommand() *cobra.Command {
	var from logReader
	var ff filterFlags
	var asJSON bool
	var limit int64
	cmd := &cobra.Command{
		Use:   "query [<log directory or name>]",
		Short: "Find records by time, principal, model, outcome or rule",
		Long: `Prints the records that match, one a line, oldest first. It reads files only, of a
live log or a copy; it does not verify them. Users, client addresses and tags are
shown in clear while the keys of their subjects exist, else as ~pseudonyms.

With --json each line is an object: the log, the index, the record byte for byte,
and in "clear" what could be decrypted.

Exit status: 0 something was found, 3 nothing, 1 it could not be read.`,
		Example: `  caddy llm audit query --since 24h --principal team:research --outcome denied
  caddy llm audit query --model 'gpt-4o*' --rule no-secrets --json ./copy-of-a-log`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			f, err := ff.filter(time.Now())
			if err != nil {
				return err
			}
			dir := from.dir(args)
			clear, err := from.revealer(cmd, dir)
			if err != nil {
				return err
			}
			p := newPrinter(cmd.OutOrStdout(), asJSON, dir, clear)
			found := int64(0)
			err = scanFiltered(dir, &f, clear, "reading", func(r *audit.Record, c *clearValues) (bool, error) {
				found++
				return limit == 0 || found < limit, p.print(r, c)
			})
			if err == nil {
				err = p.out.Flush()
			}
			if err == nil && found == 0 {
				return exit(cmd, exitNothing, errNothing)
			}
			return err
		},
	}
	from.flags(cmd)
	ff.flags(cmd)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON, one object a line")
	cmd.Flags().Int64Var(&limit, "limit", 0, "stop after so many records (default all)")
	return cmd
}

// scanFiltered calls f with the records of a log that a filter chooses, revealed. A
// bar shows how far it is.
func scanFiltered(dir string, filter *audit.Filter, clear *revealer, doing string, f func(*audit.Record, *clearValues) (bool, error)) error {
	first, err := audit.FirstSince(dir, filter.Since)
	if err != nil {
		return err
	}
	extent, err := audit.ExtentOf(dir, first)
	if err != nil {
		return err
	}
	bar := newProgress(doing)
	defer bar.end()
	var done int64
	var failed error
	err = audit.Scan(dir, first, func(index int64, line []byte) bool {
		done += int64(len(line)) + 1
		bar.at(done, extent.Bytes)
		r, err := audit.Decode(line)
		if err != nil {
			failed = fmt.Errorf("record %d: %w", index, err)
			return false
		}
		c := clear.reveal(r)
		if !filter.Match(r) {
			return true
		}
		more, err := f(r, c)
		failed = err
		return more && err == nil
	})
	return errors.Join(failed, err)
}

// tailEvery is how often a followed log is looked at.
const tailEvery = 200 * time.Millisecond

func auditTailCommand() *cobra.Command {
	var from logReader
	var ff filterFlags
	var asJSON, follow bool
	var lines int
	cmd := &cobra.Command{
		Use:   "tail [<log directory or name>]",
		Short: "Show the newest records, and with -f those that come",
		Long: `Prints the last records that match, then with -f every new one as it is written,
until it is interrupted. It reads files only.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			f, err := ff.filter(time.Now())
			if err != nil {
				return err
			}
			dir := from.dir(args)
			extent, err := audit.ExtentOf(dir, 0)
			if err != nil {
				return err
			}
			clear, err := from.revealer(cmd, dir)
			if err != nil {
				return err
			}
			p := newPrinter(cmd.OutOrStdout(), asJSON, dir, clear)
			start, err := audit.NearEnd(dir, int64(lines))
			if err != nil {
				return err
			}
			type shown struct {
				r *audit.Record
				c *clearValues
			}
			var last []shown
			log := audit.Follow(dir, max(start, extent.First))
			defer log.Close()
			read := func(f2 func(shown) error) error {
				var failed error
				err := log.Read(func(index int64, line []byte) bool {
					r, err := audit.Decode(line)
					if err != nil {
						failed = fmt.Errorf("record %d: %w", index, err)
						return false
					}
					c := clear.reveal(r)
					if f.Match(r) {
						failed = f2(shown{r, c})
					}
					return failed == nil
				})
				return errors.Join(failed, err)
			}
			if err := read(func(s shown) error {
				if last = append(last, s); len(last) > lines {
					last = last[1:]
				}
				return nil
			}); err != nil {
				return err
			}
			for _, s := range last {
				if err := p.print(s.r, s.c); err != nil {
					return err
				}
			}
			if err := p.out.Flush(); err != nil || !follow {
				return err
			}
			tick := time.NewTicker(tailEvery)
			defer tick.Stop()
			for {
				select {
				case <-cmd.Context().Done():
					return nil
				case <-tick.C:
				}
				if err := read(func(s shown) error { return p.print(s.r, s.c) }); err != nil {
					return err
				}
				if err := p.out.Flush(); err != nil {
					return err
				}
			}
		},
	}
	from.flags(cmd)
	ff.flags(cmd)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON, one object a line")
	cmd.Flags().BoolVarP(&follow, "follow", "f", false, "go on with what comes")
	cmd.Flags().IntVarP(&lines, "lines", "n", 10, "how many of the newest to show")
	return cmd
}
