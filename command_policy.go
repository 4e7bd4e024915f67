package gateway

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/handlers"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/internal/terminal"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/policy/trial"
)

// policyCommand is `caddy llm policy`.
func policyCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "policy",
		Short: "Try rules on cases and requests, and see where they do not reach",
	}
	cmd.AddCommand(policyTestCommand(), policyExplainCommand(), policyCoverageCommand(), policyReplayCommand(), policyRecommendCommand())
	return cmd
}

// policyConfig is a configuration whose rules are looked at.
type policyConfig struct {
	file, adapter, route string
}

func (p *policyConfig) flags(cmd *cobra.Command, name string) {
	cmd.Flags().StringVarP(&p.file, name, "c", "Caddyfile", "the configuration whose rules are meant")
	cmd.Flags().StringVarP(&p.adapter, "adapter", "a", "", "the config adapter; default caddyfile, unless the file ends in .json")
	cmd.Flags().StringVar(&p.route, "route", "", "a part of the route's name, if routes have different rules")
}

// gatewayOptions are the parts of the global option that the rules depend on.
type gatewayOptions struct {
	Apps struct {
		Gateway struct {
			Providers   map[string]json.RawMessage `json:"providers"`
			Classifiers map[string]json.RawMessage `json:"classifiers"`
			Detectors   map[string]json.RawMessage `json:"detectors"`
		} `json:"llm_gateway"`
	} `json:"apps"`
}

// name is how a route is called.
func (r *checkedRoute) name() string {
	match := r.Match
	if match == "" {
		match = "(all)"
	}
	return r.Server + " " + match
}

// trial finds the rules of the route that is meant and makes them ready to be tried.
// Nothing else of the configuration is set up, so no secret is needed.
func (p *policyConfig) trial() (*handlers.Trial, error) {
	policies, known, err := p.policies()
	if err != nil {
		return nil, err
	}
	return handlers.NewTrial(policies, known)
}

// policies are the llm_policy handlers of that route, and what their rules may name.
func (p *policyConfig) policies() (policies []json.RawMessage, known handlers.Known, err error) {
	b, _, err := adaptFile(p.file, p.adapter)
	if err != nil {
		return nil, known, err
	}
	routes, _, err := checkConfig(b)
	if err != nil {
		return nil, known, err
	}
	var found []checkedRoute
	for _, r := range routes {
		if len(r.Policies) == 0 || !strings.Contains(r.name(), p.route) {
			continue
		}
		if !slices.ContainsFunc(found, func(f checkedRoute) bool { return slices.EqualFunc(f.Policies, r.Policies, sameJSON) }) {
			found = append(found, r)
		}
	}
	switch {
	case len(found) == 0 && p.route != "":
		return nil, known, fmt.Errorf("%s: no route with llm_policy has %q in its name", p.file, p.route)
	case len(found) == 0:
		return nil, known, fmt.Errorf("%s: no route to a model passes llm_policy", p.file)
	case len(found) > 1:
		var names []string
		for _, r := range found {
			names = append(names, fmt.Sprintf("%q", r.name()))
		}
		return nil, known, fmt.Errorf("%s: routes have different rules; choose one by a part of its name: %s", p.file, strings.Join(names, ", "))
	}
	known, err = knownIn(b)
	return found[0].Policies, known, err
}

// knownIn is what the rules of a configuration may name.
func knownIn(config []byte) (known handlers.Known, err error) {
	var o gatewayOptions
	if err := json.Unmarshal(config, &o); err != nil {
		return known, err
	}
	known.Providers = slices.Sorted(maps.Keys(o.Apps.Gateway.Providers))
	known.Classifiers = slices.Sorted(maps.Keys(o.Apps.Gateway.Classifiers))
	known.Detectors, err = loadDetectors(o.Apps.Gateway.Detectors)
	return known, err
}

func sameJSON(a, b json.RawMessage) bool { return string(a) == string(b) }

func policyTestCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "test <file…>",
		Short: "Try the rules of a Caddyfile on cases written down in files",
		Long: `A file of cases is JSON: the configuration, and for each case a request, what the
model answers and what is expected. A request in words is tried in the dialects of
OpenAI (chat, responses) and Anthropic (messages), whole and streamed, by the code
that serves. Nothing is listened to or dialled, and no secret is needed. The exit
status is 1 if a case does not come out as expected. See docs/policy_tools.md.`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			out := cmd.OutOrStdout()
			failed, all := 0, []trial.Result{}
			for _, name := range args {
				results, err := runCases(cmd.Context(), name)
				if err != nil {
					return fmt.Errorf("%s: %w", name, err)
				}
				if asJSON {
					for _, r := range results {
						if !r.OK {
							failed++
						}
					}
					all = append(all, results...)
					continue
				}
				if len(args) > 1 {
					fmt.Fprintf(out, "%s\n", name)
				}
				failed += trial.Print(out, results)
			}
			if asJSON {
				if err := printJSON(out, all); err != nil {
					return err
				}
			}
			if failed > 0 {
				return fmt.Errorf("%d runs did not come out as expected", failed)
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the results as JSON")
	return cmd
}

// runCases tries a file of cases.
func runCases(ctx context.Context, name string) ([]trial.Result, error) {
	b, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	f, err := trial.Parse(b)
	if err != nil {
		return nil, err
	}
	cfg := policyConfig{file: f.Config, route: f.Route}
	if !filepath.IsAbs(cfg.file) {
		cfg.file = filepath.Join(filepath.Dir(name), cfg.file)
	}
	t, err := cfg.trial()
	if err != nil {
		return nil, err
	}
	return trial.Run(contextOf(ctx), f, t), nil
}

// contextOf is the context of a command; cobra has none if nobody has set it.
func contextOf(ctx context.Context) context.Context {
	if ctx == nil {
		return context.Background()
	}
	return ctx
}

// printJSON writes v for people and for programs: what a terminal would obey is escaped.
func printJSON(w io.Writer, v any) error {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return err
	}
	_, err := w.Write(terminal.JSON(b.Bytes()))
	return err
}

func policyExplainCommand() *cobra.Command {
	var cfg policyConfig
	var asJSON bool
	var path, now, ip string
	var caller llm.Principal
	var headers []string
	cmd := &cobra.Command{
		Use:   "explain <request.json>",
		Short: "Tell what each rule makes of a request, and why",
		Long: `The file is the body of a request as a client sends it ("-" reads it from standard
input). Every rule is evaluated, also behind one that refuses; its value is told, and
the values of the parts of its expression. The output quotes the request.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			body, err := readInput(cmd, args[0])
			if err != nil {
				return err
			}
			q := &trial.Request{Path: path, Body: body, Header: http.Header{"Content-Type": {"application/json"}}, IP: ip, Caller: &caller, Explain: true,
				Now: time.Now(), Answer: []byte(`{}`), Type: "application/json"}
			if now != "" {
				if q.Now, err = time.Parse(time.RFC3339, now); err != nil {
					return fmt.Errorf("--now: %q is not a time such as 2026-01-15T12:00:00Z", now)
				}
			}
			for _, h := range headers {
				name, value, ok := strings.Cut(h, ":")
				if !ok {
					return fmt.Errorf("--header: want name: value, not %q", h)
				}
				q.Header.Add(strings.TrimSpace(name), strings.TrimSpace(value))
			}
			if q.Path == "" {
				if q.Path = trial.GuessPath(body); q.Path == "" {
					return errors.New("the dialect cannot be told from the body; give --path, e.g. /v1/chat/completions")
				}
			}
			t, err := cfg.trial()
			if err != nil {
				return err
			}
			got, err := t.Run(contextOf(cmd.Context()), q)
			if err != nil {
				return err
			}
			if asJSON {
				return printJSON(cmd.OutOrStdout(), trial.Explanation(q, got))
			}
			trial.PrintExplanation(cmd.OutOrStdout(), q, got)
			return nil
		},
	}
	cfg.flags(cmd, "config")
	f := cmd.Flags()
	f.BoolVar(&asJSON, "json", false, "print the explanation as JSON")
	f.StringVar(&path, "path", "", "the request's path; default by the shape of the body")
	f.StringVar(&now, "now", "", "when the request comes, e.g. 2026-01-15T03:00:00+01:00; default now")
	f.StringVar(&ip, "ip", "127.0.0.1", "the client's address")
	f.StringVar(&caller.Key, "key", "test", "name of the caller's key")
	f.StringVar(&caller.User, "user", "", "the caller's user")
	f.StringVar(&caller.Team, "team", "", "the caller's team")
	f.StringVar(&caller.Org, "org", "", "the caller's organisation")
	f.StringSliceVar(&caller.Groups, "group", nil, "a group of the caller; may be repeated")
	f.StringSliceVar(&caller.Scopes, "scope", nil, "a scope of the caller; may be repeated")
	f.StringArrayVar(&headers, "header", nil, "a header of the request, name: value; may be repeated")
	return cmd
}

// maxInput bounds what is read of a request, in bytes.
const maxInput = 32 << 20

func readInput(cmd *cobra.Command, name string) ([]byte, error) {
	in := cmd.InOrStdin()
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		in = f
	}
	b, err := io.ReadAll(io.LimitReader(in, maxInput+1))
	if err == nil && len(b) > maxInput {
		err = fmt.Errorf("%s is longer than %d MiB", name, maxInput>>20)
	}
	return b, err
}
