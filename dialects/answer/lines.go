package answer

import "bytes"

// LineSplitter cuts a stream of newline-delimited JSON (Ollama's native streams)
// into its lines, as Splitter does for server-sent events. No byte is lost,
// added or moved. The zero value is ready.
type LineSplitter struct {
	tail []byte // a line that is not complete
}

// Feed cuts p and calls yield for each complete line, its LF included. A line
// that lies within p is a slice of it. It stops at the first error of yield, and
// fails with ErrEventTooLarge for a line beyond MaxEvent.
func (s *LineSplitter) Feed(p []byte, yield func(line []byte) error) error {
	for len(p) > 0 {
		n := bytes.IndexByte(p, '\n') + 1
		if len(s.tail)+max(n, 1) > MaxEvent || (n == 0 && len(s.tail)+len(p) > MaxEvent) {
			return ErrEventTooLarge
		}
		if n == 0 {
			s.tail = append(s.tail, p...)
			return nil
		}
		line := p[:n]
		if len(s.tail) > 0 {
			line, s.tail = append(s.tail, line...), nil
		}
		p = p[n:]
		if err := yield(line); err != nil {
			return err
		}
	}
	return nil
}

// Rest returns the unfinished line at the end of what was fed.
func (s *LineSplitter) Rest() []byte { return bytes.TrimSpace(s.tail) }

// IsNDJSON reports whether a Content-Type is newline-delimited JSON.
func IsNDJSON(contentType string) bool {
	return mediaType(contentType, "application/x-ndjson") || mediaType(contentType, "application/ndjson")
}
