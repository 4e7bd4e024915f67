package ledger

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"slices"
)

// The journal is the file beside the bbolt file in which a write becomes durable:
// one frame and one sync for all calls that wait. It has two areas that take
// turns: while one is written, what the other one holds is put into bbolt.
//
//	header  one page: magic, layout, size of an area, id, base; CRC-32C
//	areas   frames, each at a page's beginning: magic, length, number; CRC-32C;
//	        then its records (see pending)
//
// Frames are numbered without a gap over both areas and all processes. A frame is
// written only after the one before it is durable, and no page that holds a
// durable frame is written again before bbolt has that frame. So whatever the
// power does, at most the last frame is damaged, and nobody was told of that one.
// The file is written full when it is made: a sync then has data to write and no
// metadata.
type journal struct {
	f      *os.File
	path   string
	id     journalID
	base   uint64 // the number of the last frame before the file was made
	size   int64  // of an area
	noSync bool

	cur  int      // the area that is being written
	used [2]int64 // bytes of each area that hold frames to be kept
	seq  uint64   // of the last durable frame
	// unsure says that a frame may be on the disk behind the last durable one,
	// whose writers were told that it is not. It must be overwritten before the
	// areas change.
	unsure bool
}

// journalID ties a journal to its ledger. It goes into every checksum, so that
// what clients put into a call can never look like a frame.
type journalID [16]byte

const (
	journalPage    = 4096
	journalMagic   = "llmledgerjournal"
	journalLayout  = 1
	journalHeader  = len(journalMagic) + 4 + 4 + 16 + 8 + 4
	defaultArea    = 2 << 20
	minArea        = 4 * journalPage
	maxArea        = 64 << 20
	frameMagic     = 0x316a6c6c // "llj1"
	frameHead      = 4 + 4 + 8 + 4
	journalSuffix  = ".journal"
	acceptedSuffix = ".journal.lost"
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// ErrJournal is wrapped when the journal does not fit its ledger.
var ErrJournal = errors.New("the ledger's journal is not what it should be")

// syncFile and syncData stand for os.File.Sync and fdatasync; tests take them away.
var (
	syncFile = (*os.File).Sync
	syncData = dataSync
)

// createJournal makes an empty journal for a ledger whose bbolt file has all frames
// up to base. It takes its name only once it is durable.
func createJournal(path string, base uint64, area int64, noSync bool) (*journal, error) {
	j := &journal{path: path, base: base, seq: base, size: area, noSync: noSync}
	if _, err := rand.Read(j.id[:]); err != nil {
		return nil, err
	}
	temp := path + ".new"
	f, err := os.OpenFile(temp, os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return nil, err
	}
	fail := func(err error) (*journal, error) {
		f.Close()
		os.Remove(temp)
		return nil, err
	}
	// Also where a file of that name had another mode.
	if err := f.Chmod(0o600); err != nil {
		return fail(err)
	}
	whole := make([]byte, journalPage+2*area)
	h := append(whole[:0], journalMagic...)
	h = binary.LittleEndian.AppendUint32(h, journalLayout)
	h = binary.LittleEndian.AppendUint32(h, uint32(area))
	h = append(h, j.id[:]...)
	h = binary.LittleEndian.AppendUint64(h, base)
	binary.LittleEndian.AppendUint32(h, crc32.Checksum(h, castagnoli))
	if _, err := f.Write(whole); err != nil {
		return fail(err)
	}
	if !noSync {
		if err := syncFile(f); err != nil {
			return fail(err)
		}
	}
	if err := f.Close(); err != nil {
		return fail(err)
	}
	if err := os.Rename(temp, path); err != nil {
		return fail(err)
	}
	if !noSync {
		// The bbolt file may be new, too: this is for both names.
		if err := syncDir(filepath.Dir(path)); err != nil {
			return nil, err
		}
	}
	j.f, err = os.OpenFile(path, os.O_RDWR, 0)
	return j, err
}

// frame is one that was read.
type frame struct {
	seq     uint64
	area    int
	at      int64 // of the file
	size    int64 // with its page's rest
	records []byte
}

// openJournal opens a journal and reads its header.
func openJournal(path string, flag int) (j *journal, err error) {
	f, err := os.OpenFile(path, flag, 0)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			f.Close()
		}
	}()
	st, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !st.Mode().IsRegular() {
		return nil, fmt.Errorf("%w: %s is no regular file", ErrJournal, path)
	}
	head := make([]byte, journalHeader)
	if _, err := io.ReadFull(io.NewSectionReader(f, 0, int64(len(head))), head); err != nil {
		return nil, fmt.Errorf("%w: %s: its header cannot be read: %w", ErrJournal, path, err)
	}
	j = &journal{f: f, path: path}
	if err := j.header(head); err != nil {
		return nil, err
	}
	if st.Size() != journalPage+2*j.size {
		return nil, fmt.Errorf("%w: %s has %d bytes, not %d", ErrJournal, path, st.Size(), journalPage+2*j.size)
	}
	return j, nil
}

// of is read for the journal that a file of a ledger says is its own.
func (j *journal) of(m marks) (frames []frame, torn int64, err error) {
	if j.id != m.id {
		return nil, 0, fmt.Errorf("%w: %s belongs to another ledger", ErrJournal, j.path)
	}
	if frames, torn, err = j.read(m.applied); err == nil && j.seq < m.applied {
		err = fmt.Errorf("%w: %s ends with number %d, and the ledger has what was written up to number %d: the journal is older than the ledger's file", ErrJournal, j.path, j.seq, m.applied)
	}
	return frames, torn, err
}

// read returns what there is after frame number applied, in order. torn is where in
// the file a last frame lies that was not written whole, 0 if there is none.
func (j *journal) read(applied uint64) (frames []frame, torn int64, err error) {
	whole := make([]byte, 2*j.size)
	if _, err := j.f.ReadAt(whole, journalPage); err != nil {
		return nil, 0, fmt.Errorf("reading the ledger's journal %s: %w", j.path, err)
	}
	return j.scan(whole, applied)
}

func (j *journal) header(h []byte) error {
	n := len(journalMagic)
	if string(h[:n]) != journalMagic {
		return fmt.Errorf("%w: %s is no journal of a ledger", ErrJournal, j.path)
	}
	if v := binary.LittleEndian.Uint32(h[n:]); v != journalLayout {
		return fmt.Errorf("%w: %s was written by another version of the gateway (layout %d, this one reads %d)", ErrJournal, j.path, v, journalLayout)
	}
	if crc32.Checksum(h[:journalHeader-4], castagnoli) != binary.LittleEndian.Uint32(h[journalHeader-4:]) {
		return fmt.Errorf("%w: the header of %s is damaged", ErrJournal, j.path)
	}
	j.size = int64(binary.LittleEndian.Uint32(h[n+4:]))
	copy(j.id[:], h[n+8:])
	j.base = binary.LittleEndian.Uint64(h[n+24:])
	if j.size < minArea || j.size > maxArea || j.size%journalPage != 0 {
		return fmt.Errorf("%w: the header of %s names areas of %d bytes", ErrJournal, j.path, j.size)
	}
	return nil
}

// scan reads both areas. cur is then the area of the last frame.
func (j *journal) scan(whole []byte, applied uint64) (frames []frame, torn int64, err error) {
	j.seq = j.base
	var bad [2]int64
	for a := range j.used {
		area := whole[int64(a)*j.size:][:j.size]
		at, last := int64(0), uint64(0)
		for at < j.size {
			f, ok := j.parse(area[at:])
			if !ok || last != 0 && f.seq != last+1 {
				break
			}
			last = f.seq
			f.area, f.at = a, journalPage+int64(a)*j.size+at
			at += f.size
			if f.seq > j.seq {
				j.seq, j.cur = f.seq, a
			}
			if f.seq > applied {
				frames = append(frames, f)
			}
		}
		bad[a] = at
		// Frames are written one after the other, each when the one before it is
		// durable: behind a damaged one there is nothing new, or it was whole once.
		for p := at; p < j.size; p += journalPage {
			if f, ok := j.parse(area[p:]); ok && f.seq > max(applied, last) {
				return nil, 0, j.damaged(a, at, f.seq)
			}
		}
	}
	slices.SortFunc(frames, func(a, b frame) int {
		if a.seq < b.seq {
			return -1
		}
		return 1
	})
	for i, want := 0, applied+1; i < len(frames); i, want = i+1, want+1 {
		if f := &frames[i]; f.seq != want {
			if i > 0 {
				return nil, 0, j.damaged(1-f.area, bad[1-f.area], f.seq)
			}
			return nil, 0, fmt.Errorf("%w: the ledger has what was written up to number %d, and %s begins with number %d (at byte %d): the ledger's file is older than its journal, or the frame before is damaged", ErrJournal, applied, j.path, f.seq, f.at)
		}
	}
	for a := range bad {
		if at := bad[a]; at+frameHead <= j.size && j.claims(whole[int64(a)*j.size+at:]) == j.seq+1 {
			torn = journalPage + int64(a)*j.size + at
		}
	}
	return frames, torn, nil
}

func (j *journal) damaged(area int, at int64, next uint64) error {
	return fmt.Errorf("%w: %s is damaged at byte %d: a frame there cannot be read, though number %d was written after it", ErrJournal, j.path, journalPage+int64(area)*j.size+at, next)
}

// claims is the number in what may be the head of a frame, 0 if it is none.
func (j *journal) claims(b []byte) uint64 {
	if binary.LittleEndian.Uint32(b) != frameMagic {
		return 0
	}
	return binary.LittleEndian.Uint64(b[8:])
}

// parse reads the frame at the beginning of a page.
func (j *journal) parse(b []byte) (f frame, ok bool) {
	if f.seq = j.claims(b); f.seq == 0 {
		return f, false
	}
	n := int64(binary.LittleEndian.Uint32(b[4:]))
	if n > int64(len(b))-frameHead {
		return f, false
	}
	f.records = b[frameHead : frameHead+n]
	f.size = pages(frameHead + n)
	return f, j.sum(b[:16], f.records) == binary.LittleEndian.Uint32(b[16:])
}

func (j *journal) sum(head, records []byte) uint32 {
	return crc32.Update(crc32.Update(crc32.Checksum(j.id[:], castagnoli), castagnoli, head), castagnoli, records)
}

// pages rounds up to whole pages.
func pages(n int64) int64 { return (n + journalPage - 1) &^ (journalPage - 1) }

// fits reports whether the current area has room for a frame of n bytes.
func (j *journal) fits(n int) bool { return j.used[j.cur]+pages(int64(n)) <= j.size }

// write puts a frame behind the last one and syncs. b begins with frameHead bytes
// for the head; records follow. The frame counts only after advance: until
// then, also after an error, the next write takes its place.
func (j *journal) write(b []byte) error {
	binary.LittleEndian.PutUint32(b, frameMagic)
	binary.LittleEndian.PutUint32(b[4:], uint32(len(b)-frameHead))
	binary.LittleEndian.PutUint64(b[8:], j.seq+1)
	binary.LittleEndian.PutUint32(b[16:], j.sum(b[:16], b[frameHead:]))
	j.unsure = true
	if _, err := j.f.WriteAt(b, journalPage+int64(j.cur)*j.size+j.used[j.cur]); err != nil {
		return fmt.Errorf("writing the ledger's journal: %w", err)
	}
	return j.sync()
}

func (j *journal) sync() error {
	if j.noSync {
		return nil
	}
	if err := syncData(j.f); err != nil {
		return fmt.Errorf("syncing the ledger's journal: %w", err)
	}
	return nil
}

// advance makes the frame count that was written last.
func (j *journal) advance(b []byte) {
	j.seq++
	j.used[j.cur] += pages(int64(len(b)))
	j.unsure = false
}

// turn makes the other area the current one. What it held must be in bbolt.
func (j *journal) turn() {
	j.cur = 1 - j.cur
	j.used[j.cur] = 0
}

// again writes the last frame that was read once more and syncs it: it may have been
// in the memory of a machine that has lost its process, and not on its disk.
func (j *journal) again(f *frame) error {
	b := make([]byte, frameHead, f.size)
	binary.LittleEndian.PutUint32(b, frameMagic)
	binary.LittleEndian.PutUint32(b[4:], uint32(len(f.records)))
	binary.LittleEndian.PutUint64(b[8:], f.seq)
	binary.LittleEndian.PutUint32(b[16:], j.sum(b[:16], f.records))
	if _, err := j.f.WriteAt(append(b, f.records...), f.at); err != nil {
		return fmt.Errorf("writing the ledger's journal: %w", err)
	}
	return j.sync()
}

func (j *journal) close() error { return j.f.Close() }
