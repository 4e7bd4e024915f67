package reconcile

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/limits/usage"
)

// JSON reads pages of a report: one object, several one after the other, or an
// array of them. name names the file in errors.
func (e *Export) JSON(r io.Reader, name string) error {
	p := &pages{e: e, file: name, d: jsontext.NewDecoder(&bounded{r: r, left: maxFile})}
	for n := 0; ; n++ {
		switch p.d.PeekKind() {
		case '{':
			if err := p.page(); err != nil {
				return err
			}
		case '[':
			if _, err := p.d.ReadToken(); err != nil {
				return p.fail(err)
			}
			for p.d.PeekKind() == '{' {
				if err := p.page(); err != nil {
					return err
				}
			}
			if t, err := p.d.ReadToken(); err != nil || t.Kind() != ']' {
				return p.fail(errors.Join(err, errors.New("want pages of a report in the array")))
			}
		default:
			if _, err := p.d.ReadToken(); !errors.Is(err, io.EOF) {
				return p.fail(errors.Join(err, errors.New("want a page of a report, a JSON object")))
			}
			if n == 0 {
				return p.fail(errors.New("it is empty"))
			}
			p.settle()
			return nil
		}
	}
}

var errTooLong = fmt.Errorf("more than %d MB", maxFile>>20)

// bounded is a reader that fails beyond a number of bytes.
type bounded struct {
	r    io.Reader
	left int64
}

func (b *bounded) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, errTooLong
	}
	n, err := b.r.Read(p[:min(int64(len(p)), b.left)])
	b.left -= int64(n)
	return n, err
}

type pages struct {
	e    *Export
	file string
	d    *jsontext.Decoder
	// Slices of time without results do not say of which report they are: of
	// that which the file's others are.
	blank         []Bucket
	tokens, costs bool
	pages, last   int
}

// settle ends a file.
func (p *pages) settle() {
	kind := 0
	if p.costs && !p.tokens {
		kind = 1
	}
	p.e.pages[kind] += p.pages
	p.e.last[kind] += p.last
	if p.costs {
		p.e.empty(p.blank, true)
	}
	if p.tokens || !p.costs {
		p.e.empty(p.blank, false)
	}
}

// fail adds the place to an error.
func (p *pages) fail(err error) error {
	return fmt.Errorf("%w: %s: %s: byte %d: %w", ErrExport, p.file, orTop(string(p.d.StackPointer())), p.d.InputOffset(), err)
}

func orTop(s string) string {
	if s == "" {
		return "/"
	}
	return s
}

// object reads an object and calls f with each name, standing before its value,
// which f must read or skip.
func (p *pages) object(f func(name string) error) error {
	t, err := p.d.ReadToken()
	if err != nil {
		return p.fail(err)
	}
	if t.Kind() != '{' {
		return p.fail(fmt.Errorf("want an object, not %s", t.Kind()))
	}
	for p.d.PeekKind() == '"' {
		t, err := p.d.ReadToken()
		if err != nil {
			return p.fail(err)
		}
		if err := f(t.String()); err != nil {
			return err
		}
	}
	if _, err := p.d.ReadToken(); err != nil {
		return p.fail(err)
	}
	return nil
}

// array reads an array and calls f standing before each element.
func (p *pages) array(f func() error) error {
	t, err := p.d.ReadToken()
	if err != nil {
		return p.fail(err)
	}
	if t.Kind() != '[' {
		return p.fail(fmt.Errorf("want an array, not %s", t.Kind()))
	}
	for k := p.d.PeekKind(); k != ']' && k != 0; k = p.d.PeekKind() {
		if err := f(); err != nil {
			return err
		}
	}
	if _, err := p.d.ReadToken(); err != nil {
		return p.fail(err)
	}
	return nil
}

func (p *pages) skip() error {
	if err := p.d.SkipValue(); err != nil {
		return p.fail(err)
	}
	return nil
}

func (p *pages) page() error {
	data := false
	err := p.object(func(name string) error {
		switch name {
		case "data":
			data = true
			return p.array(p.bucket)
		case "has_more":
			t, err := p.d.ReadToken()
			if err != nil {
				return p.fail(err)
			}
			if k := t.Kind(); k != 't' && k != 'f' {
				return p.fail(fmt.Errorf("has_more: want a boolean, not %s", k))
			}
			p.pages++
			if !t.Bool() {
				p.last++
			}
			return nil
		}
		return p.skip()
	})
	if err == nil && !data {
		return p.fail(errors.New(`the object has no "data"; want a page of a usage or cost report`))
	}
	return err
}

// bucket reads one slice of time. Its results may come before its times, so they
// are kept until its end.
func (p *pages) bucket() error {
	var b Bucket
	var provider string
	var results []result
	at := string(p.d.StackPointer())
	err := p.object(func(name string) (err error) {
		switch name {
		case "start_time":
			provider = OpenAI
			b.Start, err = p.integer()
		case "end_time":
			b.End, err = p.integer()
		case "starting_at":
			provider = Anthropic
			b.Start, err = p.time()
		case "ending_at":
			b.End, err = p.time()
		case "results", "result":
			return p.array(func() error {
				r, err := p.result()
				if len(results) >= maxResults {
					return p.fail(fmt.Errorf("more than %d results in one slice of time", maxResults))
				}
				results = append(results, r)
				return err
			})
		default:
			return p.skip()
		}
		return err
	})
	if err != nil {
		return err
	}
	if provider == "" {
		return p.fail(errors.New(`the time slice has neither "start_time" (OpenAI) nor "starting_at" (Anthropic)`))
	}
	if err := p.e.from(provider); err != nil {
		return p.fail(err)
	}
	for i := range results {
		l, err := results[i].line(provider)
		if err == nil {
			l.bucket = b
			p.tokens, p.costs = p.tokens || l.tokens != nil, p.costs || l.cost != nil
			err = p.e.add(l, results[i].at)
		}
		if err != nil {
			if errors.Is(err, ErrExport) {
				return err
			}
			return fmt.Errorf("%w: %s: %w", ErrExport, results[i].at, err)
		}
	}
	if len(results) == 0 {
		if !b.valid() {
			return fmt.Errorf("%w: %s: %s: the time slice ends before it begins", ErrExport, p.file, at)
		}
		if p.blank = append(p.blank, b); len(p.blank) > maxGroup {
			return p.fail(errors.New("too many slices of time"))
		}
	}
	return nil
}

func (p *pages) integer() (int64, error) {
	t, err := p.d.ReadToken()
	if err != nil {
		return 0, p.fail(err)
	}
	if t.Kind() != '0' {
		return 0, p.fail(fmt.Errorf("want a number, not %s", t.Kind()))
	}
	return p.count(t.String())
}

func (p *pages) count(s string) (int64, error) {
	n, err := strconv.ParseInt(s, 10, 64)
	switch {
	case err != nil:
		return 0, p.fail(fmt.Errorf("want a whole number, not %.40s", s))
	case n < 0:
		return 0, p.fail(fmt.Errorf("a negative count: %d", n))
	}
	return n, nil
}

func (p *pages) time() (int64, error) {
	t, err := p.d.ReadToken()
	if err != nil {
		return 0, p.fail(err)
	}
	if t.Kind() != '"' {
		return 0, p.fail(fmt.Errorf("want a time in quotes, not %s", t.Kind()))
	}
	at, err := time.Parse(time.RFC3339, t.String())
	if err != nil {
		return 0, p.fail(fmt.Errorf("want an RFC 3339 time, not %.40q", t.String()))
	}
	return at.Unix(), nil
}

// result is one result of a slice, as read.
type result struct {
	at      string
	counts  map[string]int64
	texts   map[string]string
	amount  string // decimal, as written
	money   string // currency
	cents   bool   // the amount is Anthropic's: a string, in cents
	dims    []string
	hasCost bool
}

// counted are the members that are added up, by either provider.
var counted = map[string]bool{
	"input_tokens": true, "output_tokens": true, "input_cached_tokens": true, "input_cache_write_tokens": true, "num_model_requests": true,
	"uncached_input_tokens": true, "cache_read_input_tokens": true, "ephemeral_1h_input_tokens": true, "ephemeral_5m_input_tokens": true,
}

// figures are members that are no dimension: parts of what is counted, or counted
// in something else than tokens.
func isFigure(name string) bool {
	return strings.HasSuffix(name, "_tokens") || strings.HasPrefix(name, "num_") || name == "quantity" || name == "list_amount" || name == "requests" || name == "server_tool_use"
}

func (p *pages) result() (result, error) {
	r := result{at: p.file + ": " + string(p.d.StackPointer()) + "/" + "result", counts: map[string]int64{}, texts: map[string]string{}}
	first := true
	err := p.object(func(name string) error {
		if first {
			// The pointer now names the element and its first member.
			r.at = p.file + ": " + parent(string(p.d.StackPointer()))
			first = false
		}
		return p.member(&r, name)
	})
	slices.Sort(r.dims)
	return r, err
}

func parent(pointer string) string {
	if i := strings.LastIndexByte(pointer, '/'); i >= 0 {
		return pointer[:i]
	}
	return pointer
}

func (p *pages) member(r *result, name string) error {
	kind := p.d.PeekKind()
	switch {
	case counted[name]:
		if kind == 'n' {
			return p.skip() // not told
		}
		n, err := p.integer()
		r.counts[name] = n
		return err
	case name == "cache_creation":
		if kind == 'n' {
			return p.skip()
		}
		return p.object(func(name string) error {
			if counted[name] {
				n, err := p.integer()
				r.counts[name] = n
				return err
			}
			return p.skip()
		})
	case name == "amount":
		r.hasCost = true
		if kind == '{' {
			return p.object(func(name string) error {
				switch name {
				case "value":
					return p.decimal(r)
				case "currency":
					return p.text(&r.money)
				}
				return p.skip()
			})
		}
		r.cents = true
		return p.decimal(r)
	case name == "currency":
		return p.text(&r.money)
	case name == "api_key_id" || name == "model" || name == "line_item":
		var s string
		if kind != 'n' {
			if err := p.text(&s); err != nil {
				return err
			}
			r.texts[name] = s
			r.dims = append(r.dims, name+"="+strconv.Quote(s))
			return nil
		}
		return p.skip()
	case isFigure(name):
		return p.skip()
	}
	v, err := p.d.ReadValue()
	if err != nil {
		return p.fail(err)
	}
	if len(v) > 4096 {
		return p.fail(fmt.Errorf("the member %.40q has more than 4096 bytes", name))
	}
	if v.Kind() != 'n' {
		r.dims = append(r.dims, name+"="+string(v))
	}
	return nil
}

func (p *pages) text(into *string) error {
	t, err := p.d.ReadToken()
	if err != nil {
		return p.fail(err)
	}
	if t.Kind() != '"' {
		return p.fail(fmt.Errorf("want a text in quotes, not %s", t.Kind()))
	}
	*into = t.String()
	return nil
}

func (p *pages) decimal(r *result) error {
	t, err := p.d.ReadToken()
	if err != nil {
		return p.fail(err)
	}
	if k := t.Kind(); k != '"' && k != '0' {
		return p.fail(fmt.Errorf("want a decimal number, not %s", k))
	}
	if r.amount = t.String(); r.amount == "" {
		return p.fail(errDecimal)
	}
	return nil
}

// line makes a line of what was read.
func (r *result) line(provider string) (*line, error) {
	l := &line{key: r.texts["api_key_id"], model: r.texts["model"], identity: []byte(strings.Join(r.dims, "\x00"))}
	if r.hasCost {
		places := 0
		if r.cents {
			places = 2
		}
		if (provider == Anthropic) != r.cents {
			return nil, errors.New("the amount has not the form that " + provider + " gives it")
		}
		var err error
		if l.cost, err = parseDecimal(r.amount, places); err != nil {
			return nil, fmt.Errorf("amount %.40q: %w", r.amount, err)
		}
		// Where one currency is all there is, it may be left out.
		if r.money != "" && !strings.EqualFold(r.money, "usd") {
			return nil, fmt.Errorf("an amount in %.10q; want USD throughout", r.money)
		}
		if l.model == "" {
			l.model = lineItem(r.texts["line_item"])
		}
		return l, nil
	}
	if len(r.counts) == 0 {
		return nil, errors.New("neither tokens nor an amount")
	}
	c := r.counts
	t := &Tokens{Requests: usage.SumOf(c["num_model_requests"]), Output: usage.SumOf(c["output_tokens"])}
	if provider == Anthropic {
		t.Input = usage.SumOf(c["uncached_input_tokens"])
		t.CacheRead = usage.SumOf(c["cache_read_input_tokens"])
		t.CacheWrite = usage.SumOf(c["ephemeral_1h_input_tokens"]).Plus(usage.SumOf(c["ephemeral_5m_input_tokens"]))
	} else if err := t.openAI(c["input_tokens"], c["input_cached_tokens"], c["input_cache_write_tokens"]); err != nil {
		return nil, err
	}
	l.tokens = t
	_, openAIWrites := c["input_cache_write_tokens"]
	l.writes = openAIWrites || provider == Anthropic
	return l, nil
}

// openAI takes cached tokens out of the input, of which they are part.
func (t *Tokens) openAI(input, cached, written int64) error {
	if cached > input || written > input-cached {
		return fmt.Errorf("%s of %d input tokens are cached", usage.SumOf(cached).Plus(usage.SumOf(written)), input)
	}
	t.Input, t.CacheRead, t.CacheWrite = usage.SumOf(input-cached-written), usage.SumOf(cached), usage.SumOf(written)
	return nil
}
