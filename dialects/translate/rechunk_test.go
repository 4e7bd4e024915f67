package translate

import (
	"math/rand/v2"
	"os"
	"strconv"
	"testing"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/dialects/answer"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

// rechunkings is how many random re-chunkings of each shape are tried. The
// variable RECHUNKINGS sets it; the bar is 10000, which takes minutes.
func rechunkings(t *testing.T) int {
	if s := os.Getenv("RECHUNKINGS"); s != "" {
		n, err := strconv.Atoi(s)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	return 40
}

// However the bytes of a provider's stream are cut into pieces, of any number and
// size, the client gets the same bytes. (TestRechunking and TestRechunkingOfShapes
// try every single boundary.)
func TestRandomRechunkings(t *testing.T) {
	n, shapes := rechunkings(t), 0
	try := func(client, upstream llm.Dialect, name, request, stream string) {
		t.Helper()
		shapes++
		want, err := relayed(t, client, upstream, request, stream, len(stream))
		if err != nil {
			t.Fatal(err)
		}
		rng := rand.New(rand.NewPCG(uint64(len(stream)), uint64(shapes)))
		for try := range n {
			c := testCall(client, upstream)
			if _, _, err := c.Request([]byte(request)); err != nil {
				t.Fatal(err)
			}
			meter := answer.New(upstream, true)
			var split answer.Splitter
			var out []byte
			most := 1 + rng.IntN(1+len(stream)>>rng.IntN(10)) // few long pieces, or many short ones
			for in := []byte(stream); len(in) > 0; {
				size := min(1+rng.IntN(most), len(in))
				// What is given to Feed is the caller's again afterwards.
				piece := append([]byte(nil), in[:size]...)
				if err := split.Feed(piece, func(ev []byte) (err error) {
					meter.Event(ev)
					out, err = c.Event(out, ev, meter.Usage)
					return err
				}); err != nil {
					t.Fatal(err)
				}
				clear(piece)
				in = in[size:]
			}
			if out = c.End(out, meter.Usage()); string(out) != want {
				t.Fatalf("%s from %s, %s, try %d:\n%s\nwant\n%s", client, upstream, name, try, out, want)
			}
		}
	}
	for client, request := range plainRequests {
		for upstream, stream := range recorded {
			if client != upstream && Can(client, upstream) {
				try(client, upstream, "recorded", request, stream)
			}
		}
	}
	for name, tc := range chatShapes {
		try(llm.Messages, llm.Chat, name, plainRequests[llm.Messages], tc.stream)
	}
	for name, tc := range messagesShapes {
		try(llm.Chat, llm.Messages, name, messagesShapeRequest(tc.functions), tc.stream)
	}
	t.Logf("%d shapes, %d re-chunkings of each", shapes, n)
}
