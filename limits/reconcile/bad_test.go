package reconcile

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
)

const (
	openHead  = `{"data":[{"start_time":1793491200,"end_time":1793577600,"results":[`
	claudHead = `{"data":[{"starting_at":"2026-11-01T00:00:00Z","ending_at":"2026-11-02T00:00:00Z","results":[`
	tail      = `]}],"has_more":false}`
	usageCSV  = "start_time,end_time,model,num_model_requests,input_tokens,output_tokens,input_cached_tokens\n"
	costCSV   = "start_time,end_time,amount_value,amount_currency,line_item\n"
	claudeCSV = "usage_date_utc,model_version,api_key,usage_input_tokens_no_cache,usage_input_tokens_cache_read,usage_output_tokens\n"
)

// What makes no sense is refused, with its place.
func TestBadExports(t *testing.T) {
	for name, c := range map[string]struct{ in, want string }{
		"empty":              {"", "f: it is empty"},
		"blank":              {" \n\t", "f: it is empty"},
		"zip":                {"PK\x03\x04", "unpack it first"},
		"gzip":               {"\x1f\x8b\x08", "unpack it first"},
		"binary":             {"a\x00b", "no text"},
		"prose":              {"hello", "the columns are neither"},
		"cut":                {openHead + `{"input_tokens":1`, "unexpected EOF"},
		"no data":            {`{"object":"page"}`, `no "data"`},
		"error page":         {`{"error":{"message":"bad key"}}`, `no "data"`},
		"data is no array":   {`{"data":{}}`, "/data: byte 9: want an array"},
		"array of numbers":   {`[1,2]`, "want pages"},
		"page and garbage":   {openHead + tail + ` x`, "invalid character"},
		"duplicate member":   {openHead + `{"input_tokens":1,"input_tokens":2}` + tail, "duplicate"},
		"bad UTF-8":          {openHead + "{\"model\":\"\xff\"}" + tail, "invalid UTF-8"},
		"count in quotes":    {openHead + `{"input_tokens":"1"}` + tail, "/data/0/results/0/input_tokens: byte 86: want a number"},
		"fraction":           {openHead + `{"input_tokens":1.5}` + tail, "want a whole number, not 1.5"},
		"huge count":         {openHead + `{"input_tokens":99999999999999999999}` + tail, "want a whole number"},
		"negative count":     {openHead + `{"output_tokens":-7}` + tail, "a negative count: -7"},
		"model is a number":  {openHead + `{"model":4}` + tail, "want a text"},
		"nothing in it":      {openHead + `{"model":"gpt-4o"}` + tail, "/data/0/results/0: neither tokens nor an amount"},
		"more cached":        {openHead + `{"input_tokens":5,"input_cached_tokens":6}` + tail, "6 of 5 input tokens are cached"},
		"has_more":           {`{"data":[],"has_more":"no"}`, "want a boolean"},
		"no times":           {`{"data":[{"results":[]}]}`, "neither"},
		"time backwards":     {`{"data":[{"start_time":5,"end_time":4,"results":[{"input_tokens":1}]}]}`, "makes no sense"},
		"time without end":   {`{"data":[{"start_time":5,"results":[]}]}`, "ends before it begins"},
		"time far away":      {`{"data":[{"start_time":5,"end_time":9223372036854775807,"results":[{"input_tokens":1}]}]}`, "makes no sense"},
		"bad time":           {`{"data":[{"starting_at":"yesterday"}]}`, "want an RFC 3339 time"},
		"repeated":           {openHead + `{"input_tokens":1,"model":"a"},{"input_tokens":2,"model":"b"},{"input_tokens":3,"model":"a"}` + tail, "f: /data/0/results/2 repeats f: /data/0/results/0"},
		"same page again":    {openHead + `{"input_tokens":1}` + tail + openHead + `{"input_tokens":1}` + tail, "repeats"},
		"two providers":      {openHead + `{"input_tokens":1}` + tail + claudHead + `{"output_tokens":1}` + tail, "it is anthropic's, not openai's"},
		"negative amount":    {openHead + `{"amount":{"value":-0.01,"currency":"usd"}}` + tail, "a negative amount"},
		"amount beyond":      {openHead + `{"amount":{"value":1e20,"currency":"usd"}}` + tail, "beyond all reason"},
		"amount is a flag":   {openHead + `{"amount":{"value":true,"currency":"usd"}}` + tail, "want a decimal number"},
		"mixed currency":     {openHead + `{"amount":{"value":1,"currency":"usd"}},{"amount":{"value":1,"currency":"eur"},"line_item":"x"}` + tail, `/data/0/results/1: an amount in "eur"`},
		"other's amount":     {openHead + `{"amount":"1","currency":"USD"}` + tail, "has not the form"},
		"claude's currency":  {claudHead + `{"amount":"1","currency":"EUR"}` + tail, `an amount in "EUR"`},
		"claude's amount":    {claudHead + `{"amount":"1,00","currency":"USD"}` + tail, "not a decimal number"},
		"claude's cache":     {claudHead + `{"cache_creation":5}` + tail, "want an object"},
		"deep":               {strings.Repeat("[", 20_000), "want pages"},
		"deep member":        {openHead + `{"x":` + strings.Repeat("[", 20_000), "exceeded max depth"},
		"long dimension":     {openHead + `{"input_tokens":1,"x":"` + strings.Repeat("x", 5000) + `"}` + tail, "more than 4096 bytes"},
		"long model":         {openHead + `{"input_tokens":1,"model":"` + strings.Repeat("x", 600) + `"}` + tail, "more than 512 bytes"},
		"csv count":          {usageCSV + "1793491200,1793577600,gpt-4o,1,x,1,0\n", "f: line 2: column input_tokens: want a whole number"},
		"csv negative":       {usageCSV + "1793491200,1793577600,gpt-4o,1,1,-1,0\n", "line 2: column output_tokens: a negative count"},
		"csv columns":        {usageCSV + "1793491200,1793577600\n", "line 2: wrong number of fields"},
		"csv quote":          {usageCSV + "\"1793491200,1793577600,gpt-4o,1,1,1,0\n", "line 2"},
		"csv repeated":       {usageCSV + "1793491200,1793577600,gpt-4o,1,1,1,0\n1793491200,1793577600,gpt-4o,1,2,2,0\n", "f: line 3 repeats f: line 2"},
		"csv times":          {usageCSV + "1793577600,1793491200,gpt-4o,1,1,1,0\n", "line 2: the time"},
		"csv cached":         {usageCSV + "1793491200,1793577600,gpt-4o,1,1,1,2\n", "line 2: 2 of 1"},
		"csv column twice":   {"start_time,end_time,input_tokens,input_tokens\n", "there twice"},
		"csv currency":       {costCSV + "1793491200,1793577600,1.5,usd,a\n1793491200,1793577600,1.5,eur,b\n", `line 3: an amount in "eur"`},
		"csv amount":         {costCSV + "1793491200,1793577600,=1+1,usd,a\n", "line 2: column amount_value"},
		"csv negative money": {costCSV + "1793491200,1793577600,-1,usd,a\n", "a negative amount"},
		"claude csv hours":   {claudeCSV + "2026-11-01 15:00,claude-haiku-4-5,k,1,1,1\n", "want a day"},
		"claude csv day":     {claudeCSV + "2026-11-31,claude-haiku-4-5,k,1,1,1\n", "want a day"},
	} {
		t.Run(name, func(t *testing.T) {
			e, _ := New("")
			err := e.Read(strings.NewReader(c.in), "f")
			if !errors.Is(err, ErrExport) || !strings.Contains(fmt.Sprint(err), c.want) {
				t.Errorf("%v\nwant %s", err, c.want)
			}
		})
	}
	e, _ := New("anthropic")
	if err := e.Read(strings.NewReader(openHead+`{"input_tokens":1}`+tail), "f"); err == nil || !strings.Contains(err.Error(), "it is openai's, not anthropic's") {
		t.Error(err)
	}
	if _, err := New("azure"); err == nil {
		t.Error("azure was taken")
	}
	// An hourly and a daily report of the same time count everything twice.
	e, _ = New("")
	for _, in := range []string{openHead + `{"input_tokens":1}` + tail, `{"data":[{"start_time":1793494800,"end_time":1793498400,"results":[{"input_tokens":1}]}]}`} {
		if err := e.Read(strings.NewReader(in), "f"); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := e.Compare(Options{}, ours); !errors.Is(err, ErrExport) || !strings.Contains(err.Error(), "lies within another") {
		t.Error(err)
	}
	e, _ = New("")
	if err := e.Read(strings.NewReader(`{"data":[]}`), "f"); err != nil {
		t.Fatal(err)
	}
	if _, err := e.Compare(Options{}, ours); !errors.Is(err, ErrExport) {
		t.Error(err)
	}
}

// endless repeats a text.
type endless struct {
	head, text string
	at         int
}

func (r *endless) Read(p []byte) (int, error) {
	if r.head != "" {
		n := copy(p, r.head)
		r.head = r.head[n:]
		return n, nil
	}
	n := copy(p, r.text[r.at:])
	r.at = (r.at + n) % len(r.text)
	return n, nil
}

// What never ends, does.
func TestEndlessExports(t *testing.T) {
	for name, c := range map[string]struct {
		r    io.Reader
		want string
	}{
		"results": {&endless{head: openHead, text: `{"input_tokens":1},`}, "more than 50000 results"},
		"slices":  {&endless{head: `{"data":[`, text: `{"start_time":1,"end_time":2,"results":[]},`}, "too many slices"},
	} {
		e, _ := New("")
		if err := e.Read(c.r, "f"); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	b := &bounded{r: &endless{text: "x"}, left: 100}
	if got, err := io.ReadAll(b); len(got) != 100 || !errors.Is(err, errTooLong) {
		t.Errorf("%d bytes, %v", len(got), err)
	}
}

func FuzzRead(f *testing.F) {
	for _, s := range []string{
		openHead + `{"input_tokens":10,"input_cached_tokens":5,"output_tokens":3,"num_model_requests":2,"model":"gpt-4o","api_key_id":"key_1"}` + tail,
		openHead + `{"amount":{"value":0.06,"currency":"usd"},"line_item":"gpt-4o, input"}` + tail,
		claudHead + `{"uncached_input_tokens":1,"cache_creation":{"ephemeral_5m_input_tokens":2},"output_tokens":3,"model":"claude"}` + tail,
		claudHead + `{"amount":"123.4","currency":"USD","model":"claude"}` + tail,
		usageCSV + "1793491200,1793577600,gpt-4o,1,1,1,0\n", costCSV + "1793491200,1793577600,1.5,usd,a\n", claudeCSV + "2026-11-01,claude-haiku-4-5,k,1,1,1\n",
		"\xef\xbb\xbf" + usageCSV, "[" + openHead + tail + "]",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		e, _ := New("")
		if err := e.Read(strings.NewReader(string(in)), "f"); err != nil {
			if !errors.Is(err, ErrExport) {
				t.Fatalf("%v", err)
			}
			return
		}
		rep, err := e.Compare(Options{Tolerance: 10_000}, ours)
		if err != nil {
			if !errors.Is(err, ErrExport) {
				t.Fatalf("%v", err)
			}
			return
		}
		for _, f := range []func(io.Writer) error{rep.Table, rep.CSV, rep.JSON} {
			if err := f(io.Discard); err != nil {
				t.Fatal(err)
			}
		}
		for _, l := range rep.Lines {
			if strings.HasPrefix(l.Provider, "-") || strings.HasPrefix(l.Ours, "-") {
				t.Fatalf("%+v", l)
			}
		}
	})
}
