package usage

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/limits/ledger"
)

// ErrBy is wrapped when dimensions or conditions make no sense.
var ErrBy = errors.New("not a dimension of usage")

// Dimension is something by which rows are grouped.
type Dimension struct {
	kind string
	tag  string // of kind "tag": the name before the value, "" for the whole set
}

// String returns the dimension as it is written.
func (d Dimension) String() string {
	if d.tag != "" {
		return d.kind + ":" + d.tag
	}
	return d.kind
}

var kinds = map[string]func(*ledger.Row) string{
	"key":      func(r *ledger.Row) string { return r.Key },
	"user":     func(r *ledger.Row) string { return r.User },
	"team":     func(r *ledger.Row) string { return r.Team },
	"org":      func(r *ledger.Row) string { return r.Org },
	"model":    func(r *ledger.Row) string { return r.Model },
	"served":   func(r *ledger.Row) string { return r.Served },
	"provider": func(r *ledger.Row) string { return r.Provider },
	"project":  func(r *ledger.Row) string { return r.Project },
	"result":   result,
	"tag":      nil,
	"hour":     nil,
	"day":      nil,
	"month":    nil,
}

const kindList = "key, user, team, org, model, served, provider, project, tag, tag:<name>, result, hour, day or month"

func result(r *ledger.Row) string {
	if r.Kind != ledger.Settled {
		return r.Kind.String()
	}
	return r.Result.String()
}

// maxBy bounds how many dimensions one report has.
const maxBy = 8

// ParseBy reads dimensions: key, user, team, org, model (as sent to the
// provider), served (as the provider named it), provider, project, result, hour,
// day, month, tag (the set of a call's tags) and tag:<name> (the value of a tag
// written <name>=<value> or <name>:<value>), separated by commas. Each call is in
// exactly one group, so the groups add up to the total.
func ParseBy(s string) ([]Dimension, error) {
	var by []Dimension
	if s == "" {
		return nil, nil
	}
	for word := range strings.SplitSeq(s, ",") {
		d, err := parseDimension(strings.TrimSpace(word))
		if err != nil {
			return nil, err
		}
		if slices.Contains(by, d) {
			return nil, fmt.Errorf("%w: %s is given twice", ErrBy, d)
		}
		if by = append(by, d); len(by) > maxBy {
			return nil, fmt.Errorf("%w: more than %d", ErrBy, maxBy)
		}
	}
	return by, nil
}

func parseDimension(word string) (Dimension, error) {
	kind, tag, has := strings.Cut(word, ":")
	if _, ok := kinds[kind]; !ok || has && (kind != "tag" || tag == "") || len(tag) > 64 {
		return Dimension{}, fmt.Errorf("%w: %.80q (want %s)", ErrBy, word, kindList)
	}
	return Dimension{kind, tag}, nil
}

func (d Dimension) time() bool { return d.kind == "hour" || d.kind == "day" || d.kind == "month" }

// value returns the group of a row; what is missing is ledger.None.
func (d Dimension) value(r *ledger.Row, zone *time.Location) (v string) {
	switch d.kind {
	case "hour":
		return r.Time.In(zone).Format("2006-01-02T15:00Z07:00")
	case "day":
		return r.Time.In(zone).Format(time.DateOnly)
	case "month":
		return r.Time.In(zone).Format("2006-01")
	case "tag":
		if d.tag != "" {
			v = tagValue(r.Tags, d.tag)
		} else {
			v = tagSet(r.Tags)
		}
	default:
		v = kinds[d.kind](r)
	}
	if v == "" {
		return ledger.None
	}
	return v
}

// tagValue is the value of the first tag name=value or name:value.
func tagValue(tags []string, name string) string {
	for _, t := range tags {
		if rest, ok := strings.CutPrefix(t, name); ok && len(rest) > 1 && (rest[0] == '=' || rest[0] == ':') {
			return rest[1:]
		}
	}
	return ""
}

func tagSet(tags []string) string {
	if len(tags) < 2 {
		return strings.Join(tags, "")
	}
	set := slices.Clone(tags)
	slices.Sort(set)
	return strings.Join(slices.Compact(set), ",")
}

// Condition is a dimension and the value that a row must have in it.
type Condition struct {
	dim   Dimension
	value string
}

// ParseCondition reads "team=research" or, for calls that carry a tag among
// others, "tag=batch".
func ParseCondition(s string) (Condition, error) {
	word, value, ok := strings.Cut(s, "=")
	if !ok || value == "" || len(value) > 1024 {
		return Condition{}, fmt.Errorf("%w: %.80q (want a dimension and a value, e.g. team=research)", ErrBy, s)
	}
	d, err := parseDimension(word)
	return Condition{d, value}, err
}

func (c *Condition) holds(r *ledger.Row, zone *time.Location) bool {
	if c.dim.kind == "tag" && c.dim.tag == "" {
		return slices.Contains(r.Tags, c.value)
	}
	return c.dim.value(r, zone) == c.value
}
