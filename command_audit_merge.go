package gateway

import (
	"bufio"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/audit"
)

func auditMergeCommand() *cobra.Command {
	var from logReader
	var ff filterFlags
	var format string
	cmd := &cobra.Command{
		Use:   "merge <log directory or name> <log directory or name>…",
		Short: "Read the logs of several nodes as one, in the order of time",
		Long: `Prints the records of all logs that match, by the time at which they were made.
Records of one log stay in its order. The same record from two copies of a log comes
once. Each log has to be verified on its own; clocks of nodes may differ.

jsonl is the records byte for byte (each names its node); json adds the directory,
the index and what could be decrypted; text is for people.

Exit status: 0 something was found, 3 nothing, 1 they could not be read.`,
		Args: cobra.MinimumNArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			f, err := ff.filter(time.Now())
			if err != nil {
				return err
			}
			if format != "text" && format != "json" && format != "jsonl" {
				return fmt.Errorf("format: want text, json or jsonl, not %q", format)
			}
			dirs := make([]string, len(args))
			printers := make([]*printer, len(args))
			w := bufio.NewWriterSize(cmd.OutOrStdout(), 64<<10)
			var total int64
			for i, a := range args {
				dirs[i] = from.dir([]string{a})
				e, err := audit.ExtentOf(dirs[i], 0)
				if err != nil {
					return err
				}
				total += e.Bytes
				clear, err := from.revealer(cmd, dirs[i])
				if err != nil {
					return err
				}
				printers[i] = newPrinter(w, format == "json", dirs[i], clear)
				printers[i].out, printers[i].log, printers[i].node = w, dirs[i], true
			}
			bar := newProgress("merging")
			defer bar.end()
			var done, found int64
			var failed error
			err = audit.Merge(dirs, func(i int, line []byte, r *audit.Record) bool {
				done += int64(len(line)) + 1
				bar.at(done, total)
				c := printers[i].clear.reveal(r)
				if !f.Match(r) {
					return true
				}
				found++
				if format == "jsonl" {
					failed = writeLine(w, r)
				} else {
					failed = printers[i].print(r, c)
				}
				return failed == nil
			})
			if err == nil {
				err = failed
			}
			if err == nil {
				err = w.Flush()
			}
			if err == nil && found == 0 {
				return exit(cmd, exitNothing, errNothing)
			}
			return err
		},
	}
	from.flags(cmd)
	ff.flags(cmd)
	cmd.Flags().StringVar(&format, "format", "text", "text, json or jsonl")
	return cmd
}
