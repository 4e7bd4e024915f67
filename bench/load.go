package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// load is what the load generator found.
type load struct {
	requests  int64
	chunks    int64
	bad       int64 // wrong status or wrong bytes
	firstBad  string
	latencies []time.Duration
	paced     bool            // whether gaps are noted
	gaps      []time.Duration // between events
	elapsed   time.Duration
}

// quantile is the q-th of sorted durations, 0 of none.
func quantile(sorted []time.Duration, q float64) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[min(len(sorted)-1, int(q*float64(len(sorted))))]
}

// request renders a chat request with a prompt of about size bytes.
func request(addr, key string, size int, stream bool) []byte {
	prompt := strings.Repeat("The quick brown fox jumps over the lazy dog, and nobody knows why. ", size/67+1)[:size]
	// As many tokens as events, since the gateway cuts a stream that goes on beyond
	// its limit.
	body := fmt.Sprintf(`{"model":"gpt-4o","max_tokens":%d,`, max(200, *chunkCount))
	if stream {
		body += `"stream":true,`
	}
	body += `"messages":[{"role":"system","content":"You are a helpful assistant."},{"role":"user","content":"` + prompt + `"}]}`
	return fmt.Appendf(nil, "POST /v1/chat/completions HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\nUser-Agent: bench\r\nContent-Length: %d\r\n\r\n%s",
		addr, key, len(body), body)
}

// generate keeps conns connections busy for the duration. Each answer is
// compared with what the mock sent: JSON whole, streams event by event.
func generate(addr string, req []byte, conns, chunks int, paced bool, d time.Duration) *load {
	total := &load{}
	var mu sync.Mutex
	var wg sync.WaitGroup
	start := time.Now()
	deadline := start.Add(d)
	for range conns {
		wg.Go(func() {
			l := &load{paced: paced}
			if err := l.connection(addr, req, chunks, deadline); err != nil {
				l.bad++
				l.firstBad = err.Error()
			}
			mu.Lock()
			defer mu.Unlock()
			total.requests += l.requests
			total.chunks += l.chunks
			total.bad += l.bad
			if total.firstBad == "" {
				total.firstBad = l.firstBad
			}
			total.latencies = append(total.latencies, l.latencies...)
			total.gaps = append(total.gaps, l.gaps...)
		})
	}
	wg.Wait()
	total.elapsed = time.Since(start)
	slices.Sort(total.latencies)
	slices.Sort(total.gaps)
	return total
}

func (l *load) connection(addr string, req []byte, chunks int, deadline time.Time) error {
	c, err := net.Dial("tcp", addr)
	if err != nil {
		return err
	}
	defer c.Close()
	r := bufio.NewReaderSize(c, 64<<10)
	for time.Now().Before(deadline) {
		start := time.Now()
		if _, err := c.Write(req); err != nil {
			return err
		}
		if err := l.answer(r, chunks); err != nil {
			return err
		}
		l.latencies = append(l.latencies, time.Since(start))
		l.requests++
	}
	return nil
}

var (
	errShort  = errors.New("the stream was short")
	errOrder  = errors.New("an event was lost, reordered or changed")
	errAnswer = errors.New("the answer was changed")
)

// answer reads one answer; a small parser of our own, since net/http's client
// would cost as much as what is measured.
func (l *load) answer(r *bufio.Reader, chunks int) error {
	status, length, chunked, err := readHead(r)
	if err != nil {
		return err
	}
	if status != http.StatusOK {
		b := make([]byte, max(0, length))
		io.ReadFull(r, b)
		return fmt.Errorf("status %d: %s", status, b)
	}
	if !chunked {
		b, err := r.Peek(length)
		if err != nil {
			return err
		}
		if !bytes.Equal(b, jsonAnswer) {
			return errAnswer
		}
		_, err = r.Discard(length)
		return err
	}
	return l.stream(r, chunks)
}

func readHead(r *bufio.Reader) (status, length int, chunked bool, err error) {
	length = -1
	for first := true; ; first = false {
		line, err := r.ReadSlice('\n')
		if err != nil {
			return 0, 0, false, err
		}
		line = bytes.TrimRight(line, "\r\n")
		if first {
			if len(line) < 12 {
				return 0, 0, false, errAnswer
			}
			status, err = strconv.Atoi(string(line[9:12]))
			if err != nil {
				return 0, 0, false, err
			}
			continue
		}
		if len(line) == 0 {
			return status, length, chunked, nil
		}
		if v, ok := bytes.CutPrefix(line, []byte("Content-Length: ")); ok {
			if length, err = strconv.Atoi(string(v)); err != nil {
				return 0, 0, false, err
			}
		}
		chunked = chunked || bytes.HasPrefix(line, []byte("Transfer-Encoding: chunked"))
	}
}

// stream reads a chunked stream and compares every event with its expectation.
func (l *load) stream(r *bufio.Reader, chunks int) error {
	body := &chunkedReader{r: r}
	s := bufio.NewReaderSize(body, 32<<10)
	expect := func(want []byte) error {
		got, err := s.Peek(len(want))
		if err != nil {
			return errShort
		}
		if !bytes.Equal(got, want) {
			return fmt.Errorf("%w: %q", errOrder, got)
		}
		_, err = s.Discard(len(want))
		return err
	}
	var last time.Time
	for i := range chunks {
		if err := expect(expected[i]); err != nil {
			return err
		}
		l.chunks++
		if l.paced {
			now := time.Now()
			if i > 0 {
				l.gaps = append(l.gaps, now.Sub(last))
			}
			last = now
		}
	}
	if err := expect([]byte(streamEnd)); err != nil {
		return err
	}
	if err := expect([]byte(done)); err != nil {
		return err
	}
	_, err := s.ReadByte()
	if err != io.EOF {
		return errOrder
	}
	return nil
}

// expected are the events of the mock.
var expected [][]byte

func expectChunks(n int) {
	for i := len(expected); i < n; i++ {
		expected = append(expected, chunk(i))
	}
}

// chunkedReader undoes HTTP/1.1's chunked coding.
type chunkedReader struct {
	r    *bufio.Reader
	left int
	end  bool
}

func (c *chunkedReader) Read(p []byte) (int, error) {
	if c.end {
		return 0, io.EOF
	}
	if c.left == 0 {
		line, err := c.r.ReadSlice('\n')
		if err != nil {
			return 0, err
		}
		n, err := strconv.ParseInt(string(bytes.TrimSpace(line)), 16, 32)
		if err != nil {
			return 0, err
		}
		if n == 0 {
			_, err := c.r.ReadSlice('\n')
			c.end = true
			if err == nil {
				err = io.EOF
			}
			return 0, err
		}
		c.left = int(n)
	}
	n, err := c.r.Read(p[:min(len(p), c.left)])
	c.left -= n
	if c.left == 0 && err == nil {
		_, err = c.r.Discard(2)
	}
	return n, err
}
