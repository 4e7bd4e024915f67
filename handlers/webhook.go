package handlers

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/go-json-experiment/json"
)

// Webhook is told of events by a POST of JSON.
type Webhook struct {
	// URL is where to post. https, or http to a loopback address. Placeholders
	// such as {env.HOOK_URL} are resolved when the config is loaded.
	URL string `json:"url"`
	// Secret signs what is posted, if it is not empty (at least 16 characters):
	// the header LLM-Signature is then `t=<unix seconds>,v1=<hex HMAC-SHA256 of
	// "<t>.<body>">`. Placeholders are resolved. Default none.
	Secret string `json:"secret,omitempty"`
}

// hook is a webhook that is ready to send.
type hook struct {
	url    string
	secret []byte
	client *http.Client
	// waits are the pauses before each further try.
	waits []time.Duration
}

const (
	hookTimeout   = 10 * time.Second
	minHookSecret = 16
)

func newHook(w *Webhook) (*hook, error) {
	h := &hook{client: &http.Client{
		Timeout: hookTimeout,
		// A receiver that moved is the operator's business: what is signed for
		// one address is not sent to another.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}, waits: []time.Duration{time.Second, 5 * time.Second, 30 * time.Second}}
	var err error
	if h.url, err = resolve("webhook", w.URL); err != nil {
		return nil, err
	}
	u, err := url.Parse(h.url)
	if err != nil || u.Host == "" || u.Scheme != "https" && !(u.Scheme == "http" && loopback(u.Hostname())) {
		return nil, errors.New("webhook: want an https URL (or http to a loopback address)")
	}
	if w.Secret != "" {
		s, err := resolve("webhook secret", w.Secret)
		if err != nil {
			return nil, err
		}
		if len(s) < minHookSecret {
			return nil, fmt.Errorf("webhook: the secret has fewer than %d characters", minHookSecret)
		}
		h.secret = []byte(s)
	}
	return h, nil
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// send posts a notice, again after each pause until the receiver takes it. The
// error names no secret part of the URL.
func (h *hook) send(n *notice) error {
	body, err := json.Marshal(n)
	if err != nil {
		return err
	}
	for i := 0; ; i++ {
		if err = h.post(body); err == nil || i == len(h.waits) {
			return err
		}
		time.Sleep(h.waits[i])
	}
}

func (h *hook) post(body []byte) error {
	req, err := http.NewRequest(http.MethodPost, h.url, bytes.NewReader(body))
	if err != nil {
		return errors.New("the URL cannot be used")
	}
	req.Header.Set("Content-Type", "application/json")
	if h.secret != nil {
		req.Header.Set("LLM-Signature", h.sign(now(), body))
	}
	resp, err := h.client.Do(req)
	if err != nil {
		var ue *url.Error
		if errors.As(err, &ue) {
			err = ue.Err // without the URL, which may hold a token
		}
		return err
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 64<<10))
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		return fmt.Errorf("the receiver answered %d", resp.StatusCode)
	}
	return nil
}

// sign returns the signature of a body at a moment.
func (h *hook) sign(at time.Time, body []byte) string {
	t := strconv.FormatInt(at.Unix(), 10)
	m := hmac.New(sha256.New, h.secret)
	m.Write([]byte(t + "."))
	m.Write(body)
	return "t=" + t + ",v1=" + hex.EncodeToString(m.Sum(nil))
}
