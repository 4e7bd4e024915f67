package strictjson

import "strconv"

// MaxDepth is how deep arrays and objects may be nested.
const MaxDepth = 256

// LenientDepth is MaxDepth for what is read with ResetLenient.
const LenientDepth = 10_000

// Reason says why a text was refused.
type Reason uint8

// The reasons.
const (
	Syntax      Reason = iota + 1 // not JSON: an unexpected byte
	Truncated                     // the text ends too early; also empty input
	Trailing                      // more follows after the document
	BOM                           // a byte order mark at the start
	Depth                         // nested deeper than MaxDepth
	Duplicate                     // a member name occurs twice in one object
	CaseVariant                   // a name differs from another, or from a governed one, only in letter case
	BadName                       // a name holds NUL or a lone surrogate
	BadUTF8                       // a string is not valid UTF-8
	ControlByte                   // a raw control byte in a string
	BadEscape                     // an escape that JSON does not know
	BadNumber                     // a number that JSON does not know
	TooLarge                      // the text is 2 GiB or longer
	Stopped                       // the caller called Stop
)

var reasonText = [...]string{
	"", "unexpected byte", "the text ends too early", "more follows after the document", "a byte order mark",
	"nested too deep", "duplicate member name", "member name differs from another only in letter case",
	"NUL or lone surrogate in a member name", "invalid UTF-8", "raw control byte in a string", "invalid escape",
	"invalid number", "too large", "stopped",
}

// String describes the reason in a few words.
func (r Reason) String() string { return reasonText[r] }

// Error is why and where a text was refused.
type Error struct {
	Reason Reason
	Offset int // in bytes, of the offending byte, name or value
	// Name is the member name in question, at most 64 bytes of it; empty for
	// reasons that are not about a name.
	Name string
}

// Error describes the refusal, with its place.
func (e *Error) Error() string {
	s := e.Reason.String()
	if e.Name != "" {
		s += " " + strconv.Quote(e.Name)
	}
	return s + " at byte " + strconv.Itoa(e.Offset)
}
