package objects

import (
	"errors"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// lenient is how answers of providers are read.
var lenient = json.JoinOptions(jsontext.AllowInvalidUTF8(true), jsontext.AllowDuplicateNames(true))

// ID returns the id of the object that an answer holds, "" if it holds none.
func ID(body []byte) string {
	var o struct {
		ID string `json:"id"`
	}
	if json.Unmarshal(body, &o, lenient) != nil {
		return ""
	}
	return o.ID
}

// IDs returns the id of an object and those of what was made with it: the output
// of a response, the files of a batch, the file of an upload.
func IDs(body []byte) []string {
	var o struct {
		ID     string         `json:"id"`
		Output jsontext.Value `json:"output"`
		Item   struct {
			ID string `json:"id"`
		} `json:"item"`
		Response struct {
			ID string `json:"id"`
		} `json:"response"`
		File struct {
			ID string `json:"id"`
		} `json:"file"`
		OutputFile string `json:"output_file_id"`
		ErrorFile  string `json:"error_file_id"`
	}
	if json.Unmarshal(body, &o, lenient) != nil {
		return nil
	}
	ids := []string{o.ID, o.Item.ID, o.Response.ID, o.File.ID, o.OutputFile, o.ErrorFile}
	if o.Output.Kind() == '[' {
		var items []struct {
			ID string `json:"id"`
		}
		if json.Unmarshal(o.Output, &items, lenient) == nil {
			for _, it := range items {
				ids = append(ids, it.ID)
			}
		}
	}
	kept := ids[:0]
	for _, id := range ids {
		if id != "" {
			kept = append(kept, strings.Clone(id))
		}
	}
	return kept
}

// ErrList is returned by FilterList for an answer that is no list.
var ErrList = errors.New("the answer is not a list of objects")

// FilterList returns a list answer ({"data":[…]}) with only those entries for
// which keep is true. first_id and last_id are set to what is left.
func FilterList(body []byte, keep func(id string) bool) ([]byte, error) {
	var l struct {
		Data []jsontext.Value `json:"data"`
		Rest jsontext.Value   `json:",embed"`
	}
	if err := json.Unmarshal(body, &l, lenient); err != nil || l.Data == nil {
		return nil, ErrList
	}
	out := []byte(`{"data":[`)
	first, last := "", ""
	for _, v := range l.Data {
		id := ""
		if v.Kind() == '{' {
			id = ID(v)
		}
		if id == "" || !keep(id) {
			continue
		}
		if first == "" {
			first = id
		} else {
			out = append(out, ',')
		}
		last = id
		out = append(out, v...)
	}
	out = append(out, ']')
	rest := map[string]jsontext.Value{}
	if len(l.Rest) > 0 {
		if err := json.Unmarshal(l.Rest, &rest, lenient); err != nil {
			return nil, ErrList
		}
	}
	for name, id := range map[string]string{"first_id": first, "last_id": last} {
		if _, given := rest[name]; given {
			rest[name] = jsontext.Value("null")
			if id != "" {
				rest[name], _ = jsontext.AppendQuote(nil, id)
			}
		}
	}
	for name, v := range rest {
		if name == "total" || name == "total_count" {
			continue // it would count what others have
		}
		out = append(out, ',')
		out, _ = jsontext.AppendQuote(out, name)
		out = append(append(out, ':'), v...)
	}
	return append(out, '}'), nil
}
