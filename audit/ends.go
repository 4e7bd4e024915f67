package audit

import (
	"bytes"
	"path/filepath"
)

// Ends returns the completed records of the requests, as far as the files of a log
// have them; the log need not be open. It reads the newest segments first and stops
// where all were found or well before the time that the ids tell (ours are
// UUIDv7). A half record at the end, which a crash may leave, is not read. A
// directory without a log has none.
func Ends(dir string, requests []string) (map[string]*Record, error) {
	found := map[string]*Record{}
	wanted := make(map[string]bool, len(requests))
	oldest := ""
	for _, id := range requests {
		if wanted[id] = true; oldest == "" || id < oldest {
			oldest = id
		}
	}
	starts, err := segments(osFS{}, dir)
	if err != nil {
		return nil, err
	}
	mark := []byte(`"stage":"` + StageCompleted + `"`)
	for i := len(starts) - 1; i >= 0 && len(found) < len(wanted); i-- {
		var first []byte
		if _, err := scanSegment(filepath.Join(dir, segName(starts[i])), starts[i], func(_ int64, line []byte) bool {
			if first == nil {
				first = bytes.Clone(line)
			}
			if !bytes.Contains(line, mark) {
				return true
			}
			// What cannot be read says nothing: verification is not done here.
			if rec, err := Decode(line); err == nil && rec.Stage == StageCompleted && wanted[rec.Request] {
				found[rec.Request] = rec
			}
			return true
		}); err != nil {
			return nil, err
		}
		if older(first, oldest) {
			break
		}
	}
	return found, nil
}
