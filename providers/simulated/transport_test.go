package simulated

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func get(t *testing.T, ctx context.Context, h http.HandlerFunc) (*http.Response, error) {
	t.Helper()
	req, err := http.NewRequestWithContext(ctx, "POST", "http://simulated.invalid/", strings.NewReader("{}"))
	if err != nil {
		t.Fatal(err)
	}
	return (&Transport{Handler: h}).RoundTrip(req)
}

// The header and each piece of the body are there as soon as the handler gives
// them, while it is still running.
func TestTransportStreams(t *testing.T) {
	next := make(chan string)
	res, err := get(t, context.Background(), func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-A", "1")
		w.WriteHeader(http.StatusAccepted)
		w.Header().Set("X-B", "too late")
		for s := range next {
			io.WriteString(w, s)
		}
	})
	if err != nil || res.StatusCode != http.StatusAccepted || res.Status != "202 Accepted" || res.Header.Get("X-A") != "1" || res.Header.Get("X-B") != "" {
		t.Fatalf("%v %+v", err, res)
	}
	br := bufio.NewReader(res.Body)
	for _, want := range []string{"one\n", "two\n"} {
		next <- want
		if got, err := br.ReadString('\n'); got != want || err != nil {
			t.Errorf("%q %v", got, err)
		}
	}
	close(next)
	if _, err := br.ReadByte(); err != io.EOF {
		t.Error(err)
	}
	res.Body.Close()
	res.Body.Close()
}

// A flush alone sends the header; so does the end of the handler.
func TestTransportHeader(t *testing.T) {
	stop := make(chan struct{})
	res, err := get(t, context.Background(), func(w http.ResponseWriter, r *http.Request) {
		w.(http.Flusher).Flush()
		<-stop
	})
	if err != nil || res.StatusCode != 200 {
		t.Fatal(err, res)
	}
	close(stop)
	res.Body.Close()
	res, err = get(t, context.Background(), func(http.ResponseWriter, *http.Request) {})
	if err != nil || res.StatusCode != 200 {
		t.Fatal(err, res)
	}
	if b, err := io.ReadAll(res.Body); len(b) != 0 || err != nil {
		t.Error(b, err)
	}
	res.Body.Close()
}

// Closing the body stops the handler, whether it writes or waits.
func TestTransportClose(t *testing.T) {
	for _, waits := range []bool{true, false} {
		ended := make(chan struct{})
		res, err := get(t, context.Background(), func(w http.ResponseWriter, r *http.Request) {
			defer close(ended)
			w.WriteHeader(200)
			if waits {
				<-r.Context().Done()
			}
			for {
				if _, err := io.WriteString(w, "x"); err != nil {
					return
				}
			}
		})
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		<-ended
	}
}

// When the caller gives up, nothing that came is taken for a complete answer,
// even if the handler ends without complaint.
func TestTransportCancel(t *testing.T) {
	for range 200 {
		ctx, cancel := context.WithCancel(context.Background())
		res, err := get(t, ctx, func(w http.ResponseWriter, r *http.Request) {
			io.WriteString(w, "x")
			<-r.Context().Done()
		})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := res.Body.Read(make([]byte, 1)); err != nil {
			t.Fatal(err)
		}
		cancel()
		if b, err := io.ReadAll(res.Body); !errors.Is(err, context.Canceled) {
			t.Fatalf("%q, %v", b, err)
		}
		res.Body.Close()
	}
	for range 200 { // before the header
		ctx, cancel := context.WithCancel(context.Background())
		began := make(chan struct{})
		go func() { <-began; cancel() }()
		res, err := get(t, ctx, func(w http.ResponseWriter, r *http.Request) {
			close(began)
			<-r.Context().Done()
		})
		if !errors.Is(err, context.Canceled) {
			t.Fatalf("%+v, %v", res, err)
		}
	}
}

func TestTransportPanic(t *testing.T) {
	res, err := get(t, context.Background(), func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, "half")
		panic(http.ErrAbortHandler)
	})
	if err != nil {
		t.Fatal(err)
	}
	if b, err := io.ReadAll(res.Body); string(b) != "half" || err != io.ErrUnexpectedEOF {
		t.Errorf("%q %v", b, err)
	}
	res.Body.Close()
	if res, err := get(t, context.Background(), func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }); err == nil {
		t.Errorf("%+v", res)
	}
}

// The pace is kept between events, by the clock of the test.
func TestPace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		body := stream(t, Handler(time.Second), "/v1/chat/completions", `{"model":"sim-long-10","stream":true,"messages":[]}`)
		if n := len(body); n != 13 {
			t.Fatalf("%d events", n)
		}
		if d := time.Since(start); d < 12*time.Second || d > 14*time.Second {
			t.Error(d)
		}
		start = time.Now()
		stream(t, Handler(0), "/v1/chat/completions", `{"model":"sim-slow","stream":true,"messages":[]}`)
		if d := time.Since(start); d < 300*time.Millisecond {
			t.Error(d)
		}
	})
}

func TestHang(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		req, _ := http.NewRequestWithContext(ctx, "POST", "http://simulated.invalid/v1/chat/completions", strings.NewReader(`{"model":"sim-hang"}`))
		start := time.Now()
		if res, err := (&Transport{Handler: Handler(0)}).RoundTrip(req); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%+v %v", res, err)
		}
		if time.Since(start) != time.Hour {
			t.Error(time.Since(start))
		}
	})
}
