// Command mockprovider serves the mock provider on a free port of the loopback
// interface until it is told to stop, and writes its address to a file.
//
// The keys come by the environment: MOCK_OPENAI_KEY, MOCK_ANTHROPIC_KEY, MOCK_GOOGLE_KEY, and in
// MOCK_FORBIDDEN, separated by commas, those it must never see.
package main

import (
	"flag"
	"log"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/caddytest/clients/mock"
)

func main() {
	addrFile := flag.String("addr-file", "", "file that gets the address once the provider listens")
	flag.Parse()
	s := mock.New(mock.Config{
		OpenAIKey:    os.Getenv("MOCK_OPENAI_KEY"),
		AnthropicKey: os.Getenv("MOCK_ANTHROPIC_KEY"),
		GoogleKey:    os.Getenv("MOCK_GOOGLE_KEY"),
		Forbidden:    strings.Split(os.Getenv("MOCK_FORBIDDEN"), ","),
	})
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	if *addrFile != "" {
		tmp := *addrFile + ".new"
		if err := os.WriteFile(tmp, []byte(ln.Addr().String()), 0o600); err != nil {
			log.Fatal(err)
		}
		if err := os.Rename(tmp, *addrFile); err != nil {
			log.Fatal(err)
		}
	}
	srv := &http.Server{Handler: s, ReadHeaderTimeout: 10 * time.Second}
	log.Fatal(srv.Serve(ln))
}
