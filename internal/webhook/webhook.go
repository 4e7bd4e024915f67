// Package webhook posts signed JSON to a receiver of the operator's. It tries once:
// when to try again is the caller's business. It must not log, and its errors hold
// no part of the URL, which may be a secret.
package webhook

import (
	"bytes"
	"context"
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
)

const (
	timeout   = 10 * time.Second
	minSecret = 16
)

// Client posts to one URL.
type Client struct {
	url    string
	secret []byte
	http   *http.Client
}

// New returns a client. The URL must be https, or http to a loopback address. A
// secret signs what is posted; it has at least 16 characters, or none.
func New(address, secret string) (*Client, error) {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.Scheme != "https" && !(u.Scheme == "http" && loopback(u.Hostname())) {
		return nil, errors.New("want an https URL (or http to a loopback address)")
	}
	c := &Client{url: address, http: &http.Client{
		Timeout: timeout,
		// A receiver that moved is the operator's business: what is signed for
		// one address is not sent to another.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
	if secret != "" {
		if len(secret) < minSecret {
			return nil, fmt.Errorf("the secret has fewer than %d characters", minSecret)
		}
		c.secret = []byte(secret)
	}
	return c, nil
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// Post sends a body of JSON once. Any answer but 2xx is an error.
func (c *Client) Post(ctx context.Context, at time.Time, body []byte) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.url, bytes.NewReader(body))
	if err != nil {
		return errors.New("the URL cannot be used")
	}
	req.Header.Set("Content-Type", "application/json")
	if c.secret != nil {
		req.Header.Set("LLM-Signature", Sign(c.secret, at, body))
	}
	resp, err := c.http.Do(req)
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

// Close closes idle connections.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// Sign returns the signature of a body at a moment:
// `t=<unix seconds>,v1=<hex HMAC-SHA256 of "<t>.<body>">`.
func Sign(secret []byte, at time.Time, body []byte) string {
	t := strconv.FormatInt(at.Unix(), 10)
	m := hmac.New(sha256.New, secret)
	m.Write([]byte(t + "."))
	m.Write(body)
	return "t=" + t + ",v1=" + hex.EncodeToString(m.Sum(nil))
}
