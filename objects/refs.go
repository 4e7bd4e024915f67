package objects

import (
	"bytes"
	"io"
	"net/url"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// Ref is an object that a request refers to.
type Ref struct {
	// Member is the name of the member that holds the id.
	Member string
	ID     string
}

// Response reports whether the object is one that the Responses API makes by
// itself, without an endpoint for objects: a response or an item of one.
func (r *Ref) Response() bool {
	return r.Member == "previous_response_id" || r.Member == "item_reference"
}

// maxRefs bounds how many references one request may have.
const maxRefs = 1000

// idMembers hold an id, or an array of ids, wherever they stand.
var idMembers = map[string]bool{
	"previous_response_id": true, "conversation": true, "conversation_id": true, "file_id": true, "file_ids": true, "vector_store_ids": true, "vector_store_id": true,
	"container": true, "container_id": true, "input_file_id": true, "training_file": true, "validation_file": true, "batch_id": true, "upload_id": true, "assistant_id": true, "thread_id": true,
	"cachedContent": true, "cached_content": true, "fileUri": true, "file_uri": true, "fileSearchStoreNames": true, "file_search_store_names": true,
}

// References lists the objects that a JSON body refers to: by members such as
// previous_response_id, file_id or vector_store_ids at any depth, items of the
// type item_reference, pictures that an item names without holding them, and
// sources of the type file_id. Tool arguments and results are text, not JSON, and are
// not looked into; schemas of tools (parameters, input_schema) are not either.
// Prompts that an operator has stored at the provider are everybody's. It reports false for a body that is not JSON or has more than 1,000 references.
func References(body []byte) (refs []Ref, ok bool) {
	d := jsontext.NewDecoder(bytes.NewBuffer(body), jsontext.AllowInvalidUTF8(true), jsontext.AllowDuplicateNames(true))
	s := scan{d: d}
	if err := s.value(""); err != nil {
		return nil, false
	}
	if _, err := d.ReadToken(); err != io.EOF {
		return nil, false
	}
	return s.refs, len(s.refs) <= maxRefs
}

type scan struct {
	d    *jsontext.Decoder
	refs []Ref
}

func (s *scan) add(member, id string) {
	if id != "" && len(s.refs) <= maxRefs {
		s.refs = append(s.refs, Ref{member, strings.Clone(id)})
	}
}

// value reads the next value, of the member name.
func (s *scan) value(name string) error {
	d := s.d
	switch d.PeekKind() {
	case '{':
		return s.object(name)
	case '[':
		if _, err := d.ReadToken(); err != nil {
			return err
		}
		for d.PeekKind() != ']' {
			if err := s.value(name); err != nil {
				return err
			}
		}
		_, err := d.ReadToken()
		return err
	case '"':
		t, err := d.ReadToken()
		if err == nil && idMembers[name] {
			id := t.String()
			if strings.EqualFold(strings.ReplaceAll(name, "_", ""), "fileuri") {
				id = geminiFile(id)
			}
			s.add(name, id)
		}
		return err
	}
	return d.SkipValue()
}

// geminiFile is the name of the file behind an address if Gemini keeps it, ""
// for what is anybody's.
func geminiFile(uri string) string {
	if plain, err := url.PathUnescape(uri); err == nil {
		uri = plain
	}
	if _, file, of := strings.Cut("/"+uri, "/files/"); of {
		return "files/" + file
	}
	if strings.Contains(strings.ToLower(uri), "generativelanguage.") {
		return uri // whatever it is
	}
	return ""
}

func (s *scan) object(name string) error {
	d := s.d
	if _, err := d.ReadToken(); err != nil {
		return err
	}
	typ, id := "", ""
	members, held := 0, false
	for d.PeekKind() != '}' {
		t, err := d.ReadToken()
		if err != nil {
			return err
		}
		member := t.String()
		members++
		if d.PeekKind() == '"' && (member == "type" || member == "id") {
			v, err := d.ReadToken()
			if err != nil {
				return err
			}
			if member == "type" {
				typ = v.String()
			} else {
				id = v.String()
			}
			continue
		}
		if member == "result" && d.PeekKind() == '"' {
			v, err := d.ReadToken()
			if err != nil {
				return err
			}
			held = v.String() != ""
			continue
		}
		switch member {
		case "parameters", "input_schema", "schema", "metadata", "client_metadata", "arguments", "input_json", "response_format",
			"args", "parametersJsonSchema", "parameters_json_schema", "responseSchema", "response_schema", "responseJsonSchema", "response_json_schema":
			err = d.SkipValue() // names in there are somebody's own; Codex has a thread_id among them
		case "input":
			// An object is the arguments of a tool call (Anthropic); at the top
			// it is the conversation, a list or a string.
			if d.PeekKind() == '{' {
				err = d.SkipValue()
			} else {
				err = s.value("input")
			}
		default:
			err = s.value(member)
		}
		if err != nil {
			return err
		}
	}
	switch {
	case id == "":
	case typ == "item_reference", typ == "" && members == 1 && (name == "input" || name == "items"),
		typ == "image_generation_call" && !held:
		// The type of a reference may be left out.
		s.add("item_reference", id)
	case typ == "file_id": // of an evaluation
		s.add("file_id", id)
	case name == "conversation", name == "container":
		s.add(name, id)
	}
	_, err := d.ReadToken()
	return err
}
