package gateway

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"golang.org/x/term"
)

// progress is a bar on a terminal, for work that takes long. On anything else it
// prints nothing.
type progress struct {
	out   io.Writer // nil: no terminal
	what  string
	start time.Time
	last  time.Time
}

// newProgress shows a bar on standard error if that is a terminal.
func newProgress(what string) *progress {
	p := &progress{what: what, start: time.Now()}
	if term.IsTerminal(int(os.Stderr.Fd())) {
		p.out = os.Stderr
	}
	return p
}

// progressAfter is how long work must take before a bar is worth a look, and
// progressEvery how often it moves.
const (
	progressAfter = 500 * time.Millisecond
	progressEvery = 100 * time.Millisecond
)

// at says how much of the work is done.
func (p *progress) at(done, of int64) {
	if p.out == nil {
		return
	}
	now := time.Now()
	if now.Sub(p.start) < progressAfter || now.Sub(p.last) < progressEvery {
		return
	}
	p.last = now
	const width = 30
	filled, percent := 0, int64(0)
	if of > 0 {
		done = min(done, of)
		filled, percent = int(done*width/of), done*100/of
	}
	rate := float64(done) / now.Sub(p.start).Seconds()
	fmt.Fprintf(p.out, "\r%s [%s%s] %3d %%  %d of %d, %.0f/s ", p.what, strings.Repeat("=", filled), strings.Repeat(" ", width-filled), percent, done, of, rate)
}

// end takes the bar away.
func (p *progress) end() {
	if p.out != nil && !p.last.IsZero() {
		fmt.Fprintf(p.out, "\r\x1b[K")
	}
}
