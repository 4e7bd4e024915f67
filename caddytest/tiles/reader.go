package tiles

import (
	"encoding/base64"
	"errors"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// checkReceipt checks a C2SP tlog-proof of a record as a stranger would who has
// read the specification and imports nothing of ours.
func checkReceipt(receipt, record, verifierKey string) error {
	v, err := note.NewVerifier(verifierKey)
	if err != nil {
		return err
	}
	head, msg, ok := strings.Cut(receipt, "\n\n")
	lines := strings.Split(head, "\n")
	if !ok || len(lines) < 2 || lines[0] != "c2sp.org/tlog-proof@v1" {
		return errors.New("not a proof")
	}
	index, err := strconv.ParseInt(strings.TrimPrefix(lines[1], "index "), 10, 64)
	if err != nil {
		return err
	}
	var proof tlog.RecordProof
	for _, s := range lines[2:] {
		b, err := base64.StdEncoding.DecodeString(s)
		if err != nil || len(b) != tlog.HashSize {
			return errors.New("not a hash")
		}
		proof = append(proof, tlog.Hash(b))
	}
	n, err := note.Open([]byte(msg), note.VerifierList(v))
	if err != nil {
		return err
	}
	text := strings.Split(n.Text, "\n")
	if len(text) < 4 || text[0] != v.Name() {
		return errors.New("another log")
	}
	size, err := strconv.ParseInt(text[1], 10, 64)
	if err != nil {
		return err
	}
	root, err := tlog.ParseHash(text[2])
	if err != nil {
		return err
	}
	return tlog.CheckRecord(proof, size, root, index, tlog.RecordHash([]byte(record)))
}
