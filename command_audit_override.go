package gateway

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/audit"
)

func auditOverrideCommand() *cobra.Command {
	var src source
	var reason, keyFile string
	cmd := &cobra.Command{
		Use:   "override [<log directory or name>] --reason <words>",
		Short: "Let a log start again although it disagrees with what it has signed",
		Long: `A gateway does not start with a log whose records are not those of its last
checkpoint: some were removed or changed. Look for a copy first; or move the
directory away, then a new log begins and the old one stays evidence.

This command accepts what is there. A record says so for ever, with the reason;
the old checkpoints are set aside in the same directory; and verify reports it.
The server must not be running.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if strings.TrimSpace(reason) == "" {
				return errors.New("reason: say why, it is recorded")
			}
			o := audit.Options{Dir: src.logDir(args), Node: hostname(), Reason: reason + " (" + claimedUser() + ")"}
			if keyFile != "" {
				text, err := audit.ReadKeyFile(keyFile)
				if err != nil {
					return err
				}
				o.Keys = []string{text}
			}
			// Nothing is made where no log is.
			if n, err := audit.Segments(o.Dir); err != nil || n == 0 {
				return fmt.Errorf("%s is no audit log", o.Dir)
			}
			l, err := audit.Open(o)
			if err == nil {
				if err := l.Close(); err != nil {
					return err
				}
				fmt.Fprintln(cmd.OutOrStdout(), "The log agrees with its last checkpoint; nothing was overridden.")
				return nil
			}
			if !errors.Is(err, audit.ErrDisagree) {
				return err
			}
			fmt.Fprintf(cmd.OutOrStdout(), "%v\n", err)
			o.AllowDisagreement = true
			if l, err = audit.Open(o); err != nil {
				return err
			}
			if err := l.Close(); err != nil {
				return err
			}
			fmt.Fprintln(cmd.OutOrStdout(), "Overridden and recorded. The log starts again.")
			return nil
		},
	}
	cmd.Flags().StringVar(&reason, "reason", "", "why, for the record")
	cmd.Flags().StringVar(&keyFile, "signing-key", "", "file with the signing key, if it is not in the log's directory")
	cmd.Flags().StringVar(&src.dir, "data-dir", "", "the data directory in which a named log is")
	_ = cmd.MarkFlagRequired("reason")
	return cmd
}
