package witness

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/audit/checkpoint"
)

// Client submits the checkpoints of one log to one witness. It must not be used
// by two goroutines at once.
type Client struct {
	// URL is the witness's submission prefix.
	URL string
	// Key verifies its cosignatures.
	Key *checkpoint.Cosignatures
	// HTTP sends; its timeout bounds a submission.
	HTTP *http.Client

	last int64 // size of the checkpoint that it cosigned last, as far as is known
}

// ErrDisagrees is wrapped when the witness has seen a log that this one does not
// continue: it was rolled back, or there are two of it.
var ErrDisagrees = errors.New("the witness has seen another history of this log")

// Prove makes the proof that a tree of size records continues one of old records.
type Prove func(old, size int64) (tlog.TreeProof, error)

// Submit asks for a cosignature of a checkpoint and returns its signature line.
func (c *Client) Submit(ctx context.Context, size int64, msg []byte, prove Prove) (line []byte, err error) {
	// The second try follows the witness's word about what it has.
	for range 2 {
		s := submission{old: min(c.last, size), msg: msg}
		if s.old > 0 && s.old < size {
			if s.proof, err = prove(s.old, size); err != nil {
				return nil, fmt.Errorf("proving that %d records continue %d: %w", size, s.old, err)
			}
		}
		status, body, err := c.post(ctx, s.encode())
		if err != nil {
			return nil, err
		}
		switch status {
		case http.StatusOK:
			if line, err = c.cosignature(msg, body); err == nil {
				c.last = size
			}
			return line, err
		case http.StatusConflict:
			has, err := parseSize(strings.TrimSuffix(string(body), "\n"))
			if err != nil {
				return nil, errors.New("the witness answers 409 without a size")
			}
			if has > size {
				return nil, fmt.Errorf("%w: it has seen %d records, there are %d", ErrDisagrees, has, size)
			}
			if has == s.old {
				return nil, fmt.Errorf("%w, with as many records (%d)", ErrDisagrees, has)
			}
			c.last = has
		case http.StatusUnprocessableEntity:
			return nil, fmt.Errorf("%w: its first %d records are others", ErrDisagrees, s.old)
		case http.StatusNotFound:
			return nil, errors.New("the witness does not know this log (or the URL is wrong): give it the verifier key of the log")
		case http.StatusForbidden:
			return nil, errors.New("the witness knows the log by other keys: give it the new verifier key")
		default:
			return nil, fmt.Errorf("the witness answers with status %d", status)
		}
	}
	return nil, errors.New("the witness changes its mind about what it has seen")
}

func (c *Client) post(ctx context.Context, body []byte) (int, []byte, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, strings.TrimSuffix(c.URL, "/")+"/add-checkpoint", bytes.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	resp, err := c.HTTP.Do(r)
	if err != nil {
		return 0, nil, err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, checkpoint.MaxLen))
	return resp.StatusCode, answer, err
}

// cosignature picks the witness's own signature out of its answer, and verifies it.
func (c *Client) cosignature(msg, answer []byte) ([]byte, error) {
	n, err := note.Open(append(bytes.Clone(msg), answer...), note.VerifierList(c.Key))
	if err != nil || len(n.Sigs) == 0 {
		return nil, errors.New("the answer of the witness is not its cosignature")
	}
	s := n.Sigs[0]
	return []byte("— " + s.Name + " " + s.Base64 + "\n"), nil
}
