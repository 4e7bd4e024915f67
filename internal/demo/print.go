package demo

import "fmt"

// Terminal colours, as ANSI codes.
const (
	bold  = "\x1b[1m"
	dim   = "\x1b[2m"
	red   = "\x1b[31m"
	green = "\x1b[32m"
	cyan  = "\x1b[36m"
	reset = "\x1b[0m"
)

// paint colours a text on a terminal.
func (t *Tour) paint(colour, s string) string {
	if !t.Colour {
		return s
	}
	return colour + s + reset
}

// Banner says what this is, before the first step.
func (t *Tour) Banner(dataDir string) {
	fmt.Fprintln(t.Out, t.paint(bold, "caddy llm demo")+" — a governed LLM site on this machine only, at "+t.URL)
	fmt.Fprintln(t.Out, t.paint(bold, "SIMULATED:")+" answers come from a built-in simulated provider; no account, no key, no network.")
	fmt.Fprintln(t.Out, t.paint(dim, "data directory: "+dataDir))
}

func (t *Tour) heading(title, say string) {
	t.step++
	fmt.Fprintf(t.Out, "\n%s %s\n", t.paint(bold+cyan, fmt.Sprintf("%d. %s", t.step, title)), t.paint(dim, "— "+say))
}

func (t *Tour) label(name string) {
	fmt.Fprintf(t.Out, "   %s ", t.paint(dim, fmt.Sprintf("%-9s", name)))
}

func (t *Tour) line(name, text string) {
	t.label(name)
	fmt.Fprintln(t.Out, text)
}

func (t *Tour) wrong(text string) {
	t.failed++
	t.line("WRONG", t.paint(red, text))
}
