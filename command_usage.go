package gateway

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"
	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	"github.com/spf13/cobra"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/limits/ledger"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/limits/usage"
)

// maxAnswer bounds what is read of an answer of the admin endpoint.
const maxAnswer = 256 << 20

// ask sends a request to the running server and decodes its answer; running is
// false when none answers, or a directory was named.
func (s *source) ask(method, path string, body io.Reader, into any) (running bool, err error) {
	if s.dir != "" {
		return false, nil
	}
	addr := s.admin
	if addr == "" {
		addr = caddy.DefaultAdminListen
	}
	header := http.Header{}
	if body != nil {
		header.Set("Content-Type", "application/json")
	}
	resp, err := caddycmd.AdminAPIRequest(addr, method, path, header, body)
	if err != nil {
		// See get.
		return !strings.HasPrefix(err.Error(), "performing request:") || s.admin != "", err
	}
	defer resp.Body.Close()
	if err := json.NewDecoder(io.LimitReader(resp.Body, maxAnswer)).Decode(into); err != nil {
		return true, fmt.Errorf("reading the answer of the server: %w", err)
	}
	return true, nil
}

// dataDir is the data directory when files are read.
func (s *source) dataDir() string {
	if s.dir != "" {
		return s.dir
	}
	return filepath.Join(caddy.AppDataDir(), "llm")
}

// usage makes a report, by the running server or from the file.
func (s *source) usage(cmd *cobra.Command, q url.Values) (*usage.Report, error) {
	o, err := usageOptions(q, time.Now())
	if err != nil {
		return nil, err
	}
	rep := new(usage.Report)
	running, err := s.ask(http.MethodGet, adminPrefix+"usage?"+q.Encode(), nil, rep)
	if running {
		return rep, err
	}
	rep, err = fileReport(cmd.Context(), s.dataDir(), o)
	return rep, s.fileError(err)
}

// fileError tells what to do where the file of the ledger cannot be read.
func (s *source) fileError(err error) error {
	switch {
	case errors.Is(err, ledger.ErrInUse):
		return fmt.Errorf("%w; ask the server that runs: leave out --data-dir, and give its admin endpoint with --address if it is not %s", err, caddy.DefaultAdminListen)
	case errors.Is(err, os.ErrNotExist) && s.dir == "":
		return fmt.Errorf("no server answers at %s (see --address), and there is no ledger to read (see --data-dir): %w", caddy.DefaultAdminListen, err)
	}
	return err
}

// usageCommand is `caddy llm usage`.
func usageCommand() *cobra.Command {
	var src source
	var from, to, by, zone, format string
	var where []string
	var groups int
	cmd := &cobra.Command{
		Use:   "usage",
		Short: "Add up what calls used and cost, by key, team, model, day and more",
		Long: `Adds up the rows of the ledger. Every call that left for a provider is in exactly
one line, and the lines add up to the total, to the last nano-dollar. It asks the
running server through the admin endpoint; without one, or with --data-dir, it
reads the file.

A period is given by days (2026-11-01, of which --to is the end), months
(2026-11), RFC 3339 times or how long ago (24h, 7d). Dimensions of --by: key, user,
team, org, model, served (the model that the provider named), provider, project,
tag (the set of tags), tag:<name> (the value of a tag <name>=<value>), result,
hour, day, month.`,
		Example: `  caddy llm usage --by team,model --from 2026-11-01 --to 2026-11-30
  caddy llm usage --by day --from 7d --where team=research --format csv`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			q := url.Values{}
			for name, v := range map[string]string{"from": from, "to": to, "by": by, "timezone": zone} {
				if v != "" {
					q.Set(name, v)
				}
			}
			q["where"] = where
			if groups != 0 {
				q.Set("groups", fmt.Sprint(groups))
			}
			out, err := renderer(format)
			if err != nil {
				return err
			}
			rep, err := src.usage(cmd, q)
			if err != nil {
				return err
			}
			if !rep.Complete() {
				fmt.Fprintln(cmd.ErrOrStderr(), "note: there are more groups than lines; the rest is in the line _other (see --groups)")
			}
			return out(rep, cmd.OutOrStdout())
		},
	}
	src.flags(cmd)
	f := cmd.Flags()
	f.StringVar(&from, "from", "", "where the period begins; all for everything (default "+defaultPeriod+")")
	f.StringVar(&to, "to", "", "where the period ends (default now)")
	f.StringVar(&by, "by", "", "dimensions to group by, separated by commas")
	f.StringArrayVar(&where, "where", nil, "count only calls with this value, e.g. team=research or tag=batch; may be repeated")
	f.StringVar(&zone, "timezone", "", "IANA zone in which days begin (default UTC)")
	f.StringVar(&format, "format", "table", "table, csv or json")
	f.IntVar(&groups, "groups", 0, fmt.Sprintf("most lines; everything beyond is in the line _other (default %d)", usage.DefaultGroups))
	cmd.AddCommand(reconcileCommand())
	return cmd
}

func renderer(format string) (func(*usage.Report, io.Writer) error, error) {
	switch format {
	case "table":
		return (*usage.Report).Table, nil
	case "csv":
		return (*usage.Report).CSV, nil
	case "json":
		return (*usage.Report).JSON, nil
	}
	return nil, fmt.Errorf("format: want table, csv or json, not %q", format)
}
