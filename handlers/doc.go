// Package handlers is the Caddy glue of the gateway: one HTTP handler module a
// file (llm_audit, llm_auth, llm_ratelimit, llm_policy, llm_cost, llm_upstream)
// and what they share: the call (one Exchange on its way through Caddy), the
// reading of the body, the gate before a stock reverse_proxy and the one
// response pipeline.
//
// The handlers are thin: they parse their configuration, call the domain
// packages and map the outcome to HTTP. Decisions about money, keys, policy or
// evidence must not be made here.
package handlers
