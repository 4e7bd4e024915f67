package handlers

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
)

// option reads an option that all six handlers take. It reports false when the
// token is not one of them.
func (c *common) option(d *caddyfile.Dispenser) (bool, error) {
	switch d.Val() {
	case "errors":
		if c.Errors != "" {
			return true, d.Errf("errors is given twice")
		}
		if !d.NextArg() {
			return true, d.ArgErr()
		}
		if c.Errors = d.Val(); c.Errors != "json" && c.Errors != "pass" {
			return true, d.Errf("errors takes json or pass, not %q", c.Errors)
		}
	case "debug_headers":
		c.DebugHeaders = true
	default:
		return false, nil
	}
	return true, noMore(d)
}

// block reads the block of a directive: the options that all handlers take, and
// own, standing on the option's name, for the others.
func (c *common) block(d *caddyfile.Dispenser, own func() error) error {
	for d.NextBlock(0) {
		ok, err := c.option(d)
		if err == nil && !ok {
			err = own()
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (c *common) validate() error {
	switch c.Errors {
	case "", "json", "pass":
		return nil
	}
	return fmt.Errorf("errors: want json or pass, not %q", c.Errors)
}

// noMore refuses further arguments on the line.
func noMore(d *caddyfile.Dispenser) error {
	if d.NextArg() {
		return d.Errf("unexpected argument %q", d.Val())
	}
	return nil
}

// oneArg reads the single argument of an option that may be given once.
func oneArg(d *caddyfile.Dispenser, into *string) error {
	name := d.Val()
	if *into != "" {
		return d.Errf("%s is given twice", name)
	}
	if !d.NextArg() {
		return d.ArgErr()
	}
	if *into = d.Val(); *into == "" {
		return d.Errf("%s is empty", name)
	}
	return noMore(d)
}

// someArgs reads one or more arguments of an option that may be given once.
func someArgs(d *caddyfile.Dispenser, into *[]string) error {
	name := d.Val()
	if len(*into) > 0 {
		return d.Errf("%s is given twice", name)
	}
	*into = d.RemainingArgs()
	if len(*into) == 0 {
		return d.ArgErr()
	}
	for _, v := range *into {
		if v == "" {
			return d.Errf("%s has an empty value", name)
		}
	}
	return nil
}

// durationArg reads one positive duration.
func durationArg(d *caddyfile.Dispenser, into *caddy.Duration) error {
	name := d.Val()
	var s string
	if *into != 0 {
		return d.Errf("%s is given twice", name)
	}
	if err := oneArg(d, &s); err != nil {
		return err
	}
	dur, err := caddy.ParseDuration(s)
	if err != nil || dur <= 0 {
		return d.Errf("%s: %q is not a positive duration such as 30s, 2m or 1h", name, s)
	}
	*into = caddy.Duration(dur)
	return nil
}

// countArg reads one positive count, with k or M for thousands and millions.
func countArg(d *caddyfile.Dispenser, into *int64) error {
	name := d.Val()
	var s string
	if *into != 0 {
		return d.Errf("%s is given twice", name)
	}
	if err := oneArg(d, &s); err != nil {
		return err
	}
	n, err := parseCount(s)
	if err != nil {
		return d.Errf("%s: %v", name, err)
	}
	*into = n
	return nil
}

func parseCount(s string) (int64, error) {
	digits, mult := s, int64(1)
	switch {
	case strings.HasSuffix(s, "k"):
		digits, mult = s[:len(s)-1], 1_000
	case strings.HasSuffix(s, "M"):
		digits, mult = s[:len(s)-1], 1_000_000
	}
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil || n <= 0 || n > (1<<53)/mult {
		return 0, fmt.Errorf("%q is not a positive count such as 600, 200k or 2M", s)
	}
	return n * mult, nil
}

// resolve expands the placeholders of an option that must not be empty. The
// error names the option and what was written, never what it expanded to.
func resolve(option, written string) (string, error) {
	v, err := caddy.NewReplacer().ReplaceOrErr(written, true, true)
	if err != nil {
		return "", fmt.Errorf("%s: %w", option, err)
	}
	if strings.TrimSpace(v) == "" {
		return "", fmt.Errorf("%s: resolves to nothing", option)
	}
	return v, nil
}

// parseDate reads a day ("2027-01-31", its end in UTC) or an RFC 3339 time.
func parseDate(s string) (time.Time, error) {
	if t, err := time.Parse(time.RFC3339, s); err == nil {
		return t, nil
	}
	t, err := time.Parse(time.DateOnly, s)
	if err != nil {
		return time.Time{}, fmt.Errorf("%q is neither a day such as 2027-01-31 nor a time such as 2027-01-31T18:00:00Z", s)
	}
	return t.AddDate(0, 0, 1), nil
}
