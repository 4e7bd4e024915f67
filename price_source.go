package gateway

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/limits/prices"
)

// PriceSource is where prices are read from while the gateway runs. What is read
// holds for the models that it names; the embedded catalogue holds for the others,
// the option `price` before both.
type PriceSource struct {
	// File is the path of a file that is read at the start and whenever it has
	// changed.
	File string `json:"file,omitempty"`
	// URL is read by GET; https, or http to a loopback address.
	URL string `json:"url,omitempty"`
	// Refresh is how often to look. Default 24h for a URL, 1m for a file; at
	// least 1m for a URL and 1s for a file.
	Refresh caddy.Duration `json:"refresh,omitempty"`
}

// The metrics of price sources; package-level like those of the handlers.
var (
	priceErrors = prometheus.NewCounter(prometheus.CounterOpts{Namespace: "caddy", Subsystem: "llm", Name: "prices_refresh_errors_total", Help: "Refreshes of prices that failed; what was read last goes on to hold."})
	priceTime   = prometheus.NewGauge(prometheus.GaugeOpts{Namespace: "caddy", Subsystem: "llm", Name: "prices_refresh_timestamp_seconds", Help: "When prices were last read well or found unchanged, in Unix time; 0 for never."})
)

func registerPriceMetrics(reg *prometheus.Registry) error {
	for _, c := range []prometheus.Collector{priceErrors, priceTime} {
		if err := reg.Register(c); err != nil && !errors.As(err, &prometheus.AlreadyRegisteredError{}) {
			return err
		}
	}
	return nil
}

// check refuses what is no source; file and url may hold placeholders as long as
// the configuration is only being adapted.
func (p *PriceSource) check() error {
	if (p.File == "") == (p.URL == "") {
		return errors.New("want either a file or a url")
	}
	least := time.Second
	if p.URL != "" {
		least = time.Minute
	}
	if p.Refresh != 0 && time.Duration(p.Refresh) < least {
		return fmt.Errorf("refresh: want at least %s", least)
	}
	return nil
}

func checkPriceURL(s string) error {
	u, err := url.Parse(s)
	if err != nil || u.Host == "" || u.Scheme != "https" && (u.Scheme != "http" || !isLoopback(u.Hostname())) {
		return errors.New("want an https URL (or http to a loopback address)")
	}
	return nil
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// priceWatch keeps the prices of one configuration up to date.
type priceWatch struct {
	prices    *prices.Source
	log       *zap.Logger
	file, url string // one of them
	// shown is the source without what a URL may hold of a secret.
	shown string
	every time.Duration
	// kept is the file that holds what was last read well, for the next start.
	kept string
	// modified and size are those of the file when it was last read well.
	modified time.Time
	size     int64
	told     string // the error that was last logged
}

// lastGood is what the process has last read well, over reloads.
var lastGood atomic.Pointer[goodPrices]

type goodPrices struct {
	from string // file or URL
	data []byte
}

// watch resolves the source of a configuration; dir is the data directory.
func (p *PriceSource) watch(src *prices.Source, log *zap.Logger, dir string) (*priceWatch, error) {
	if err := p.check(); err != nil {
		return nil, err
	}
	w := &priceWatch{prices: src, log: log, every: time.Duration(p.Refresh)}
	var err error
	if p.File != "" {
		if w.file, err = caddy.NewReplacer().ReplaceOrErr(p.File, true, true); err != nil {
			return nil, fmt.Errorf("file: %w", err)
		}
		w.shown = w.file
	} else {
		if w.url, err = caddy.NewReplacer().ReplaceOrErr(p.URL, true, true); err == nil {
			err = checkPriceURL(w.url)
		}
		if err != nil {
			return nil, fmt.Errorf("url: %w", err)
		}
		u, _ := url.Parse(w.url)
		w.shown = u.Scheme + "://" + u.Host + u.Path
	}
	if w.every == 0 {
		if w.every = 24 * time.Hour; w.file != "" {
			w.every = time.Minute
		}
	}
	sum := sha256.Sum256([]byte(w.shown))
	w.kept = filepath.Join(dir, "prices-"+hex.EncodeToString(sum[:4])+".json")
	return w, nil
}

func (w *priceWatch) from() string { return w.file + w.url }

// begin puts in force what was last read well, and reads a file; it never dials.
// Requests are not served before it returns.
func (w *priceWatch) begin() {
	if g := lastGood.Load(); g != nil && g.from == w.from() {
		_, _ = w.prices.Update(g.data) // it was good before
	} else if data, err := readPrices(w.kept); err == nil {
		if _, err := w.prices.Update(data); err != nil {
			w.log.Warn("the prices kept from an earlier run cannot be used", zap.Error(err))
		}
	}
	if w.file != "" {
		w.refresh(context.Background())
	}
}

// run looks again and again until ctx ends. Requests never wait for it.
func (w *priceWatch) run(ctx context.Context) {
	wait := time.Duration(0)
	if w.file != "" {
		wait = w.every
	}
	for tries := 0; ; {
		t := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			t.Stop()
			return
		case <-t.C:
		}
		if w.refresh(ctx) {
			wait, tries = w.every, 0
		} else { // sooner than usual, and ever more slowly
			wait = min(w.every, time.Minute<<min(tries, 10))
			tries++
		}
	}
}

// refresh looks once and reports whether that went well.
func (w *priceWatch) refresh(ctx context.Context) bool {
	err := w.look(ctx)
	switch {
	case ctx.Err() != nil:
		return false
	case err == nil:
		priceTime.SetToCurrentTime()
		w.told = ""
		return true
	}
	priceErrors.Inc()
	if err.Error() != w.told {
		w.told = err.Error()
		w.log.Error("prices could not be refreshed; those read last go on to hold", zap.String("source", w.shown), zap.Error(err))
	}
	return false
}

func (w *priceWatch) look(ctx context.Context) error {
	var data []byte
	var err error
	var info os.FileInfo
	if w.file != "" {
		if info, err = os.Stat(w.file); err != nil {
			return fmt.Errorf("reading prices: %w", pathless(err))
		}
		if !info.Mode().IsRegular() { // opening a pipe would wait
			return errors.New("reading prices: not a regular file")
		}
		if info.ModTime().Equal(w.modified) && info.Size() == w.size {
			return nil
		}
		data, err = readPrices(w.file)
	} else {
		data, err = fetchPrices(ctx, w.url)
	}
	if err != nil {
		return err
	}
	changed, err := w.prices.Update(data)
	if err != nil {
		return err
	}
	if info != nil {
		w.modified, w.size = info.ModTime(), info.Size()
	}
	lastGood.Store(&goodPrices{w.from(), data})
	if changed {
		c := w.prices.Current()
		w.log.Info("new prices hold", zap.String("source", w.shown), zap.String("version", c.Version()), zap.Int("models", c.Models()))
		if err := keepPrices(w.kept, data); err != nil {
			w.log.Warn("the new prices cannot be kept for the next start", zap.Error(err))
		}
	}
	return nil
}

func readPrices(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("reading prices: %w", pathless(err))
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, prices.MaxFile+1))
}

// keepPrices replaces the file at once or not at all.
func keepPrices(path string, data []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return pathless(err)
	}
	f, err := os.CreateTemp(filepath.Dir(path), "prices-*.tmp")
	if err != nil {
		return pathless(err)
	}
	defer os.Remove(f.Name())
	_, err = f.Write(data)
	if err == nil {
		err = f.Sync()
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	return err
}

// priceClient follows redirects to https only, and from a loopback address to one.
var priceClient = &http.Client{Timeout: time.Minute, CheckRedirect: func(r *http.Request, via []*http.Request) error {
	if len(via) > 5 || r.URL.Scheme != "https" && (via[0].URL.Scheme == "https" || !isLoopback(r.URL.Hostname())) {
		return errors.New("redirected to where prices are not read from")
	}
	return nil
}}

func fetchPrices(ctx context.Context, from string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, from, nil)
	if err != nil {
		return nil, errors.New("the URL of the prices cannot be used")
	}
	resp, err := priceClient.Do(req)
	if err != nil {
		var ue *url.Error
		if errors.As(err, &ue) {
			err = ue.Err
		}
		return nil, fmt.Errorf("fetching prices: %w", err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("fetching prices: the server answered %d", resp.StatusCode)
	}
	data, err := io.ReadAll(io.LimitReader(resp.Body, prices.MaxFile+1))
	if err != nil {
		return nil, fmt.Errorf("fetching prices: %w", err)
	}
	if n := resp.ContentLength; n >= 0 && int64(len(data)) != n {
		return nil, fmt.Errorf("fetching prices: %d of %d bytes came", len(data), n)
	}
	return data, nil
}

// parsePriceSource reads `prices file <path>|url <URL> [refresh <duration>]`.
func parsePriceSource(d *caddyfile.Dispenser, app *App) error {
	if app.PriceSource != nil {
		return d.Err("prices is given twice")
	}
	args := d.RemainingArgs()
	p := &PriceSource{}
	if len(args) != 2 && (len(args) != 4 || args[2] != "refresh") {
		return d.Err("prices takes file <path> or url <URL>, and perhaps refresh <duration>")
	}
	switch args[0] {
	case "file":
		p.File = args[1]
	case "url":
		p.URL = args[1]
	default:
		return d.Errf("prices: %q; want file or url", args[0])
	}
	if len(args) == 4 {
		dur, err := caddy.ParseDuration(args[3])
		if err != nil || dur <= 0 {
			return d.Errf("prices: refresh %q is not a positive duration such as 24h", args[3])
		}
		p.Refresh = caddy.Duration(dur)
	}
	err := p.check()
	if err == nil && p.URL != "" && !strings.Contains(p.URL, "{") {
		err = checkPriceURL(p.URL)
	}
	if err != nil {
		return d.Errf("prices: %v", err)
	}
	app.PriceSource = p
	return nil
}
