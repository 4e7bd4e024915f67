package classify

import (
	"context"
	"errors"
)

// Verdict is what a classifier says of some texts.
type Verdict struct {
	// Flagged is the classifier's own yes or no.
	Flagged bool
	// Score is how sure it is, from 0 to 1; 1 or 0 where it gives none.
	Score float64
	// Categories are the names of what it found, in lower case, sorted.
	Categories []string
	// Scores are the scores of its categories, found or not, where it tells them.
	Scores map[string]float64
}

// Asker asks classifiers by name. A Registry is one; tests and the tools for
// authors of policies bring their own.
type Asker interface {
	// Ask returns what the classifier says of the texts. It returns when ctx ends
	// at the latest.
	Ask(ctx context.Context, name string, texts []string) (Verdict, error)
}

// ErrUnknown is what Ask returns for a name that nobody has configured.
var ErrUnknown = errors.New("no classifier of that name")
