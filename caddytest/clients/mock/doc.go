// Package mock is a deterministic stand-in for an OpenAI and an Anthropic
// provider on one port, written for the client suites: streamed and not, tools,
// embeddings, errors, broken streams. What it does is chosen by the name of the
// model and by the shape of the request, never by chance or by the clock.
//
// It shares no code with the gateway, so that both cannot be wrong in the same
// way, and it refuses every call that carries a key of the gateway's clients.
package mock
