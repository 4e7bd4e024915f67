package gateway

import (
	"errors"
	"fmt"
	"text/tabwriter"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/spf13/cobra"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/limits/prices"
)

// pricesCommand is `caddy llm prices`.
func pricesCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "prices",
		Short: "What models cost, and price lists of others",
	}
	cmd.AddCommand(pricesShowCommand(), pricesImportCommand())
	return cmd
}

// pricesShowCommand is `caddy llm prices show`.
func pricesShowCommand() *cobra.Command {
	var provider, file string
	cmd := &cobra.Command{
		Use:   "show <model>",
		Short: "What a model costs, in USD per million tokens",
		Long: `Prints the price of a model in the catalogue of this binary or, with --file, as
the option prices of llm_gateway would read it. The options price of a
configuration are not looked at.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			src := prices.NewSource(nil)
			if file != "" {
				data, err := readPrices(file)
				if err == nil {
					_, err = src.Update(data)
				}
				if err != nil {
					return err
				}
			}
			c := src.Current()
			p, ok := c.Lookup(provider, provider, args[0], time.Now())
			if !ok {
				return fmt.Errorf("the model %q has no price%s", args[0], map[bool]string{true: "; name its provider by --provider"}[provider == ""])
			}
			out := cmd.OutOrStdout()
			fmt.Fprintf(out, "prices %s\n", c.Version())
			w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
			for _, l := range p.Lines() {
				fmt.Fprintf(w, "%s\t%s\n", l.What, l.Amount)
			}
			return w.Flush()
		},
	}
	cmd.Flags().StringVar(&provider, "provider", "", "name or type of the provider in the catalogue, e.g. openai, groq (default: the makers of well-known models)")
	cmd.Flags().StringVar(&file, "file", "", "a price file to read over the catalogue")
	return cmd
}

// pricesImportCommand is `caddy llm prices import`.
func pricesImportCommand() *cobra.Command {
	var asOf string
	cmd := &cobra.Command{
		Use:   "import <file>",
		Short: "Turn LiteLLM's or models.dev's price list into a price file, or check one",
		Long: `Reads a price list, in our own schema, LiteLLM's (model_prices_and_context_window.json)
or models.dev's (api.json), refuses what is malformed, saying where, and prints it
as a price file for the option prices of llm_gateway, which also reads the lists
as they are. Models that are left out, since their price has a part that is not
understood or is not one of tokens, are named on standard error.`,
		Example: "  caddy llm prices import api.json > prices.json",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			data, err := readPrices(args[0])
			if err != nil {
				return err
			}
			if len(data) > prices.MaxFile {
				return fmt.Errorf("the file has more than %d MiB", prices.MaxFile>>20)
			}
			if _, err := prices.Load(data); err != nil {
				return err
			}
			im, err := prices.Import(data)
			if err != nil {
				return err
			}
			if im.Shape != prices.ShapeOwn {
				im.Snapshot.AsOf = asOf
			} else if cmd.Flags().Changed("as-of") {
				return errors.New("the file says itself as of when it is")
			}
			b, err := json.Marshal(im.Snapshot, jsontext.WithIndent(" "), json.Deterministic(true))
			if err != nil {
				return err
			}
			c, err := prices.Load(b)
			if err != nil {
				return err
			}
			for _, left := range im.Left {
				fmt.Fprintln(cmd.ErrOrStderr(), "left out:", left)
			}
			fmt.Fprintf(cmd.ErrOrStderr(), "%s: %d models of %d providers, %d left out\n", im.Shape, c.Models(), len(im.Snapshot.Providers), len(im.Left))
			_, err = cmd.OutOrStdout().Write(append(b, '\n'))
			return err
		},
	}
	cmd.Flags().StringVar(&asOf, "as-of", time.Now().UTC().Format(time.DateOnly), "the day as of which the prices of LiteLLM's or models.dev's list are known")
	return cmd
}
