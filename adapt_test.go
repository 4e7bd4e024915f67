package gateway_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	_ "github.com/caddyserver/caddy/v2/modules/standard"

	_ "github.com/caddy-llm-gateway/caddy-llm-gateway"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/limits/prices"
)

var update = flag.Bool("update", false, "write the goldens anew")

func adapt(t *testing.T, text string) ([]byte, error) {
	t.Helper()
	b, warnings, err := caddyconfig.GetAdapter("caddyfile").Adapt([]byte(text), map[string]any{"filename": "Caddyfile"})
	for _, w := range warnings {
		if !strings.Contains(w.Message, "not formatted") {
			t.Error(w)
		}
	}
	return b, err
}

// Each golden is a Caddyfile, a line of dashes and the JSON that it adapts to.
func TestAdaptGoldens(t *testing.T) {
	files, err := filepath.Glob("testdata/adapt/*.caddyfiletest")
	if err != nil || len(files) == 0 {
		t.Fatal("no goldens", err)
	}
	for _, name := range files {
		t.Run(filepath.Base(name), func(t *testing.T) {
			b, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			text, want, _ := strings.Cut(string(b), "\n----------\n")
			got, err := adapt(t, text+"\n")
			if err != nil {
				t.Fatal(err)
			}
			var pretty bytes.Buffer
			if err := json.Indent(&pretty, got, "", "\t"); err != nil {
				t.Fatal(err)
			}
			if *update {
				if err := os.WriteFile(name, []byte(text+"\n----------\n"+pretty.String()+"\n"), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if pretty.String() != strings.TrimSpace(want) {
				t.Errorf("adapts to\n%s", pretty.String())
			}
		})
	}
}

// What is wrong in a Caddyfile is refused while it is adapted, with file and
// line, and without repeating a secret.
func TestAdaptRefuses(t *testing.T) {
	site := func(directives string) string { return ":8080 {\n" + directives + "\n}\n" }
	auth := "\tllm_auth {\n\t\tkey web {env.K}\n\t}\n"
	global := func(options string) string { return "{\n\tllm_gateway {\n" + options + "\n\t}\n}\n" }
	for name, tc := range map[string]struct{ text, want string }{
		"audit option":         {site("\tllm_audit {\n\t\tcontentt metadata\n\t}"), `Caddyfile:3`},
		"audit level":          {site("\tllm_audit {\n\t\tcontent everything\n\t}"), "content takes none"},
		"vault key":            {global("\t\taudit main {\n\t\t\tvault_key\n\t\t}"), "vault_key takes one key"},
		"sink type":            {global("\t\taudit main {\n\t\t\tsink carrier_pigeon\n\t\t}"), "carrier_pigeon"},
		"sink option":          {global("\t\taudit main {\n\t\t\tsink webhook https://siem.example {\n\t\t\t\tpassword x\n\t\t\t}\n\t\t}"), "Caddyfile:5"},
		"audit name":           {site("\tllm_audit ../x"), "log name"},
		"log option":           {global("\t\taudit default {\n\t\t\tretentionn 1d\n\t\t}"), "Caddyfile:4"},
		"log twice":            {global("\t\taudit default {\n\t\t}\n\t\taudit default {\n\t\t}"), "given twice"},
		"log name":             {global("\t\taudit ../x {\n\t\t}"), "1 to 64"},
		"log short":            {global("\t\taudit default {\n\t\t\tretention 1h\n\t\t}"), "at least 1d"},
		"log segment":          {global("\t\taudit default {\n\t\t\tsegment 1KiB\n\t\t}"), "at least 1 MiB"},
		"log origin":           {global("\t\taudit default {\n\t\t\torigin a+b\n\t\t}"), "origin"},
		"log keys":             {global("\t\taudit default {\n\t\t\tkey a b c\n\t\t}"), "one key, or two"},
		"log witness":          {global("\t\taudit default {\n\t\t\twitness https://w.example nonsense\n\t\t}"), "verifier key of a witness"},
		"witness without logs": {site("\tllm_witness"), "needs a log"},
		"witness of nonsense":  {site("\tllm_witness {\n\t\tlog x\n\t}"), "verifier key"},
		"audit twice":          {site("\tllm_audit {\n\t\ton_failure deny\n\t\ton_failure deny\n\t}"), "twice"},
		"auth empty":           {site("\tllm_auth"), "at least one key"},
		"auth no secret":       {site("\tllm_auth {\n\t\tkey web\n\t}"), "Caddyfile:3"},
		"auth short":           {site("\tllm_auth {\n\t\tkey web short-canary\n\t}"), "shorter than 16"},
		"auth twice":           {site("\tllm_auth {\n\t\tkey web {env.A}\n\t\tkey web {env.B}\n\t}"), "given twice"},
		"auth option":          {site("\tllm_auth {\n\t\tkey web {env.A} {\n\t\t\tteams x\n\t\t}\n\t}"), `unknown option "teams"`},
		"auth expires":         {site("\tllm_auth {\n\t\tkey web {env.A} {\n\t\t\texpires tomorrow\n\t\t}\n\t}"), "expires"},
		"auth more args":       {site("\tllm_auth {\n\t\tkey web {env.A} canary-second-part\n\t}"), "one secret"},
		"auth cors":            {site("\tllm_auth {\n\t\tkey web {env.A}\n\t\tcors *\n\t}"), "not an origin"},
		"rate empty":           {site("\tllm_ratelimit"), "at least one"},
		"rate dimension":       {site("\tllm_ratelimit calls 5/min"), `"calls"`},
		"rate window":          {site("\tllm_ratelimit requests 5/fortnight"), "fortnight"},
		"rate amount":          {site("\tllm_ratelimit requests 0/min"), "0"},
		"rate scope":           {site("\tllm_ratelimit requests 5/min per planet"), "planet"},
		"rate twice":           {site("\tllm_ratelimit {\n\t\trequests 5/min\n\t\trequests 6/min per key\n\t}"), "given twice"},
		"concurrent window":    {site("\tllm_ratelimit concurrent 5/min"), "concurrent"},
		"policy field":         {site("\tllm_policy {\n\t\tdeny x `llm.modle == \"a\"`\n\t}"), "modle"},
		"policy line":          {site("\tllm_policy {\n\t\tflag ok `true`\n\t\tdeny x `llm.modle == \"a\"`\n\t}"), "Caddyfile:4"},
		"policy type":          {site("\tllm_policy {\n\t\tdeny x `llm.model`\n\t}"), "bool"},
		"policy twice":         {site("\tllm_policy {\n\t\tdeny x `true`\n\t\tflag x `true`\n\t}"), "given twice"},
		"policy unknown":       {site("\tllm_policy {\n\t\tdeny x `sekrets(prompt.all)`\n\t}"), "sekrets"},
		"policy expression":    {site("\tllm_policy {\n\t\tdeny x `llm.model == \"a\"\n\t\t\t&& llm.modle == \"b\"`\n\t}"), "Caddyfile:4"},
		"policy no buffer":     {site("\tllm_policy {\n\t\tdeny x `response.text == \"\"` {\n\t\t\tin response\n\t\t}\n\t}"), "add `buffer`"},
		"policy vain buffer":   {site("\tllm_policy {\n\t\tdeny x `secrets(response.all).size() > 0` {\n\t\t\tin response\n\t\t\tbuffer\n\t\t}\n\t}"), "leave out `buffer`"},
		"policy buffer":        {site("\tllm_policy {\n\t\tdeny x `true` {\n\t\t\tbuffer\n\t\t}\n\t}"), "buffer holds an answer"},
		"policy response":      {site("\tllm_policy {\n\t\tdeny x `response.status == 200`\n\t}"), "in response"},
		"policy in":            {site("\tllm_policy {\n\t\tflag x `true` {\n\t\t\tin answers\n\t\t}\n\t}"), "Caddyfile:4"},
		"policy sample":        {site("\tllm_policy {\n\t\tflag x `true` {\n\t\t\tenforcement sample 0\n\t\t}\n\t}"), "1 to 99"},
		"policy route":         {site("\tllm_policy {\n\t\troute x `true`\n\t}"), "Caddyfile:3"},
		"policy route in":      {site("\tllm_policy {\n\t\troute x `true` m {\n\t\t\tin response\n\t\t}\n\t}"), "changes requests"},
		"policy set nothing":   {site("\tllm_policy {\n\t\tset x `true`\n\t}"), "needs something to set"},
		"policy set unknown":   {site("\tllm_policy {\n\t\tset x `true` {\n\t\t\ttemprature 1\n\t\t}\n\t}"), "temprature"},
		"policy set value":     {site("\tllm_policy {\n\t\tset x `true` {\n\t\t\ttemperature hot\n\t\t}\n\t}"), "hot"},
		"policy set kind":      {site("\tllm_policy {\n\t\tset x `true` {\n\t\t\tstore 1\n\t\t}\n\t}"), "cannot be set"},
		"policy tag":           {site("\tllm_policy {\n\t\ttag x `true`\n\t}"), "one or more tags"},
		"policy header":        {site("\tllm_policy {\n\t\trequire_header x `true` Authorization\n\t}"), "carries a credential"},
		"policy header name":   {site("\tllm_policy {\n\t\trequire_header x `true` \"a b\"\n\t}"), "no name of a header"},
		"policy expires":       {site("\tllm_policy {\n\t\tapprove x `true` {\n\t\t\texpires 60d\n\t\t}\n\t}"), "at most 30 days"},
		"policy unscannable":   {site("\tllm_policy {\n\t\tdeny x `true`\n\t\tunscannable allow video\n\t}"), "video"},
		"policy enforcement":   {site("\tllm_policy {\n\t\tdeny x `true` {\n\t\t\tenforcement maybe\n\t\t}\n\t}"), "maybe"},
		"cost amount":          {site("\tllm_cost {\n\t\tbudget -5 USD/day\n\t}"), "-5"},
		"cost currency":        {site("\tllm_cost {\n\t\tbudget 5 EUR/day\n\t}"), "want USD"},
		"cost window":          {site("\tllm_cost {\n\t\tbudget 5 USD/decade\n\t}"), "decade"},
		"cost zone":            {site("\tllm_cost {\n\t\tbudget 5 USD/day {\n\t\t\ttimezone Mars/Base\n\t\t}\n\t}"), "Mars/Base"},
		"cost twice":           {site("\tllm_cost {\n\t\tbudget 5 USD/day\n\t\tbudget 6 USD/day per key\n\t}"), "given twice"},
		"cost one name":        {site("\tllm_cost {\n\t\tbudget 5 USD/day {\n\t\t\tname soft\n\t\t}\n\t\tbudget 50 USD/month {\n\t\t\tname soft\n\t\t}\n\t}"), `two budgets have the name "soft"`},
		"cost unpriced":        {site("\tllm_cost {\n\t\tunpriced free\n\t}"), "unpriced"},
		"upstream nothing":     {site(auth + "\tllm_upstream"), "needs a provider"},
		"upstream type":        {site(auth + "\tllm_upstream opnai {env.K}"), "opnai"},
		"upstream key as type": {site(auth + "\tllm_upstream sk-canary-0123456789"), "provider type"},
		"upstream no key":      {site(auth + "\tllm_upstream openai"), "api_key"},
		"upstream option":      {site(auth + "\tllm_upstream openai {env.K} {\n\t\tbase_uri http://x\n\t}"), "base_uri"},
		"upstream base":        {site(auth + "\tllm_upstream openai {env.K} {\n\t\tbase_url localhost:8000\n\t}"), "base_url"},
		"upstream model":       {site(auth + "\tllm_upstream {\n\t\tmodel gpt-4o\n\t}"), "leads to no provider"},
		"upstream twice":       {site(auth + "\tllm_upstream openai {env.K} {\n\t\tmodel a\n\t\tmodel a\n\t}"), "given twice"},
		"upstream duration":    {site(auth + "\tllm_upstream openai {env.K} {\n\t\tfirst_byte_timeout soon\n\t}"), "soon"},
		"upstream policy":      {site(auth + "\tllm_upstream openai {env.K} {\n\t\tlb_policy best\n\t}"), "best"},
		"upstream retries":     {site(auth + "\tllm_upstream openai {env.K} {\n\t\tlb_retries -1\n\t}"), "lb_retries"},
		"upstream fails":       {site(auth + "\tllm_upstream openai {env.K} {\n\t\tmax_fails 0\n\t}"), "max_fails"},
		"upstream status":      {site(auth + "\tllm_upstream openai {env.K} {\n\t\tunhealthy_status 200\n\t}"), "200"},
		"upstream health":      {site(auth + "\tllm_upstream openai {env.K} {\n\t\thealth_uri healthz\n\t}"), "slash"},
		"upstream unsupported": {site(auth + "\tllm_upstream openai {env.K} {\n\t\ton_unsupported ignore\n\t}"), "ignore"},
		"upstream objects":     {site(auth + "\tllm_upstream openai {env.K} {\n\t\tobjects yes\n\t}"), "deny, allow or shared"},
		"upstream weights":     {site(auth + "\tllm_upstream {\n\t\tmodel a x y {\n\t\t\tweights 1\n\t\t}\n\t}"), "each of the 2 targets"},
		"upstream weight":      {site(auth + "\tllm_upstream {\n\t\tmodel a x {\n\t\t\tweights 0\n\t\t}\n\t}"), `"0"`},
		"upstream line option": {site(auth + "\tllm_upstream {\n\t\tmodel a x {\n\t\t\tretries 1\n\t\t}\n\t}"), "retries"},
		"provider key twice":   {global("\t\tprovider openai {\n\t\t\tapi_key canary-one canary-one\n\t\t}"), "twice"},
		"provider speaks":      {global("\t\tprovider openai {\n\t\t\tapi_key {env.K}\n\t\t\tspeaks latin\n\t\t}"), "latin"},
		"azure without base":   {global("\t\tprovider w azure {\n\t\t\tapi_key {env.K}\n\t\t}"), "base_url"},
		"global option":        {global("\t\tdatadir /x"), "datadir"},
		"global require":       {global("\t\trequire auth luck"), "luck"},
		"global twice":         {global("\t\tprovider openai {\n\t\t\tapi_key {env.K}\n\t\t}\n\t\tprovider openai {\n\t\t\tapi_key {env.K}\n\t\t}"), "given twice"},
		"global type":          {global("\t\tprovider x opnai"), "opnai"},
		"global price":         {global("\t\tprice x/* cheap"), "price"},
		"price nothing":        {global("\t\tprice m"), "input and output"},
		"price one":            {global("\t\tprice m 1"), "want <input> <output>"},
		"price free block":     {global("\t\tprice m free {\n\t\t\tinput 1\n\t\t}"), "free and priced"},
		"price twice":          {global("\t\tprice m 1 2 {\n\t\t\tinput 1\n\t\t}"), "input is given twice"},
		"price rate":           {global("\t\tprice m 1 2 {\n\t\t\tinput_smell 1\n\t\t}"), "input_smell"},
		"price amount":         {global("\t\tprice m {\n\t\t\tinput 1e-6\n\t\t}"), "1e-6"},
		"price negative":       {global("\t\tprice m {\n\t\t\tinput -1\n\t\t}"), "-1"},
		"price band":           {global("\t\tprice m 1 2 {\n\t\t\tabove some {\n\t\t\t\tinput 1\n\t\t\t}\n\t\t}"), `"some"`},
		"price bands fall":     {global("\t\tprice m 1 2 {\n\t\t\tabove 9 {\n\t\t\t\tinput 1\n\t\t\t}\n\t\t\tabove 8 {\n\t\t\t\tinput 1\n\t\t\t}\n\t\t}"), "rise"},
		"price tier":           {global("\t\tprice m 1 2 {\n\t\t\ttier flex\n\t\t}"), "flex"},
		"price tier standard":  {global("\t\tprice m 1 2 {\n\t\t\ttier default 2\n\t\t}"), "standard"},
		"price tier twice":     {global("\t\tprice m 1 2 {\n\t\t\ttier flex 0.5\n\t\t\ttier flex 0.6\n\t\t}"), "twice"},
		"price tier factor":    {global("\t\tprice m 1 2 {\n\t\t\ttier flex 0\n\t\t}"), "factor"},
		"price region":         {global("\t\tprice m 1 2 {\n\t\t\tregion us\n\t\t}"), "region"},
		"price region factor":  {global("\t\tprice m 1 2 {\n\t\t\tregion us 10%\n\t\t}"), "10%"},
		"price global":         {global("\t\tprice m 1 2 {\n\t\t\tregion global 2\n\t\t}"), "global"},
		"price max":            {global("\t\tprice m 1 2 {\n\t\t\tmax_output 0\n\t\t}"), "max_output"},
		"prices nothing":       {global("\t\tprices"), "file <path> or url <URL>"},
		"prices kind":          {global("\t\tprices ftp x"), `"ftp"`},
		"prices twice":         {global("\t\tprices file /a\n\t\tprices file /b"), "given twice"},
		"prices http":          {global("\t\tprices url http://example.com/canary"), "https"},
		"prices URL":           {global("\t\tprices url https:///canary"), "https URL"},
		"prices refresh":       {global("\t\tprices file /a refresh soon"), "soon"},
		"prices refresh none":  {global("\t\tprices file /a refresh"), "refresh <duration>"},
		"prices refresh fast":  {global("\t\tprices url https://example.com/p.json refresh 5s"), "at least 1m"},
		"classifier none":      {site("\tllm_policy {\n\t\tdeny x `classify(\"m\", prompt.user).flagged`\n\t}"), `none is configured`},
		"classifier misspelt":  {global("\t\tclassifier m {\n\t\t\turl https://x.example/\n\t\t\tprotocol generic\n\t\t}") + site("\tllm_policy {\n\t\tdeny x `classify(\"mm\", prompt.user).flagged`\n\t}"), `known are m`},
		"classifier protocol":  {global("\t\tclassifier m {\n\t\t\turl https://x.example/\n\t\t\tprotocol latin\n\t\t}"), `latin`},
		"classifier no url":    {global("\t\tclassifier m {\n\t\t\tprotocol generic\n\t\t}"), `url is missing`},
		"classifier url":       {global("\t\tclassifier m {\n\t\t\turl x.example\n\t\t\tprotocol generic\n\t\t}"), `full http`},
		"classifier clear":     {global("\t\tclassifier m {\n\t\t\turl http://x.example/\n\t\t\tprotocol generic\n\t\t\tapi_key canary-0123456789\n\t\t}"), `not in clear`},
		"classifier option":    {global("\t\tclassifier m {\n\t\t\turl https://x.example/\n\t\t\tprotocol generic\n\t\t\ttimeuot 1s\n\t\t}"), `timeuot`},
		"classifier twice":     {global("\t\tclassifier m {\n\t\t\turl https://x.example/\n\t\t\tprotocol generic\n\t\t\tprotocol generic\n\t\t}"), `given twice`},
		"classifier timeout":   {global("\t\tclassifier m {\n\t\t\turl https://x.example/\n\t\t\tprotocol generic\n\t\t\ttimeout soon\n\t\t}"), `soon`},
		"classifier on_error":  {global("\t\tclassifier m {\n\t\t\turl https://x.example/\n\t\t\tprotocol generic\n\t\t\ton_error maybe\n\t\t}"), `maybe`},
		"classifier threshold": {global("\t\tclassifier m {\n\t\t\turl https://x.example/\n\t\t\tprotocol generic\n\t\t\tthreshold 0\n\t\t}"), `threshold`},
		"classifier name":      {global("\t\tclassifier M {\n\t\t}"), `a-z`},
		"errors":               {site("\tllm_audit {\n\t\terrors html\n\t}"), "html"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := adapt(t, tc.text)
			if err == nil {
				t.Fatal("accepted")
			}
			if !strings.Contains(err.Error(), tc.want) || !strings.Contains(err.Error(), "Caddyfile:") {
				t.Errorf("got %v; want %q and the line", err, tc.want)
			}
			if strings.Contains(err.Error(), "canary") {
				t.Errorf("a secret is repeated: %v", err)
			}
		})
	}
}

// What only shows when the configuration is loaded is refused then, naming the
// directive and the option.
func TestProvisionRefuses(t *testing.T) {
	t.Setenv("EMPTY", "")
	t.Setenv("SHORT", "short-canary")
	t.Setenv("GOOD", "good-canary-0123456789")
	t.Setenv("HOME", t.TempDir())
	t.Setenv("XDG_DATA_HOME", t.TempDir())
	site := func(directives string) string {
		return "{\n\tadmin off\n\tpersist_config off\n}\n:0 {\n" + directives + "\n}\n"
	}
	for name, tc := range map[string]struct{ text, want string }{
		"empty key":      {site("\tllm_auth {\n\t\tkey web {env.EMPTY}\n\t}"), "key web"},
		"missing key":    {site("\tllm_auth {\n\t\tkey web {env.NOT_THERE}\n\t}"), "key web"},
		"short key":      {site("\tllm_auth {\n\t\tkey web {env.SHORT}\n\t}"), "web"},
		"same secret":    {site("\tllm_auth {\n\t\tkey a {env.GOOD}\n\t\tkey b {env.GOOD}\n\t}"), "llm_auth"},
		"empty api key":  {site("\tllm_upstream openai {env.EMPTY}"), "api_key"},
		"base url":       {site("\tllm_upstream openai {env.GOOD} {\n\t\tbase_url {env.GOOD}\n\t}"), "base_url"},
		"same target":    {site("\tllm_upstream openai {env.GOOD} {\n\t\tmodel a openai/x openai/x\n\t}"), "given twice"},
		"no objects":     {site("\tllm_upstream simulated {\n\t\tobjects allow\n\t}"), "objects"},
		"no such target": {site("\tllm_upstream {\n\t\tmodel a nobody\n\t}"), `"nobody"`},
		"price url":      {strings.Replace(site("\tllm_cost"), "\tadmin off\n", "\tadmin off\n\tllm_gateway {\n\t\tprices url {env.SHORT}\n\t}\n", 1), "https"},
		"price file":     {strings.Replace(site("\tllm_cost"), "\tadmin off\n", "\tadmin off\n\tllm_gateway {\n\t\tprices file {env.EMPTY}\n\t}\n", 1), "prices: file"},
		"data dir":       {"{\n\tadmin off\n\tllm_gateway {\n\t\tdata_dir {env.EMPTY}\n\t}\n}\n" + site("\tllm_audit")[len("{\n\tadmin off\n\tpersist_config off\n}\n"):], "data_dir"},
	} {
		t.Run(name, func(t *testing.T) {
			b, err := adapt(t, tc.text)
			if err != nil {
				t.Fatal(err)
			}
			var cfg caddy.Config
			if err := json.Unmarshal(b, &cfg); err != nil {
				t.Fatal(err)
			}
			err = caddy.Validate(&cfg)
			if err == nil {
				t.Fatal("accepted")
			}
			if !strings.Contains(err.Error(), tc.want) || !strings.Contains(err.Error(), "llm_") {
				t.Errorf("got %v; want %q and the directive", err, tc.want)
			}
			if strings.Contains(err.Error(), "canary") {
				t.Errorf("a secret is repeated: %v", err)
			}
		})
	}
}

// Every example loads, is formatted, says how to run it and leaves no trace.
func TestExamples(t *testing.T) {
	files, err := filepath.Glob("examples/*/Caddyfile")
	if err != nil || len(files) == 0 {
		t.Fatal("no examples", err)
	}
	data := t.TempDir()
	for k, v := range map[string]string{
		"HOME": data, "XDG_DATA_HOME": data, "XDG_CONFIG_HOME": data,
		"WEB_APP_KEY": "an-example-key-of-enough-length", "BATCH_KEY": "another-example-key-long-enough",
		"OPENAI_API_KEY": "sk-example", "ANTHROPIC_API_KEY": "sk-example", "OPENAI_BASE_URL": "http://127.0.0.1:9/v1", "MODEL_SERVER": "127.0.0.1:9",
		"GEMINI_API_KEY": "example", "OPENAI_API_KEY_2": "sk-example-2",
	} {
		t.Setenv(k, v)
	}
	for _, name := range files {
		t.Run(name, func(t *testing.T) {
			text, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.HasPrefix(text, []byte("# Run: ")) {
				t.Error("the first line does not say how to run it")
			}
			if !bytes.Equal(caddyfile.Format(text), text) {
				t.Error("not formatted as caddy fmt does")
			}
			b, err := adapt(t, string(text))
			if err != nil {
				t.Fatal(err)
			}
			var cfg caddy.Config
			if err := json.Unmarshal(b, &cfg); err != nil {
				t.Fatal(err)
			}
			if err := caddy.Validate(&cfg); err != nil {
				t.Fatal(err)
			}
		})
	}
	if left, _ := filepath.Glob(filepath.Join(data, "caddy", "llm*")); len(left) > 0 {
		t.Errorf("validating left %v behind", left)
	}
}

// What docs/prices.md shows is accepted.
func TestPricesPage(t *testing.T) {
	b, err := os.ReadFile("docs/prices.md")
	if err != nil {
		t.Fatal(err)
	}
	block := func(after string) string {
		_, rest, _ := strings.Cut(string(b), after)
		var lines []string
		for _, line := range strings.Split(strings.TrimLeft(rest, "\n"), "\n") {
			code, ok := strings.CutPrefix(line, "    ")
			if !ok && line != "" {
				break
			}
			lines = append(lines, code)
		}
		return strings.Join(lines, "\n")
	}
	if _, err := adapt(t, block("costs what the undated one does.\n")); err != nil {
		t.Error(err)
	}
	if _, err := prices.Load([]byte(block("## The schema\n"))); err != nil {
		t.Error(err)
	}
}
