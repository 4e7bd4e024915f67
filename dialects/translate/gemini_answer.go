package translate

import (
	"fmt"
	"hash/fnv"
	"strconv"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

// geminiBody is a whole answer, or a chunk of a stream.
type geminiBody struct {
	Candidates []geminiCandidate `json:"candidates"`
	Feedback   struct {
		Reason string `json:"blockReason"`
	} `json:"promptFeedback"`
	Model   string `json:"modelVersion"`
	ID      string `json:"responseId"`
	Created string `json:"createTime"`
	Usage   struct {
		Prompt jsontext.Value `json:"promptTokenCount"`
	} `json:"usageMetadata"`
	Error jsontext.Value `json:"error"`
}

type geminiCandidate struct {
	Index   int64 `json:"index"`
	Content struct {
		Parts []geminiPart `json:"parts"`
	} `json:"content"`
	Finish   string         `json:"finishReason"`
	Logprobs geminiLogprobs `json:"logprobsResult"`
}

type geminiPart struct {
	Text      string `json:"text"`
	Thought   bool   `json:"thought"`
	Signature string `json:"thoughtSignature"`
	Call      *struct {
		ID   string         `json:"id"`
		Name string         `json:"name"`
		Args jsontext.Value `json:"args"`
	} `json:"functionCall"`
	Inline jsontext.Value `json:"inlineData"`
	File   jsontext.Value `json:"fileData"`
}

type geminiLogprobs struct {
	Top []struct {
		Candidates []geminiToken `json:"candidates"`
	} `json:"topCandidates"`
	Chosen []geminiToken `json:"chosenCandidates"`
}

type geminiToken struct {
	Token   string         `json:"token"`
	Logprob jsontext.Value `json:"logProbability"`
}

func (g *geminiBody) created() int64 {
	t, err := time.Parse(time.RFC3339Nano, g.Created)
	if err != nil || t.Unix() < 0 {
		return 0
	}
	return t.Unix()
}

// start is the first delta of a stream.
func (g *geminiBody) start() Delta {
	return Delta{Kind: DeltaStart, ID: g.ID, Model: g.Model, Created: g.created()}
}

func (g *geminiBody) read(data []byte) error {
	if err := decodeAnswer(data, g); err != nil {
		return err
	}
	if !absent(g.Error) {
		return fmt.Errorf("%w: the provider reports a failure", errAnswer)
	}
	return nil
}

// geminiFinish maps a reason to the model's; said is false while there is none.
func geminiFinish(reason string, tools bool) (f Finish, said bool, err error) {
	switch reason {
	case "", "FINISH_REASON_UNSPECIFIED":
		return "", false, nil
	case "STOP":
		if tools {
			return FinishTools, true, nil
		}
		return FinishStop, true, nil
	case "MAX_TOKENS":
		return FinishLength, true, nil
	case "SAFETY", "RECITATION", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII", "LANGUAGE",
		"IMAGE_SAFETY", "IMAGE_PROHIBITED_CONTENT", "IMAGE_RECITATION", "MODEL_ARMOR":
		return FinishFilter, true, nil
	case "MALFORMED_FUNCTION_CALL", "UNEXPECTED_TOOL_CALL", "TOO_MANY_TOOL_CALLS", "MISSING_THOUGHT_SIGNATURE", "MALFORMED_RESPONSE":
		// What the model wanted to do is lost: no answer, and a client that is
		// told so asks again.
		return "", true, fmt.Errorf("%w: the model's tool call was broken (%s)", errAnswer, reason)
	}
	return FinishUnknown, true, nil
}

// readGeminiAnswer reads a provider's whole answer.
func readGeminiAnswer(body []byte) (*Answer, error) {
	var g geminiBody
	if err := g.read(body); err != nil {
		return nil, err
	}
	a := &Answer{ID: g.ID, Model: g.Model, Created: g.created()}
	if len(g.Candidates) == 0 {
		if g.Feedback.Reason == "" {
			return nil, fmt.Errorf("%w: no candidates", errAnswer)
		}
		a.Choices = []Choice{{Finish: FinishFilter}}
		return a, nil
	}
	for i := range g.Candidates {
		c := &g.Candidates[i]
		ch := geminiChoice{Choice: Choice{Index: c.Index, Logprobs: c.Logprobs.chat()}}
		var s geminiState
		for j := range c.Content.Parts {
			if err := s.part(&g, c.Index, &c.Content.Parts[j], func(d Delta) { ch.take(&d) }); err != nil {
				return nil, err
			}
		}
		f, said, err := geminiFinish(c.Finish, s.tools)
		if err != nil {
			return nil, err
		}
		if !said {
			return nil, fmt.Errorf("%w: no reason why it ended", errAnswer)
		}
		ch.Finish = f
		a.Choices = append(a.Choices, ch.Choice)
	}
	return a, nil
}

// geminiChoice gathers the parts of a candidate.
type geminiChoice struct {
	Choice
	seal Seal
}

// take appends a delta to the parts.
func (ch *geminiChoice) take(d *Delta) {
	n := len(ch.Parts)
	joined := func(k PartKind) *Part {
		if n == 0 || ch.Parts[n-1].Kind != k {
			ch.Parts = append(ch.Parts, Part{Kind: k})
			n++
		}
		return &ch.Parts[n-1]
	}
	switch d.Kind {
	case DeltaText:
		joined(PartText).Text += d.Text
	case DeltaReasoning:
		joined(PartReasoning).Text += d.Text
	case DeltaSeal: // of the call that comes next
		ch.seal = d.Seal
	case DeltaTool:
		ch.Parts = append(ch.Parts, Part{Kind: PartToolCall, ID: d.ID, Name: d.Name, Seal: ch.seal})
		ch.seal = Seal{}
	case DeltaArgs:
		ch.Parts[n-1].Args += d.Text
	}
}

// chat is the log probabilities in the form of OpenAI's chat, nil without any.
func (l *geminiLogprobs) chat() jsontext.Value {
	if len(l.Chosen) == 0 {
		return nil
	}
	b := append([]byte(nil), `{"content":[`...)
	for i, t := range l.Chosen {
		b = append(elem(b), '{')
		b = append(t.append(b), `,"top_logprobs":[`...)
		if i < len(l.Top) {
			for _, t := range l.Top[i].Candidates {
				b = append(t.append(append(elem(b), '{')), '}')
			}
		}
		b = append(b, "]}"...)
	}
	return append(b, `],"refusal":null}`...)
}

// append appends the members of a token.
func (t *geminiToken) append(b []byte) []byte {
	b = key(keyString(b, "token", t.Token), "logprob")
	if absent(t.Logprob) || t.Logprob.Kind() != '0' {
		b = append(b, '0')
	} else {
		b = append(b, t.Logprob...)
	}
	b = append(key(b, "bytes"), '[')
	for i := range len(t.Token) {
		b = strconv.AppendInt(elem(b), int64(t.Token[i]), 10)
	}
	return append(b, ']')
}

// geminiState follows one candidate. Gemini does not number its parts: text
// that follows text is more of the same.
type geminiState struct {
	parts    int64 // parts so far
	kind     DeltaKind
	open     bool
	calls    int
	tools    bool
	finished bool
}

func (s *geminiState) part(g *geminiBody, choice int64, p *geminiPart, emit func(Delta)) error {
	switch {
	case p.Call != nil:
		s.open, s.tools = false, true
		d := Delta{Kind: DeltaTool, Choice: choice, Part: s.parts, ID: p.Call.ID, Name: p.Call.Name}
		if d.Name == "" {
			return fmt.Errorf("%w: a call of a tool without a name", errAnswer)
		}
		args := geminiArgs(p.Call.Args)
		if d.ID == "" {
			d.ID = g.callID(choice, s.calls, d.Name, args)
		}
		s.calls++
		s.parts++
		if p.Signature != "" { // first, for clients that have no place for it inside the call
			emit(Delta{Kind: DeltaSeal, Choice: choice, Part: d.Part, Seal: Seal{Origin: llm.GenerateContent, Kind: sealCall, ID: d.ID, Data: p.Signature}})
		}
		emit(d)
		emit(Delta{Kind: DeltaArgs, Choice: choice, Part: d.Part, Text: args})
	case !absent(p.Inline), !absent(p.File):
		return fmt.Errorf("%w: it holds media", errAnswer)
	case p.Text != "":
		kind := DeltaText
		if p.Thought {
			kind = DeltaReasoning
		}
		if !s.open || s.kind != kind {
			s.open, s.kind = true, kind
			s.parts++
		}
		emit(Delta{Kind: kind, Choice: choice, Part: s.parts - 1, Text: p.Text})
	}
	// A signature beside text need not be returned.
	return nil
}

// callID makes an id for a call to which Gemini gave none, always the same for
// the same answer.
func (g *geminiBody) callID(choice int64, n int, name, args string) string {
	h := fnv.New64a()
	fmt.Fprintf(h, "%s\x00%d\x00%d\x00%s\x00%s\x00%s", g.ID, choice, n, name, args, g.Usage.Prompt)
	return "call_" + strconv.FormatUint(h.Sum64(), 16)
}

// geminiReader reads the chunks of a stream.
type geminiReader struct {
	started    bool
	candidates map[int64]*geminiState
}

// maxCandidates is more than any provider gives.
const maxCandidates = 1024

func (r *geminiReader) read(data []byte, emit func(Delta)) (bool, error) {
	var g geminiBody
	if err := g.read(data); err != nil {
		return false, err
	}
	if !r.started {
		r.started = true
		emit(g.start())
	}
	if len(g.Candidates) == 0 && g.Feedback.Reason != "" {
		if s := r.state(0); !s.finished {
			s.finished = true
			emit(Delta{Kind: DeltaFinish, Finish: FinishFilter})
		}
	}
	for i := range g.Candidates {
		c := &g.Candidates[i]
		if c.Index < 0 || c.Index >= maxCandidates {
			return false, fmt.Errorf("%w: a candidate has no sensible number", errAnswer)
		}
		s := r.state(c.Index)
		for j := range c.Content.Parts {
			if err := s.part(&g, c.Index, &c.Content.Parts[j], emit); err != nil {
				return false, err
			}
		}
		if lp := c.Logprobs.chat(); lp != nil {
			emit(Delta{Kind: DeltaLogprobs, Choice: c.Index, Part: max(s.parts-1, 0), Raw: lp})
		}
		f, said, err := geminiFinish(c.Finish, s.tools)
		if err != nil {
			return false, err
		}
		if said && !s.finished {
			s.finished = true
			emit(Delta{Kind: DeltaFinish, Choice: c.Index, Finish: f})
		}
	}
	// There is no last event: the end is the end of the stream.
	return false, nil
}

func (r *geminiReader) state(i int64) *geminiState {
	s := r.candidates[i]
	if s == nil {
		if r.candidates == nil {
			r.candidates = make(map[int64]*geminiState, 1)
		}
		s = &geminiState{}
		r.candidates[i] = s
	}
	return s
}
