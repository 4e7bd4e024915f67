package audit

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/audit/checkpoint"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/audit/witness"
)

// What of a log lies elsewhere cannot be rolled back by who holds its disk and
// its key. The publisher brings checkpoints there, in its own time: nothing waits
// for it, and it keeps no queue, since the newest checkpoint covers all before.

// publishTimeout bounds what is spent on one target in one round, lastTimeout the
// round when the log closes.
const (
	publishTimeout = 10 * time.Second
	lastTimeout    = 3 * time.Second
)

type publisher struct {
	mu      sync.Mutex
	targets []*target
	http    *http.Client
	again   chan struct{} // the settings have changed; capacity 1

	rounds sync.Mutex // one at a time
	kept   []byte     // of the rounds alone: the cosigned checkpoint on disk
}

// target is where checkpoints go.
type target struct {
	name    string          // as it may be shown
	to      string          // file or URL
	witness *witness.Client // nil for files and URLs
	key     string          // of the witness

	mu   sync.Mutex
	size int64  // of the checkpoint that it has
	line []byte // a witness's cosignature of it
	at   time.Time
	err  error
}

// Published says where a log's checkpoints have gone.
type Published struct {
	Target  string    `json:"target"` // without secrets
	Witness bool      `json:"witness,omitempty"`
	Size    int64     `json:"size"` // of the newest checkpoint that it has
	At      time.Time `json:"at,omitzero"`
	Error   string    `json:"error,omitempty"` // of the last try
}

// Published says where the log's checkpoints have gone.
func (l *Log) Published() []Published {
	var out []Published
	for _, t := range l.publisher.all() {
		t.mu.Lock()
		p := Published{Target: t.name, Witness: t.witness != nil, Size: t.size, At: t.at}
		if t.err != nil {
			p.Error = t.err.Error()
		}
		t.mu.Unlock()
		out = append(out, p)
	}
	return out
}

func (p *publisher) all() []*target {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.targets)
}

// configure takes new targets; those that stay keep what they know.
func (p *publisher) configure(s Settings) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.http == nil {
		p.http = &http.Client{Timeout: publishTimeout, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
		if t, ok := http.DefaultTransport.(*http.Transport); ok {
			p.http.Transport = t.Clone()
		}
		p.again = make(chan struct{}, 1)
	}
	var next []*target
	add := func(t *target) {
		if i := slices.IndexFunc(p.targets, func(o *target) bool { return o.to == t.to && o.key == t.key }); i >= 0 {
			t = p.targets[i]
		}
		next = append(next, t)
	}
	for _, w := range s.Witnesses {
		name, err := shownURL(w.URL)
		if err != nil {
			return fmt.Errorf("witness: %w", err)
		}
		key, err := checkpoint.NewCosignatures(w.VerifierKey)
		if err != nil {
			return fmt.Errorf("witness: %w", err)
		}
		add(&target{name: name, to: w.URL, key: w.VerifierKey, witness: &witness.Client{URL: w.URL, Key: key, HTTP: p.http}})
	}
	for _, to := range s.PublishTo {
		name := to
		if isURL(to) {
			var err error
			if name, err = shownURL(to); err != nil {
				return fmt.Errorf("publish: %w", err)
			}
		} else if !filepath.IsAbs(to) {
			return fmt.Errorf("publish: %q is neither an absolute path nor an http(s) URL", to)
		}
		add(&target{name: name, to: to})
	}
	p.targets = next
	select {
	case p.again <- struct{}{}:
	default:
	}
	return nil
}

// Check says what is wrong with the settings.
func (s Settings) Check() error { return new(publisher).configure(s) }

func isURL(s string) bool { return strings.HasPrefix(s, "http://") || strings.HasPrefix(s, "https://") }

// shownURL is a URL without what may be secret in it.
func shownURL(s string) (string, error) {
	u, err := url.Parse(s)
	if err != nil || !isURL(s) || u.Host == "" {
		return "", errors.New("want an http(s) URL")
	}
	return u.Scheme + "://" + u.Host + u.Path, nil
}

// publish runs the rounds as long as the log is open.
func (l *Log) publish() {
	defer l.background.Done()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go func() {
		select {
		case <-l.stop:
			cancel()
		case <-ctx.Done():
		}
	}()
	for {
		t := time.NewTimer(l.settings.Load().PublishEvery)
		select {
		case <-l.stop:
			t.Stop()
			return
		case <-l.publisher.again:
			t.Stop()
		case <-t.C:
		}
		l.publisher.round(ctx, l)
	}
}

// end runs a last round, for the last checkpoint.
func (p *publisher) end(l *Log) {
	if len(p.all()) > 0 {
		ctx, cancel := context.WithTimeout(context.Background(), lastTimeout)
		defer cancel()
		p.round(ctx, l)
	}
	p.http.CloseIdleConnections()
}

// round brings the newest checkpoint to all who lack it.
func (p *publisher) round(ctx context.Context, l *Log) {
	p.rounds.Lock()
	defer p.rounds.Unlock()
	targets := p.all()
	if len(targets) == 0 {
		return
	}
	msg, err := readFile(l.fs, filepath.Join(l.o.Dir, "checkpoint"))
	if err != nil {
		l.o.Logf("audit log: reading the checkpoint to publish it: %v", err)
		return
	}
	l.keyMu.Lock()
	keys := l.keys.public
	l.keyMu.Unlock()
	c, _, err := checkpoint.Open(msg, keys)
	if err != nil || c.Size == 0 {
		return
	}
	lines, before := make([][]byte, len(targets)), p.kept
	var wg sync.WaitGroup
	for i, t := range targets {
		wg.Go(func() {
			tctx, cancel := context.WithTimeout(ctx, publishTimeout)
			defer cancel()
			lines[i] = t.bring(tctx, l, p.http, c, msg)
		})
	}
	wg.Wait()
	cosigned := append(bytes.Clone(msg), bytes.Join(lines, nil)...)
	if len(cosigned) == len(msg) || bytes.Equal(cosigned, before) {
		return
	}
	if err := l.keepCosigned(cosigned); err != nil {
		l.o.Logf("audit log: keeping the cosignatures: %v", err)
		return
	}
	p.kept = cosigned
}

// bring takes a checkpoint to the target if it lacks it; it returns the
// cosignature of a witness.
func (t *target) bring(ctx context.Context, l *Log, client *http.Client, c checkpoint.Checkpoint, msg []byte) (line []byte) {
	t.mu.Lock()
	done := t.err == nil && t.size == c.Size && !t.at.IsZero()
	was := t.err
	line = t.line
	t.mu.Unlock()
	if done {
		return line
	}
	line = nil
	var err error
	switch {
	case t.witness != nil:
		line, err = t.witness.Submit(ctx, c.Size, msg, func(old, size int64) (tlog.TreeProof, error) {
			return tlog.ProveTree(size, old, hashReader{l.hashes})
		})
	case isURL(t.to):
		err = post(ctx, client, t.to, msg)
	default:
		err = appendFile(t.to, append(bytes.Clone(msg), '\n'))
	}
	var refused *url.Error
	if errors.As(err, &refused) { // it repeats the URL
		err = refused.Err
	}
	if ctx.Err() != nil && errors.Is(err, context.Canceled) {
		return nil // the log closes
	}
	t.mu.Lock()
	t.err = err
	if err == nil {
		t.size, t.at, t.line = c.Size, time.Now().UTC(), line
	}
	t.mu.Unlock()
	switch {
	case err == nil && was != nil:
		l.o.Logf("audit log: checkpoints reach %s again", t.name)
	case err != nil && was == nil:
		l.o.Logf("audit log: publishing a checkpoint to %s: %v; trying again", t.name, err)
		if errors.Is(err, witness.ErrDisagrees) {
			l.note(systemEvent{"witness_disagrees", t.name + ": " + err.Error()})
		}
	}
	return line
}

func post(ctx context.Context, client *http.Client, to string, msg []byte) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, to, bytes.NewReader(msg))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "text/plain; charset=utf-8")
	resp, err := client.Do(r)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 64<<10))
	if resp.StatusCode/100 != 2 {
		return fmt.Errorf("status %d", resp.StatusCode)
	}
	return nil
}

// appendFile adds to a file, which may lie on another disk, and syncs it. What was
// written in part is taken back. Opening or writing a pipe would wait for a reader, and
// with it the end of the log: it is refused.
func appendFile(path string, data []byte) error {
	if st, err := os.Stat(path); err == nil && !st.Mode().IsRegular() {
		return errors.New("not a regular file")
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	st, err := f.Stat()
	if err == nil {
		if _, err = f.Write(data); err != nil {
			_ = f.Truncate(st.Size())
		}
	}
	if err = errors.Join(err, syncFile(f), f.Close()); err != nil || st.Size() > 0 {
		return err
	}
	d, err := os.Open(filepath.Dir(path)) // the name is new
	if err != nil {
		return err
	}
	return errors.Join(syncFile(d), d.Close())
}

// syncFile is os.File.Sync, for what is published; tests put a disk in its place that
// loses what was not synced. The log's own files go through FS.
var syncFile = (*os.File).Sync

// cosignedLog has all checkpoints that witnesses cosigned, each followed by a
// blank line.
const cosignedLog = "cosigned.log"

// keepCosigned keeps a checkpoint with cosignatures: receipts carry the newest.
func (l *Log) keepCosigned(msg []byte) error {
	f, err := l.open(cosignedLog)
	if err != nil {
		return err
	}
	st, err := f.Stat()
	if err == nil {
		_, err = f.WriteAt(append(bytes.Clone(msg), '\n'), st.Size())
	}
	if err := errors.Join(err, f.Close()); err != nil {
		return err
	}
	return writeFile(l.fs, filepath.Join(l.o.Dir, cosignedName), msg, 0o600)
}
