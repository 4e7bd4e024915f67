package gateway

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/caddyserver/caddy/v2/caddyconfig"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/spf13/cobra"
)

// checkCommand is `caddy llm check`.
func checkCommand() *cobra.Command {
	var file, adapter string
	cmd := &cobra.Command{
		Use:   "check [--config <path>]",
		Short: "List the routes of a Caddyfile that reach a model, and what governs them",
		Long: `Reads a Caddyfile (or a JSON config), follows every route to where it leaves for
a model, and prints which governors it passes. Nothing is started or dialled.
The exit status is 1 if a route escapes governance or is misordered.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			routes, warnings, err := checkFile(file, adapter)
			if err != nil {
				return err
			}
			holes := printRoutes(cmd.OutOrStdout(), routes, warnings)
			if holes > 0 {
				return fmt.Errorf("%d of %d routes are not governed as required", holes, len(routes))
			}
			return nil
		},
	}
	cmd.Flags().StringVarP(&file, "config", "c", "Caddyfile", "the file to read")
	cmd.Flags().StringVarP(&adapter, "adapter", "a", "", "the config adapter; default caddyfile, unless the file ends in .json")
	return cmd
}

// checkedRoute is one way through a config that ends at a model.
type checkedRoute struct {
	Server, Match string
	Governors     []string
	End           string // the handler at its end, e.g. "llm_upstream"
	Problems      []string
	// Policies are the configurations of the llm_policy handlers among them, in
	// order; Handler is that of the handler at its end.
	Policies []json.RawMessage
	Handler  json.RawMessage
}

func checkFile(file, adapter string) ([]checkedRoute, []string, error) {
	b, warnings, err := adaptFile(file, adapter)
	if err != nil {
		return nil, nil, err
	}
	routes, more, err := checkConfig(b)
	return routes, append(warnings, more...), err
}

// adaptFile reads a config and returns it as JSON.
func adaptFile(file, adapter string) (b []byte, warnings []string, err error) {
	if b, err = os.ReadFile(file); err != nil {
		return nil, nil, err
	}
	if adapter == "" && !strings.HasSuffix(file, ".json") {
		adapter = "caddyfile"
	}
	if adapter == "" {
		return b, nil, nil
	}
	a := caddyconfig.GetAdapter(adapter)
	if a == nil {
		return nil, nil, fmt.Errorf("unknown config adapter %q", adapter)
	}
	b, warns, err := a.Adapt(b, map[string]any{"filename": file})
	for _, w := range warns {
		warnings = append(warnings, w.String())
	}
	return b, warnings, err
}

// checkConfig walks the routes of a JSON config.
func checkConfig(b []byte) ([]checkedRoute, []string, error) {
	var cfg struct {
		Apps struct {
			HTTP    caddyhttp.App `json:"http"`
			Gateway struct {
				Require *[]string `json:"require"`
			} `json:"llm_gateway"`
		} `json:"apps"`
		Logging struct {
			Logs map[string]struct {
				Encoder struct {
					Format string `json:"format"`
				} `json:"encoder"`
			} `json:"logs"`
		} `json:"logging"`
	}
	if err := json.Unmarshal(b, &cfg); err != nil {
		return nil, nil, fmt.Errorf("reading the config: %w", err)
	}
	w := walker{require: []string{"auth"}}
	if cfg.Apps.Gateway.Require != nil {
		w.require = *cfg.Apps.Gateway.Require
	}
	names := make([]string, 0, len(cfg.Apps.HTTP.Servers))
	for name := range cfg.Apps.HTTP.Servers {
		names = append(names, name)
	}
	slices.Sort(names)
	var warnings []string
	for _, name := range names {
		srv := cfg.Apps.HTTP.Servers[name]
		w.server, w.named, w.invoked = name, srv.NamedRoutes, nil
		before := len(w.found)
		if _, err := w.routes(srv.Routes, chain{}, ""); err != nil {
			return nil, nil, err
		}
		if srv.Errors != nil {
			// An error can come up before any governor was passed.
			if _, err := w.routes(srv.Errors.Routes, chain{}, "(errors)"); err != nil {
				return nil, nil, err
			}
		}
		if srv.Logs == nil || len(w.found) == before {
			continue
		}
		for _, log := range accessLogs(srv.Logs) {
			if cfg.Logging.Logs[log].Encoder.Format != "llm_safe" {
				warnings = append(warnings, fmt.Sprintf("server %s writes access logs, and the log %q is not `format llm_safe`: keys that come in x-api-key, api-key, x-goog-api-key or ?key= will be in it in clear", name, log))
			}
		}
	}
	return w.found, warnings, nil
}

// accessLogs names the logs that a server's access log goes to.
func accessLogs(c *caddyhttp.ServerLogConfig) []string {
	names := []string{c.DefaultLoggerName}
	for _, of := range c.LoggerNames {
		names = append(names, of...)
	}
	for i, name := range names {
		if name == "" {
			names[i] = "default"
		}
	}
	slices.Sort(names)
	names = slices.Compact(names)
	if len(names) > 1 && c.DefaultLoggerName == "" {
		names = slices.DeleteFunc(names, func(n string) bool { return n == "default" })
	}
	return names
}

// chain is what a route has passed.
type chain struct {
	governors []string
	policies  []json.RawMessage
}

type walker struct {
	require []string
	server  string
	named   map[string]*caddyhttp.Route // of the server
	invoked []string                    // those that the walk is in
	found   []checkedRoute
}

var errNoHandler = errors.New("a handler without a name")

// routes follows a list of routes; passed are the governors seen on the way.
// It returns the governors that hold behind the list.
func (w *walker) routes(routes caddyhttp.RouteList, passed chain, match string) (chain, error) {
	for _, r := range routes {
		here := describe(match, r.MatcherSetsRaw)
		conditional := len(r.MatcherSetsRaw) > 0
		chain := chain{slices.Clone(passed.governors), slices.Clone(passed.policies)}
		for _, raw := range r.HandlersRaw {
			var h struct {
				Handler string              `json:"handler"`
				Routes  caddyhttp.RouteList `json:"routes"`
				Errors  *struct {
					Routes caddyhttp.RouteList `json:"routes"`
				} `json:"errors"`
				Name      string `json:"name"`
				Responses []struct {
					Routes caddyhttp.RouteList `json:"routes"`
				} `json:"handle_response"`
				Upstreams []struct {
					Dial string `json:"dial"`
				} `json:"upstreams"`
			}
			if err := json.Unmarshal(raw, &h); err != nil {
				return passed, err
			}
			switch {
			case h.Handler == "":
				return passed, errNoHandler
			case h.Handler == "invoke":
				var err error
				if chain, err = w.invoke(h.Name, chain, here); err != nil {
					return passed, err
				}
			case h.Handler == "subroute":
				if h.Errors != nil {
					if _, err := w.routes(h.Errors.Routes, chain, within(here, "(errors)")); err != nil {
						return passed, err
					}
				}
				var err error
				if chain, err = w.routes(h.Routes, chain, here); err != nil {
					return passed, err
				}
			case h.Handler == "llm_upstream":
				w.add(here, chain, h.Handler, raw)
			case h.Handler == "reverse_proxy":
				var dials []string
				model := slices.ContainsFunc(chain.governors, isGovernor)
				for _, u := range h.Upstreams {
					dials = append(dials, u.Dial)
					model = model || isProviderHost(u.Dial)
				}
				if model {
					w.add(here, chain, "reverse_proxy "+strings.Join(dials, " "), raw)
				}
			case isGovernor(h.Handler):
				chain.governors = append(chain.governors, h.Handler)
				if h.Handler == "llm_policy" {
					chain.policies = append(chain.policies, raw)
				}
			}
			for _, resp := range h.Responses {
				if _, err := w.routes(resp.Routes, chain, within(here, "(answers)")); err != nil {
					return passed, err
				}
			}
		}
		// What an unconditional route adds holds for the routes after it; what
		// stands under a matcher holds only there.
		if !conditional {
			passed = chain
		}
	}
	return passed, nil
}

// invoke follows a named route. One that is not there, or that comes back to itself, Caddy
// refuses or never leaves: it leads nowhere.
func (w *walker) invoke(name string, passed chain, match string) (chain, error) {
	route := w.named[name]
	if route == nil || slices.Contains(w.invoked, name) {
		return passed, nil
	}
	w.invoked = append(w.invoked, name)
	defer func() { w.invoked = w.invoked[:len(w.invoked)-1] }()
	return w.routes(caddyhttp.RouteList{*route}, passed, match)
}

func isGovernor(handler string) bool {
	name, ok := strings.CutPrefix(handler, "llm_")
	return ok && slices.Contains(governors, name)
}

// isProviderHost reports whether an address is one of the well-known providers:
// a plain proxy to them carries LLM traffic past every governor.
func isProviderHost(dial string) bool {
	host := dial
	if i := strings.LastIndexByte(dial, ':'); i > 0 {
		host = dial[:i]
	}
	if u, err := url.Parse(dial); err == nil && u.Host != "" {
		host = u.Hostname()
	}
	for _, p := range []string{"api.openai.com", "api.anthropic.com", "generativelanguage.googleapis.com", "api.mistral.ai",
		"api.groq.com", "api.deepseek.com", "openrouter.ai", "api.cohere.com", "api.x.ai"} {
		if host == p {
			return true
		}
	}
	return strings.HasSuffix(host, ".openai.azure.com")
}

func (w *walker) add(match string, passed chain, end string, handler json.RawMessage) {
	chain := passed.governors
	r := checkedRoute{Server: w.server, Match: match, Governors: chain, End: end, Policies: passed.policies, Handler: handler}
	upstream := end == "llm_upstream"
	if upstream {
		for _, name := range w.require {
			if !slices.Contains(chain, "llm_"+name) {
				r.Problems = append(r.Problems, "does not pass llm_"+name+": every call will be refused with 500 misordered")
			}
		}
	} else if !slices.Contains(chain, "llm_auth") {
		r.Problems = append(r.Problems, "does not pass llm_auth: anybody can call")
	}
	last := -1
	for _, h := range chain {
		i := slices.IndexFunc(directives, func(d directive) bool { return d.name == h })
		if i < last {
			r.Problems = append(r.Problems, h+" runs after a handler that should follow it")
		}
		last = max(last, i)
	}
	w.found = append(w.found, r)
}

// describe renders matchers shortly.
func describe(outer string, sets caddyhttp.RawMatcherSets) string {
	var parts []string
	for _, set := range sets {
		names := make([]string, 0, len(set))
		for name := range set {
			names = append(names, name)
		}
		slices.Sort(names)
		for _, name := range names {
			var values []string
			if json.Unmarshal(set[name], &values) == nil {
				parts = append(parts, name+" "+strings.Join(values, ","))
			} else {
				parts = append(parts, name)
			}
		}
	}
	return within(outer, strings.Join(parts, " "))
}

func within(outer, inner string) string {
	if outer != "" && inner != "" {
		return outer + " > " + inner
	}
	return outer + inner
}

// printRoutes prints the table and returns the number of holes.
func printRoutes(out io.Writer, routes []checkedRoute, warnings []string) (holes int) {
	if len(routes) == 0 {
		fmt.Fprintln(out, "No route of this config leads to a model.")
	} else {
		t := tabwriter.NewWriter(out, 0, 8, 2, ' ', 0)
		fmt.Fprintln(t, "SERVER\tROUTE\tGOVERNORS\tENDS AT\tVERDICT")
		for _, r := range routes {
			match, chain, verdict := r.Match, strings.Join(r.Governors, " "), "ok"
			if match == "" {
				match = "(all)"
			}
			if chain == "" {
				chain = "-"
			}
			if len(r.Problems) > 0 {
				holes++
				verdict = r.Problems[0]
			}
			fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\n", r.Server, match, chain, r.End, verdict)
			for _, p := range r.Problems[min(1, len(r.Problems)):] {
				fmt.Fprintf(t, "\t\t\t\t%s\n", p)
			}
		}
		t.Flush()
	}
	for _, w := range warnings {
		fmt.Fprintln(out, "warning:", w)
	}
	return holes
}
