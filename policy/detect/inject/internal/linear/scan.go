package linear

import "math"

// MaxRead is how many bytes of one text are looked at. Of a longer text these
// are the first and last third of MaxRead and, spread evenly between them,
// pieces of pieceSize that make up the rest.
const MaxRead = 1 << 20

const pieceSize = 4 << 10

// A Scanner scores a text that comes in pieces. The zero Scanner is not
// ready; call Reset first. It is for one goroutine and never allocates.
type Scanner struct {
	m      *Model
	reader Reader
	slide  Slider
	units  int
	start  int // where the present block begins in the text
	pos    int
}

// Reset makes s ready for a new text judged by m.
func (s *Scanner) Reset(m *Model) {
	s.m = m
	s.reader.Reset(m.Starts)
	s.slide = Slider{}
	s.units, s.start, s.pos = 0, 0, 0
}

// Write takes the next piece of the text.
func (s *Scanner) Write(text string) {
	for len(text) > 0 {
		n, full := s.reader.Fill(text)
		text = text[n:]
		s.pos += n
		if full {
			s.block()
		}
	}
}

func (s *Scanner) block() {
	s.units += s.reader.units
	s.slide.Add(s.m, s.m.Sum(s.reader.Block()), s.start, s.pos)
	s.start = s.pos
	s.reader.Next()
}

// Found is what a scan found: the highest margin of a window, the log-odds
// that it stands for, and the bytes of that window.
type Found struct {
	Margin, Odds float64
	From, To     int
}

// Found returns the outcome for the text so far; more may be written after.
func (s *Scanner) Found() Found {
	t := *s
	if t.reader.End() {
		t.block()
	}
	var f Found
	f.Margin, f.From, f.To = t.slide.Best(t.m, t.pos)
	f.Odds = t.m.Odds(f.Margin, t.units)
	return f
}

// Scan scores text, or of a text longer than MaxRead the parts that MaxRead
// tells of.
func (s *Scanner) Scan(m *Model, text string) Found {
	s.Reset(m)
	if len(text) <= MaxRead {
		s.Write(text)
		return s.Found()
	}
	const third = MaxRead / 3
	s.Write(text[:third])
	pieces := third / pieceSize
	middle := len(text) - 2*third - pieceSize
	for i := range pieces {
		s.jump(third + int(int64(middle)*int64(i)/int64(pieces-1)))
		s.Write(text[s.pos : s.pos+pieceSize])
	}
	s.jump(len(text) - third)
	s.Write(text[s.pos:])
	return s.Found()
}

// jump goes on at another place of the text.
func (s *Scanner) jump(pos int) {
	s.Write(" ")
	s.pos = pos
}

// Probability turns log-odds into a number from 0 to 1.
func Probability(odds float64) float64 { return 1 / (1 + math.Exp(-odds)) }

// Units returns how long the text so far is, in units.
func (s *Scanner) Units() int { return s.units + s.reader.units }
