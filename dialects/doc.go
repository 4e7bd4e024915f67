// Package dialects knows what is spoken on each endpoint: which dialect a path
// belongs to, how to read a request of it in one strict pass (Parse), and how
// to turn the declared changes of a request into byte edits (Outbound).
//
// It judges form only, never content: it does not decide who may call, what may
// be asked or what it costs. It does no I/O and never re-encodes what it did
// not have to change: a byte that no declared change covers leaves as it came.
package dialects
