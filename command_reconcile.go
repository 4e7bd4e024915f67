package gateway

import (
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/limits/reconcile"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/limits/usage"
)

// reconcileCommand is `caddy llm usage reconcile`.
func reconcileCommand() *cobra.Command {
	var src source
	var provider, tolerance, format string
	var keys, ours []string
	var slices bool
	cmd := &cobra.Command{
		Use:   "reconcile <export file> …",
		Short: "Compare the ledger with usage and cost exports of OpenAI or Anthropic",
		Long: `Reads exports of a provider's usage and cost reports: JSON pages of the
organization APIs of OpenAI (usage, costs) and Anthropic (usage_report/messages,
cost_report), or the CSV files of their consoles; which, it finds out by itself.
It adds up our calls of the same times (UTC), and tells for each model, and with
--map for each key, how far we are off, in tokens and dollars. The exit status
is 1 if anything is off by more than --tolerance.`,
		Example: `  caddy llm usage reconcile openai-usage.json openai-costs.json
  caddy llm usage reconcile claude.csv --map apikey_01=web-app,batch --tolerance 0.5%`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			o := reconcile.Options{Providers: ours, PerSlice: slices}
			var err error
			if o.Tolerance, err = reconcile.ParseTolerance(tolerance); err != nil {
				return err
			}
			if o.Map, err = reconcile.ParseMap(keys); err != nil {
				return err
			}
			if format != "table" && format != "csv" && format != "json" {
				return fmt.Errorf("format: want table, csv or json, not %q", format)
			}
			export, err := readExports(provider, args)
			if err != nil {
				return err
			}
			rep, err := export.Compare(o, func(from, to time.Time, by string) (*usage.Report, error) {
				return src.usage(cmd, url.Values{"from": {from.Format(time.RFC3339)}, "to": {to.Format(time.RFC3339)}, "by": {by}, "groups": {strconv.Itoa(usage.MaxGroups)}})
			})
			if err != nil {
				return err
			}
			out := cmd.OutOrStdout()
			switch format {
			case "csv":
				err = rep.CSV(out)
			case "json":
				err = rep.JSON(out)
			default:
				err = rep.Table(out)
			}
			if err == nil && rep.Beyond > 0 {
				err = fmt.Errorf("%d figures are beyond the tolerance of %s", rep.Beyond, rep.Tolerance)
			}
			return err
		},
	}
	src.flags(cmd)
	f := cmd.Flags()
	f.StringVar(&provider, "provider", "", "whose export it is: openai or anthropic (default: what the files look like)")
	f.StringArrayVar(&keys, "map", nil, "the provider's API key and our keys behind it, <id>=<key>[,<key>…], or <id>=provider:<name>; may be repeated")
	f.StringSliceVar(&ours, "ours", nil, "our names of the provider, separated by commas (default its type, openai or anthropic)")
	f.StringVar(&tolerance, "tolerance", "1%", "drift that is no finding, in percent of the provider's figure")
	f.BoolVar(&slices, "per-slice", false, "compare each slice of time of the export by itself")
	f.StringVar(&format, "format", "table", "table, csv or json")
	return cmd
}

func readExports(provider string, files []string) (*reconcile.Export, error) {
	e, err := reconcile.New(provider)
	if err != nil {
		return nil, err
	}
	for _, name := range files {
		f, err := os.Open(name)
		if err != nil {
			return nil, err
		}
		err = e.Read(f, filepath.Base(name))
		f.Close()
		if err != nil {
			return nil, err
		}
	}
	return e, nil
}
