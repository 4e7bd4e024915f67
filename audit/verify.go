package audit

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/audit/checkpoint"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/internal/filelock"
)

// VerifyOptions configure Verify.
type VerifyOptions struct {
	// VerifierKeys are the log's public keys from a source of your own, one a
	// line; one that signed once is enough, since a log records under its old
	// keys which new ones follow. Empty takes key.pub beside the log, which
	// proves less: who can rewrite the log can rewrite that too.
	VerifierKeys string
	// Held are signed checkpoints that were kept elsewhere: the log must
	// contain what they cover.
	Held [][]byte
	// Since is a signed checkpoint up to which the log is known to be good:
	// only what follows is read, and it must follow. The records before are
	// not looked at.
	Since []byte
	// AllowUnsigned accepts records behind the newest checkpoint, and half a
	// record at the end, although no process has the log open: so end the copy
	// of a log that was in use, and the log of a process that was killed.
	// Report.Records - Report.Signed is how many nothing vouches for.
	AllowUnsigned bool
	// AllowOverridden accepts a log that was once started although it did not
	// agree with its last checkpoint. What it signed before that is then not
	// vouched for; the checkpoints that it had set aside say what is missing.
	AllowOverridden bool
	// Progress is called now and then with the number of records checked and
	// of all that are signed.
	Progress func(done, of int64)
}

// Report is what Verify found.
type Report struct {
	Origin string `json:"origin"`
	// VerifierKey is the newest key that the log is signed with.
	VerifierKey string `json:"verifier_key"`
	Records     int64  `json:"records"` // in the log, those that were pruned included
	// First is the first record whose text is there: what came before was
	// pruned, and its hashes were checked.
	First int64 `json:"first,omitempty"`
	// Since is the size of the checkpoint that the check began at.
	Since       int64  `json:"since,omitempty"`
	Signed      int64  `json:"signed"`      // covered by the newest checkpoint
	Checkpoints int64  `json:"checkpoints"` // all of which hold
	Held        int    `json:"held"`        // checkpoints from elsewhere that hold
	Segments    int    `json:"segments"`
	Root        string `json:"root"` // of the newest checkpoint
	// Live is true when a process has the log open: then records behind the
	// newest checkpoint and half a line at the end are normal.
	Live bool `json:"live"`
	// OwnKey is true if the keys came from beside the log.
	OwnKey bool `json:"own_key"`
	// Overridden are the records of starts by override: then the log did not
	// agree with what it had signed before. The last few, if there are many.
	Overridden []string `json:"overridden,omitempty"`
	// Tail is the number of bytes of an unfinished last record.
	Tail int64 `json:"tail_bytes,omitempty"`
}

// String says it in a line.
func (r Report) String() string {
	s := fmt.Sprintf("%d records in %d segments, %d of them signed; %d checkpoints hold; root %s", r.Records, r.Segments, r.Signed, r.Checkpoints, r.Root)
	if r.First > 0 {
		s += fmt.Sprintf("; records before %d are pruned, their hashes hold", r.First)
	}
	if r.Since > 0 {
		s += fmt.Sprintf("; it continues the checkpoint of %d records, which were not read again", r.Since)
	}
	if r.Held > 0 {
		s += fmt.Sprintf("; it contains the %d checkpoints held elsewhere", r.Held)
	}
	for _, o := range r.Overridden {
		s += "; started by override, " + o
	}
	if r.Live {
		s += " (the log is open and growing)"
	}
	return s
}

const maxOverridden = 10

// ErrHashes is wrapped when the records are as they were signed, but the file of
// hashes, from which proofs are made, is not.
var ErrHashes = errors.New("the records verify, but the file hashes is damaged; stop the server, move it away and start again, it is made anew from the records")

// ErrTampered is wrapped by the error of Verify when the log is not what was
// signed.
var ErrTampered = errors.New("the audit log does not verify")

func tampered(format string, args ...any) error {
	return fmt.Errorf("%w: %w", ErrTampered, fmt.Errorf(format, args...))
}

// Verify recomputes the hash of every record and the tree over them, and holds
// it against every checkpoint in the log's history. Memory is constant whatever
// the size of the log.
func Verify(dir string, o VerifyOptions) (Report, error) {
	v := &verification{dir: dir, o: o}
	err := v.run()
	return v.rep, err
}

// verification is the state of one check.
type verification struct {
	dir    string
	o      VerifyOptions
	rep    Report
	trust  trust
	held   []checkpoint.Checkpoint // from elsewhere; the one to begin at is the last
	hist   *history
	hashes *hashFile
	tree   tree
	since  checkpoint.Checkpoint
	pruned int64 // the first kept record, as the last pruned record says
}

func (v *verification) run() (err error) {
	fsys, rep := osFS{}, &v.rep
	if err := v.trust.load(fsys, v.dir, v.o.VerifierKeys); err != nil {
		return err
	}
	rep.Origin, rep.OwnKey = v.trust.ring[0].Name(), v.o.VerifierKeys == ""
	rep.Live = filelock.Held(filepath.Join(v.dir, "lock"))
	// The checkpoints are read before the records: on a live log the records
	// only grow past them.
	newest, err := newestCheckpoint(fsys, v.dir, &v.trust)
	if err != nil {
		return err
	}
	rep.Signed, rep.Root = newest.Size, newest.Root.String()
	if err := v.openHeld(); err != nil {
		return err
	}
	if v.hist, err = openHistory(v.dir, &v.trust, v.since.Size); err != nil {
		return err
	}
	defer v.hist.Close()
	if v.hashes, err = openHashes(v.dir, newest.Size); err != nil {
		return err
	}
	defer v.hashes.Close()
	if err := v.begin(); err != nil {
		return err
	}
	if err := v.records(fsys); err != nil {
		return err
	}
	return v.conclude(newest)
}

// openHeld reads the checkpoints from elsewhere.
func (v *verification) openHeld() error {
	for _, msg := range v.o.Held {
		c, _, err := checkpoint.Open(msg, v.trust.ring)
		if err != nil {
			return tampered("a checkpoint held elsewhere is not of this log: %w", err)
		}
		v.held = append(v.held, c)
	}
	if v.o.Since != nil {
		c, _, err := checkpoint.Open(v.o.Since, v.trust.ring)
		if err != nil {
			return tampered("the checkpoint to begin at is not of this log: %w", err)
		}
		v.since, v.rep.Since = c, c.Size
		v.held = append(v.held, c)
	}
	for _, c := range v.held {
		if c.Size < v.since.Size {
			return fmt.Errorf("a checkpoint of %d records cannot be checked from record %d on", c.Size, v.since.Size)
		}
		if c.Size > v.rep.Signed {
			return tampered("a checkpoint held elsewhere covers %d records, the newest of the log only %d: it was rolled back, or this copy is older", c.Size, v.rep.Signed)
		}
	}
	return nil
}

// begin brings the tree to where the reading starts.
func (v *verification) begin() error {
	if v.since.Size > 0 {
		t, err := v.hashes.treeAt(v.since.Size)
		if err != nil || t.root() != v.since.Root {
			return tampered("the first %d records do not have the root of the checkpoint to begin at; check the whole log to learn whether records or only the file hashes were changed", v.since.Size)
		}
		v.tree = t
	}
	return v.checkAll()
}

// checkAll holds the tree against all checkpoints of its size.
func (v *verification) checkAll() error {
	for i, c := range v.held {
		if c.Size == v.tree.n {
			if c.Root != v.tree.root() {
				return tampered("the first %d records are not those of a checkpoint held elsewhere", c.Size)
			}
			if i < len(v.o.Held) {
				v.rep.Held++
			}
		}
	}
	return v.hist.check(&v.tree, &v.rep)
}

// added follows up on a record that was added to the tree.
func (v *verification) added(of int64) error {
	if v.hist.have && v.hist.next.Size == v.tree.n || len(v.held) > 0 {
		if err := v.checkAll(); err != nil {
			return err
		}
	}
	if v.o.Progress != nil && v.tree.n%10_000 == 0 {
		v.o.Progress(v.tree.n, of)
	}
	return nil
}

// records walks through all records in order.
func (v *verification) records(fsys FS) error {
	starts, err := segments(fsys, v.dir)
	if err != nil {
		return tampered("%w", err)
	}
	if len(starts) > 0 {
		v.rep.First = starts[0]
		if err := v.prunedRecords(starts[0]); err != nil {
			return err
		}
	}
	for i, start := range starts {
		if i+1 < len(starts) && starts[i+1] <= v.since.Size {
			continue // known to be good
		}
		begins := v.tree.n == v.since.Size && start <= v.since.Size
		if start != v.tree.n && !begins {
			return tampered("segment %s should begin with record %d", segName(start), v.tree.n)
		}
		if err := v.segment(start, i == len(starts)-1); err != nil {
			return err
		}
		v.rep.Segments++
	}
	v.rep.Records = v.tree.n
	return nil
}

// segment reads the records of a segment, from the tree's end on.
func (v *verification) segment(start int64, last bool) error {
	f, err := os.Open(filepath.Join(v.dir, segName(start)))
	if err != nil {
		return err
	}
	defer f.Close()
	r := bufio.NewReaderSize(f, 1<<20)
	var leaves []tlog.Hash
	for n := start; ; n++ {
		line, err := readLine(r)
		if err == io.EOF && len(line) == 0 {
			if n < v.tree.n {
				return tampered("%s ends before record %d", segName(start), v.tree.n)
			}
			return nil
		}
		if errors.Is(err, io.ErrUnexpectedEOF) && last {
			v.rep.Tail = int64(len(line))
			return nil
		}
		if err == nil {
			err = checkLine(line, n)
		}
		if err != nil {
			return tampered("record %d in %s: %w", n, segName(start), err)
		}
		if n < v.tree.n {
			continue
		}
		leaves = v.tree.add(tlog.RecordHash(line), leaves[:0])
		v.hashes.check(leaves)
		v.system(line)
		if err := v.added(v.rep.Signed); err != nil {
			return err
		}
	}
}

var systemMark = []byte(`"stage":"` + StageSystem + `"`)

// system follows what the log says of its keys and of records that were pruned.
func (v *verification) system(line []byte) {
	// Stage stands behind number, time and node: no need to look at it all.
	if !bytes.Contains(line[:min(len(line), 256)], systemMark) {
		return
	}
	rec, err := Decode(line)
	if err != nil || rec.Stage != StageSystem {
		return
	}
	switch rec.Event {
	case eventKeyAdded:
		v.trust.handOver(rec.Seq, rec.Detail)
	case eventOverridden:
		v.rep.Overridden = append(v.rep.Overridden, fmt.Sprintf("record %d: %s", rec.Seq, rec.Detail))
		v.rep.Overridden = v.rep.Overridden[max(0, len(v.rep.Overridden)-maxOverridden):]
	case eventPruned:
		if n, ok := prunedTo(rec.Detail); ok && rec.Seq < v.rep.Signed {
			v.pruned = max(v.pruned, n)
		}
	}
}

// prunedRecords walks over the hashes of records that are no longer there.
func (v *verification) prunedRecords(first int64) error {
	if first > v.rep.Signed {
		return tampered("the log begins with record %d, but only %d are signed", first, v.rep.Signed)
	}
	for v.tree.n < first {
		leaf, err := v.hashes.leaf()
		if err != nil {
			return tampered("records before %d are missing, and their hashes too: %w", first, err)
		}
		v.hashes.check(v.tree.add(leaf, nil)[1:])
		if v.hashes.wrong || v.hashes.ended {
			return tampered("the hashes of pruned records are damaged at record %d", v.tree.n-1)
		}
		if err := v.added(v.rep.Signed); err != nil {
			return err
		}
	}
	return nil
}

// conclude judges the end of the log.
func (v *verification) conclude(newest checkpoint.Checkpoint) error {
	rep, hist := &v.rep, v.hist
	if hist.have && hist.next.Size > rep.Records {
		return tampered("a checkpoint covers %d records, but only %d are there", hist.next.Size, rep.Records)
	}
	if hist.err != nil {
		return hist.err
	}
	if hist.last.Size < newest.Size || (hist.last.Size == newest.Size && hist.last.Root != newest.Root) {
		return tampered("the newest checkpoint (%d records) is missing from the history (%d records)", newest.Size, hist.last.Size)
	}
	if rep.First > max(v.pruned, v.since.Size) {
		return tampered("the records before %d are missing, and no record says that they were pruned", rep.First)
	}
	if !v.trust.vouched(newest.Size) {
		return tampered("the newest checkpoint is signed neither by the key that you trust nor by one that it handed over to")
	}
	rep.VerifierKey = v.trust.newestKey()
	if len(rep.Overridden) > 0 && !v.o.AllowOverridden {
		return tampered("it was started by override although it disagreed with what it had signed: %s", strings.Join(rep.Overridden, "; "))
	}
	growing := rep.Live || v.o.AllowUnsigned
	if hist.last.Size > newest.Size && !growing {
		return tampered("the newest checkpoint (%d records) is older than the history (%d records)", newest.Size, hist.last.Size)
	}
	const why = "if the process was killed or this is a copy of a log in use, allow for it, or open the log once"
	if rep.Tail > 0 && !growing {
		return tampered("%d bytes of an unfinished record at the end; %s", rep.Tail, why)
	}
	if rep.Records > newest.Size && !growing {
		return tampered("%d records stand behind the last checkpoint, though a log that is closed signs all it has; %s", rep.Records-newest.Size, why)
	}
	if v.hashes.wrong || v.hashes.records < newest.Size {
		return fmt.Errorf("%w (at record %d)", ErrHashes, v.hashes.records)
	}
	return nil
}

// hashFile compares the stored hashes with computed ones, as far as they were
// signed: behind that, those of a live log may still change.
type hashFile struct {
	f       *os.File // nil if there is none
	r       *bufio.Reader
	most    int64 // records
	records int64 // whose hashes are as they should be
	wrong   bool
	ended   bool
}

func openHashes(dir string, most int64) (*hashFile, error) {
	f, err := os.Open(filepath.Join(dir, "hashes"))
	if errors.Is(err, fs.ErrNotExist) {
		return &hashFile{r: bufio.NewReader(strings.NewReader("")), most: most}, nil
	}
	if err != nil {
		return nil, err
	}
	return &hashFile{f: f, r: bufio.NewReaderSize(f, 256<<10), most: most}, nil
}

// Close closes the file.
func (f *hashFile) Close() error {
	if f.f == nil {
		return nil
	}
	return f.f.Close()
}

// treeAt reads the right edge of the tree of the first n records and goes on from
// there.
func (f *hashFile) treeAt(n int64) (tree, error) {
	if f.f == nil {
		return tree{}, errShortHashes
	}
	t, err := treeAt(n, hashReader{f.f})
	if err != nil {
		return t, err
	}
	_, err = f.f.Seek(tlog.StoredHashIndex(0, n)*tlog.HashSize, io.SeekStart)
	f.r.Reset(f.f)
	f.records = n
	return t, err
}

// leaf reads the hash of the next record.
func (f *hashFile) leaf() (h tlog.Hash, err error) {
	_, err = io.ReadFull(f.r, h[:])
	return h, err
}

func (f *hashFile) check(want []tlog.Hash) {
	var h tlog.Hash
	for i := range want {
		if f.wrong || f.ended || f.records == f.most {
			return
		}
		if _, err := io.ReadFull(f.r, h[:]); err != nil {
			f.ended = true
		} else if h != want[i] {
			f.wrong = true
		}
	}
	if !f.wrong && !f.ended {
		f.records++
	}
}
