package gateway

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/handlers"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/policy/trial"
)

func policyCoverageCommand() *cobra.Command {
	var cfg policyConfig
	var must []string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "coverage",
		Short: "List which rules reach which dialects on which routes, and where none does",
		Long: `Follows every route of the configuration to where it leaves for a model and tells
for each rule whether the route passes it and in which dialects it sees what it
looks at: a text is planted in requests, answers and streams of every dialect, and a
rule must find it. The exit status is 1 if there is a hole: a route without a rule
that another has, a dialect that rules cannot see, objects that pass no rule. With
--rule only the rules named must be everywhere, and in force; a configuration without
a route to a model proves nothing then, and the exit status is 1, too.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			b, _, err := adaptFile(cfg.file, cfg.adapter)
			if err != nil {
				return err
			}
			routes, err := coveredRoutes(b)
			if err != nil {
				return err
			}
			t, err := handlers.NewTrial([]json.RawMessage{json.RawMessage(trial.ProbeRules)}, handlers.Known{})
			if err != nil {
				return err
			}
			reach, err := trial.Probe(contextOf(cmd.Context()), t)
			if err != nil {
				return err
			}
			c := trial.Cover(routes, reach, must)
			if asJSON {
				err = printJSON(cmd.OutOrStdout(), c)
			} else {
				trial.PrintCoverage(cmd.OutOrStdout(), c)
			}
			if err == nil && len(c.Holes) > 0 {
				err = fmt.Errorf("%d holes", len(c.Holes))
			}
			if err == nil && len(routes) == 0 && len(must) > 0 {
				err = errors.New("no route of this config leads to a model, so no rule is proved to be passed: is it the right file?")
			}
			return err
		},
	}
	cmd.Flags().StringVarP(&cfg.file, "config", "c", "Caddyfile", "the configuration whose rules are meant")
	cmd.Flags().StringVarP(&cfg.adapter, "adapter", "a", "", "the config adapter; default caddyfile, unless the file ends in .json")
	cmd.Flags().StringSliceVar(&must, "rule", nil, "a rule that every route must pass; may be repeated. Default: every rule that any route has")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the matrix as JSON")
	return cmd
}

// coveredRoutes lists the routes of a config to models, with their rules. The rules
// must be valid: one that would not load reaches nothing.
func coveredRoutes(config []byte) ([]trial.CoveredRoute, error) {
	routes, _, err := checkConfig(config)
	if err != nil {
		return nil, err
	}
	known, err := knownIn(config)
	if err != nil {
		return nil, err
	}
	var out []trial.CoveredRoute
	for _, r := range routes {
		c := trial.CoveredRoute{Name: r.name(), End: r.End}
		if len(r.Policies) > 0 {
			if _, err := handlers.NewTrial(r.Policies, known); err != nil {
				return nil, fmt.Errorf("%s: %w", r.name(), err)
			}
		}
		for _, raw := range r.Policies {
			var p struct {
				Rules []struct {
					Name        string   `json:"name"`
					Action      string   `json:"action"`
					In          []string `json:"in"`
					Enforcement string   `json:"enforcement"`
					OnError     string   `json:"on_error"`
				} `json:"rules"`
			}
			if err := json.Unmarshal(raw, &p); err != nil {
				return nil, err
			}
			for _, rule := range p.Rules {
				c.Rules = append(c.Rules, trial.CoveredRule{Name: rule.Name, Action: rule.Action, In: rule.In, Enforcement: rule.Enforcement, OnError: rule.OnError})
			}
		}
		var end struct {
			Objects string `json:"objects"`
		}
		if err := json.Unmarshal(r.Handler, &end); err == nil {
			c.Objects = end.Objects == "allow" || end.Objects == "shared"
		}
		out = append(out, c)
	}
	return out, nil
}
