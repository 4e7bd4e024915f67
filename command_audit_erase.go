package gateway

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/audit"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/audit/vault"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/limits/usage"
)

func auditEraseCommand() *cobra.Command {
	var src source
	var req eraseRequest
	var log, vaultKey string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "erase --subject <subject>",
		Short: "Destroy the key of a person: what the logs hold of them can never be read again",
		Long: `Destroys the key under which the logs hold what they know of a subject: user name,
client addresses, tags, and the stored texts of prompts and answers. Nothing in the
logs changes, every proof still verifies, and a record of the erasure is added that
does not name the subject. It cannot be undone.

A subject is user:<name> (of the key or the token), key:<name> (of a key without a
user), strangers:<day> (all who came without a key on a day, UTC) or id:<id> (the
member "subject" of a record). A bare name is a user's, else a key's.

All logs are searched unless one is named. A running server does it; without one,
or with --data-dir, the files are opened, which a running server forbids.

The ledger of costs keeps the names that it has; key, team and org stand in records
in clear. Copies of the directory vault/ elsewhere are yours to destroy.

Exit status: 0 erased, 3 there is no such subject, 1 it could not be done.`,
		Example: `  caddy llm audit erase --subject user:alice@example.com --reason "request 17"`,
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			req.By = claimedUser()
			if err := req.check(); err != nil {
				return err
			}
			done, err := src.erase(cmd, &req, log, vaultKey)
			out := cmd.OutOrStdout()
			if asJSON {
				if jerr := json.NewEncoder(out).Encode(done); jerr != nil {
					return jerr
				}
			} else {
				for _, e := range done {
					fmt.Fprintf(out, "log %s: the key of subject %s is destroyed; record %d says so\n", usage.Printable(e.Log), usage.Printable(e.ID), e.Record)
				}
			}
			if err == nil && len(done) == 0 {
				return exit(cmd, exitNothing, errNoSubject)
			}
			return err
		},
	}
	src.flags(cmd)
	f := cmd.Flags()
	f.StringVar(&req.Subject, "subject", "", "whose key to destroy: user:<name>, key:<name>, strangers:<day>, id:<id> or a bare name")
	f.StringVar(&req.Reason, "reason", "", "why; it stays in the log for good, so it must not name the person")
	f.StringVar(&log, "log", "", "only this log (default all)")
	f.StringVar(&vaultKey, "vault-key", "", "without a server: file with the key of the vault, where the config gives it (vault_key)")
	f.BoolVar(&asJSON, "json", false, "print what was done as JSON")
	_ = cmd.MarkFlagRequired("subject")
	return cmd
}

// erase erases a subject in one log or all, by the running server or in the files.
func (s *source) erase(cmd *cobra.Command, req *eraseRequest, log, vaultKey string) (done []eraseAnswer, err error) {
	done = []eraseAnswer{}
	var open logList
	running, err := s.ask(http.MethodGet, adminPrefix+"audit/", nil, &open)
	if running && err != nil {
		return done, err
	}
	names := open.Logs
	if !running {
		if names, err = logNames(s.auditDir()); err != nil {
			return done, err
		}
	}
	if log != "" {
		if !slices.Contains(names, log) {
			return done, fmt.Errorf("there is no log %.80q", log)
		}
		names = []string{log}
	}
	body, err := json.Marshal(req)
	if err != nil {
		return done, err
	}
	var failed []error
	for _, name := range names {
		a := eraseAnswer{Log: name}
		if running {
			_, err = s.ask(http.MethodPost, adminPrefix+"audit/"+name+"/erase", bytes.NewReader(body), &a)
			if err != nil && strings.Contains(err.Error(), errNoSubject.Error()) {
				continue
			}
		} else {
			a.Erasure, err = eraseInFiles(cmd, filepath.Join(s.auditDir(), name), req, vaultKey)
			if errors.Is(err, vault.ErrErased) {
				continue
			}
		}
		if err != nil {
			failed = append(failed, fmt.Errorf("log %s: %w", name, err))
			continue
		}
		done = append(done, a)
	}
	return done, errors.Join(failed...)
}

// eraseInFiles erases in a log that no process has open.
func eraseInFiles(cmd *cobra.Command, dir string, req *eraseRequest, vaultKey string) (e audit.Erasure, err error) {
	key, err := readVaultKey(vaultKey)
	if err != nil {
		return e, err
	}
	if _, err := audit.ExtentOf(dir, 0); err != nil {
		return e, err
	}
	log, err := openLog(dir, audit.Options{Dir: dir, Node: hostname(), VaultKey: key, Logf: func(msg string, args ...any) {
		fmt.Fprintf(cmd.ErrOrStderr(), "note: "+msg+"\n", args...)
	}})
	if err != nil {
		return e, err
	}
	e, err = log.Erase(cmd.Context(), time.Now(), "command, by "+req.By, req.Subject, req.detail())
	return e, errors.Join(err, log.Close())
}
