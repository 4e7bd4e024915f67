package audit

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/google/uuid"
)

// Scan calls f with every record from the index on, in order, until it returns
// false. It reads the files of a log, live or copied; half a record at the end is
// left out.
func Scan(dir string, from int64, f func(index int64, line []byte) bool) error {
	starts, err := segments(osFS{}, dir)
	if err != nil {
		return err
	}
	for i, start := range starts {
		if i+1 < len(starts) && starts[i+1] <= from {
			continue
		}
		more, err := scanSegment(filepath.Join(dir, segName(start)), start, func(index int64, line []byte) bool {
			return index < from || f(index, line)
		})
		if err != nil || !more {
			return err
		}
	}
	return nil
}

func scanSegment(path string, index int64, f func(index int64, line []byte) bool) (more bool, err error) {
	file, err := os.Open(path)
	if err != nil {
		return false, err
	}
	defer file.Close()
	r := bufio.NewReaderSize(file, 256<<10)
	for {
		line, err := readLine(r)
		if err == io.EOF || errors.Is(err, io.ErrUnexpectedEOF) {
			return true, nil
		}
		if err != nil {
			return false, fmt.Errorf("reading %s: %w", filepath.Base(path), err)
		}
		if !f(index, line) {
			return false, nil
		}
		index++
	}
}

// Line returns the line of a record as it was hashed, from the files of a log,
// live or copied.
func Line(dir string, index int64) (line []byte, err error) {
	if index < 0 {
		return nil, fmt.Errorf("%d is not the index of a record", index)
	}
	starts, err := segments(osFS{}, dir)
	if err != nil {
		return nil, err
	}
	if len(starts) > 0 && index < starts[0] {
		return nil, fmt.Errorf("record %d was pruned; the first one kept is %d", index, starts[0])
	}
	if err := Scan(dir, index, func(i int64, b []byte) bool {
		if i == index {
			line = bytes.Clone(b)
		}
		return false
	}); err != nil {
		return nil, err
	}
	if line == nil {
		return nil, fmt.Errorf("the log has no record %d", index)
	}
	return line, nil
}

// NewestCheckpoint returns the newest signed checkpoint of a log.
func NewestCheckpoint(dir string) ([]byte, error) {
	return os.ReadFile(filepath.Join(dir, "checkpoint"))
}

// Segments is the number of files of records in a log's directory.
func Segments(dir string) (int, error) {
	starts, err := segments(osFS{}, dir)
	return len(starts), err
}

// Find returns the records of a request, in order. It looks through the newest
// segments first and stops at the one before the oldest that has any, or well
// before the time that the id itself tells (ours are UUIDv7).
func Find(dir, requestID string) ([]*Record, error) {
	starts, err := segments(osFS{}, dir)
	if err != nil {
		return nil, err
	}
	mark := []byte(`"request":` + strconv.Quote(requestID))
	var found []*Record
	for i := len(starts) - 1; i >= 0; i-- {
		var here []*Record
		var bad error
		var first []byte
		if _, err := scanSegment(filepath.Join(dir, segName(starts[i])), starts[i], func(_ int64, line []byte) bool {
			if first == nil {
				first = bytes.Clone(line)
			}
			if !bytes.Contains(line, mark) {
				return true
			}
			rec, err := Decode(line)
			if err != nil {
				bad = err
				return false
			}
			if rec.Request == requestID {
				here = append(here, rec)
			}
			return true
		}); err != nil {
			return nil, err
		}
		if bad != nil {
			return nil, bad
		}
		if len(here) == 0 && (len(found) > 0 || older(first, requestID)) {
			break
		}
		found = append(here, found...)
	}
	return found, nil
}

// older reports whether a record was made long before the id. An hour makes up
// for clocks that were set back.
func older(line []byte, id string) bool {
	u, err := uuid.Parse(id)
	if err != nil || u.Version() != 7 || len(line) == 0 {
		return false
	}
	r, err := Decode(line)
	if err != nil {
		return false
	}
	sec, nsec := u.Time().UnixTime()
	return r.TS.Add(time.Hour).Before(time.Unix(sec, nsec))
}
