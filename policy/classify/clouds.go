package classify

import (
	"strings"

	"github.com/go-json-experiment/json"
)

// azure_shield: Azure AI Content Safety, POST /contentsafety/text:shieldPrompt. The
// user's words and what tools returned are judged by different standards there.
func writeShield(_ *Config, q Question) ([]byte, error) {
	user, documents := shielded(q.Texts)
	return json.Marshal(struct {
		User      string   `json:"userPrompt"`
		Documents []string `json:"documents"`
	}{user, documents})
}

// shielded sorts the texts: all documents are sent as one, since the service takes a
// few only.
func shielded(texts []Text) (user string, documents []string) {
	var of [2][]Text
	for _, t := range texts {
		i := 0
		if t.Document {
			i = 1
		}
		of[i] = append(of[i], t)
	}
	if len(of[1]) > 0 {
		documents = []string{joined(of[1])}
	}
	if len(of[0]) > 0 {
		user = joined(of[0])
	}
	return user, documents
}

func readShield(_ *Config, texts []Text, answer []byte) (v Verdict, err error) {
	type analysis struct {
		Detected *bool `json:"attackDetected"`
	}
	var a struct {
		User      *analysis  `json:"userPromptAnalysis"`
		Documents []analysis `json:"documentsAnalysis"`
	}
	if err = unmarshal(answer, &a); err != nil {
		return v, err
	}
	user, documents := shielded(texts)
	if user != "" && (a.User == nil || a.User.Detected == nil) || len(a.Documents) != len(documents) {
		return v, errNonsense
	}
	if a.User != nil && a.User.Detected != nil && *a.User.Detected {
		v.Categories = append(v.Categories, "user_prompt")
	}
	for _, d := range a.Documents {
		if d.Detected == nil {
			return v, errNonsense
		}
		if *d.Detected {
			v.Categories = append(v.Categories, "document")
		}
	}
	if len(v.Categories) > 0 {
		v.Flagged, v.Score = true, 1
	}
	return v, nil
}

// bedrock: Amazon Bedrock guardrails, POST /guardrail/{id}/version/{version}/apply,
// with a Bedrock API key.
func writeGuardrail(_ *Config, q Question) ([]byte, error) {
	type text struct {
		Text string `json:"text"`
	}
	type content struct {
		Text text `json:"text"`
	}
	source := "INPUT"
	if q.Answer {
		source = "OUTPUT" // guardrails have strengths of their own for answers
	}
	all := make([]content, len(q.Texts))
	for i := range q.Texts {
		all[i].Text.Text = q.Texts[i].Text
	}
	return json.Marshal(struct {
		Source  string    `json:"source"`
		Content []content `json:"content"`
	}{source, all})
}

// confidence turns the service's words into scores.
var confidence = map[string]float64{"NONE": 0, "LOW": 0.25, "MEDIUM": 0.5, "HIGH": 1}

func readGuardrail(_ *Config, _ []Text, answer []byte) (v Verdict, err error) {
	type found struct {
		Name       string `json:"name"`
		Type       string `json:"type"`
		Confidence string `json:"confidence"`
	}
	var a struct {
		Action   string `json:"action"`
		Coverage struct {
			Characters struct {
				Guarded int64 `json:"guarded"`
				Total   int64 `json:"total"`
			} `json:"textCharacters"`
		} `json:"guardrailCoverage"`
		Assessments []struct {
			Topic struct {
				Topics []found `json:"topics"`
			} `json:"topicPolicy"`
			Content struct {
				Filters []found `json:"filters"`
			} `json:"contentPolicy"`
			Word struct {
				Custom  []found `json:"customWords"`
				Managed []found `json:"managedWordLists"`
			} `json:"wordPolicy"`
			Sensitive struct {
				Entities []found `json:"piiEntities"`
				Regexes  []found `json:"regexes"`
			} `json:"sensitiveInformationPolicy"`
		} `json:"assessments"`
	}
	if err = unmarshal(answer, &a); err != nil {
		return v, err
	}
	switch a.Action {
	case "NONE":
	case "GUARDRAIL_INTERVENED":
		v.Flagged, v.Score = true, 1
	default:
		return v, errNonsense
	}
	if n := a.Coverage.Characters; !v.Flagged && n.Guarded < n.Total {
		return v, errNonsense // it has not looked at all
	}
	v.Scores = map[string]float64{}
	for _, s := range a.Assessments {
		for _, f := range s.Content.Filters {
			name := strings.ToLower(f.Type)
			v.Categories = append(v.Categories, name)
			v.Scores[name] = max(v.Scores[name], confidence[f.Confidence])
		}
		for _, t := range s.Topic.Topics {
			v.Categories = append(v.Categories, t.Name)
		}
		for _, e := range s.Sensitive.Entities {
			v.Categories = append(v.Categories, e.Type)
		}
		for _, e := range s.Sensitive.Regexes {
			v.Categories = append(v.Categories, e.Name)
		}
		if len(s.Word.Custom)+len(s.Word.Managed) > 0 {
			v.Categories = append(v.Categories, "word")
		}
	}
	return v, nil
}
