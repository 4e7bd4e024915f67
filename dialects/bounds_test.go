package dialects

import (
	"testing"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

// A translated request may be larger than the caller's, never smaller in the bound.
func TestInputBoundOfTranslation(t *testing.T) {
	body := []byte(`{"model":"m","max_tokens":5,"messages":[{"role":"user","content":[{"type":"text","text":"hi"},{"type":"image","source":{"type":"base64","media_type":"image/png","data":"AAAA"}}]}],"tools":[{"name":"f","input_schema":{"type":"object"}}]}`)
	v, den := Parse(llm.Messages, body)
	if den != nil {
		t.Fatal(den)
	}
	if got := InputBound(v, llm.Messages); got != v.InputBound {
		t.Errorf("untranslated: %d, want %d", got, v.InputBound)
	}
	if got := InputBound(v, llm.DialectNone); got != v.InputBound {
		t.Errorf("before a stock proxy: %d, want %d", got, v.InputBound)
	}
	// At an OpenAI model an image may cost what it costs there.
	if got := InputBound(v, llm.Chat); got < v.InputBound+imageBoundOpenAI-imageBoundAnthropic+translationToolOverhead {
		t.Errorf("translated: %d of %d", got, v.InputBound)
	}
}
