// Package witness is both sides of C2SP tlog-witness v1.0: a log submits its
// checkpoints with a proof that they continue the last one, and a witness that
// finds this true cosigns them. Who holds a log's disk and key can then roll back
// or fork it only with the witness's help.
//
// The package knows nothing of records, and must not: a witness sees sizes and
// hashes.
package witness

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/audit/checkpoint"
)

// MaxBody bounds a submission, in bytes.
const MaxBody = checkpoint.MaxLen + maxProof*48 + 64

// maxProof is the most hashes that a consistency proof may have.
const maxProof = 63

var errBody = errors.New("want: old <size>, hashes of the proof, a blank line, a checkpoint")

// submission is the body of add-checkpoint.
type submission struct {
	old   int64
	proof tlog.TreeProof
	msg   []byte
}

func (s submission) encode() []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "old %d\n", s.old)
	for _, h := range s.proof {
		b.WriteString(h.String() + "\n")
	}
	b.WriteByte('\n')
	b.Write(s.msg)
	return b.Bytes()
}

func parseSubmission(body []byte) (s submission, err error) {
	head, msg, ok := bytes.Cut(body, []byte("\n\n"))
	if !ok {
		return s, errBody
	}
	lines := strings.Split(string(head), "\n")
	num, ok := strings.CutPrefix(lines[0], "old ")
	if !ok || len(lines)-1 > maxProof {
		return s, errBody
	}
	if s.old, err = parseSize(num); err != nil {
		return s, errBody
	}
	for _, line := range lines[1:] {
		h, err := tlog.ParseHash(line)
		if err != nil {
			return s, errBody
		}
		s.proof = append(s.proof, h)
	}
	s.msg = msg
	return s, nil
}

// parseSize reads a size without a sign or leading zeros.
func parseSize(s string) (int64, error) {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n < 0 || s != strconv.FormatInt(n, 10) {
		return 0, errors.New("not a size")
	}
	return n, nil
}
