package guest

import (
	"fmt"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
)

// Keyless reports whether no credential is configured.
func (h *HTTP) Keyless() bool { return h.APIKey == "" && len(h.APIKeys) == 0 }

// Keys implements providers.Keyring: the resolved credentials in the order
// configured.
func (h *HTTP) Keys() []string { return h.keys }

// Key is the credential to send: the one asked for, else the first; empty
// without any.
func (h *HTTP) Key(asked string) string {
	if asked == "" && len(h.keys) > 0 {
		return h.keys[0]
	}
	return asked
}

// resolveKeys expands and checks the credentials.
func (h *HTTP) resolveKeys(typ string) (keys []string, err error) {
	written := h.APIKeys
	if h.APIKey != "" {
		written = append([]string{h.APIKey}, h.APIKeys...)
	}
	for _, w := range written {
		if w == "" {
			return nil, fmt.Errorf("%s: api_keys: one is empty", typ)
		}
		key, err := h.resolve("api_key", w)
		if err != nil {
			return nil, err
		}
		if strings.ContainsFunc(key, func(r rune) bool { return r <= ' ' || r == 0x7f }) {
			return nil, fmt.Errorf("%s: api_key: has blanks or control characters in it", typ)
		}
		if slices.Contains(keys, key) {
			return nil, fmt.Errorf("%s: api_key: number %d is the same as one before it", typ, len(keys)+1)
		}
		keys = append(keys, key)
	}
	return keys, nil
}

// PositionalKey implements Parser.
func (h *HTTP) PositionalKey(d *caddyfile.Dispenser) error {
	if d.Val() == "" {
		return d.Err("the API key is empty")
	}
	return h.addKey(d)
}

// parseKeys reads `api_key <key>...`, which may be repeated. Keys are never
// repeated in an error.
func (h *HTTP) parseKeys(d *caddyfile.Dispenser) error {
	if !d.NextArg() {
		return d.Err("api_key needs a value")
	}
	for {
		if d.Val() == "" {
			return d.Err("api_key needs a value")
		}
		if err := h.addKey(d); err != nil {
			return err
		}
		if !d.NextArg() {
			return nil
		}
	}
}

func (h *HTTP) addKey(d *caddyfile.Dispenser) error {
	switch key := d.Val(); {
	case key == h.APIKey || slices.Contains(h.APIKeys, key):
		return d.Err("the same api_key is given twice")
	case h.APIKey == "":
		h.APIKey = key
	default:
		h.APIKeys = append(h.APIKeys, key)
	}
	return nil
}
