package gateway

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/audit"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/limits/usage"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

func auditExportCommand() *cobra.Command {
	var from logReader
	var ff filterFlags
	var format, output, log string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "export [--format jsonl|csv] [<log directory or name>], or export --format tiles <new directory>",
		Short: "Write records as JSON lines or CSV, or a whole log in a form that other tools read",
		Long: `jsonl: the records that match, byte for byte as they were hashed: what a receipt
speaks of. csv: one line a record with the columns that people sort by; users,
addresses and tags are in clear while the keys of their subjects exist. What a
spreadsheet would take for a formula is defused. A copy leaves the reach of an
erasure: jsonl holds nothing personal in clear, csv does.

tiles: the layout of C2SP tlog-tiles, which any web server can serve and clients
of transparency logs can read and check. Run again on the same directory it adds
what is new. Files are read, of a live log or a copy.

Exit status: 0 something was written, 3 nothing matched, 1 it could not be done.`,
		Example: `  caddy llm audit export --since 2026-11-01 --until 2026-11-30 --format csv -o november.csv
  caddy llm audit export --format tiles /srv/tiles`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			f, err := ff.filter(time.Now())
			if err != nil {
				return err
			}
			if format == "tiles" {
				if len(args) == 0 {
					return errors.New("tiles takes the directory to write into")
				}
				return exportTiles(cmd, from.dir([]string{log}), args[0], asJSON)
			}
			if len(args) == 0 {
				args = []string{log}
			}
			write, head := writeLine, ""
			switch format {
			case "jsonl":
			case "csv":
				write, head = writeCSV, strings.Join(csvColumns, ",")+"\n"
			default:
				return fmt.Errorf("format: want jsonl, csv or tiles, not %q", format)
			}
			dir := from.dir(args)
			clear, err := from.revealer(cmd, dir)
			if err != nil {
				return err
			}
			out := cmd.OutOrStdout()
			if output != "" {
				file, err := os.OpenFile(output, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
				if err != nil {
					return err
				}
				defer func() {
					if cerr := file.Close(); err == nil {
						err = cerr
					}
				}()
				out = file
			}
			w := bufio.NewWriterSize(out, 256<<10)
			if _, err := w.WriteString(head); err != nil {
				return err
			}
			written := 0
			if err := scanFiltered(dir, &f, clear, "exporting", func(r *audit.Record, _ *clearValues) (bool, error) {
				written++
				return true, write(w, r)
			}); err != nil {
				return err
			}
			if err := w.Flush(); err != nil {
				return err
			}
			if output != "" {
				fmt.Fprintf(cmd.ErrOrStderr(), "%d records written to %s\n", written, output)
			}
			if written == 0 {
				return exit(cmd, exitNothing, errNothing)
			}
			return nil
		},
	}
	from.flags(cmd)
	ff.flags(cmd)
	cmd.Flags().StringVar(&format, "format", "jsonl", "jsonl, csv or tiles")
	cmd.Flags().StringVar(&log, "log", "default", "name or directory of the log")
	cmd.Flags().BoolVar(&asJSON, "json", false, "tiles: print what was written as JSON")
	cmd.Flags().StringVarP(&output, "output", "o", "", "write to this new file (0600) instead of standard output")
	return cmd
}

func writeLine(w io.Writer, r *audit.Record) error {
	_, err := w.Write(append(r.Raw[:len(r.Raw):len(r.Raw)], '\n'))
	return err
}

// csvColumns are the columns of a CSV export, in order.
var csvColumns = []string{
	"seq", "time", "node", "stage", "request", "key", "user", "team", "org", "client_ip", "server", "method", "path", "dialect", "model", "stream",
	"provider", "served_model", "attempts", "outcome", "status", "denial_code", "denial_stage", "denial_rule", "input_tokens", "output_tokens", "estimated",
	"cost_usd", "price_version", "bytes_in", "bytes_out", "finish_reason", "ttft_ms", "duration_ms", "answer_sha256", "decisions", "scans", "policies", "tags",
	"count", "interval_s", "actor", "event", "detail", "config", "subject",
}

func writeCSV(w io.Writer, r *audit.Record) error {
	var p audit.Principal
	if r.Principal != nil {
		p = *r.Principal
	}
	var d audit.Denial
	if r.Denial != nil {
		d = *r.Denial
	}
	var to audit.Attempt
	if r.Deployment != nil {
		to.Deployment = *r.Deployment
	}
	var in, out int64
	estimated := false
	for i := range r.Attempts {
		to = r.Attempts[i]
		u := &to.Usage
		in += u.Input + u.CacheRead + u.CacheWrite + u.CacheWrite1h
		out += u.Output
		estimated = estimated || u.Estimated
	}
	var decisions, scans, tags []string
	for _, d := range r.Decisions {
		decisions = append(decisions, strings.TrimSuffix(d.Module+":"+d.Action+":"+d.Rule, ":"))
	}
	for _, e := range r.Scans {
		scans = append(scans, fmt.Sprintf("%s:%s:%s:%d", e.Detector, e.Where, e.Verdict, e.Bytes))
	}
	for _, t := range r.Tags {
		tags = append(tags, t.String())
	}
	num := func(n int64) string { return strconv.FormatInt(n, 10) }
	millis := func(us int64) string { return fmt.Sprintf("%d.%03d", us/1000, us%1000) }
	text := usage.CSVText
	served := to.Usage.Model
	if served == "" {
		served = to.Model
	}
	cells := []string{
		num(r.Seq), r.TS.UTC().Format(time.RFC3339Nano), text(r.Node), text(r.Stage), text(r.Request), text(p.Key), text(p.User.String()), text(p.Team), text(p.Org),
		text(r.ClientIP.String()), text(r.Server), text(r.Method), text(r.Path), text(r.Dialect), text(r.Model), strconv.FormatBool(r.Stream),
		text(to.Provider), text(served), num(int64(len(r.Attempts))), text(r.Outcome), num(int64(r.Status)), text(d.Code), text(d.Stage), text(d.Rule), num(in), num(out), strconv.FormatBool(estimated),
		llm.Money(r.Cost).Decimal(), text(to.PriceVersion), num(r.BytesIn), num(r.BytesOut), text(r.FinishReason), millis(r.TTFTMicros), millis(r.DurationMicros), text(r.AnswerSHA256),
		text(strings.Join(decisions, " ")), text(strings.Join(scans, " ")), text(strings.Join(r.Policies, " ")), text(strings.Join(tags, " ")),
		num(r.Count), num(r.IntervalSeconds), text(r.Actor), text(r.Event), text(r.Detail), text(r.Config), text(r.Subject),
	}
	_, err := io.WriteString(w, strings.Join(cells, ",")+"\n")
	return err
}

func exportTiles(cmd *cobra.Command, dir, into string, asJSON bool) error {
	bar := newProgress("exporting")
	t, err := audit.ExportTiles(dir, into, bar.at)
	bar.end()
	if err != nil {
		return err
	}
	out := cmd.OutOrStdout()
	if asJSON {
		return json.NewEncoder(out).Encode(t)
	}
	fmt.Fprintf(out, "%d records of %s: %d tiles and %d bundles written\n", t.Size, t.Origin, t.Tiles, t.Bundles)
	if t.First > 0 {
		fmt.Fprintf(out, "minimum index %d: entries before it are pruned, their hashes are there\n", t.First)
	}
	return nil
}
