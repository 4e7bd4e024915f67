// Package rewrite changes the texts of an answer on its way to the client, in the
// client's dialect, streamed or whole, without decoding and encoding the rest: only
// the JSON strings that change are replaced.
//
// A stream brings a text in pieces. Each text (a choice's content, the arguments of
// a tool call, a summary of reasoning…) is a channel of its own; what its filter
// holds back is sent before the event that ends the channel. Every other string of
// an answer is filtered whole, except names and ids: what is not known is filtered,
// so that no new member of a dialect is a way around.
//
// The package knows dialects, not what is looked for: that is the Filter's.
package rewrite
