package classify

import (
	"errors"
	"strings"

	"github.com/go-json-experiment/json"
)

// protocol is how a kind of classifier is asked.
type protocol struct {
	write func(c *Config, q Question) ([]byte, error)
	// read reads an answer with status 200. It refuses what does not say clearly
	// whether the texts are flagged.
	read func(c *Config, texts []Text, answer []byte) (Verdict, error)
	// keyHeader is the header that carries the key, "" for Authorization: Bearer.
	keyHeader string
	// scores is true when answers hold scores that a threshold can be held against.
	scores                 bool
	takesModel, needsModel bool
}

var errNonsense = errors.New("its answer is not one of this protocol")

// protocols by name. The forms are those of the services' own references.
var protocols = map[string]protocol{
	"generic":           {write: writeGeneric, read: readGeneric, scores: true},
	"openai_moderation": {write: writeModeration, read: readModeration, scores: true, takesModel: true},
	"llama_guard":       {write: writeGuard, read: readGuard, takesModel: true, needsModel: true},
	"presidio":          {write: writePresidio, read: readPresidio, scores: true},
	"azure_shield":      {write: writeShield, read: readShield, keyHeader: "Ocp-Apim-Subscription-Key"},
	"bedrock":           {write: writeGuardrail, read: readGuardrail},
}

// joined is all texts as one.
func joined(texts []Text) string {
	if len(texts) == 1 {
		return texts[0].Text
	}
	var b strings.Builder
	for i := range texts {
		if i > 0 {
			b.WriteString("\n\n")
		}
		b.WriteString(texts[i].Text)
	}
	return b.String()
}

func each(texts []Text) []string {
	out := make([]string, len(texts))
	for i := range texts {
		out[i] = texts[i].Text
	}
	return out
}

// unmarshal reads an answer. Duplicate names and invalid UTF-8 are refused: an answer
// that can be read in two ways says nothing.
func unmarshal(answer []byte, into any) error {
	if json.Unmarshal(answer, into) != nil {
		return errNonsense // the error of the package quotes the answer
	}
	return nil
}

// generic is our own, for services that somebody writes for the gateway:
//
//	{"texts": ["…", …]} → {"flagged": true, "score": 0.93, "categories": ["…"], "scores": {"…": 0.93}}
//
// Only flagged must be there.
func writeGeneric(_ *Config, q Question) ([]byte, error) {
	return json.Marshal(struct {
		Texts []string `json:"texts"`
	}{each(q.Texts)})
}

func readGeneric(_ *Config, _ []Text, answer []byte) (v Verdict, err error) {
	var a struct {
		Flagged    *bool              `json:"flagged"`
		Score      *float64           `json:"score"`
		Categories []string           `json:"categories"`
		Scores     map[string]float64 `json:"scores"`
	}
	if err = unmarshal(answer, &a); err != nil {
		return v, err
	}
	if a.Flagged == nil {
		return v, errNonsense
	}
	v = Verdict{Flagged: *a.Flagged, Categories: a.Categories, Scores: a.Scores}
	switch {
	case a.Score != nil:
		v.Score = *a.Score
	case len(a.Scores) > 0:
		for _, s := range a.Scores {
			v.Score = max(v.Score, s)
		}
	case v.Flagged:
		v.Score = 1
	}
	return v, nil
}

// openai_moderation: POST /v1/moderations.
func writeModeration(c *Config, q Question) ([]byte, error) {
	return json.Marshal(struct {
		Model string   `json:"model,omitempty"`
		Input []string `json:"input"`
	}{c.Model, each(q.Texts)})
}

func readModeration(_ *Config, texts []Text, answer []byte) (v Verdict, err error) {
	var a struct {
		Results []struct {
			Flagged    *bool              `json:"flagged"`
			Categories map[string]*bool   `json:"categories"`
			Scores     map[string]float64 `json:"category_scores"`
		} `json:"results"`
	}
	if err = unmarshal(answer, &a); err != nil {
		return v, err
	}
	if len(a.Results) != len(texts) { // a text without a result has not been looked at
		return v, errNonsense
	}
	v.Scores = map[string]float64{}
	for _, r := range a.Results {
		if r.Flagged == nil {
			return v, errNonsense
		}
		v.Flagged = v.Flagged || *r.Flagged
		for name, is := range r.Categories {
			if is != nil && *is {
				v.Categories = append(v.Categories, name)
			}
		}
		for name, s := range r.Scores {
			v.Scores[name] = max(v.Scores[name], s)
			v.Score = max(v.Score, s)
		}
	}
	return v, nil
}

// unmarked takes the meaning out of what frames a conversation for guard models: many
// servers read it in a text as they read their own, so that a text could end the prompt
// and give the verdict itself. A space does.
var unmarked = strings.NewReplacer("<|", "< |", "|>", "| >", "[INST]", "[ INST]", "[/INST]", "[ /INST]", "<<SYS>>", "< <SYS>>", "<</SYS>>", "< </SYS>>", "<s>", "< s>", "</s>", "< /s>",
	"<bos>", "< bos>", "<eos>", "< eos>", "<start_of_turn>", "< start_of_turn>", "<end_of_turn>", "< end_of_turn>",
	"<BEGIN ", "< BEGIN ", "<END ", "< END ")

// llama_guard: a guard model behind POST /v1/chat/completions, which says `safe`, or
// `unsafe` and the categories on the next line.
func writeGuard(c *Config, q Question) ([]byte, error) {
	type message struct {
		Role    string `json:"role"`
		Content string `json:"content"`
	}
	return json.Marshal(struct {
		Model       string    `json:"model"`
		Messages    []message `json:"messages"`
		MaxTokens   int       `json:"max_tokens"`
		Temperature int       `json:"temperature"`
	}{c.Model, []message{{"user", unmarked.Replace(joined(q.Texts))}}, 64, 0})
}

func readGuard(_ *Config, _ []Text, answer []byte) (v Verdict, err error) {
	var a struct {
		Choices []struct {
			Message struct {
				Content string `json:"content"`
			} `json:"message"`
		} `json:"choices"`
	}
	if err = unmarshal(answer, &a); err != nil {
		return v, err
	}
	if len(a.Choices) != 1 {
		return v, errNonsense
	}
	first, rest, _ := strings.Cut(strings.TrimSpace(a.Choices[0].Message.Content), "\n")
	switch strings.ToLower(strings.TrimSpace(first)) {
	case "safe":
		if strings.TrimSpace(rest) != "" {
			return v, errNonsense
		}
		return v, nil
	case "unsafe":
		v = Verdict{Flagged: true, Score: 1}
		for name := range strings.SplitSeq(strings.TrimSpace(rest), ",") {
			if name = strings.TrimSpace(name); name != "" {
				v.Categories = append(v.Categories, name)
			}
		}
		return v, nil
	}
	return v, errNonsense
}

// presidioThreshold is the score from which an entity counts if nothing is configured.
const presidioThreshold = 0.5

// presidio: POST /analyze.
func writePresidio(c *Config, q Question) ([]byte, error) {
	language := c.Language
	if language == "" {
		language = "en"
	}
	return json.Marshal(struct {
		Text     string `json:"text"`
		Language string `json:"language"`
	}{joined(q.Texts), language})
}

func readPresidio(c *Config, _ []Text, answer []byte) (v Verdict, err error) {
	var a []struct {
		Type  string   `json:"entity_type"`
		Score *float64 `json:"score"`
	}
	if err = unmarshal(answer, &a); err != nil {
		return v, err
	}
	if a == nil { // null
		return v, errNonsense
	}
	least := c.Threshold
	if least == 0 {
		least = presidioThreshold
	}
	v.Scores = map[string]float64{}
	for _, e := range a {
		if e.Type == "" || e.Score == nil {
			return v, errNonsense
		}
		name := strings.ToLower(e.Type)
		v.Scores[name] = max(v.Scores[name], *e.Score)
		v.Score = max(v.Score, *e.Score)
		if *e.Score >= least {
			v.Flagged = true
			v.Categories = append(v.Categories, name)
		}
	}
	return v, nil
}
