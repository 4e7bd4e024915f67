package answer

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// chop feeds the pieces and returns the events and what was left.
func chop(t testing.TB, pieces ...[]byte) (events []string, rest string) {
	t.Helper()
	var s Splitter
	for _, p := range pieces {
		own := bytes.Clone(p)
		if err := s.Feed(own, func(ev []byte) error {
			events = append(events, string(ev))
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		clear(own) // what is kept must be a copy
	}
	return events, string(s.Rest())
}

var streams = map[string]string{
	"lf":       "event: a\ndata: {\"x\":1}\n\ndata: two\ndata: lines\n\n: comment\n\ndata: [DONE]\n\n",
	"crlf":     "event: a\r\ndata: {\"x\":1}\r\n\r\ndata: two\r\ndata: lines\r\n\r\n: comment\r\n\r\ndata: [DONE]\r\n\r\n",
	"cr":       "event: a\rdata: {\"x\":1}\r\rdata: two\rdata: lines\r\r: comment\r\rdata: [DONE]\r\r",
	"mixed":    "event: a\r\ndata: {\"x\":1}\n\ndata: two\rdata: lines\r\r\n: comment\n\r\ndata: [DONE]\r\n\n",
	"no end":   "data: 1\n\ndata: 2\n\ndata: [DO",
	"blank":    "\n\n\ndata: 1\n\n\n\n",
	"bom":      "\xef\xbb\xbfdata: 1\n\ndata: 2\n\n",
	"no space": "data:1\n\nid:5\n\ndata\n\n",
}

// payloads are the data of the events that have any.
func payloads(events []string) (out []string) {
	for _, ev := range events {
		if d := Data([]byte(ev)); len(d) > 0 {
			out = append(out, string(d))
		}
	}
	return out
}

// However a stream is cut into two or into single bytes, every byte comes out
// once, in order, and the events carry the same data.
func TestSplitterAtEveryByte(t *testing.T) {
	for name, stream := range streams {
		whole, rest := chop(t, []byte(stream))
		if got := strings.Join(whole, "") + rest; got != stream {
			t.Errorf("%s: whole: got %q", name, got)
		}
		want := strings.Join(payloads(whole), "|")
		check := func(how string, pieces ...[]byte) {
			events, left := chop(t, pieces...)
			if got := strings.Join(events, "") + left; got != stream {
				t.Errorf("%s %s: bytes: %q", name, how, got)
			}
			if got := strings.Join(payloads(events), "|"); got != want {
				t.Errorf("%s %s: data: %q, want %q", name, how, got, want)
			}
			if left != rest {
				t.Errorf("%s %s: left %q, want %q", name, how, left, rest)
			}
		}
		for i := range len(stream) {
			check("cut", []byte(stream[:i]), []byte(stream[i:]))
		}
		check("bytes", bytes.SplitAfter([]byte(stream), nil)...)
	}
}

func TestSplitterEvents(t *testing.T) {
	want := `{"x":1}|two` + "\n" + `lines|[DONE]`
	for _, name := range []string{"lf", "crlf", "cr", "mixed"} {
		events, rest := chop(t, []byte(streams[name]))
		if got := strings.Join(payloads(events), "|"); got != want || rest != "" || len(events) != 4 {
			t.Errorf("%s: %d events %q, rest %q", name, len(events), got, rest)
		}
	}
	if events, _ := chop(t, []byte(streams["bom"])); Data([]byte(events[0])) == nil {
		t.Error("the event behind a byte order mark was not read")
	}
	if _, rest := chop(t, []byte(streams["no end"])); rest != "data: [DO" {
		t.Errorf("rest %q", rest)
	}
}

// A stream that ends in CRLF is complete even if its last LF came alone.
func TestSplitterLastLFAlone(t *testing.T) {
	events, rest := chop(t, []byte("data: [DONE]\r\n\r"), []byte("\n"))
	if rest != "" || events[0] != "data: [DONE]\r\n\r" {
		t.Errorf("events %q, rest %q", events, rest)
	}
}

func TestSplitterErrors(t *testing.T) {
	var s Splitter
	boom := errors.New("boom")
	n := 0
	err := s.Feed([]byte("data: 1\n\ndata: 2\n\n"), func([]byte) error { n++; return boom })
	if !errors.Is(err, boom) || n != 1 {
		t.Errorf("%v after %d events", err, n)
	}
	s = Splitter{}
	piece := bytes.Repeat([]byte("x"), 1<<20)
	for i := 0; ; i++ {
		if err = s.Feed(piece, func([]byte) error { t.Fatal("an event"); return nil }); err != nil {
			break
		}
		if i > MaxEvent>>20 {
			t.Fatal("an endless event is kept for ever")
		}
	}
	if !errors.Is(err, ErrEventTooLarge) || len(s.Rest()) > MaxEvent {
		t.Errorf("%v with %d bytes", err, len(s.Rest()))
	}
	// The end of the event comes too late.
	s = Splitter{}
	_ = s.Feed(bytes.Repeat([]byte("x"), MaxEvent-1), nil)
	if err := s.Feed([]byte("xx\n\n"), func([]byte) error { t.Fatal("an event"); return nil }); !errors.Is(err, ErrEventTooLarge) {
		t.Error(err)
	}
}

func TestSplitterAnyChunks(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		stream := rapid.StringMatching(`([dx: \r\n]|data: a|\r\n\r\n|\n\n){0,40}`).Draw(rt, "stream")
		var pieces [][]byte
		for left := stream; left != ""; {
			n := rapid.IntRange(1, len(left)).Draw(rt, "n")
			pieces, left = append(pieces, []byte(left[:n])), left[n:]
		}
		whole, wholeRest := chop(t, []byte(stream))
		events, rest := chop(t, pieces...)
		if strings.Join(events, "")+rest != stream {
			rt.Fatalf("bytes: %q + %q", events, rest)
		}
		if a, b := payloads(whole), payloads(events); strings.Join(a, "|") != strings.Join(b, "|") || wholeRest != rest {
			rt.Fatalf("%q + %q, want %q + %q", b, rest, a, wholeRest)
		}
	})
}

func FuzzSplitter(f *testing.F) {
	for _, s := range streams {
		f.Add([]byte(s), uint16(3))
	}
	f.Fuzz(func(t *testing.T, stream []byte, n uint16) {
		cut := 0
		if len(stream) > 0 {
			cut = int(n) % len(stream)
		}
		whole, wholeRest := chop(t, stream)
		events, rest := chop(t, stream[:cut], stream[cut:])
		if strings.Join(events, "")+rest != string(stream) {
			t.Fatalf("bytes: %q + %q", events, rest)
		}
		if a, b := payloads(whole), payloads(events); strings.Join(a, "|") != strings.Join(b, "|") || wholeRest != rest {
			t.Fatalf("cut at %d: %q + %q, want %q + %q", cut, b, rest, a, wholeRest)
		}
	})
}

func TestMediaTypes(t *testing.T) {
	for ctype, want := range map[string][2]bool{
		"text/event-stream": {true, false}, "Text/Event-Stream;charset=utf-8": {true, false}, "text/event-stream ; x": {true, false},
		"text/event-streams": {}, "application/json": {false, true}, "application/JSON; charset=utf-8": {false, true},
		"application/problem+json; x": {false, true}, "application/jsonl": {}, "": {}, "text/html": {},
	} {
		if got := [2]bool{IsSSE(ctype), IsJSON(ctype)}; got != want {
			t.Errorf("%q: %v, want %v", ctype, got, want)
		}
	}
}
