package handlers

import (
	"context"
	"fmt"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/internal/webhook"
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
	client *webhook.Client
	// waits are the pauses before each further try.
	waits []time.Duration
}

func newHook(w *Webhook) (*hook, error) {
	h := &hook{waits: []time.Duration{time.Second, 5 * time.Second, 30 * time.Second}}
	address, err := resolve("webhook", w.URL)
	if err != nil {
		return nil, err
	}
	secret := ""
	if w.Secret != "" {
		if secret, err = resolve("webhook secret", w.Secret); err != nil {
			return nil, err
		}
	}
	if h.client, err = webhook.New(address, secret); err != nil {
		return nil, fmt.Errorf("webhook: %w", err)
	}
	return h, nil
}

// send posts a notice, again after each pause until the receiver takes it. The
// error names no secret part of the URL.
func (h *hook) send(n *notice) error {
	body, err := json.Marshal(n)
	if err != nil {
		return err
	}
	for i := 0; ; i++ {
		if err = h.client.Post(context.Background(), now(), body); err == nil || i == len(h.waits) {
			return err
		}
		time.Sleep(h.waits[i])
	}
}
