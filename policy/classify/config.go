package classify

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Config is one classifier.
type Config struct {
	// Name is how rules call it: 1 to 64 of a-z, 0-9, _ and -.
	Name string
	// URL is the full address of the endpoint, http or https. A key is sent over
	// https or to a loopback address only.
	URL string
	// Protocol is one of Protocols().
	Protocol string
	// Timeout bounds one question, from 1 ms to 1 min. 0 means DefaultTimeout.
	Timeout time.Duration
	// Allow makes a classifier that does not answer one that flags nothing. By
	// default the rule that asks cannot be evaluated.
	Allow bool
	// Cache is how long an answer is remembered, 0 for not at all, at most a day.
	Cache time.Duration
	// Key is the credential; empty for none.
	Key string
	// Model is the model to name, for protocols that take one.
	Model string
	// Threshold is the score from which a text counts as flagged, above 0 and up to
	// 1; 0 leaves it to the classifier.
	Threshold float64
	// Language is that of the texts, for presidio; empty means "en".
	Language string
}

// Bounds and defaults.
const (
	DefaultTimeout = time.Second
	maxTimeout     = time.Minute
	maxCache       = 24 * time.Hour
	// maxTexts bounds the text of one question, in bytes.
	maxTexts = 1 << 20
	// maxAnswer bounds an answer, in bytes.
	maxAnswer = 256 << 10
	// maxCategories bounds the categories of an answer.
	maxCategories = 256
)

var nameOK = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,63}$`)

// CheckName says what is wrong with the name of a classifier.
func CheckName(name string) error {
	if !nameOK.MatchString(name) {
		return fmt.Errorf("classifier %q: want 1 to 64 of a-z, 0-9, _ and -, beginning with a letter or digit", name)
	}
	return nil
}

// Protocols are the names of the protocols, sorted.
func Protocols() []string {
	names := make([]string, 0, len(protocols))
	for name := range protocols {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// Check says what is wrong with a configuration. The error repeats neither the URL
// nor the key.
func (c *Config) Check() error {
	if err := CheckName(c.Name); err != nil {
		return err
	}
	p, ok := protocols[c.Protocol]
	switch {
	case c.Protocol == "":
		return fmt.Errorf("protocol is missing; want one of %s", strings.Join(Protocols(), ", "))
	case !ok:
		return fmt.Errorf("unknown protocol %q; want one of %s", c.Protocol, strings.Join(Protocols(), ", "))
	case c.URL == "":
		return errors.New("url is missing: the full address of the classifier's endpoint")
	case c.Timeout < 0 || c.Timeout > maxTimeout || c.Timeout > 0 && c.Timeout < time.Millisecond:
		return errors.New("timeout: want 1ms to 1m")
	case c.Cache < 0 || c.Cache > maxCache:
		return errors.New("cache: want up to 24h")
	case c.Threshold < 0 || c.Threshold > 1 || c.Threshold != c.Threshold:
		return errors.New("threshold: want a score above 0 and up to 1")
	case c.Threshold > 0 && !p.scores:
		return fmt.Errorf("threshold: %s tells no scores", c.Protocol)
	case c.Model == "" && p.needsModel:
		return fmt.Errorf("model is missing: %s must name one", c.Protocol)
	case c.Model != "" && !p.takesModel:
		return fmt.Errorf("model: %s takes none", c.Protocol)
	case c.Language != "" && c.Protocol != "presidio":
		return errors.New("language is for presidio only")
	}
	return c.checkURL()
}

func (c *Config) checkURL() error {
	u, err := url.Parse(c.URL)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || u.User != nil || u.Fragment != "" {
		return errors.New("url: want the full http or https address of the endpoint, without a user")
	}
	if c.Key != "" {
		if strings.ContainsFunc(c.Key, func(r rune) bool { return r <= ' ' || r > '~' }) {
			return errors.New("api_key: want printable ASCII without spaces")
		}
		if u.Scheme == "http" && !loopback(u.Hostname()) {
			return errors.New("url: an api_key is sent over https, or to a loopback address; not in clear")
		}
	}
	return nil
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// newTransport is what one classifier is reached by.
func newTransport() *http.Transport {
	return &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		DialContext:            (&net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}).DialContext,
		ForceAttemptHTTP2:      true,
		MaxIdleConnsPerHost:    32,
		MaxConnsPerHost:        256,
		IdleConnTimeout:        90 * time.Second,
		TLSHandshakeTimeout:    10 * time.Second,
		MaxResponseHeaderBytes: 64 << 10,
	}
}
