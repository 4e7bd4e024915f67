package strictjson

import (
	"math"
	"unsafe"
)

// Kind is the kind of a value, told by its first byte.
type Kind byte

// The kinds.
const (
	Invalid Kind = 0
	Object  Kind = '{'
	Array   Kind = '['
	String  Kind = '"'
	Number  Kind = '0'
	True    Kind = 't'
	False   Kind = 'f'
	Null    Kind = 'n'
)

// String names the kind with its article, for error messages.
func (k Kind) String() string {
	switch k {
	case Object:
		return "an object"
	case Array:
		return "an array"
	case String:
		return "a string"
	case Number:
		return "a number"
	case True, False:
		return "a boolean"
	case Null:
		return "null"
	}
	return "no value"
}

// kinds maps the first byte of a value to its kind.
var kinds = [256]Kind{
	'{': Object, '[': Array, '"': String, 't': True, 'f': False, 'n': Null, '-': Number,
	'0': Number, '1': Number, '2': Number, '3': Number, '4': Number, '5': Number, '6': Number, '7': Number, '8': Number, '9': Number,
}

// Scanner reads one document. The zero value is ready for Reset; a Scanner may
// be reused and is not safe for concurrent use.
//
// Errors stick: after the first one every method does nothing, loops over
// members and elements end, and Err tells it. So callers check once, at the end.
type Scanner struct {
	data  []byte
	pos   int
	depth int
	err   *Error
	// lenient takes repeated and odd names and invalid UTF-8 as they are.
	lenient bool
	// names of all objects that are open, outermost first; decoded holds those
	// that had to be copied.
	names   []nameRef
	decoded [][]byte
	fold    []byte
}

// Reset starts over with a new text, which must not be modified while it, or
// strings taken from it, are in use.
func (s *Scanner) Reset(data []byte) {
	if cap(s.names) > 4096 || cap(s.decoded) > 64 { // a giant came by: do not keep its memory
		s.names, s.decoded = nil, nil
	}
	clear(s.decoded)
	*s = Scanner{data: data, names: s.names[:0], decoded: s.decoded[:0], fold: s.fold[:0]}
	switch {
	case len(data) > math.MaxInt32:
		s.fail(TooLarge, 0)
	case len(data) >= 3 && data[0] == 0xEF && data[1] == 0xBB && data[2] == 0xBF:
		s.fail(BOM, 0)
	}
}

// ResetLenient starts over with a text that is read as its author's own tools read
// it, not judged: repeated names, names of any kind, invalid UTF-8 (Text returns it
// as it stands) and nesting up to LenientDepth are no errors. Governed names mean
// nothing then.
func (s *Scanner) ResetLenient(data []byte) {
	s.Reset(data)
	s.lenient = true
}

// Err returns the first error, nil if there was none.
func (s *Scanner) Err() error {
	if s.err == nil {
		return nil
	}
	return s.err
}

func (s *Scanner) fail(r Reason, at int) {
	if s.err == nil {
		s.err = &Error{Reason: r, Offset: at}
	}
}

// bad reports an unexpected byte, or the end, at offset i.
func (s *Scanner) bad(i int) {
	if i >= len(s.data) {
		s.fail(Truncated, len(s.data))
	} else {
		s.fail(Syntax, i)
	}
}

// space moves pos to the next byte that is not white space and returns it, 0 at
// the end.
func (s *Scanner) space() byte {
	for ; s.pos < len(s.data); s.pos++ {
		if c := s.data[s.pos]; c > ' ' || (c != ' ' && c != '\n' && c != '\t' && c != '\r') {
			return c
		}
	}
	return 0
}

// Kind returns the kind of the next value without reading it; Invalid after an
// error, or when no value begins here (which is then the error).
func (s *Scanner) Kind() Kind {
	if s.err != nil {
		return Invalid
	}
	k := kinds[s.space()]
	if k == Invalid {
		s.bad(s.pos)
	}
	return k
}

// Pos returns the offset of the next byte to be read; after Kind it is where
// the next value starts, after a value was read where it ended.
func (s *Scanner) Pos() int { return s.pos }

// Seek moves to the start of a value that was read before, to read it again.
// What was open must be left as it was found: the caller reads exactly that
// value and seeks back to where it stood.
func (s *Scanner) Seek(pos int) { s.pos = pos }

// Stop makes all loops end, as an error does: for a caller that has found an
// error of its own.
func (s *Scanner) Stop() { s.fail(Stopped, s.pos) }

// Data returns the text.
func (s *Scanner) Data() []byte { return s.data }

// End checks that nothing but white space follows the document and returns the
// first error of the whole reading.
func (s *Scanner) End() error {
	if s.err == nil {
		s.space()
		if s.pos < len(s.data) {
			s.fail(Trailing, s.pos)
		}
	}
	return s.Err()
}

// List is the state of an array being read.
type List struct {
	at   int // where the last element began; -1 before the first
	open bool
}

// Open begins reading an array, which Kind has announced.
func (s *Scanner) Open() List {
	l := List{at: -1}
	if s.Kind() != Array {
		s.bad(s.pos)
		return l
	}
	l.open = s.enter()
	return l
}

func (s *Scanner) enter() bool {
	if s.depth >= MaxDepth && (!s.lenient || s.depth >= LenientDepth) {
		s.fail(Depth, s.pos)
		return false
	}
	s.depth++
	s.pos++
	return true
}

// Element moves to the next element; false at the end or after an error. An
// element that the caller does not read is skipped.
func (s *Scanner) Element(l *List) bool {
	if l.at >= 0 && s.pos == l.at {
		s.Skip()
	}
	if s.err != nil || !l.open {
		return false
	}
	c := s.space()
	switch {
	case c == ']':
		s.pos++
		s.depth--
		l.open = false
		return false
	case l.at >= 0:
		if c != ',' {
			s.bad(s.pos)
			return false
		}
		s.pos++
		c = s.space()
	}
	if kinds[c] == Invalid { // also ']' after a comma
		s.bad(s.pos)
		return false
	}
	l.at = s.pos
	return true
}

// Skip reads the next value, whatever it is, and returns its span. Objects in it
// are checked for exact duplicates.
func (s *Scanner) Skip() (start, end int) {
	k := s.Kind()
	start = s.pos
	switch k {
	case String:
		s.Str()
	case Number:
		s.number()
	case True:
		s.literal("true")
	case False:
		s.literal("false")
	case Null:
		s.literal("null")
	case Array:
		for l := s.Open(); s.Element(&l); {
			s.Skip()
		}
	case Object:
		for o := s.Enter(nil); s.Member(&o); {
			s.Skip()
		}
	}
	return start, s.pos
}

func (s *Scanner) literal(lit string) {
	for i := range len(lit) {
		if s.pos+i >= len(s.data) || s.data[s.pos+i] != lit[i] {
			s.bad(s.pos + i)
			return
		}
	}
	s.pos += len(lit)
}

// number reads a number and reports whether it is a plain integer: no fraction
// and no exponent.
func (s *Scanner) number() (integer bool) {
	b, i := s.data, s.pos
	at := func() byte {
		if i < len(b) {
			return b[i]
		}
		return 0
	}
	digits := func() bool {
		from := i
		for i < len(b) && b[i]-'0' <= 9 {
			i++
		}
		return i > from
	}
	integer = true
	if at() == '-' {
		i++
	}
	ok := true
	if at() == '0' {
		i++
	} else {
		ok = digits()
	}
	if ok && at() == '.' {
		i++
		ok, integer = digits(), false
	}
	if c := at(); ok && (c == 'e' || c == 'E') {
		i++
		if c := at(); c == '+' || c == '-' {
			i++
		}
		ok, integer = digits(), false
	}
	// What follows must end the number: 01, 1x and 1.2.3 are told as bad
	// numbers, not as an odd byte after a good one.
	if c := at(); !ok || c > '9' && c != ']' && c != '}' || c-'0' <= 9 || c == '.' || c == '-' || c == '+' {
		if i >= len(b) {
			s.fail(Truncated, i)
		} else {
			s.fail(BadNumber, s.pos)
		}
		return false
	}
	s.pos = i
	return integer
}

// Int reads a number. It reports false, without an error, when the number is
// not a plain integer (no fraction, no exponent, no minus zero) that fits.
func (s *Scanner) Int() (n int64, ok bool) {
	if s.Kind() != Number {
		s.bad(s.pos)
		return 0, false
	}
	start := s.pos
	if !s.number() || s.err != nil {
		return 0, false
	}
	d := s.data[start:s.pos]
	neg := d[0] == '-'
	if neg {
		d = d[1:]
	}
	if len(d) > 18 { // at most 10^18-1: fits, and larger is of no use to anyone
		return 0, false
	}
	for _, c := range d {
		n = n*10 + int64(c-'0')
	}
	if neg {
		if n == 0 {
			return 0, false
		}
		n = -n
	}
	return n, true
}

// Bool reads true or false, which Kind has announced.
func (s *Scanner) Bool() bool {
	switch s.Kind() {
	case True:
		s.literal("true")
		return true
	case False:
		s.literal("false")
	default:
		s.bad(s.pos)
	}
	return false
}

func alias(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }
