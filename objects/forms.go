package objects

import (
	"bytes"
	"io"
	"mime/multipart"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// batchPurpose is what files are for that hold the requests of a batch.
const batchPurpose = "batch"

// maxBatchRefs bounds how many references the requests of one batch may have.
const maxBatchRefs = 100_000

// FormReferences lists the objects that a multipart form refers to: by fields of
// the names that References knows (file_id, file_ids[]…) and, if the form says
// that its file is for a batch, by the requests in it, one a line. It reports
// false for what is no such form, or has too many references.
func FormReferences(boundary string, body []byte) (refs []Ref, ok bool) {
	if boundary == "" {
		return nil, false
	}
	var files [][]byte
	batch := false
	for r := multipart.NewReader(bytes.NewReader(body), boundary); ; {
		p, err := r.NextRawPart()
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, false
		}
		value, err := io.ReadAll(p)
		name := p.FormName()
		switch strings.ToLower(p.Header.Get("Content-Transfer-Encoding")) {
		case "", "7bit", "8bit", "binary":
		default: // two readers could see two values
			return nil, false
		}
		if err != nil || name == "" || len(refs) > maxRefs {
			return nil, false
		}
		if p.FileName() != "" || name == "file" || name == "data" {
			files = append(files, value)
		}
		for part := range strings.FieldsFuncSeq(name, func(r rune) bool { return r == '[' || r == ']' || r == '.' }) {
			if idMembers[part] {
				refs = append(refs, Ref{part, string(value)})
			}
		}
		batch = batch || name == "purpose" && strings.TrimSpace(string(value)) == batchPurpose
	}
	if !batch {
		return refs, len(refs) <= maxRefs
	}
	for _, f := range files {
		for line := range bytes.Lines(f) {
			if len(bytes.TrimSpace(line)) == 0 {
				continue
			}
			more, ok := References(line)
			if refs = append(refs, more...); !ok || len(refs) > maxBatchRefs {
				return nil, false
			}
		}
	}
	return refs, true
}

// ForBatch reports whether a JSON body says that what it announces is for a
// batch: of the requests in it nothing could be seen.
func ForBatch(body []byte) bool {
	d := jsontext.NewDecoder(bytes.NewBuffer(body), jsontext.AllowInvalidUTF8(true), jsontext.AllowDuplicateNames(true))
	if t, err := d.ReadToken(); err != nil || t.Kind() != '{' {
		return false
	}
	for d.PeekKind() == '"' {
		name, err := d.ReadToken()
		if err != nil {
			return false
		}
		if name.String() == "purpose" && d.PeekKind() == '"' {
			if v, err := d.ReadToken(); err == nil && strings.TrimSpace(v.String()) == batchPurpose {
				return true
			}
			continue
		}
		if d.SkipValue() != nil {
			return false
		}
	}
	return false
}
