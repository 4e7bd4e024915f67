package witness

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/audit/checkpoint"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/internal/filelock"
)

// Server cosigns the checkpoints of the logs that it knows. Its state is a file
// for each, with the last checkpoint that it cosigned, written before it answers.
type Server struct {
	dir  string
	key  note.Signer
	vkey string
	logs map[string]checkpoint.Keys
}

// states guards the files of state of all servers of this process: on a reload
// two of them share a directory.
var states sync.Mutex

// holdStates guards the files of state in a directory, which is made, also against
// other processes: two that read the same state would cosign two histories.
func holdStates(dir string) (release func(), err error) {
	states.Lock()
	defer func() {
		if err != nil {
			states.Unlock()
		}
	}()
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	for try := 0; ; try++ { // some 50 ms each
		lock, err := filelock.Lock(filepath.Join(dir, "lock"))
		if err == nil {
			return func() { lock.Close(); states.Unlock() }, nil
		}
		if !errors.Is(err, filelock.ErrHeld) || try == 20 {
			return nil, fmt.Errorf("another process uses the witness's directory: %w", err)
		}
	}
}

// NewServer returns a witness with its state in a directory, which is made when
// it is first needed. Logs are known by their keys; those of one log may be
// several while they overlap.
func NewServer(dir string, key *checkpoint.Key, logs []checkpoint.Keys, now func() time.Time) (*Server, error) {
	s := &Server{dir: dir, logs: map[string]checkpoint.Keys{}}
	var err error
	if s.key, s.vkey, err = key.Cosigner(now); err != nil {
		return nil, err
	}
	for _, keys := range logs {
		origin := keys[0].Name()
		if origin == key.Name() {
			return nil, fmt.Errorf("the witness and a log are both called %q", origin)
		}
		s.logs[origin] = append(s.logs[origin], keys...)
	}
	return s, nil
}

// VerifierKey is what logs and auditors need to check cosignatures.
func (s *Server) VerifierKey() string { return s.vkey }

// Answer is what a witness says to a submission.
type Answer struct {
	Status      int
	ContentType string // empty is plain text
	Body        []byte
	// Err is why the status is not 200, for the witness's own log.
	Err error
}

func refuse(status int, err error) Answer {
	return Answer{Status: status, Body: []byte(err.Error() + "\n"), Err: err}
}

// sizeType is the type of the body of a 409.
const sizeType = "text/x.tlog.size"

// Add judges a submission.
func (s *Server) Add(body []byte) Answer {
	sub, err := parseSubmission(body)
	if err != nil {
		return refuse(http.StatusBadRequest, err)
	}
	origin, _, ok := bytes.Cut(sub.msg, []byte("\n"))
	if !ok {
		return refuse(http.StatusBadRequest, errBody)
	}
	keys := s.logs[string(origin)]
	if keys == nil {
		return refuse(http.StatusNotFound, errors.New("this witness does not know the log"))
	}
	c, _, err := checkpoint.Open(sub.msg, keys)
	if errors.Is(err, checkpoint.ErrFormat) {
		return refuse(http.StatusBadRequest, err)
	}
	if err != nil {
		return refuse(http.StatusForbidden, errors.New("not signed with a key of the log"))
	}
	if sub.old > c.Size {
		return refuse(http.StatusBadRequest, errors.New("the old size is the larger one"))
	}
	release, err := holdStates(s.dir)
	if err != nil {
		return Answer{Status: http.StatusServiceUnavailable, Body: []byte("the state of the witness is in use\n"), Err: err}
	}
	defer release()
	last, err := s.last(c.Origin)
	if err != nil {
		return Answer{Status: http.StatusInternalServerError, Body: []byte("the state of the witness cannot be read\n"), Err: err}
	}
	if sub.old != last.Size || c.Size == last.Size && last.Size > 0 && c.Root != last.Root {
		return Answer{
			Status: http.StatusConflict, ContentType: sizeType, Body: []byte(strconv.FormatInt(last.Size, 10) + "\n"),
			Err: fmt.Errorf("%s: %d records after %d, which I do not have; I have %d", c.Origin, c.Size, sub.old, last.Size),
		}
	}
	if err := continues(last, c, sub.proof); err != nil {
		return refuse(http.StatusUnprocessableEntity, fmt.Errorf("the proof does not hold: %d records do not continue the %d that I have seen", c.Size, last.Size))
	}
	if err := s.keep(c.Origin, sub.msg); err != nil {
		return Answer{Status: http.StatusInternalServerError, Body: []byte("the state of the witness cannot be written\n"), Err: err}
	}
	// The whole text is signed, extension lines too.
	text, _, _ := bytes.Cut(sub.msg, []byte("\n\n"))
	signed, err := note.Sign(&note.Note{Text: string(text) + "\n"}, s.key)
	if err != nil {
		return Answer{Status: http.StatusInternalServerError, Body: []byte("the witness cannot sign\n"), Err: err}
	}
	_, lines, _ := bytes.Cut(signed, []byte("\n\n"))
	return Answer{Status: http.StatusOK, Body: lines}
}

// continues checks that a checkpoint has all that the last one had.
func continues(last, c checkpoint.Checkpoint, proof tlog.TreeProof) error {
	switch {
	case last.Size == 0 || last.Size == c.Size:
		if len(proof) > 0 {
			return errors.New("a proof of nothing")
		}
		return nil
	default:
		return tlog.CheckTree(proof, c.Size, c.Root, last.Size, last.Root)
	}
}

// path is the file of a log's state.
func (s *Server) path(origin string) string {
	sum := sha256.Sum256([]byte(origin))
	return filepath.Join(s.dir, "log-"+hex.EncodeToString(sum[:16]))
}

// last is the last checkpoint that was cosigned.
func (s *Server) last(origin string) (c checkpoint.Checkpoint, err error) {
	b, err := os.ReadFile(s.path(origin))
	if errors.Is(err, fs.ErrNotExist) {
		return c, nil
	}
	if err != nil {
		return c, err
	}
	// What is in the file was verified before it was written, with a key that
	// the log may no longer have.
	text, _, ok := bytes.Cut(b, []byte("\n\n"))
	if !ok {
		return c, checkpoint.ErrFormat
	}
	c, err = checkpoint.Parse(string(text) + "\n")
	if err == nil && c.Origin != origin {
		err = fmt.Errorf("the state of %q is in the file of %q", c.Origin, origin)
	}
	return c, err
}

// keep makes the checkpoint durable.
func (s *Server) keep(origin string, msg []byte) error {
	return writeDurable(s.path(origin), msg, 0o600)
}

// syncFile is os.File.Sync; tests put a disk in its place that loses what was not
// synced.
var syncFile = (*os.File).Sync

// writeDurable replaces a file; when it returns the new one survives a power
// loss.
func writeDurable(path string, data []byte, perm fs.FileMode) error {
	f, err := os.OpenFile(path+".tmp", os.O_CREATE|os.O_WRONLY|os.O_TRUNC, perm)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	err = errors.Join(err, syncFile(f), f.Close())
	if err == nil {
		err = os.Rename(path+".tmp", path)
	}
	if err != nil {
		return err
	}
	d, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(syncFile(d), d.Close())
}

// LoadKey reads the key of a witness from its directory, or makes it. A key that
// others can read is refused. The verifier key is written beside it.
func LoadKey(dir, name string) (*checkpoint.Key, error) {
	release, err := holdStates(dir)
	if err != nil {
		return nil, err
	}
	defer release()
	path := filepath.Join(dir, "key")
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		k, err := checkpoint.NewKey(name)
		if err != nil {
			return nil, err
		}
		if err := writeDurable(path, []byte(k.Text+"\n"), 0o600); err != nil {
			return nil, err
		}
		_, vkey, err := k.Cosigner(time.Now)
		if err != nil {
			return nil, err
		}
		return k, writeDurable(path+".pub", []byte(vkey+"\n"), 0o644)
	}
	if err != nil {
		return nil, err
	}
	st, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if st.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("the key file of the witness can be read by others (mode %04o); make it 0600, and a new key if it may have been read", st.Mode().Perm())
	}
	return checkpoint.ParseKey(string(b))
}
