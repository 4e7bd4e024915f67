// Package tiles lets strangers read what the audit log gives out: tessera's fsck
// an export, and a reader that knows nothing but golang.org/x/mod/sumdb a
// receipt. It is a module of its own, so that nobody who builds the gateway
// downloads what it needs.
package tiles
