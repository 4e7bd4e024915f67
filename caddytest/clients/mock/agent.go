package mock

import (
	"encoding/json"
	"regexp"
	"strings"
)

// A coding agent sends far more than its user's words, and offers tools of its
// own. Its calls are known by the probe in the prompt, "probe-agent-…", which
// also says how the provider misbehaves. Of an agent the provider wants one
// thing only: if its user wrote "execute: COMMAND", that the agent's shell runs
// the command and shows what it printed; if "patch: FILE", that its tool for
// patches replaces the first line of that file.

// order is what an agent's user asks to be run.
var order = regexp.MustCompile(`(execute|patch): ([a-z0-9 .-]*[a-z0-9])`)

// Patched is the line that the provider puts into a file; Unpatched the one that
// it takes for the first.
const (
	Patched   = "the-new-line-is-nutmeg"
	Unpatched = "the-word-in-the-note-is-rhubarb"
)

// shells are the names under which agents offer a shell.
var shells = []string{"bash", "exec_command", "run_shell_command", "shell", "shell_command", "local_shell"}

// turn is where the conversation with an agent stands.
type turn struct {
	probe     string
	command   string // ordered and not run yet
	patch     bool   // the command is a file to be patched
	tool      string // with which to run it
	arguments string // of the tool, JSON
	free      bool   // the tool takes free text: input instead of arguments
	input     string
	result    string // of the last order
}

// understand finds out in which mood the provider is to answer.
func (c *call) understand() {
	c.mood = c.model
	if !strings.HasPrefix(c.probe, "probe-agent-") {
		return
	}
	c.mood = c.probe
	if len(c.tools()) > 0 && (c.stream || strings.HasSuffix(c.r.URL.Path, ":streamGenerateContent")) {
		c.s.mu.Lock()
		c.note.turns++
		c.turn = c.note.turns
		c.s.mu.Unlock()
	}
}

func (c *call) agentTurn(offered []map[string]any) *turn {
	t := &turn{probe: c.probe}
	for _, item := range c.turns() {
		role, _ := item["role"].(string)
		typ, _ := item["type"].(string)
		words := text(item)
		result, found := "", role == "tool" || strings.HasSuffix(typ, "_call_output")
		if found {
			result = words
		} else if result, found = toolResult(item["content"]); !found {
			result, found = functionResponse(item["parts"])
		}
		switch {
		case found && t.command != "":
			t.command, t.result = "", result
		case role == "user":
			if m := order.FindStringSubmatch(words); m != nil {
				t.command, t.patch, t.result = m[2], m[1] == "patch", ""
			}
		}
	}
	if t.command == "" {
		return t
	}
	for _, tool := range offered {
		name, _ := tool["name"].(string)
		if t.patch && name == "apply_patch" {
			t.tool = name
			t.input = "*** Begin Patch\n*** Update File: " + t.command + "\n@@\n-" + Unpatched + "\n+" + Patched + "\n*** End Patch\n"
			t.free = tool["type"] == "custom"
			b, err := json.Marshal(map[string]string{"input": t.input})
			if err != nil {
				panic(err)
			}
			t.arguments = string(b)
			return t
		}
		if t.patch {
			continue
		}
		for _, shell := range shells {
			if strings.EqualFold(name, shell) {
				t.tool, t.arguments = name, fill(tool, t.command)
				return t
			}
		}
	}
	return t
}

// fill makes arguments that a shell's schema asks for.
func fill(tool map[string]any, command string) string {
	var schema map[string]any
	for _, name := range []string{"input_schema", "parameters", "parametersJsonSchema"} {
		if m, ok := tool[name].(map[string]any); ok {
			schema = m
		}
	}
	properties, _ := schema["properties"].(map[string]any)
	required, _ := schema["required"].([]any)
	args := map[string]any{}
	for _, name := range []string{"command", "cmd"} {
		p, ok := properties[name].(map[string]any)
		if !ok {
			continue
		}
		args[name] = command
		if kind, _ := p["type"].(string); strings.EqualFold(kind, "array") {
			args[name] = []string{"sh", "-c", command}
		}
	}
	for _, v := range required {
		name, _ := v.(string)
		if _, ok := args[name]; ok {
			continue
		}
		p, _ := properties[name].(map[string]any)
		switch kind, _ := p["type"].(string); strings.ToLower(kind) {
		case "boolean":
			args[name] = false
		case "number", "integer":
			args[name] = 10000
		default:
			args[name] = "reads the note"
		}
	}
	b, err := json.Marshal(args)
	if err != nil {
		panic(err)
	}
	return string(b)
}

// calls are the tools that the provider calls now.
func (t *turn) calls() []string {
	if t.tool == "" {
		return nil
	}
	return []string{t.tool}
}

func (t *turn) answer() string {
	if t.result != "" {
		return ToolAnswer(t.result)
	}
	return Answer(t.probe)
}
