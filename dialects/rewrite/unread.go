package rewrite

import (
	"slices"
	"strings"
)

// Parts of an answer in which no filter can look: pictures, and files, sound included,
// inline or by address or id.
const (
	PartImage = "image"
	PartFile  = "file"
)

// Unread returns which of them the answer had so far, in the order in which they came.
func (r *Rewriter) Unread() []string { return r.unread }

func (r *Rewriter) note(part string) {
	if part != "" && !slices.Contains(r.unread, part) {
		r.unread = append(r.unread, part)
	}
}

// glance is what must be known of an object to tell whether it is such a part.
type glance struct {
	name      string // of the member that holds it
	typ, mime string
	has       uint8 // which members with something in them it has
}

// The members that hold data, or say where it is.
const (
	hasData uint8 = 1 << iota // bytes
	hasRef                    // an address or an id
	hasImage
	hasImages
	hasResult
	hasDelta
)

// see notes a member. filled says that it is neither empty nor null.
func (g *glance) see(member, text string, filled bool) {
	switch {
	case !filled:
	case member == "type":
		g.typ = text
	case member == "mimeType" || member == "mime_type" || member == "media_type":
		g.mime = text
	case member == "data" || member == "source" || member == "file_data":
		g.has |= hasData
	case member == "file_id" || member == "fileUri" || member == "file_uri" || member == "file_url" || member == "url" || member == "image_url" || member == "file":
		g.has |= hasRef
	case member == "b64_json" || member == "partial_image_b64":
		g.has |= hasImage
	case member == "images" || member == "image":
		g.has |= hasImages
	case member == "result":
		g.has |= hasResult
	case member == "delta":
		g.has |= hasDelta
	}
}

// part is the part that the object is, "" for none.
func (g *glance) part() string {
	content := g.has&(hasData|hasRef) != 0
	switch {
	case g.has == 0:
	case g.has&(hasImage|hasImages) != 0, g.typ == "image_generation_call" && g.has&hasResult != 0:
		return PartImage
	case strings.HasSuffix(g.typ, "audio.delta") && g.has&hasDelta != 0:
		return PartFile
	case !content:
	case g.name == "inlineData" || g.name == "inline_data" || g.name == "fileData" || g.name == "file_data":
		if strings.HasPrefix(g.mime, "image/") {
			return PartImage
		}
		return PartFile
	case g.name == "audio" && g.has&hasData != 0:
		return PartFile
	case images[g.typ]:
		return PartImage
	case files[g.typ]:
		return PartFile
	}
	return ""
}

// The types of contents that are none of text.
var (
	images = set("image", "image_url", "input_image", "output_image", "computer_screenshot")
	files  = set("document", "file", "input_file", "output_file", "audio", "input_audio", "output_audio", "container_upload", "code_execution_output", "bash_code_execution_output")
)
