// Package auth answers one question: who asks? It finds the credential in a
// request, finds the principal that it belongs to, and removes every credential
// before the request goes further in.
//
// Keys come from the configuration and are hashed the moment they are read; no
// value of this package ever holds, prints or marshals a secret, and no message
// to a client tells which keys exist. The package does no I/O, knows nothing of
// Caddy and decides nothing about what a principal may do.
package auth
