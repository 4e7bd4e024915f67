package gateway

import (
	"encoding/json"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/audit"
)

func auditExportCommand() *cobra.Command {
	var src source
	var format, log string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "export --format tiles <directory>",
		Short: "Write a log in a form that other tools read",
		Long: `tiles: the layout of C2SP tlog-tiles, which any web server can serve and clients
of transparency logs can read and check. Run again on the same directory it adds
what is new. Files are read, of a live log or a copy.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if format != "tiles" {
				return fmt.Errorf("format: want tiles, not %q", format)
			}
			return exportTiles(cmd, src.logDir([]string{log}), args[0], asJSON)
		},
	}
	cmd.Flags().StringVar(&format, "format", "tiles", "tiles")
	cmd.Flags().StringVar(&log, "log", "default", "name or directory of the log")
	cmd.Flags().StringVar(&src.dir, "data-dir", "", "the data directory in which a named log is")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print what was written as JSON")
	return cmd
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
