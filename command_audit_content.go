package gateway

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/audit"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/audit/vault"
)

// exitDiffers is the exit status when a text is not the recorded one.
const exitDiffers = 2

func auditContentCommand() *cobra.Command {
	var from logReader
	var log, part, compare string
	cmd := &cobra.Command{
		Use:   "content <index or request id>",
		Short: "Print a stored prompt or answer, or compare a text with what was recorded",
		Long: `Prints the request or the answer that llm_audit has stored at the levels full and
redacted, after checking the stored bytes against the hash in the record.

With --compare it tells instead whether a file is the request or answer of the
record, byte for byte: by the keyed hash (level hash), the stored text, or the
SHA-256 of the answer.

Exit status: 0 it is there, or the same; 2 it differs, or was altered; 3 nothing was
stored or its subject was erased; 1 any other failure.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if part != "request" && part != "answer" {
				return fmt.Errorf("part: want request or answer, not %q", part)
			}
			dir := from.dir([]string{log})
			rec, err := recordOf(dir, args[0], part)
			if err != nil {
				return err
			}
			key, err := readVaultKey(from.vaultKey)
			if err != nil {
				return err
			}
			var file []byte
			if compare != "" {
				if file, err = os.ReadFile(compare); err != nil {
					return err
				}
			}
			text, same, err := contentOf(dir, key, rec, part, file, compare != "")
			switch {
			case errors.Is(err, vault.ErrErased), errors.Is(err, vault.ErrNoContent), errors.Is(err, errNotKept):
				return exit(cmd, exitNothing, err)
			case errors.Is(err, vault.ErrAltered):
				return exit(cmd, exitDiffers, err)
			case err != nil:
				return err
			case compare == "":
				_, err = cmd.OutOrStdout().Write(text)
				return err
			case !same:
				return exit(cmd, exitDiffers, fmt.Errorf("%s is not the %s of record %d", compare, part, rec.Index))
			}
			fmt.Fprintf(cmd.OutOrStdout(), "ok: %s is the %s of record %d\n", compare, part, rec.Index)
			return nil
		},
	}
	from.flags(cmd)
	f := cmd.Flags()
	f.StringVar(&log, "log", "default", "name or directory of the log")
	f.StringVar(&part, "part", "answer", "request or answer")
	f.StringVar(&compare, "compare", "", "file to compare with what was recorded")
	return cmd
}

// recordOf finds the record of an index, or the one of a request that speaks of a
// part.
func recordOf(dir, which, part string) (*audit.Record, error) {
	if index, err := strconv.ParseInt(which, 10, 64); err == nil {
		line, err := audit.Line(dir, index)
		if err != nil {
			return nil, err
		}
		return audit.Decode(line)
	}
	recs, err := audit.Find(dir, which)
	if err != nil {
		return nil, err
	}
	for i := len(recs) - 1; i >= 0; i-- {
		if r := recs[i]; r.Stage == audit.StageCompleted || r.Stage == audit.StageDenied || part == "request" {
			return r, nil
		}
	}
	return nil, fmt.Errorf("%w %s that speaks of its %s", errNoRequest, which, part)
}

var errNotKept = errors.New("nothing of it was kept")

// contentOf returns a stored text, or whether a given one is the recorded one.
func contentOf(dir string, key []byte, rec *audit.Record, part string, file []byte, compare bool) (text []byte, same bool, err error) {
	var t *audit.Text
	if rec.Content != nil {
		if t = rec.Content.Request; part == "answer" {
			t = rec.Content.Answer
		}
	}
	sum := sha256.Sum256(file)
	switch {
	case part == "answer" && rec.AnswerSHA256 != "" && compare:
		return nil, rec.AnswerSHA256 == hex.EncodeToString(sum[:]), nil
	case t == nil:
		return nil, false, errNotKept
	case t.Omitted != "":
		return nil, false, fmt.Errorf("%w: %s", errNotKept, t.Omitted)
	case !compare && t.File == "":
		return nil, false, fmt.Errorf("%w but a keyed hash; give a text with --compare", errNotKept)
	}
	v, err := vault.Open(filepath.Join(dir, "vault"), vault.Options{Key: key, ReadOnly: true})
	if err != nil {
		return nil, false, err
	}
	s, err := v.Lookup(rec.Subject)
	if err != nil {
		return nil, false, err
	}
	if t.HMAC != "" {
		want, err := hex.DecodeString(t.HMAC)
		return nil, err == nil && hmac.Equal(want, s.HMAC(sum[:])), err
	}
	text, err = v.Read(s, t.File, t.SHA256)
	return text, err == nil && string(text) == string(file), err
}
