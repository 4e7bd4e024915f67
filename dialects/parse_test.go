package dialects

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

// show prints what a view says about the content, one segment a line.
func show(v *llm.View) string {
	var b strings.Builder
	for _, s := range v.Segments {
		fmt.Fprintf(&b, "%s %s %s %q\n", s.Role, s.Kind, s.Path, s.Text)
	}
	for _, t := range v.Tools {
		fmt.Fprintf(&b, "tool %s %s\n", t.Type, t.Name)
	}
	if len(v.Unbounded) > 0 {
		fmt.Fprintf(&b, "unbounded %s\n", strings.Join(v.Unbounded, " "))
	}
	return b.String()
}

func lines(s ...string) string {
	if len(s) == 0 {
		return ""
	}
	return strings.Join(s, "\n") + "\n"
}

func TestContent(t *testing.T) {
	for _, c := range []struct {
		dialect llm.Dialect
		body    string
		want    []string
	}{
		// Chat.
		{llm.Chat, `{"model":"m","messages":[]}`, nil},
		{llm.Chat, `{"model":"m","messages":[{"role":"developer","content":"be nice"},{"role":"user","content":"h\u00e9\n","name":"bob"}]}`,
			[]string{`system text messages[0].content "be nice"`, `user text messages[1].content "hé\n"`}},
		{llm.Chat, `{"model":"m","messages":[{"content":"late role","role":"assistant"}]}`, []string{`assistant text messages[0].content "late role"`}},
		{llm.Chat, `{"model":"m","messages":[{"role":"user","content":[{"type":"text","text":"a"},{"text":"b","type":"text"},{"type":"image_url","image_url":{"url":"https://x/y","detail":"low"}},{"type":"image_url","image_url":{"url":"DATA:image/png;base64,AAAA"}},{"type":"input_audio","input_audio":{"data":"AAAA","format":"wav"}},{"type":"file","file":{"file_id":"f1"}},{"type":"file","file":{"filename":"a.pdf","file_data":"data:application/pdf;base64,AAAA"}}]}]}`,
			[]string{`user text messages[0].content[0].text "a"`, `user text messages[0].content[1].text "b"`,
				`user image messages[0].content[2].image_url.url "https://x/y"`, `user image messages[0].content[3].image_url.url ""`,
				`user file messages[0].content[4].input_audio ""`, `user file messages[0].content[5].file.file_id ""`,
				`user text messages[0].content[6].file.filename "a.pdf"`, `user file messages[0].content[6].file.file_data ""`,
				`unbounded image_url file_id file_data`}},
		{llm.Chat, `{"model":"m","messages":[{"role":"assistant","content":null,"refusal":"no","tool_calls":[{"id":"1","type":"function","function":{"name":"f","arguments":"{\"a\":1}"}},{"id":"2","type":"custom","custom":{"name":"g","input":"raw"}}]},{"role":"tool","tool_call_id":"1","content":"42"},{"role":"tool","content":[{"type":"text","text":"43"}]},{"role":"function","name":"f","content":"44"}]}`,
			[]string{`assistant text messages[0].refusal "no"`, `assistant tool_args messages[0].tool_calls[0].function.arguments "{\"a\":1}"`,
				`assistant tool_args messages[0].tool_calls[1].custom.input "raw"`, `tool tool_result messages[1].content "42"`,
				`tool tool_result messages[2].content[0].text "43"`, `tool tool_result messages[3].content "44"`}},
		{llm.Chat, `{"model":"m","messages":[{"role":"assistant","content":[{"type":"refusal","refusal":"r"}],"function_call":{"name":"f","arguments":"{}"},"reasoning_content":"hm","audio":{"id":"a"}},{"role":"ipython","content":"odd"}]}`,
			[]string{`assistant text messages[0].content[0].refusal "r"`, `assistant tool_args messages[0].function_call.arguments "{}"`,
				`assistant reasoning messages[0].reasoning_content "hm"`, `user text messages[1].role "ipython"`, `user text messages[1].content "odd"`, `unbounded audio`}},
		{llm.Chat, `{"model":"m","messages":[{"role":"user","content":[{"type":"new_thing","payload":{"deep":["hidden"]},"text":"t"}],"extra":{"x":"template"}}]}`,
			[]string{`user text messages[0].content[0].type "new_thing"`, `user text messages[0].content[0].payload.deep[0] "hidden"`, `user text messages[0].content[0].text "t"`,
				`user text messages[0].extra.x "template"`, `unbounded unknown_content`}},
		{llm.Chat, `{"model":"m","messages":[],"tools":[{"type":"function","function":{"name":"f","parameters":{"properties":{"id":{},"ID":{}}}}},{"type":"custom","custom":{"name":"c"}},{"type":"web_search_preview"},{"type":"We Ird"}],"functions":[{"name":"old"}],"web_search_options":{},"n_predict":5,"prediction":{"type":"content","content":"p"},"response_format":{"type":"json_schema","json_schema":{"name":"x"}}}`,
			[]string{`system tool_def tools[0] "{\"type\":\"function\",\"function\":{\"name\":\"f\",\"parameters\":{\"properties\":{\"id\":{},\"ID\":{}}}}}"`,
				`system tool_def tools[1] "{\"type\":\"custom\",\"custom\":{\"name\":\"c\"}}"`, `system tool_def tools[2] "{\"type\":\"web_search_preview\"}"`,
				`system tool_def tools[3] "{\"type\":\"We Ird\"}"`, `system tool_def functions[0] "{\"name\":\"old\"}"`, `system tool_def web_search_options "{}"`, `assistant text prediction.content "p"`,
				`system tool_def response_format.json_schema "{\"name\":\"x\"}"`,
				`tool function f`, `tool custom c`, `tool web_search_preview `, `tool We Ird `, `tool function old`, `tool web_search_options web_search_options`,
				`unbounded web_search_preview unknown_tool web_search_options n_predict prediction`}},
		{llm.Chat, `{"model":"m","messages":[{"role":"user","content":"` + `\ud800` + `"}],"web_search_options":null,"tools":null,"prediction":null}`,
			[]string{`user text messages[0].content "�"`}},

		// Responses.
		{llm.Responses, `{"model":"m","instructions":"sys","input":"hi"}`, []string{`system text instructions "sys"`, `user text input "hi"`}},
		{llm.Responses, `{"model":"m","input":[{"role":"user","content":"a"},{"type":"message","role":"developer","content":[{"type":"input_text","text":"b"},{"type":"input_image","image_url":"https://x"},{"type":"input_file","file_id":"f"},{"type":"input_file","file_url":"https://f"}]},{"type":"message","role":"assistant","id":"i","status":"completed","content":[{"type":"output_text","text":"c","annotations":[{"url":"u"}]}]}]}`,
			[]string{`user text input[0].content "a"`, `system text input[1].content[0].text "b"`, `system image input[1].content[1].image_url "https://x"`,
				`system file input[1].content[2].file_id ""`, `system file input[1].content[3].file_url "https://f"`, `assistant text input[2].content[0].text "c"`,
				`unbounded image_url file_id file_url`}},
		{llm.Responses, `{"model":"m","input":[{"type":"function_call","call_id":"1","name":"f","arguments":"{}"},{"type":"function_call_output","call_id":"1","output":"res"},{"type":"function_call_output","call_id":"1","output":[{"type":"input_text","text":"part"}]},{"type":"reasoning","id":"r","summary":[{"type":"summary_text","text":"why"}],"content":[{"type":"reasoning_text","text":"deep"}],"encrypted_content":"AAAA"},{"type":"custom_tool_call","input":"ls"},{"type":"custom_tool_call_output","output":"files"},{"type":"computer_call_output","output":{"type":"computer_screenshot","image_url":"data:image/png;base64,A"}}]}`,
			[]string{`assistant tool_args input[0].arguments "{}"`, `tool tool_result input[1].output "res"`, `tool tool_result input[2].output[0].text "part"`,
				`assistant reasoning input[3].summary[0].text "why"`, `assistant reasoning input[3].content[0].text "deep"`, `assistant tool_args input[4].input "ls"`,
				`tool tool_result input[5].output "files"`, `tool image input[6].output.image_url ""`}},
		{llm.Responses, `{"model":"m","input":[{"type":"mcp_call","output":"o","arguments":"x"},{"type":"item_reference","id":"i1"},{"id":"i2"},{"type":"Bad Type","note":"n"}],"previous_response_id":"r","conversation":"c","prompt":{"id":"p"},"background":true,"tools":[{"type":"function","name":"f"},{"type":"file_search","vector_store_ids":["v"]},{"type":"mcp"},{"type":"namespace","name":"ns","tools":[{"type":"function","name":"in"},{"type":"code_interpreter"}]}]}`,
			[]string{`user text input[0].type "mcp_call"`, `user text input[0].output "o"`, `user text input[0].arguments "x"`, `user text input[1].type "item_reference"`,
				`user text input[1].id "i1"`, `user text input[2].id "i2"`, `user text input[3].type "Bad Type"`, `user text input[3].note "n"`,
				`system tool_def tools[0] "{\"type\":\"function\",\"name\":\"f\"}"`, `system tool_def tools[1] "{\"type\":\"file_search\",\"vector_store_ids\":[\"v\"]}"`,
				`system tool_def tools[2] "{\"type\":\"mcp\"}"`,
				`system tool_def tools[3] "{\"type\":\"namespace\",\"name\":\"ns\",\"tools\":[{\"type\":\"function\",\"name\":\"in\"},{\"type\":\"code_interpreter\"}]}"`,
				`tool function f`, `tool file_search `, `tool mcp `, `tool function in`, `tool code_interpreter `, `tool namespace ns`,
				`unbounded mcp_call item_reference unknown_content previous_response_id conversation prompt background file_search mcp code_interpreter`}},
		{llm.Responses, `{"model":"m","input":null,"previous_response_id":null,"background":false,"text":{"format":{"type":"json_schema","schema":{"a":1},"description":"d"}}}`,
			[]string{`system tool_def text.format.schema "{\"a\":1}"`, `system tool_def text.format.description "d"`}},

		// Messages.
		{llm.Messages, `{"model":"m","max_tokens":5,"system":"s","messages":[{"role":"user","content":"u"},{"role":"assistant","content":"a"},{"role":"system","content":"mid"}]}`,
			[]string{`system text system "s"`, `user text messages[0].content "u"`, `assistant text messages[1].content "a"`, `system text messages[2].content "mid"`}},
		{llm.Messages, `{"model":"m","system":[{"type":"text","text":"s","cache_control":{"type":"ephemeral"}}],"messages":[{"role":"assistant","content":[{"type":"thinking","thinking":"t","signature":"S"},{"type":"redacted_thinking","data":"D"},{"type":"tool_use","id":"1","name":"f","input":{"q":"x","Q":1}},{"type":"server_tool_use","id":"2","name":"web_search","input":{"query":"z"}},{"type":"web_search_tool_result","tool_use_id":"2","content":[{"type":"web_search_result","title":"T","encrypted_content":"E"}]}]},{"role":"user","content":[{"type":"tool_result","tool_use_id":"1","content":[{"type":"text","text":"r"},{"type":"image","source":{"type":"base64","media_type":"image/png","data":"AAAA"}}]},{"tool_use_id":"1","content":"plain","type":"tool_result"}]}]}`,
			[]string{`system text system[0].text "s"`, `assistant reasoning messages[0].content[0].thinking "t"`,
				`assistant tool_args messages[0].content[2].input "{\"q\":\"x\",\"Q\":1}"`, `assistant tool_args messages[0].content[3].input "{\"query\":\"z\"}"`,
				`tool tool_result messages[0].content[4].type "web_search_tool_result"`, `tool tool_result messages[0].content[4].tool_use_id "2"`,
				`tool tool_result messages[0].content[4].content[0].type "web_search_result"`, `tool tool_result messages[0].content[4].content[0].title "T"`,
				`tool tool_result messages[0].content[4].content[0].encrypted_content "E"`,
				`tool tool_result messages[1].content[0].content[0].text "r"`, `tool image messages[1].content[0].content[1].source.data ""`,
				`tool tool_result messages[1].content[1].content "plain"`}},
		{llm.Messages, `{"model":"m","messages":[{"role":"user","content":[{"type":"image","source":{"type":"url","url":"https://i"}},{"type":"document","title":"ti","context":"co","source":{"type":"base64","media_type":"application/pdf","data":"AA"}},{"type":"document","source":{"type":"text","media_type":"text/plain","data":"doc text"}},{"type":"document","source":{"type":"content","content":[{"type":"text","text":"inner"}]}},{"type":"document","source":{"type":"file","file_id":"f"}},{"type":"search_result","source":"src","title":"st","content":[{"type":"text","text":"found"}],"citations":{"enabled":true}}]}]}`,
			[]string{`user file messages[0].content[0].source.url "https://i"`, `user text messages[0].content[1].title "ti"`, `user text messages[0].content[1].context "co"`,
				`user file messages[0].content[1].source.data ""`, `user text messages[0].content[2].source.data "doc text"`,
				`user text messages[0].content[3].source.content[0].text "inner"`, `user file messages[0].content[4].source.file_id ""`,
				`user text messages[0].content[5].source "src"`, `user text messages[0].content[5].title "st"`, `user text messages[0].content[5].content[0].text "found"`,
				`unbounded source.url document file_id`}},
		{llm.Messages, `{"model":"m","messages":[{"role":"user","content":[{"type":"document","source":{"type":"base64","media_type":"image/png","data":"AA"}},{"type":"document","source":{"type":"odd","data":"visible"}},{"type":"container_upload","file_id":"f"}]}]}`,
			[]string{`user file messages[0].content[0].source.data ""`, `user text messages[0].content[1].source.type "odd"`, `user text messages[0].content[1].source.data "visible"`,
				`user file messages[0].content[2].file_id ""`, `unbounded document unknown_content file_id container_upload`}},
		{llm.Messages, `{"model":"m","messages":[],"tools":[{"name":"f","input_schema":{"type":"object"}},{"type":"custom","name":"g"},{"type":"bash_20250124","name":"bash"},{"type":"web_search_20250305","name":"web_search"}],"mcp_servers":[{"type":"url"}],"container":"c","context_management":{"edits":[{"type":"clear_tool_uses_20250919"}]}}`,
			[]string{`system tool_def tools[0] "{\"name\":\"f\",\"input_schema\":{\"type\":\"object\"}}"`, `system tool_def tools[1] "{\"type\":\"custom\",\"name\":\"g\"}"`,
				`system tool_def tools[2] "{\"type\":\"bash_20250124\",\"name\":\"bash\"}"`, `system tool_def tools[3] "{\"type\":\"web_search_20250305\",\"name\":\"web_search\"}"`, `system tool_def mcp_servers "[{\"type\":\"url\"}]"`,
				`tool function f`, `tool function g`, `tool bash_20250124 bash`, `tool web_search_20250305 web_search`, `tool mcp_server `,
				`unbounded web_search_20250305 mcp_servers container`}},
		{llm.CountTokens, `{"model":"m","messages":[],"mcp_servers":[],"context_management":{"edits":[{"type":"\u0063ompact_20260112"}]}}`, []string{`unbounded context_management`}},

		{llm.CountTokens, `{"model":"m","messages":[],"service_tier":"standard_only","speed":"fast","inference_geo":"us","fallbacks":[]}`, []string{`unbounded speed inference_geo`}},
		{llm.Chat, `{"model":"m","messages":[],"service_tier":"priority","models":["dear"],"plugins":[{"id":"web"}]}`, []string{`unbounded service_tier models plugins`}},
		{llm.Chat, `{"model":"m","messages":[],"service_tier":null}`, nil},
		// A member name that is free text does not get into a path.
		{llm.Chat, `{"model":"m","messages":[{"role":"user","content":[{"type":"x","my name is Bob":["y",""]}]}]}`,
			[]string{`user text messages[0].content[0].type "x"`, `user text messages[0].content[0].? "my name is Bob"`, `user text messages[0].content[0].?[0] "y"`, `unbounded unknown_content`}},

		// The plain ones.
		{llm.Embeddings, `{"model":"m","input":"e"}`, []string{`user text input "e"`}},
		{llm.Embeddings, `{"model":"m","input":["a","b"]}`, []string{`user text input[0] "a"`, `user text input[1] "b"`}},
		{llm.Embeddings, `{"model":"m","input":[1,2,3]}`, []string{`user file input ""`}},
		{llm.Embeddings, `{"model":"m","input":[[1,2],[3]]}`, []string{`user file input[0] ""`, `user file input[1] ""`}},
		{llm.Completions, `{"model":"m","prompt":"p","suffix":"s","max_tokens":3}`, []string{`user text prompt "p"`, `user text suffix "s"`}},
		{llm.Completions, `{"model":"m","prompt":null}`, nil},
	} {
		v, den := Parse(c.dialect, []byte(c.body))
		if den != nil {
			t.Errorf("%s: %v", c.body, den)
			continue
		}
		if got := show(v); got != lines(c.want...) {
			t.Errorf("%s\ngot:\n%swant:\n%s", c.body, got, lines(c.want...))
		}
		checkView(t, v)
	}
}

// checkView checks what holds for every view.
func checkView(t *testing.T, v *llm.View) {
	t.Helper()
	var text int64
	last := 0
	for _, s := range v.Segments {
		text += int64(len(s.Text))
		if s.Span.Start < last || s.Span.End <= s.Span.Start || s.Span.End > len(v.Raw) {
			t.Fatalf("%s: span %v after %d", s.Path, s.Span, last)
		}
		last = s.Span.End
		if s.Path == "" || s.Role == "" {
			t.Errorf("a segment without path or role: %+v", s)
		}
		raw := string(v.Raw[s.Span.Start:s.Span.End])
		if s.Text != "" && raw[0] != '"' && s.Text != raw {
			t.Errorf("%s: text %q is not its JSON %q", s.Path, s.Text, raw)
		}
	}
	if v.InputBound < text {
		t.Errorf("bound %d is under the %d bytes of text", v.InputBound, text)
	}
	if v.Dialect.Family() == llm.FamilyGemini {
		if !v.ModelSpan.IsZero() {
			t.Errorf("model span %v", v.ModelSpan)
		}
		return
	}
	if raw := v.Raw[v.ModelSpan.Start:v.ModelSpan.End]; raw[0] != '"' || raw[len(raw)-1] != '"' {
		t.Errorf("model span is %q", raw)
	}
}

func TestMembers(t *testing.T) {
	type want struct {
		stream, usage, empty bool
		max, choices         int64
		field                string
	}
	for _, c := range []struct {
		dialect llm.Dialect
		rest    string
		want
	}{
		{llm.Chat, `"messages":[]`, want{max: -1, choices: 1}},
		{llm.Chat, `"messages":[],"stream":true,"stream_options":{"include_usage":true},"n":3,"max_tokens":10`, want{stream: true, usage: true, max: 10, choices: 3, field: "max_tokens"}},
		{llm.Chat, `"messages":[],"stream":null,"stream_options":null,"n":null,"max_tokens":null,"max_completion_tokens":7`, want{max: 7, choices: 1, field: "max_completion_tokens"}},
		{llm.Chat, `"messages":[],"max_completion_tokens":7,"max_tokens":null`, want{max: 7, choices: 1, field: "max_completion_tokens"}},
		{llm.Chat, `"messages":[],"max_completion_tokens":7,"max_tokens":7`, want{max: 7, choices: 1, field: "max_tokens"}},
		{llm.Chat, `"messages":[],"max_tokens":null`, want{max: -1, choices: 1, field: "max_tokens"}},
		{llm.Chat, `"messages":[],"stream":false,"stream_options":{}`, want{empty: true, max: -1, choices: 1}},
		{llm.Chat, `"messages":[],"stream":true,"stream_options":{"include_usage":false,"x":1}`, want{stream: true, max: -1, choices: 1}},
		{llm.Responses, `"input":"x","max_output_tokens":9,"stream":true,"stream_options":{"include_obfuscation":false}`, want{stream: true, max: 9, choices: 1, field: "max_output_tokens"}},
		{llm.Messages, `"messages":[],"max_tokens":1000000000`, want{max: 1000000000, choices: 1, field: "max_tokens"}},
		{llm.Completions, `"prompt":["a","b"],"n":2,"best_of":5`, want{max: -1, choices: 10}},
		{llm.Completions, `"prompt":[1,2,3],"n":2`, want{max: -1, choices: 2}},
		{llm.Embeddings, `"input":["a","b","c"]`, want{max: -1, choices: 3}},
		{llm.Embeddings, `"input":[]`, want{max: -1, choices: 1}},
	} {
		v, den := Parse(c.dialect, []byte(`{"model":"m",`+c.rest+`}`))
		if den != nil {
			t.Errorf("%s: %v", c.rest, den)
			continue
		}
		got := want{v.Stream, v.IncludeUsage, v.StreamOptionsEmpty, v.MaxTokens, v.Choices, v.MaxTokensField}
		if got != c.want {
			t.Errorf("%s: %+v, want %+v", c.rest, got, c.want)
		}
		if v.MaxTokens >= 0 && string(v.Raw[v.MaxTokensSpan.Start:v.MaxTokensSpan.End]) != fmt.Sprint(v.MaxTokens) {
			t.Errorf("%s: span of the limit %q", c.rest, v.Raw[v.MaxTokensSpan.Start:v.MaxTokensSpan.End])
		}
		if v.Model != "m" || v.Members != strings.Count(c.rest, `":`)+1-strings.Count(c.rest, `{"`)-strings.Count(c.rest, `,"x"`) {
			t.Errorf("%s: model %q, %d members", c.rest, v.Model, v.Members)
		}
	}
}

func TestDenials(t *testing.T) {
	for _, c := range []struct {
		dialect llm.Dialect
		body    string
		param   string
		say     string // part of the message
	}{
		{llm.Chat, ``, "", "ends too early"},
		{llm.Chat, `[]`, "", "want an object, found an array"},
		{llm.Chat, "\xEF\xBB\xBF{}", "", "byte order mark"},
		{llm.Chat, `{"model":"m","messages":[]} {}`, "", "more follows"},
		{llm.Chat, `{"messages":[]}`, "model", "required"},
		{llm.Chat, `{"model":"m"}`, "messages", "required"},
		{llm.Messages, `{"model":"m"}`, "messages", "required"},
		{llm.Embeddings, `{"model":"m"}`, "input", "required"},
		{llm.Chat, `{"model":"","messages":[]}`, "model", "1 to 256"},
		{llm.Chat, `{"model":"` + strings.Repeat("x", 257) + `","messages":[]}`, "model", "1 to 256"},
		{llm.Chat, `{"model":"a\u0007","messages":[]}`, "model", "control"},
		{llm.Chat, `{"model":"a\u0000","messages":[]}`, "model", "control"},
		{llm.Chat, `{"model":"a\ud800","messages":[]}`, "model", "control"},
		{llm.Chat, `{"model":5,"messages":[]}`, "model", "found a number"},
		{llm.Chat, `{"model":null,"messages":[]}`, "model", "found null"},
		{llm.Chat, `{"model":["m"],"messages":[]}`, "model", "found an array"},
		{llm.Chat, `{"model":"m","model":"n","messages":[]}`, "", "duplicate member name \"model\""},
		{llm.Chat, `{"model":"m","m\u006fdel":"n","messages":[]}`, "", "duplicate"},
		{llm.Chat, `{"model":"m","MODEL":"n","messages":[]}`, "", "letter case"},
		{llm.Chat, `{"Model":"m","messages":[]}`, "", "letter case"},
		{llm.Chat, "{\"model\":\"m\",\"messages\":[],\"max_to\u212aens\":5}", "", "letter case"},
		{llm.Chat, `{"model":"m","messages":[{"role":"user","Content":"x"}]}`, "", "letter case"},
		{llm.Chat, `{"model":"m","messages":[{"role":"user","content":[{"type":"text","text":"a","TEXT":"b"}]}]}`, "", "letter case"},
		{llm.Chat, `{"model":"m","messages":[],"stream_options":{"Include_Usage":true}}`, "", "letter case"},
		{llm.Chat, `{"model":"m","messages":[],"tools":[{"type":"function","Function":{}}]}`, "", "letter case"},
		{llm.Chat, `{"model":"m","messages":[],"metadata":{"a":1,"a":2}}`, "", "duplicate"},
		{llm.Chat, `{"model":"m","messages":[],"stream":"true"}`, "stream", "true or false"},
		{llm.Chat, `{"model":"m","messages":[],"stream":1}`, "stream", "true or false"},
		{llm.Chat, `{"model":"m","messages":[],"stream_options":[]}`, "stream_options", "an object"},
		{llm.Chat, `{"model":"m","messages":[],"stream_options":{"include_usage":1}}`, "stream_options.include_usage", "true or false"},
		{llm.Chat, `{"model":"m","messages":[],"max_tokens":"5"}`, "max_tokens", "an integer, found a string"},
		{llm.Chat, `{"model":"m","messages":[],"max_tokens":0}`, "max_tokens", "from 1"},
		{llm.Chat, `{"model":"m","messages":[],"max_tokens":-1}`, "max_tokens", "from 1"},
		{llm.Chat, `{"model":"m","messages":[],"max_tokens":1e3}`, "max_tokens", "exponent"},
		{llm.Chat, `{"model":"m","messages":[],"max_tokens":5.0}`, "max_tokens", "fraction"},
		{llm.Chat, `{"model":"m","messages":[],"max_tokens":1000000001}`, "max_tokens", "from 1"},
		{llm.Chat, `{"model":"m","messages":[],"max_tokens":99999999999999999999}`, "max_tokens", "from 1"},
		{llm.Chat, `{"model":"m","messages":[],"max_tokens":5,"max_completion_tokens":6}`, "max_completion_tokens", "contradicts max_tokens"},
		{llm.Chat, `{"model":"m","messages":[],"n":129}`, "n", "from 1 to 128"},
		{llm.Chat, `{"model":"m","messages":[],"n":0}`, "n", "from 1"},
		{llm.Completions, `{"model":"m","best_of":2.5}`, "best_of", "integer"},
		{llm.Chat, `{"model":"m","messages":{}}`, "messages", "want an array, found an object"},
		{llm.Chat, `{"model":"m","messages":["x"]}`, "messages[0]", "want an object"},
		{llm.Chat, `{"model":"m","messages":[{"role":"user","content":5}]}`, "messages[0].content", "found a number"},
		{llm.Chat, `{"model":"m","messages":[{"content":"x"}]}`, "messages[0].role", "required"},
		{llm.Chat, `{"model":"m","messages":[{"role":5}]}`, "messages[0].role", "a string"},
		{llm.Chat, `{"model":"m","messages":[{"role":"user","content":[5]}]}`, "messages[0].content[0]", "an object"},
		{llm.Chat, `{"model":"m","messages":[{"role":"user","content":[{"type":"text","text":{"a":1}}]}]}`, "messages[0].content[0].text", "a string"},
		{llm.Chat, `{"model":"m","messages":[{"role":"user","content":[{"type":"image_url","image_url":5}]}]}`, "messages[0].content[0].image_url", "a string or an object"},
		{llm.Chat, `{"model":"m","messages":[],"tools":{}}`, "tools", "an array"},
		{llm.Chat, `{"model":"m","messages":[],"tools":[1]}`, "tools[0]", "an object"},
		{llm.Chat, `{"model":"m","messages":[{"role":"assistant","tool_calls":5}]}`, "messages[0].tool_calls", "an array"},
		{llm.Messages, `{"model":"m","messages":[],"system":5}`, "system", "a string or an array"},
		{llm.Messages, `{"model":"m","messages":[{"role":"user","content":{}}]}`, "messages[0].content", "a string or an array"},
		{llm.Responses, `{"model":"m","input":5}`, "input", "a string or an array of items"},
		{llm.Responses, `{"model":"m","input":[5]}`, "input[0]", "an object"},
		{llm.Responses, `{"model":"m","input":[{"type":"message","content":"x"}]}`, "input[0].role", "required"},
		{llm.Embeddings, `{"model":"m","input":{}}`, "input", "a string, an array"},
		{llm.Embeddings, `{"model":"m","input":["a",1]}`, "input", "one type"},
		{llm.Embeddings, `{"model":"m","input":[1.5]}`, "input[0]", "an integer"},
		{llm.Embeddings, `{"model":"m","input":[[1,"a"]]}`, "input[0]", "a number"},
	} {
		v, den := Parse(c.dialect, []byte(c.body))
		if den == nil {
			t.Errorf("%s: accepted", c.body)
			continue
		}
		if v != nil || den.Status != 400 || den.Code != llm.CodeMalformed || den.Stage != llm.StageRequest || den.Param != c.param || !strings.Contains(den.Message, c.say) {
			t.Errorf("%s: %+v, want param %q and %q", c.body, den, c.param, c.say)
		}
	}
	if _, den := Parse(llm.Models, []byte(`{}`)); den == nil || den.Code != llm.CodeUnsupportedDialect {
		t.Error("a dialect without a body must be refused")
	}
}

// TestFreeForm: what the gateway does not govern may differ in case only.
func TestFreeForm(t *testing.T) {
	for d, body := range map[llm.Dialect]string{
		llm.Chat:     `{"model":"m","messages":[],"metadata":{"id":1,"ID":2},"logit_bias":{"a":1,"A":1},"unknown":{"x":1,"X":2}}`,
		llm.Messages: `{"model":"m","messages":[{"role":"assistant","content":[{"type":"tool_use","input":{"id":1,"ID":2}}]}],"tools":[{"name":"f","input_schema":{"properties":{"id":{},"Id":{}}}}]}`,
	} {
		if _, den := Parse(d, []byte(body)); den != nil {
			t.Errorf("%s: %v", body, den)
		}
	}
}

func TestInputBound(t *testing.T) {
	base := func(d llm.Dialect, body string) int64 {
		v, den := Parse(d, []byte(body))
		if den != nil {
			t.Fatal(den)
		}
		return v.InputBound
	}
	text := strings.Repeat("x", 1000)
	empty := base(llm.Chat, `{"model":"m","messages":[{"role":"user","content":""}]}`)
	if got := base(llm.Chat, `{"model":"m","messages":[{"role":"user","content":"`+text+`"}]}`); got != empty+1000 {
		t.Errorf("text: %d over %d", got, empty)
	}
	if got := base(llm.Chat, `{"model":"m","messages":[{"role":"user","content":""}],"documents":["`+text+`"]}`); got < empty+1000 {
		t.Errorf("unknown member: %d over %d", got, empty)
	}
	if got := base(llm.Chat, `{"model":"m","messages":[{"role":"user","content":""}],"tools":[{"type":"function","function":{"name":"`+text+`"}}]}`); got < empty+1000+toolOverhead+toolsOverhead {
		t.Errorf("tool: %d over %d", got, empty)
	}
	if got := base(llm.Chat, `{"model":"m","messages":[{"role":"user","content":[{"type":"whatever","`+text+`":1}]}]}`); got < empty+1000 {
		t.Errorf("unknown part: %d over %d", got, empty)
	}
	if got := base(llm.Chat, `{"model":"m","messages":[{"role":"`+text+`","content":""}]}`); got < empty+1000-int64(len("user")) {
		t.Errorf("odd role: %d over %d", got, empty)
	}
	// An image's data does not count, the image does.
	small := base(llm.Messages, `{"model":"m","messages":[{"role":"user","content":[{"type":"image","source":{"type":"base64","media_type":"image/png","data":""}}]}]}`)
	large := base(llm.Messages, `{"model":"m","messages":[{"role":"user","content":[{"type":"image","source":{"type":"base64","media_type":"image/png","data":"`+text+`"}}]}]}`)
	if small != large || small < imageBoundAnthropic {
		t.Errorf("image: %d and %d", small, large)
	}
	if got := base(llm.Embeddings, `{"model":"m","input":[1,2,3,4]}`) - base(llm.Embeddings, `{"model":"m","input":[1]}`); got != 3 {
		t.Errorf("three more tokens count %d", got)
	}
}

// TestNoCopy: a long text without escapes shares the memory of the body.
// The race detector makes pools forget, so a few more allocations are allowed
// than there are; a copy of the text shows below.
func TestNoCopy(t *testing.T) {
	body := []byte(`{"model":"m","messages":[{"role":"user","content":"` + strings.Repeat("x", 100_000) + `"}]}`)
	if n := testing.AllocsPerRun(20, func() { Parse(llm.Chat, body) }); n > 8 {
		t.Errorf("%v allocations", n)
	}
	v, _ := Parse(llm.Chat, body)
	s := v.Segments[0]
	body[s.Span.Start+1] = 'y'
	if s.Text[0] != 'y' {
		t.Error("the text was copied")
	}
}

func TestTooManyPieces(t *testing.T) {
	for _, in := range []string{
		`{"model":"m","messages":[{"role":"user","content":[{"type":"x","y":[` + strings.Repeat(`"a",`, maxPieces+1) + `1]}]}]}`,
		`{"model":"m","messages":[],"tools":[` + strings.Repeat(`{},`, maxPieces+1) + `{}]}`,
		`{"model":"m","messages":[],"tools":[{"type":"namespace","tools":[` + strings.Repeat(`{},`, maxPieces+1) + `{}]}]}`,
	} {
		if _, den := Parse(llm.Chat, []byte(in)); den == nil || !strings.Contains(den.Message, "65536") {
			t.Errorf("%.60s: %v", in, den)
		}
	}
}

func TestDeepContent(t *testing.T) {
	open := `[{"type":"tool_result","content":`
	body := `{"model":"m","messages":[{"role":"user","content":` + strings.Repeat(open, 60) + `"deep"` + strings.Repeat("}]", 60) + `}]}`
	v, den := Parse(llm.Messages, []byte(body))
	if den != nil {
		t.Fatal(den)
	}
	if !slices.ContainsFunc(v.Segments, func(s llm.Segment) bool { return s.Text == "deep" && s.Role == llm.RoleTool }) {
		t.Errorf("lost: %s", show(v))
	}
}
