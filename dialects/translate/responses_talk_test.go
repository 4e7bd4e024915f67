package translate

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

// talk is a conversation of six turns with an image, a document, parallel tools,
// a failed one and an image from a tool, as clients of each dialect send it.
var talk = map[llm.Dialect]string{
	llm.Responses: `{"model":"m","instructions":"be kind","input":[
		{"role":"user","content":[{"type":"input_text","text":"what is this"},{"type":"input_image","image_url":"data:image/png;base64,aW1n"}]},
		{"type":"message","role":"assistant","content":[{"type":"output_text","text":"let me look"}]},
		{"type":"function_call","call_id":"c1","name":"zoom","arguments":"{\"x\":1}"},{"type":"function_call","call_id":"c2","name":"crop","arguments":"{\"y\":\"é\"}"},
		{"type":"function_call_output","call_id":"c1","output":"zoomed"},{"type":"function_call_output","call_id":"c2","output":"no such place"},
		{"role":"assistant","content":"again"},{"type":"function_call","call_id":"c3","name":"zoom","arguments":"{\"x\":2}"},
		{"type":"function_call_output","call_id":"c3","output":[{"type":"input_text","text":"see"},{"type":"input_image","image_url":"data:image/png;base64,em9vbQ=="}]},
		{"role":"assistant","content":[{"type":"output_text","text":"a cat"}]},
		{"role":"user","content":[{"type":"input_text","text":"and this"},{"type":"input_file","filename":"a.pdf","file_data":"data:application/pdf;base64,cGRm"}]},
		{"role":"assistant","content":[{"type":"output_text","text":"a bill"}]},{"role":"user","content":"thanks"}],
		"tools":[{"type":"function","name":"zoom","parameters":{"type":"object"}},{"type":"function","name":"crop","parameters":{"type":"object"}}]}`,
	llm.Chat: `{"model":"m","messages":[{"role":"system","content":"be kind"},
		{"role":"user","content":[{"type":"text","text":"what is this"},{"type":"image_url","image_url":{"url":"data:image/png;base64,aW1n"}}]},
		{"role":"assistant","content":"let me look","tool_calls":[{"id":"c1","type":"function","function":{"name":"zoom","arguments":"{\"x\":1}"}},{"id":"c2","type":"function","function":{"name":"crop","arguments":"{\"y\":\"é\"}"}}]},
		{"role":"tool","tool_call_id":"c1","content":"zoomed"},{"role":"tool","tool_call_id":"c2","content":"no such place"},
		{"role":"assistant","content":"again","tool_calls":[{"id":"c3","type":"function","function":{"name":"zoom","arguments":"{\"x\":2}"}}]},
		{"role":"tool","tool_call_id":"c3","content":[{"type":"text","text":"see"},{"type":"image_url","image_url":{"url":"data:image/png;base64,em9vbQ=="}}]},
		{"role":"assistant","content":"a cat"},
		{"role":"user","content":[{"type":"text","text":"and this"},{"type":"file","file":{"filename":"a.pdf","file_data":"data:application/pdf;base64,cGRm"}}]},
		{"role":"assistant","content":"a bill"},{"role":"user","content":"thanks"}],
		"tools":[{"type":"function","function":{"name":"zoom","parameters":{"type":"object"}}},{"type":"function","function":{"name":"crop","parameters":{"type":"object"}}}]}`,
	llm.Messages: `{"model":"m","max_tokens":500,"system":"be kind","messages":[
		{"role":"user","content":[{"type":"text","text":"what is this"},{"type":"image","source":{"type":"base64","media_type":"image/png","data":"aW1n"}}]},
		{"role":"assistant","content":[{"type":"text","text":"let me look"},{"type":"tool_use","id":"c1","name":"zoom","input":{"x":1}},{"type":"tool_use","id":"c2","name":"crop","input":{"y":"é"}}]},
		{"role":"user","content":[{"type":"tool_result","tool_use_id":"c1","content":"zoomed"},{"type":"tool_result","tool_use_id":"c2","is_error":true,"content":[{"type":"text","text":"no such place"}]}]},
		{"role":"assistant","content":[{"type":"text","text":"again"},{"type":"tool_use","id":"c3","name":"zoom","input":{"x":2}}]},
		{"role":"user","content":[{"type":"tool_result","tool_use_id":"c3","content":[{"type":"text","text":"see"},{"type":"image","source":{"type":"base64","media_type":"image/png","data":"em9vbQ=="}}]}]},
		{"role":"assistant","content":"a cat"},
		{"role":"user","content":[{"type":"text","text":"and this"},{"type":"document","title":"a.pdf","source":{"type":"base64","media_type":"application/pdf","data":"cGRm"}}]},
		{"role":"assistant","content":"a bill"},{"role":"user","content":"thanks"}],
		"tools":[{"name":"zoom","input_schema":{"type":"object"}},{"name":"crop","input_schema":{"type":"object"}}]}`,
}

// script is a conversation in few words, whoever's dialect it came in: roles,
// texts, media, calls and results, in order.
func script(r *Request) (list []string) {
	for i := range r.System {
		list = append(list, "system "+r.System[i].Text)
	}
	for _, m := range r.Messages {
		for i := range m.Parts {
			list = append(list, partScript(m.Role, &m.Parts[i])...)
		}
	}
	for _, t := range r.Tools {
		list = append(list, "tool "+t.Name+" "+string(t.Parameters))
	}
	return list
}

func partScript(role string, p *Part) []string {
	switch p.Kind {
	case PartText:
		return []string{role + " " + p.Text}
	case PartImage, PartFile:
		return []string{role + " " + p.Media.MIME + " " + p.Media.Data}
	case PartToolCall:
		var b any
		_ = json.Unmarshal([]byte(p.Args), &b)
		return []string{fmt.Sprintf("call %s %s %v", p.ID, p.Name, b)}
	case PartToolResult:
		list := []string{"result " + p.ID}
		for i := range p.Content {
			list = append(list, partScript("of tool", &p.Content[i])...)
		}
		return list
	}
	return []string{fmt.Sprintf("%s part %d", role, p.Kind)}
}

// A conversation is the same after any translation, wherever it can be read back.
func TestTalk(t *testing.T) {
	var want []string
	for client, body := range talk {
		var n notes
		r, err := codecs[client].readRequest([]byte(body), &n)
		if err != nil || len(n.lost) > 0 {
			t.Fatalf("%s: %v, lost %q", client, err, n.lost)
		}
		if want == nil {
			want = script(r)
		} else if got := script(r); !slices.Equal(got, want) {
			t.Fatalf("%s reads\n%s\nwant\n%s", client, strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
	}
	if len(want) != 22 {
		t.Fatalf("%d lines:\n%s", len(want), strings.Join(want, "\n"))
	}
	for client, body := range talk {
		for upstream := range codecs {
			if !Can(client, upstream) {
				continue
			}
			t.Run(fmt.Sprintf("%s to %s", client, upstream), func(t *testing.T) {
				out, lost := translated(t, client, upstream, body)
				if len(lost) > 0 {
					t.Errorf("lost %q", lost)
				}
				if upstream == llm.GenerateContent {
					sameJSON(t, out, geminiTalk(client))
					return
				}
				strict(t, upstream, string(out))
				var n notes
				r, err := codecs[upstream].readRequest(out, &n)
				if err != nil || len(n.lost) > 0 {
					t.Fatalf("%v, lost %q", err, n.lost)
				}
				got := script(r)
				expect := want
				if upstream == llm.Chat { // whose tools return text: an image follows as the user's
					expect = slices.Clone(want)
					expect[slices.Index(expect, "of tool image/png em9vbQ==")] = "user image/png em9vbQ=="
				}
				if !slices.Equal(got, expect) {
					t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(expect, "\n"))
				}
			})
		}
	}
}

func geminiTalk(client llm.Dialect) string {
	member, config := "output", ""
	if client == llm.Messages {
		member, config = "error", `,"generationConfig":{"maxOutputTokens":500}`
	}
	return `{"systemInstruction":{"parts":[{"text":"be kind"}]},"contents":[
		{"role":"user","parts":[{"text":"what is this"},{"inlineData":{"mimeType":"image/png","data":"aW1n"}}]},
		{"role":"model","parts":[{"text":"let me look"},{"functionCall":{"id":"c1","name":"zoom","args":{"x":1}}},{"functionCall":{"id":"c2","name":"crop","args":{"y":"é"}}}]},
		{"role":"user","parts":[{"functionResponse":{"id":"c1","name":"zoom","response":{"output":"zoomed"}}},{"functionResponse":{"id":"c2","name":"crop","response":{"` + member + `":"no such place"}}}]},
		{"role":"model","parts":[{"text":"again"},{"functionCall":{"id":"c3","name":"zoom","args":{"x":2}}}]},
		{"role":"user","parts":[{"functionResponse":{"id":"c3","name":"zoom","response":{"output":"see"}}},{"inlineData":{"mimeType":"image/png","data":"em9vbQ=="}}]},
		{"role":"model","parts":[{"text":"a cat"}]},{"role":"user","parts":[{"text":"and this"},{"inlineData":{"mimeType":"application/pdf","data":"cGRm"}}]},
		{"role":"model","parts":[{"text":"a bill"}]},{"role":"user","parts":[{"text":"thanks"}]}],
		"tools":[{"functionDeclarations":[{"name":"zoom","parametersJsonSchema":{"type":"object"}},{"name":"crop","parametersJsonSchema":{"type":"object"}}]}]` + config + `}`
}

// output returns the items of an answer to a Responses client.
func output(t *testing.T, stream string) string {
	t.Helper()
	b, err := json.Marshal(lawful(t, stream)["output"])
	if err != nil {
		t.Fatal(err)
	}
	return strings.Trim(string(b), "[]")
}

// The thoughts of Claude go through a Responses client and come back as they
// were, before the calls; and nobody else gets them.
func TestThoughtsThroughResponses(t *testing.T) {
	stream, err := relayed(t, llm.Responses, llm.Messages, plainRequests[llm.Responses], recorded[llm.Messages], 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	next := `{"model":"claude-sonnet-4-5","store":false,"include":["reasoning.encrypted_content"],"reasoning":{"effort":"low"},"input":[{"role":"user","content":"hi"},` + output(t, stream) + `,
		{"type":"function_call_output","call_id":"toolu_1","output":"1"},{"type":"custom_tool_call_output","call_id":"toolu_2","output":"2"}],` + patchTools + `}`
	out, lost := translated(t, llm.Responses, llm.Messages, next)
	if len(lost) > 0 {
		t.Errorf("lost %q", lost)
	}
	var q struct{ Messages json.RawMessage }
	if err := json.Unmarshal(out, &q); err != nil {
		t.Fatal(err)
	}
	sameJSON(t, q.Messages, `[{"role":"user","content":[{"type":"text","text":"hi"}]},
		{"role":"assistant","content":[{"type":"thinking","thinking":"hm é","signature":"SIG"},{"type":"redacted_thinking","data":"RED"},{"type":"text","text":"Hello 😀"},
		{"type":"tool_use","id":"toolu_1","name":"f","input":{"a":1}},{"type":"tool_use","id":"toolu_2","name":"patch","input":{"input":"x\ny"}}]},
		{"role":"user","content":[{"type":"tool_result","tool_use_id":"toolu_1","content":[{"type":"text","text":"1"}]},{"type":"tool_result","tool_use_id":"toolu_2","content":[{"type":"text","text":"2"}]}]}]`)
	if !strings.Contains(string(out), `"thinking":{"type":"enabled"`) {
		t.Errorf("thinking is off: %s", out)
	}
	for _, other := range []llm.Dialect{llm.Chat, llm.GenerateContent} {
		out, _ := translated(t, llm.Responses, other, next)
		for _, secret := range []string{"SIG", "RED", "hm é", sealMark} {
			if strings.Contains(string(out), secret) {
				t.Errorf("%s gets %q: %s", other, secret, out)
			}
		}
	}
}

// The encrypted reasoning of OpenAI goes through a client of messages.
func TestReasoningThroughMessages(t *testing.T) {
	stream, err := relayed(t, llm.Messages, llm.Responses, plainRequests[llm.Messages], openaiStream, 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	_, docs := frames(t, stream)
	thinking, signature := "", ""
	for _, d := range docs {
		var e struct {
			Delta struct{ Thinking, Signature string }
		}
		if err := json.Unmarshal([]byte(d), &e); err != nil {
			t.Fatal(err)
		}
		thinking += e.Delta.Thinking
		signature += e.Delta.Signature
	}
	if thinking != "First\n\nSecond" || signature == "" {
		t.Fatalf("thinking %q, signature %q", thinking, signature)
	}
	next := `{"model":"m","max_tokens":99,"messages":[{"role":"user","content":"hi"},{"role":"assistant","content":[{"type":"thinking","thinking":"First\n\nSecond","signature":"` + signature + `"},
		{"type":"tool_use","id":"call_1","name":"f","input":{}}]},{"role":"user","content":[{"type":"tool_result","tool_use_id":"call_1","content":"x"}]}]}`
	out, lost := translated(t, llm.Messages, llm.Responses, next)
	if len(lost) > 0 || !strings.Contains(string(out), `{"type":"reasoning","id":"rs_1","summary":[{"type":"summary_text","text":"First\n\nSecond"}],"encrypted_content":"gAAAA"},{"type":"function_call"`) ||
		!strings.Contains(string(out), `"include":["reasoning.encrypted_content"]`) {
		t.Errorf("lost %q: %s", lost, out)
	}
	if out, _ := translated(t, llm.Messages, llm.Chat, next); strings.Contains(string(out), "gAAAA") {
		t.Errorf("chat gets it: %s", out)
	}
	if out, _ := translated(t, llm.Messages, llm.GenerateContent, next); strings.Contains(string(out), "gAAAA") {
		t.Errorf("Gemini gets it: %s", out)
	}
}

// Gemini's signatures go through clients of messages and of chat.
func TestSignaturesThroughMessages(t *testing.T) {
	stream, err := relayed(t, llm.Messages, llm.GenerateContent, plainRequests[llm.Messages], geminiHello, 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	_, docs := frames(t, stream)
	signature, id := "", ""
	for _, d := range docs {
		var e struct {
			Delta struct{ Signature string }
			Block struct{ ID, Name string } `json:"content_block"`
		}
		if err := json.Unmarshal([]byte(d), &e); err != nil {
			t.Fatal(err)
		}
		signature += e.Delta.Signature
		if e.Block.Name == "f" {
			id = e.Block.ID
		}
	}
	out, _ := translated(t, llm.Messages, llm.GenerateContent, `{"model":"gemini-3","max_tokens":99,"messages":[{"role":"user","content":"hi"},{"role":"assistant","content":[{"type":"thinking","thinking":"","signature":"`+signature+`"},
		{"type":"tool_use","id":"`+id+`","name":"f","input":{}}]},{"role":"user","content":[{"type":"tool_result","tool_use_id":"`+id+`","content":"x"}]}]}`)
	if !strings.Contains(string(out), `"thoughtSignature":"U0lH"`) {
		t.Errorf("signature %q of %q: %s", signature, id, out)
	}
}

// A packed seal is read back; anything else is not taken for one.
func TestSeals(t *testing.T) {
	for _, s := range []Seal{{Origin: llm.Messages, Data: "x"}, {Origin: llm.GenerateContent, Kind: sealCall, ID: "c", Data: "a\x00b"}, {Origin: llm.Responses}} {
		if got, ok := unpackSeal(packSeal(s)); !ok || got != s {
			t.Errorf("%+v came back as %+v", s, got)
		}
	}
	for _, s := range []string{"", "gAAAA", sealMark, sealMark + "!", sealMark + "YQ", packSeal(Seal{}), packSeal(Seal{Origin: llm.Models})} {
		if got, ok := unpackSeal(s); ok {
			t.Errorf("%q was taken for %+v", s, got)
		}
	}
}
