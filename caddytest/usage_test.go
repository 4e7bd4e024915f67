package caddytest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	"github.com/spf13/cobra"
)

// command runs `caddy llm …` in this process and returns what it prints.
func command(t *testing.T, args ...string) (stdout string, err error) {
	t.Helper()
	registered, ok := caddycmd.Commands()["llm"]
	if !ok {
		t.Fatal("there is no command llm")
	}
	cmd := &cobra.Command{Use: "llm", SilenceErrors: true}
	registered.CobraFunc(cmd)
	var out, errs bytes.Buffer
	cmd.SetOut(&out)
	cmd.SetErr(&errs)
	cmd.SetArgs(args)
	err = cmd.ExecuteContext(t.Context())
	return out.String(), err
}

func mustCommand(t *testing.T, args ...string) string {
	t.Helper()
	out, err := command(t, args...)
	if err != nil {
		t.Fatalf("caddy llm %s: %v", strings.Join(args, " "), err)
	}
	return out
}

// usageSite is a running budgetSite with an admin endpoint.
type usageSite struct {
	*site
	p      *provider
	config string
	o      options
	admin  string
}

func startUsage(t *testing.T, cost string) *usageSite {
	t.Helper()
	p := newProvider(t)
	p.answers(fullAnswer)
	was := caddy.ConfigAutosavePath
	t.Cleanup(func() { caddy.ConfigAutosavePath = was })
	u := &usageSite{p: p, o: budgetVars(p, p)}
	u.o.admin = freePort(t)
	u.admin = fmt.Sprintf("localhost:%d", u.o.admin)
	u.config = strings.Replace(budgetSite(cost, ""), "{\n\tllm_gateway {", "{\n\tadmin "+u.admin+"\n\tllm_gateway {", 1)
	u.site = prepare(t, u.o)
	caddy.ConfigAutosavePath = u.file("autosave.json")
	u.run()
	return u
}

func (u *usageSite) run() {
	u.t.Helper()
	if err := u.load(u.config, u.o); err != nil {
		u.t.Fatal(err)
	}
	u.stopped = false
}

// report is the part of `caddy llm usage --format json` that tests look at.
type report struct {
	Rows []struct {
		Group map[string]string `json:"group"`
		counts
	} `json:"rows"`
	Total counts `json:"total"`
}

type counts struct {
	Calls    int    `json:"calls"`
	Answered int    `json:"answered"`
	Refused  int    `json:"refused"`
	Output   int    `json:"output_tokens"`
	Input    int    `json:"input_tokens"`
	Cost     string `json:"cost_usd"`
}

func usageReport(t *testing.T, args ...string) (r report) {
	t.Helper()
	out := mustCommand(t, append([]string{"usage", "--format", "json"}, args...)...)
	if err := json.Unmarshal([]byte(out), &r); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return r
}

// What `caddy llm usage` says of a running server is what the ledger says, to the
// nano-dollar, and what it says of the files once the server has stopped.
func TestUsage(t *testing.T) {
	u := startUsage(t, "budget 10 USD/day\n\t\tproject header X-Project\n\t\tproject metadata project\n\t\ttags header X-Tags")
	u.ask(webKey, "gpt-a", 10).ok()
	u.ask(webKey, "gpt-b", 20).ok()
	u.ask(batchKey, "gpt-a", 40).ok()
	hostile := message(false, "gpt-a", "Hi", `,"max_tokens":5`)
	hostile.header = map[string]string{"X-Project": "=cmd()|'x'!A1", "X-Tags": "env=prod, \tbatch,_other"}
	u.do(hostile).ok()
	meta := message(false, "gpt-a", "Hi", `,"max_tokens":3,"metadata":{"project":"atlas\u001b[2J"}`)
	u.do(meta).ok()
	for _, r := range u.p.requests() {
		if r.Header.Get("X-Project") != "" || r.Header.Get("X-Tags") != "" {
			t.Errorf("the provider got %v", r.Header)
		}
	}
	u.p.answers(func(w http.ResponseWriter, _ *http.Request, _ []byte) {
		http.Error(w, `{"error":{"message":"no"}}`, 400)
	})
	if a := u.ask(webKey, "gpt-a", 7); a.Status != 400 {
		t.Fatalf("got %d", a.Status)
	}
	u.quiet()
	live := []string{"--address", u.admin}
	if !eventually(func() bool { return usageReport(t, live...).Total.Calls == 6 }) {
		t.Fatalf("6 calls were made, counted are %+v", usageReport(t, live...).Total)
	}
	byKey := usageReport(t, append(live, "--by", "key,model")...)
	if got := fmt.Sprintf("%+v", byKey.Rows); !strings.Contains(got, "map[key:web model:gpt-a] counts:{Calls:4 Answered:3 Refused:1 Output:18") || !strings.Contains(got, "map[key:batch model:gpt-a] counts:{Calls:1 Answered:1 Refused:0 Output:40") {
		t.Errorf("%s", got)
	}
	csv := mustCommand(t, "usage", "--address", u.admin, "--by", "project,tag:env", "--format", "csv")
	for _, want := range []string{`"'=cmd()|'x'!A1","prod",1,1,`, `"atlas[2J","_none",1,1,`} {
		if !strings.Contains(csv, want) {
			t.Errorf("no %s in\n%s", want, csv)
		}
	}
	if got := usageReport(t, append(live, "--where", "tag=batch")...).Total; got.Calls != 1 || got.Output != 5 {
		t.Errorf("%+v", got)
	}
	if got := usageReport(t, append(live, "--to", "2001-01-01")...).Total; got.Calls != 0 {
		t.Errorf("%+v", got)
	}
	table := mustCommand(t, "usage", "--address", u.admin, "--by", "team,day")
	if day := time.Now().UTC().Format(time.DateOnly); !strings.Contains(table, "research  "+day) || !strings.Contains(table, "total") {
		t.Errorf("%s", table)
	}
	// While the server runs, nobody else can open the file, and says so.
	if _, err := command(t, "usage", "--data-dir", u.data); err == nil || !strings.Contains(err.Error(), "--address") {
		t.Errorf("reading the file of a running server: %v", err)
	}
	if out, err := command(t, "usage", "--address", fmt.Sprintf("localhost:%d", freePort(t))); err == nil {
		t.Errorf("no server is there: %s", out)
	}
	for _, bad := range [][]string{{"--by", "colour"}, {"--from", "yesterday"}, {"--format", "xml"}, {"--timezone", "Mars/Base"}, {"--groups", "-1"}, {"--where", "x"}, {"--from", "2026-02-01", "--to", "2026-01-01"}} {
		if _, err := command(t, append([]string{"usage", "--address", u.admin}, bad...)...); err == nil {
			t.Errorf("%v was taken", bad)
		}
	}
	before := usageReport(t, append(live, "--by", "key,model,day,project,tag")...)
	totals := u.ledger() // stops the site
	after := usageReport(t, "--data-dir", u.data, "--by", "key,model,day,project,tag")
	if fmt.Sprint(before) != fmt.Sprint(after) {
		t.Errorf("the server said\n%+v\nthe file says\n%+v", before, after)
	}
	if after.Total.Cost != totals.Settled.Decimal() || after.Total.Cost == "0.00" {
		t.Errorf("the report says %s, the ledger %s", after.Total.Cost, totals.Settled.Decimal())
	}
	if _, err := command(t, "usage", "--data-dir", filepath.Join(u.dir, "nowhere")); err == nil {
		t.Error("there is no ledger there")
	}
}

// A caller whose budget is spent gets more at once, durably, and the audit log
// knows by whom and why.
func TestBudgetRaise(t *testing.T) {
	u := startUsage(t, "budget 0.05 USD/day per key\n\t\tbudget 2 USD/month per team {\n\t\t\tname teams\n\t\t}\n\t\tbudget 1k tokens/day per user\n\t\tmin_output off")
	u.ask(webKey, "gpt-a", 40).ok()
	if a := u.ask(webKey, "gpt-a", 40); a.Status != 429 {
		t.Fatalf("beyond the budget: %d", a.Status)
	}
	u.quiet()
	show := func(args ...string) string {
		return mustCommand(t, append([]string{"budget", "show", "--address", u.admin}, args...)...)
	}
	line := func(table string, words ...string) bool {
		for l := range strings.SplitSeq(table, "\n") {
			if strings.Join(strings.Fields(l), " ") == strings.Join(words, " ") {
				return true
			}
		}
		return false
	}
	now := time.Now().UTC()
	ends := now.Truncate(24 * time.Hour).Add(24 * time.Hour).Format("2006-01-02 15:04 MST")
	if out := show("--scope", "key", "--value", "web"); !line(out, "key/day web day", ends, "0.05 0.00 0.04 0.00 0.01 USD") || strings.Count(out, "\n") != 2 {
		t.Errorf("\n%s", out)
	}
	raise := func(args ...string) (string, error) {
		return command(t, append([]string{"budget", "raise", "--address", u.admin}, args...)...)
	}
	// What makes no sense is refused, in words that help.
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"key/week", "web", "1", "USD", "--reason", "x"}, "key/day"},
		{[]string{"key/day", "web", "1", "tokens", "--reason", "x"}, "is in USD"},
		{[]string{"user/day/tokens", "ada", "1", "USD", "--reason", "x"}, "is in tokens"},
		{[]string{"key/day", "web", "0", "USD", "--reason", "x"}, "amount"},
		{[]string{"key/day", "web", "1e9", "USD", "--reason", "x"}, "amount"},
		{[]string{"key/day", "", "1", "USD", "--reason", "x"}, "value"},
		{[]string{"key/day", "web", "1", "USD", "--reason", " "}, "reason"},
		{[]string{"key/day", "web", "1", "USD"}, "reason"},
	} {
		if out, err := raise(c.args...); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v: %v %s", c.args, err, out)
		}
	}
	u.foreignRaise()
	if a := u.ask(webKey, "gpt-a", 40); a.Status != 429 {
		t.Errorf("nothing was raised, and yet: %d", a.Status)
	}

	out, err := raise("key/day", "web", "0.05", "USD", "--reason", "release\nweek")
	if err != nil || !strings.Contains(out, "0.05 + 0.05 granted") || strings.Contains(out, "spelled") {
		t.Fatalf("%v %s", err, out)
	}
	u.ask(webKey, "gpt-a", 40).ok()
	if a := u.ask(webKey, "gpt-a", 40); a.Status != 429 {
		t.Errorf("beyond what was granted: %d", a.Status)
	}
	if a := u.ask(batchKey, "gpt-a", 60); a.Status != 429 {
		t.Errorf("another key profits: %d", a.Status)
	}
	if out, err = raise("teams@team/month", "nobody-yet", "1", "USD", "--reason", "x"); err != nil || !strings.Contains(out, "spelled") {
		t.Errorf("%v %s", err, out)
	}
	if out, err = raise("user/day/tokens", "ada", "2k", "tokens", "--reason", "x", "--json"); err != nil || !strings.Contains(out, `"granted":"2000"`) {
		t.Errorf("%v %s", err, out)
	}

	// The records: durable, one for each change, with who and why.
	var raised []string
	for _, r := range u.records("default", "") {
		if r.Stage == "admin" {
			raised = append(raised, r.raw)
		}
	}
	if len(raised) != 3 || !strings.Contains(raised[0], `"event":"budget.raise"`) || !strings.Contains(raised[0], `"actor":"admin endpoint, from 127.0.0.1:`) ||
		!strings.Contains(raised[0], "budget key/day of \\\"web\\\" raised by $0.05") || !strings.Contains(raised[0], "release") {
		t.Errorf("%q", raised)
	}

	// It survives a restart and ends with what it was given for.
	u.quiet()
	u.stop()
	if _, err := command(t, "budget", "raise", "--address", "localhost:1", "key/day", "web", "1", "USD", "--reason", "x"); err == nil {
		t.Error("no server runs")
	}
	if out := mustCommand(t, "budget", "show", "--data-dir", u.data, "--scope", "key"); !line(out, "key/day web day", ends, "- - 0.08 - - USD") {
		t.Errorf("\n%s", out)
	}
	u.run()
	if out := show("--budget", "key/day", "--value", "web"); !line(out, "key/day web day", ends, "0.05 0.05 0.08 0.00 0.02 USD") {
		t.Errorf("after a restart:\n%s", out)
	}
	u.ask(webKey, "gpt-a", 15).ok()
	if out, err = raise("key/day", "web", "0.05", "USD", "--reason", "enough", "--take-back"); err != nil || !strings.Contains(out, "0.05 + 0.00 granted") {
		t.Errorf("%v %s", err, out)
	}
	if a := u.ask(webKey, "gpt-a", 1); a.Status != 429 {
		t.Errorf("what was granted was taken back: %d", a.Status)
	}
	u.verify("default")
}

// foreignRaise posts as foreign pages and scripts may.
func (u *usageSite) foreignRaise() {
	u.t.Helper()
	body := `{"budget":"key/day","value":"web","amount":"5","unit":"USD","reason":"x"}`
	for name, c := range map[string]struct {
		method, body string
		header       map[string]string
		want         int
	}{
		"a form":            {"POST", body, map[string]string{"Content-Type": "text/plain"}, 415},
		"no type":           {"POST", body, nil, 415},
		"a foreign page":    {"POST", body, map[string]string{"Content-Type": "application/json", "Origin": "https://evil.example"}, 403},
		"a page, no CORS":   {"POST", body, map[string]string{"Content-Type": "application/json", "Sec-Fetch-Mode": "no-cors"}, 400},
		"a rebound name":    {"POST", body, map[string]string{"Content-Type": "application/json", "Host": "evil.example"}, 403},
		"GET":               {"GET", "", map[string]string{"Content-Type": "application/json"}, 405},
		"unknown member":    {"POST", strings.Replace(body, `"reason"`, `"sum":1,"reason"`, 1), map[string]string{"Content-Type": "application/json"}, 400},
		"repeated member":   {"POST", strings.Replace(body, `"reason"`, `"amount":"9","reason"`, 1), map[string]string{"Content-Type": "application/json"}, 400},
		"negative amount":   {"POST", strings.Replace(body, `"5"`, `"-5"`, 1), map[string]string{"Content-Type": "application/json"}, 400},
		"amount not quoted": {"POST", strings.Replace(body, `"5"`, `5`, 1), map[string]string{"Content-Type": "application/json"}, 400},
		"too long":          {"POST", `{"reason":"` + strings.Repeat("x", 100_000) + `"}`, map[string]string{"Content-Type": "application/json"}, 400},
		"unknown budget":    {"POST", strings.Replace(body, "key/day", "key/hour", 1), map[string]string{"Content-Type": "application/json"}, 404},
	} {
		r, err := http.NewRequest(c.method, "http://"+u.admin+"/llm_gateway/budgets/raise", strings.NewReader(c.body))
		if err != nil {
			u.t.Fatal(err)
		}
		for n, v := range c.header {
			if n == "Host" {
				r.Host = v
			}
			r.Header.Set(n, v)
		}
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			u.t.Fatal(err)
		}
		b, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		if resp.StatusCode != c.want {
			u.t.Errorf("%s: %d %s, want %d", name, resp.StatusCode, b, c.want)
		}
	}
	http.DefaultClient.CloseIdleConnections()
	for _, path := range []string{"usage?by=colour", "usage?form=7d", "usage?by=key&by=team", "budgets?limit=0", "budgets?x=1"} {
		resp, err := http.Get("http://" + u.admin + "/llm_gateway/" + path)
		if err != nil {
			u.t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != 400 {
			u.t.Errorf("%s: %d", path, resp.StatusCode)
		}
	}
	http.DefaultClient.CloseIdleConnections()
}

// The ledger and the provider's export of the same calls agree; where the export
// says something else, the command fails.
func TestReconcile(t *testing.T) {
	u := startUsage(t, "budget 10 USD/day")
	u.ask(webKey, "gpt-a", 100).ok()
	u.ask(batchKey, "gpt-a", 50).ok()
	u.quiet()
	live := []string{"--address", u.admin}
	if !eventually(func() bool { return usageReport(t, live...).Total.Calls == 2 }) {
		t.Fatal("2 calls were made")
	}
	name := usageReport(t, append(live, "--by", "provider")...).Rows[0].Group["provider"]
	total := usageReport(t, live...).Total
	today := time.Now().UTC().Truncate(24 * time.Hour).Unix()
	write := func(file string, output int) string {
		path := u.file(file)
		body := fmt.Sprintf(`{"data":[{"start_time":%d,"end_time":%d,"results":[{"input_tokens":%d,"output_tokens":%d,"input_cached_tokens":0,"num_model_requests":2,"model":"gpt-4o-mini-2024-07-18","api_key_id":null}]}],"has_more":false}`,
			today-86400, today+2*86400, total.Input, output)
		if err := os.WriteFile(path, []byte(body), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	good, bad := write("good.json", total.Output), write("bad.json", total.Output*2)
	for _, from := range [][]string{live, {"--data-dir", u.data}} {
		if from[0] == "--data-dir" {
			u.stop()
		}
		out, err := command(t, append([]string{"usage", "reconcile", good, "--ours", name}, from...)...)
		if err != nil || strings.Contains(out, "beyond") {
			t.Errorf("%v\n%s", err, out)
		}
		out, err = command(t, append([]string{"usage", "reconcile", bad, "--ours", name}, from...)...)
		if err == nil || !strings.Contains(out, "-50.00%") || !strings.Contains(err.Error(), "tolerance") {
			t.Errorf("%v\n%s", err, out)
		}
	}
	if _, err := command(t, "usage", "reconcile", u.file("missing.json")); err == nil {
		t.Error("there is no such file")
	}
}
