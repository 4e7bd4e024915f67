package gateway

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/dustin/go-humanize"
	"go.uber.org/zap"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/audit"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/audit/checkpoint"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/audit/vault"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/handlers"
)

// AuditLog is what is told of one audit log, whichever routes write to it. A log
// needs none of this.
type AuditLog struct {
	// Origin is the name of the log in its checkpoints, by C2SP's custom a URL
	// without its scheme. It is fixed when the log is made. Default:
	// `caddy-llm-gateway/<host>/<name of the log>`.
	Origin string `json:"origin,omitempty"`
	// Key is one or two signing keys, each as `{env.NAME}` or `{file./path}`;
	// a file that others can read is refused. The first signs for good, the
	// second beside it, for as long as it stands here. Default: the log keeps
	// its key in its own directory, made at the first start.
	Key []string `json:"key,omitempty"`
	// SegmentSize is the size in bytes at which a new file of records begins.
	// Default: 64 MiB.
	SegmentSize int64 `json:"segment_size,omitempty"`
	// SegmentAge is the age at which a new file of records begins. Default: 7
	// days.
	SegmentAge caddy.Duration `json:"segment_age,omitempty"`
	// Retention is how long records are kept at least; -1 keeps them for ever.
	// Whole files are removed, their hashes and all checkpoints stay. Default:
	// 400 days. Less than 183 days is warned about.
	Retention caddy.Duration `json:"retention,omitempty"`
	// VaultKey wraps the keys under which users, addresses, tags and stored texts
	// are encrypted: 32 bytes in hex or base64, as `{env.NAME}` or `{file./path}`;
	// a file that others can read is refused.
	// It is read when the log is opened; another one than the vault was made with
	// is refused. Default: the log keeps it in the file vault/kek, made at the
	// first start.
	VaultKey string `json:"vault_key,omitempty"`
	// SinksRaw are where copies of the records go as they are written: to a Caddy
	// logger (`log`), a `webhook`, a collector (`otlp`). The log never waits for
	// them. Default none.
	SinksRaw []json.RawMessage `json:"sinks,omitempty" caddy:"namespace=llm_gateway.audit_sinks inline_key=sink"`
	// Witnesses cosign the checkpoints of the log (C2SP tlog-witness). Who holds
	// the log's disk and key can then not rewrite it unnoticed.
	Witnesses []AuditWitness `json:"witnesses,omitempty"`
	// Publish are absolute paths of files, to which checkpoints are appended,
	// and http(s) URLs, to which they are posted. Placeholders are resolved.
	Publish []string `json:"publish,omitempty"`
	// PublishEvery is how often witnesses and the others get the newest
	// checkpoint, if the log has grown. Default: 10s.
	PublishEvery caddy.Duration `json:"publish_every,omitempty"`
}

// AuditWitness is a witness of an audit log.
type AuditWitness struct {
	// URL is its submission prefix: `/add-checkpoint` is added.
	URL string `json:"url"`
	// Key is the verifier key of its cosignatures.
	Key string `json:"key"`
}

var originName = regexp.MustCompile(`^[!-*,-~]{1,200}$`)

// defaults of a log.
const (
	defaultSegmentAge = 7 * 24 * time.Hour
	defaultRetention  = 400 * 24 * time.Hour
	shortRetention    = 183 * 24 * time.Hour
	ballast           = 4 << 20 // some 3,000 outcomes of calls
)

// validate checks the options of a log.
func (l *AuditLog) validate() error {
	switch {
	case l.Origin != "" && !originName.MatchString(l.Origin):
		return fmt.Errorf("origin: %q; want up to 200 printable characters without blanks and pluses", l.Origin)
	case len(l.Key) > 2:
		return errors.New("key: one key, or two while they overlap")
	case l.SegmentSize != 0 && l.SegmentSize < 1<<20:
		return fmt.Errorf("segment: %d bytes; want at least 1 MiB", l.SegmentSize)
	case l.SegmentAge < 0 || l.SegmentAge > 0 && time.Duration(l.SegmentAge) < time.Hour:
		return errors.New("segment: want an age of at least 1h")
	case l.Retention < -1 || l.Retention > 0 && time.Duration(l.Retention) < 24*time.Hour:
		return errors.New("retention: want at least 1d, or forever")
	case l.PublishEvery < 0 || l.PublishEvery > 0 && time.Duration(l.PublishEvery) < time.Second:
		return errors.New("publish_every: want at least 1s")
	}
	for _, w := range l.Witnesses {
		if _, err := checkpoint.NewCosignatures(w.Key); err != nil {
			return fmt.Errorf("witness: %w", err)
		}
	}
	return nil
}

// options resolves what the log package needs.
func (l *AuditLog) options() (o audit.Options, err error) {
	if err := l.validate(); err != nil {
		return o, err
	}
	o.Origin = l.Origin
	o.Settings = audit.Settings{
		SegmentBytes: l.SegmentSize,
		SegmentAge:   time.Duration(l.SegmentAge),
		Retention:    time.Duration(l.Retention),
		Ballast:      ballast,
	}
	if l.SegmentAge == 0 {
		o.SegmentAge = defaultSegmentAge
	}
	if l.Retention == 0 {
		o.Retention = defaultRetention
	}
	if l.VaultKey != "" {
		text, err := secretKey("vault_key", l.VaultKey)
		if err != nil {
			return o, err
		}
		if o.VaultKey, err = vault.ParseKey(text); err != nil {
			return o, fmt.Errorf("vault_key: %w", err)
		}
	}
	o.PublishEvery = time.Duration(l.PublishEvery)
	for _, w := range l.Witnesses {
		to, err := resolved("witness", w.URL)
		if err != nil {
			return o, err
		}
		o.Witnesses = append(o.Witnesses, audit.Witness{URL: to, VerifierKey: w.Key})
	}
	for _, written := range l.Publish {
		to, err := resolved("publish", written)
		if err != nil {
			return o, err
		}
		o.PublishTo = append(o.PublishTo, to)
	}
	if err := o.Settings.Check(); err != nil {
		return o, err
	}
	for _, written := range l.Key {
		text, err := secretKey("key", written)
		if err != nil {
			return o, err
		}
		o.Keys = append(o.Keys, text)
	}
	return o, nil
}

// provisionAudit resolves what was told of logs. It opens no log.
func (a *App) provisionAudit(ctx caddy.Context) error {
	a.auditSinks = map[string][]namedSink{}
	a.auditLogs = make(map[string]audit.Options, len(a.Audit))
	for name, l := range a.Audit {
		if !auditName.MatchString(name) {
			return fmt.Errorf("llm_gateway: audit %q: want 1 to 64 of a-z, 0-9, _ and -, beginning with a letter or digit", name)
		}
		if l == nil {
			l = new(AuditLog)
		}
		o, err := l.options()
		if err != nil {
			return fmt.Errorf("llm_gateway: audit %s: %w", name, err)
		}
		if o.Retention > 0 && o.Retention < shortRetention {
			a.log.Warn("records of the audit log are kept for less than six months", zap.String("log", name), zap.Duration("retention", o.Retention))
		}
		a.auditLogs[name] = o
		if a.auditSinks[name], err = l.loadSinks(ctx); err != nil {
			return fmt.Errorf("llm_gateway: audit %s: %w", name, err)
		}
	}
	return nil
}

// auditSettings is what counts of it for the hash of the config: no keys.
func (a *App) auditSettings() map[string]audit.Settings {
	out := make(map[string]audit.Settings, len(a.auditLogs))
	for name, o := range a.auditLogs {
		out[name] = o.Settings
	}
	return out
}

// auditOptions is how a log is opened.
func (a *App) auditOptions(name, path string) audit.Options {
	o, ok := a.auditLogs[name]
	if !ok {
		o, _ = new(AuditLog).options() // the defaults hold
	}
	o.Dir, o.Node, o.OnAppend, o.Logf = path, hostname(), handlers.ObserveAppend, a.logf
	if o.Origin == "" {
		o.Origin = audit.OriginOf(o.Node, name)
	}
	return o
}

// configureLogs applies what this config tells of logs: they may be open already,
// for the config before. The caller holds a.mu.
func (a *App) configureLogs() error {
	for name, l := range a.open.stores.Logs {
		undo, err := l.Configure(a.auditOptions(name, l.Dir()))
		if err != nil {
			return fmt.Errorf("llm_gateway: audit log %s: %w", name, err)
		}
		a.undoLogs = append(a.undoLogs, undo)
	}
	return nil
}

// secretKey resolves a key. What is nothing but a file is held to its
// permissions. Errors never repeat what it resolved to.
func secretKey(option, written string) (string, error) {
	if path, ok := strings.CutPrefix(strings.TrimSpace(written), "{file."); ok && strings.Count(written, "{") == 1 {
		text, err := audit.ReadKeyFile(strings.TrimSuffix(path, "}"))
		if err != nil {
			return "", fmt.Errorf("%s: %w", option, err)
		}
		return text, nil
	}
	return resolved(option, written)
}

// parseAuditLog reads:
//
//	audit <name> {
//		origin    <name>
//		key       <{env.…}|{file.…}> [<the one before>]
//		segment   <size> [<age>]
//		retention <duration>|forever
//		vault_key <{env.…}|{file.…}>
//		witness   <URL> <verifier key>
//		publish   <path|URL…>
//		publish_every <duration>
//		sink      log
//		sink      webhook <url> { secret <secret> }
//		sink      otlp [<url>] { header <name> <value> }
//	}
func parseAuditLog(d *caddyfile.Dispenser, app *App) error {
	var name string
	if !d.Args(&name) {
		return d.Err("audit takes the name of a log and a block")
	}
	if !auditName.MatchString(name) {
		return d.Errf("audit %q: want 1 to 64 of a-z, 0-9, _ and -, beginning with a letter or digit", name)
	}
	if app.Audit[name] != nil {
		return d.Errf("audit %s is given twice", name)
	}
	l := new(AuditLog)
	seen := map[string]bool{}
	for d.NextBlock(1) {
		option := d.Val()
		if seen[option] && option != "witness" && option != "sink" {
			return d.Errf("%s is given twice", option)
		}
		seen[option] = true
		if option == "sink" {
			if err := l.parseSink(d); err != nil {
				return err
			}
			continue
		}
		if err := l.parse(option, d); err != nil {
			return err
		}
		if err := l.validate(); err != nil {
			return d.Errf("audit %s: %v", name, err)
		}
	}
	if app.Audit == nil {
		app.Audit = map[string]*AuditLog{}
	}
	app.Audit[name] = l
	return nil
}

var auditName = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,63}$`)

func (l *AuditLog) parse(option string, d *caddyfile.Dispenser) error {
	args := d.RemainingArgs()
	for _, a := range args {
		if a == "" {
			return d.Errf("%s has an empty value", option)
		}
	}
	want := func(least, most int) bool { return len(args) >= least && len(args) <= most }
	switch option {
	case "origin":
		if !want(1, 1) {
			return d.Err("origin takes one name")
		}
		l.Origin = args[0]
	case "key":
		if !want(1, 2) {
			return d.Err("key takes one key, or two while they overlap")
		}
		l.Key = args
	case "vault_key":
		if !want(1, 1) {
			return d.Err("vault_key takes one key")
		}
		l.VaultKey = args[0]
	case "segment":
		if !want(1, 2) {
			return d.Err("segment takes a size such as 64MiB, and an age such as 7d")
		}
		size, err := humanize.ParseBytes(args[0])
		if err != nil || size == 0 || size > 1<<40 {
			return d.Errf("segment: %q is not a size such as 64MiB", args[0])
		}
		l.SegmentSize = int64(size)
		if len(args) == 2 {
			age, err := caddy.ParseDuration(args[1])
			if err != nil || age <= 0 {
				return d.Errf("segment: %q is not a duration such as 7d", args[1])
			}
			l.SegmentAge = caddy.Duration(age)
		}
	case "retention":
		if !want(1, 1) {
			return d.Err("retention takes a duration such as 400d, or forever")
		}
		if args[0] == "forever" {
			l.Retention = -1
			return nil
		}
		keep, err := caddy.ParseDuration(args[0])
		if err != nil || keep <= 0 {
			return d.Errf("retention: %q is neither a duration such as 400d nor forever", args[0])
		}
		l.Retention = caddy.Duration(keep)
	case "witness":
		if !want(2, 2) {
			return d.Err("witness takes the URL of a witness and the verifier key of its cosignatures")
		}
		l.Witnesses = append(l.Witnesses, AuditWitness{URL: args[0], Key: args[1]})
	case "publish":
		if len(args) == 0 {
			return d.Err("publish takes paths of files and URLs")
		}
		l.Publish = args
	case "publish_every":
		if !want(1, 1) {
			return d.Err("publish_every takes one duration")
		}
		every, err := caddy.ParseDuration(args[0])
		if err != nil || every <= 0 {
			return d.Errf("publish_every: %q is not a duration such as 1m", args[0])
		}
		l.PublishEvery = caddy.Duration(every)
	default:
		return d.Errf("unknown option %q of an audit log", option)
	}
	return nil
}
