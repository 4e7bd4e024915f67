package classify

import "context"

// Verdict is what a classifier says of some texts.
type Verdict struct {
	// Flagged is the classifier's own yes or no.
	Flagged bool `json:"flagged"`
	// Score is how sure it is, from 0 to 1; 1 or 0 where it gives none.
	Score float64 `json:"score"`
	// Categories are the names of what it found, in lower case, sorted.
	Categories []string `json:"categories"`
	// Scores are the scores of its categories, found or not, where it tells them.
	Scores map[string]float64 `json:"scores"`
}

// Text is one text to judge.
type Text struct {
	Text string
	// Document is true for what is not the user's own words: the results of tools.
	Document bool
}

// Question is what a classifier is asked.
type Question struct {
	// Name is the classifier's.
	Name string
	// Tenant is whose texts they are. Answers are remembered for each tenant by
	// itself, so that nobody can find out what others have asked.
	Tenant string
	// Answer is true for texts of an answer, false for those of a request.
	Answer bool
	// Texts are in the order of the prompt, none of them empty.
	Texts []Text
}

// Asker asks classifiers. A Registry is one; tests and the tools for authors of
// policies bring their own.
type Asker interface {
	// Ask returns what the classifier says of the texts, or why it says nothing. It
	// returns when ctx ends at the latest. Errors hold no text and no secret.
	Ask(ctx context.Context, q Question) (Verdict, error)
}

// Source is the classifiers of a configuration.
type Source interface {
	Asker
	// Names are the names that Ask knows, sorted.
	Names() []string
}
