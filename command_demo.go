package gateway

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/audit"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/internal/demo"
)

// demoCommand is `caddy llm demo`.
func demoCommand() *cobra.Command {
	var serve bool
	var port int
	cmd := &cobra.Command{
		Use:   "demo [--serve] [--port <n>]",
		Short: "Watch governed LLM calls on this machine: no account, no key, no network",
		Long: `Starts a governed site on loopback with a built-in simulated provider, makes
scripted calls (allowed, without a key, forbidden model, policy block, streamed,
budget exhausted, rate limited) and prints each decision, its cost and its
record; the last step proves a record against the signed log.

With --serve the site goes on running, with a key to try it with curl.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt)
			defer stop()
			return runDemo(ctx, cmd, serve, port)
		},
	}
	cmd.Flags().BoolVar(&serve, "serve", false, "leave the site running after the tour")
	cmd.Flags().IntVar(&port, "port", 0, "the port on loopback; default a free one")
	return cmd
}

func runDemo(ctx context.Context, cmd *cobra.Command, serve bool, port int) (err error) {
	dir, err := os.MkdirTemp("", "caddy-llm-demo-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if port == 0 {
		if port, err = freePort(); err != nil {
			return err
		}
	}
	keys := demo.Keys{Alice: "alice-" + rand.Text(), Bob: "bob-" + rand.Text(), Carol: "carol-" + rand.Text()}
	for name, value := range map[string]string{
		"LLM_DEMO_DIR": dir, "LLM_DEMO_PORT": strconv.Itoa(port),
		"LLM_DEMO_ALICE": keys.Alice, "LLM_DEMO_BOB": keys.Bob, "LLM_DEMO_CAROL": keys.Carol,
	} {
		if err := os.Setenv(name, value); err != nil {
			return err
		}
	}
	cfg, _, err := caddyconfig.GetAdapter("caddyfile").Adapt(demo.Caddyfile, map[string]any{"filename": "demo.Caddyfile"})
	if err != nil {
		return fmt.Errorf("adapting the demo's Caddyfile: %w", err)
	}
	if err := caddy.Load(cfg, true); err != nil {
		return fmt.Errorf("starting the demo's site: %w", err)
	}
	defer func() { err = errors.Join(err, caddy.Stop()) }()

	out := cmd.OutOrStdout()
	f, isFile := out.(*os.File)
	logDir := filepath.Join(dir, "audit", "demo")
	tour := &demo.Tour{
		Out: out, Colour: isFile && term.IsTerminal(int(f.Fd())) && os.Getenv("NO_COLOR") == "",
		URL: "http://127.0.0.1:" + strconv.Itoa(port), Keys: keys,
		Record: func(id string) (string, error) { return demoRecord(filepath.Join(dir, "audit"), id) },
		Prove:  func(id string) (string, error) { return demoProof(logDir, id) },
	}
	tour.Banner(dir)
	if err := tour.Run(ctx); err != nil {
		return err
	}
	fmt.Fprintln(out, "\nThe Caddyfile of this site is internal/demo/Caddyfile; examples/quickstart has one for a real provider.")
	if !serve {
		return nil
	}
	fmt.Fprintf(out, "\nServing until Ctrl-C. Try:\n\n  curl %s/v1/chat/completions -H 'Authorization: Bearer %s' -H 'Content-Type: application/json' \\\n    -d '{\"model\":\"gpt-4o\",\"stream\":true,\"messages\":[{\"role\":\"user\",\"content\":\"Hello\"}]}'\n", tour.URL, keys.Alice)
	<-ctx.Done()
	return nil
}

func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}

// demoRecord waits for the last record of a request (the outcome is written
// after the answer) and tells it in one line.
func demoRecord(dir, id string) (string, error) {
	deadline := time.Now().Add(3 * time.Second)
	for {
		found, err := findRequest(dir, id)
		if err == nil {
			last := found[len(found)-1]
			rec, err := audit.Decode(last.Record)
			if err != nil {
				return "", err
			}
			if rec.Stage != audit.StageAdmitted {
				return fmt.Sprintf("#%d %s", last.Index, summary(rec)), nil
			}
		}
		if time.Now().After(deadline) {
			return "", errNoRequest
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// demoProof gets a receipt for the admitted record of a request and verifies it
// with nothing but the log's public key.
func demoProof(dir, id string) (string, error) {
	found, err := audit.Find(dir, id)
	if err != nil || len(found) == 0 {
		return "", errors.Join(errNoRequest, err)
	}
	app, err := running()
	if err != nil {
		return "", err
	}
	stores, err := app.Enter(context.Background())
	if err != nil {
		return "", err
	}
	defer stores.Leave()
	log := stores.Logs["demo"]
	if err := log.Checkpoint(); err != nil {
		return "", err
	}
	receipt, err := log.Prove(found[0].Index)
	if err != nil {
		return "", err
	}
	if _, err := audit.VerifyReceipt(receipt, found[0].Raw, log.VerifierKey()); err != nil {
		return "", err
	}
	return fmt.Sprintf("record #%d is in the signed log of %d records (receipt of %d bytes, checked with %s…)",
		found[0].Index, log.Size(), len(receipt), log.VerifierKey()[:24]), nil
}
