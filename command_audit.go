package gateway

import (
	"encoding/json"
	"io"
	"net/http"
	"path/filepath"
	"strings"

	"github.com/caddyserver/caddy/v2"
	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	"github.com/spf13/cobra"
)

// source is where a command reads from: the running server through Caddy's
// admin endpoint, or files when no server runs or a directory is named.
type source struct {
	dir, admin string
}

func (s *source) flags(cmd *cobra.Command) {
	cmd.Flags().StringVar(&s.dir, "data-dir", "", "read the files of this data directory instead of asking the running server")
	cmd.Flags().StringVar(&s.admin, "address", "", "address of Caddy's admin endpoint; default localhost:2019")
}

// auditDir is the directory of the audit logs when files are read.
func (s *source) auditDir() string {
	dir := s.dir
	if dir == "" {
		dir = filepath.Join(caddy.AppDataDir(), "llm")
	}
	return filepath.Join(dir, "audit")
}

// get asks the running server; running is false when none answers, or a
// directory was named.
func (s *source) get(path string) (body []byte, running bool, err error) {
	if s.dir != "" {
		return nil, false, nil
	}
	addr := s.admin
	if addr == "" {
		addr = caddy.DefaultAdminListen
	}
	resp, err := caddycmd.AdminAPIRequest(addr, http.MethodGet, path, nil, nil)
	if err != nil {
		// Caddy's client does not wrap what it reports; a request that could
		// not be made at all means that no server runs, unless one was named.
		unreachable := strings.HasPrefix(err.Error(), "performing request:")
		return nil, !unreachable || s.admin != "", err
	}
	defer resp.Body.Close()
	body, err = io.ReadAll(io.LimitReader(resp.Body, 16<<20))
	return body, true, err
}

// whyCommand is `caddy llm why`.
func whyCommand() *cobra.Command {
	var src source
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "why <request id>",
		Short: "Tell what happened to a request: every decision, attempt, cost and how it ended",
		Long: `Prints the audit records of the request with this id (the header LLM-Request-Id
of its answer). It asks the running server through the admin endpoint; without
one, or with --data-dir, it reads the files.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			found, err := src.find(args[0])
			if err != nil {
				return err
			}
			out := cmd.OutOrStdout()
			if asJSON {
				return json.NewEncoder(out).Encode(found)
			}
			for _, f := range found {
				if err := tell(out, f); err != nil {
					return err
				}
			}
			return nil
		},
	}
	src.flags(cmd)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the records as JSON")
	return cmd
}

func (s *source) find(id string) ([]foundRecord, error) {
	body, running, err := s.get(adminPrefix + "requests/" + id)
	if running {
		if err != nil {
			return nil, err
		}
		var found []foundRecord
		return found, json.Unmarshal(body, &found)
	}
	return findRequest(s.auditDir(), id)
}

// auditCommand is `caddy llm audit`.
func auditCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "audit",
		Short: "Read, verify and export audit logs, prove single records, erase subjects, look after keys and files",
	}
	cmd.AddCommand(
		auditVerifyCommand(), auditProveCommand(), auditCheckReceiptCommand(), auditRotateKeyCommand(),
		auditTailCommand(), auditQueryCommand(), auditExportCommand(), auditMergeCommand(), auditEraseCommand(), auditContentCommand(), auditOverrideCommand(),
	)
	return cmd
}
