package reconcile

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/limits/usage"
)

// Read reads a file of an export, JSON or CSV, and finds out whose it is. name
// names it in errors.
func (e *Export) Read(r io.Reader, name string) error {
	b := bufio.NewReaderSize(&bounded{r: r, left: maxFile}, 64<<10)
	if bom, _ := b.Peek(3); bytes.Equal(bom, []byte("\xef\xbb\xbf")) {
		_, _ = b.Discard(3)
	}
	head, err := b.Peek(4 << 10)
	if err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("%w: %s: %w", ErrExport, name, err)
	}
	text := bytes.TrimLeft(head, " \t\r\n")
	switch {
	case len(text) == 0:
		return fmt.Errorf("%w: %s: it is empty", ErrExport, name)
	case bytes.HasPrefix(head, []byte("PK")) || bytes.HasPrefix(head, []byte("\x1f\x8b")):
		return fmt.Errorf("%w: %s: it is packed; unpack it first", ErrExport, name)
	case bytes.IndexByte(head, 0) >= 0:
		return fmt.Errorf("%w: %s: it is no text", ErrExport, name)
	case text[0] == '{' || text[0] == '[':
		return e.JSON(b, name)
	}
	return e.csv(b, name, head)
}

// table is a CSV export being read.
type table struct {
	e        *Export
	file     string
	r        *csv.Reader
	at       map[string]int // column by name
	dims     []int          // columns that are no figures
	provider string
	costs    bool
	record   []string
	blank    []Bucket
	days     []int64 // that had a line, where empty days have none
}

func (e *Export) csv(r io.Reader, name string, head []byte) error {
	t := &table{e: e, file: name, r: csv.NewReader(r), at: map[string]int{}}
	t.r.ReuseRecord = true
	first, _, _ := bytes.Cut(head, []byte("\n"))
	if bytes.IndexByte(first, ',') < 0 && bytes.IndexByte(first, '\t') >= 0 {
		t.r.Comma = '\t'
	}
	if err := t.header(); err != nil {
		return err
	}
	if err := e.from(t.provider); err != nil {
		return t.fail(err)
	}
	for {
		record, err := t.r.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return t.fail(err)
		}
		t.record = record
		if err := t.line(); err != nil {
			return err
		}
	}
	t.fill()
	e.empty(t.blank, t.costs)
	return nil
}

// fail adds the place to an error. Errors of the CSV reader have it.
func (t *table) fail(err error) error {
	var syntax *csv.ParseError
	if errors.As(err, &syntax) {
		return fmt.Errorf("%w: %s: %w", ErrExport, t.file, err)
	}
	return fmt.Errorf("%w: %s: %w", ErrExport, t.where(), err)
}

func (t *table) where() string {
	n := 1
	if t.record != nil {
		n, _ = t.r.FieldPos(0)
	}
	return t.file + ": line " + strconv.Itoa(n)
}

func (t *table) header() error {
	names, err := t.r.Read()
	if err != nil {
		return t.fail(err)
	}
	for i, n := range names {
		n = strings.TrimSpace(n)
		if _, ok := t.at[n]; ok {
			return t.fail(fmt.Errorf("the column %.40q is there twice", n))
		}
		t.at[n] = i
		if !csvFigure(n) {
			t.dims = append(t.dims, i)
		}
	}
	switch {
	case t.has("usage_date_utc", "usage_input_tokens_no_cache", "usage_output_tokens"):
		t.provider = Anthropic
	case t.has("usage_date_utc", "cost_usd"):
		t.provider, t.costs = Anthropic, true
	case t.has("start_time", "end_time", "input_tokens"):
		t.provider = OpenAI
	case t.has("start_time", "end_time", "amount_value"):
		t.provider, t.costs = OpenAI, true
	default:
		return t.fail(errors.New("the columns are neither OpenAI's (start_time, end_time and input_tokens or amount_value) nor Anthropic's (usage_date_utc and usage_input_tokens_no_cache or cost_usd)"))
	}
	return nil
}

func csvFigure(name string) bool {
	return isFigure(name) || strings.HasPrefix(name, "usage_input_tokens") || name == "amount_value" || name == "cost_usd" || name == "list_price_usd" || name == "web_search_count"
}

func (t *table) has(names ...string) bool {
	return !slices.ContainsFunc(names, func(n string) bool { _, ok := t.at[n]; return !ok })
}

// text is a cell, "" if there is no such column.
func (t *table) text(column string) string {
	if i, ok := t.at[column]; ok {
		return strings.TrimSpace(t.record[i])
	}
	return ""
}

// count is a cell with a count; an empty one is 0.
func (t *table) count(column string) (int64, error) {
	s := t.text(column)
	if s == "" {
		return 0, nil
	}
	n, err := strconv.ParseInt(s, 10, 64)
	switch {
	case err != nil:
		return 0, t.fail(fmt.Errorf("column %s: want a whole number, not %.40q", column, s))
	case n < 0:
		return 0, t.fail(fmt.Errorf("column %s: a negative count: %d", column, n))
	}
	return n, nil
}

func (t *table) counts(into map[string]*int64) error {
	for column, n := range into {
		var err error
		if *n, err = t.count(column); err != nil {
			return err
		}
	}
	return nil
}

const daySeconds = 24 * 3600

func (t *table) bucket() (b Bucket, err error) {
	if t.provider == OpenAI {
		if b.Start, err = t.count("start_time"); err == nil {
			b.End, err = t.count("end_time")
		}
	} else {
		s := t.text("usage_date_utc")
		day, perr := time.Parse(time.DateOnly, strings.TrimSuffix(s, "T00:00:00Z"))
		if perr != nil {
			return b, t.fail(fmt.Errorf("column usage_date_utc: want a day such as 2026-11-01, not %.40q", s))
		}
		b = Bucket{day.Unix(), day.Unix() + daySeconds}
		if n := len(t.days); n == 0 || t.days[n-1] != b.Start {
			t.days = append(t.days, b.Start)
		}
	}
	if err == nil && !b.valid() {
		err = t.fail(fmt.Errorf("the time from %d to %d makes no sense", b.Start, b.End))
	}
	return b, err
}

func (t *table) line() error {
	b, err := t.bucket()
	if err != nil {
		return err
	}
	l := &line{bucket: b, key: t.text("api_key_id"), model: t.text("model")}
	if l.key == "" {
		l.key = t.text("api_key")
	}
	var id []string
	for _, i := range t.dims {
		id = append(id, strconv.Quote(t.record[i]))
	}
	l.identity = []byte(strings.Join(id, ","))
	switch {
	case t.costs:
		if empty, err := t.cost(l); err != nil || empty {
			return err
		}
	case t.provider == Anthropic:
		l.model = t.text("model_version")
		var in, w5, w1, read, out int64
		if err := t.counts(map[string]*int64{"usage_input_tokens_no_cache": &in, "usage_input_tokens_cache_write_5m": &w5,
			"usage_input_tokens_cache_write_1h": &w1, "usage_input_tokens_cache_read": &read, "usage_output_tokens": &out}); err != nil {
			return err
		}
		l.tokens, l.writes = &Tokens{Input: usage.SumOf(in), CacheRead: usage.SumOf(read), CacheWrite: usage.SumOf(w5).Plus(usage.SumOf(w1)), Output: usage.SumOf(out)}, true
	default:
		var in, cached, written, out, requests int64
		if err := t.counts(map[string]*int64{"input_tokens": &in, "input_cached_tokens": &cached, "input_cache_write_tokens": &written,
			"output_tokens": &out, "num_model_requests": &requests}); err != nil {
			return err
		}
		l.tokens = &Tokens{Output: usage.SumOf(out), Requests: usage.SumOf(requests)}
		if err := l.tokens.openAI(in, cached, written); err != nil {
			return t.fail(err)
		}
		_, l.writes = t.at["input_cache_write_tokens"]
		if *l.tokens == (Tokens{}) && l.model == "" {
			t.blank = append(t.blank, b)
			return t.bounds()
		}
	}
	return t.e.add(l, t.where())
}

func (t *table) bounds() error {
	if len(t.blank) > maxGroup || len(t.days) > maxGroup {
		return t.fail(errors.New("too many lines without figures"))
	}
	return nil
}

// cost reads the amount of a line; empty is true where there is none.
func (t *table) cost(l *line) (empty bool, err error) {
	column, currency := "cost_usd", "usd"
	if t.provider == OpenAI {
		column, currency = "amount_value", t.text("amount_currency")
		l.model = lineItem(t.text("line_item"))
	}
	s := t.text(column)
	if s == "" {
		t.blank = append(t.blank, l.bucket)
		return true, t.bounds()
	}
	if l.cost, err = parseDecimal(s, 0); err != nil {
		return false, t.fail(fmt.Errorf("column %s: %.40q: %w", column, s, err))
	}
	if currency != "" && !strings.EqualFold(currency, "usd") {
		return false, t.fail(fmt.Errorf("an amount in %.10q; want USD throughout", currency))
	}
	return false, nil
}

// maxDays bounds the days that are taken for covered between two others.
const maxDays = 10 * 366

// fill notes the days between the first and the last line: Anthropic's files have
// no line for a day without calls.
func (t *table) fill() {
	if len(t.days) == 0 {
		return
	}
	for day, last := slices.Min(t.days), slices.Max(t.days); day <= last && len(t.blank) < maxDays; day += daySeconds {
		t.blank = append(t.blank, Bucket{day, day + daySeconds})
	}
}
