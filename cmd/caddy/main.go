// Command caddy is Caddy with the LLM gateway built in: the same as
// `xcaddy build --with github.com/caddy-llm-gateway/caddy-llm-gateway`.
package main

import (
	caddycmd "github.com/caddyserver/caddy/v2/cmd"

	_ "github.com/caddyserver/caddy/v2/modules/standard"

	_ "github.com/caddy-llm-gateway/caddy-llm-gateway"
)

func main() { caddycmd.Main() }
