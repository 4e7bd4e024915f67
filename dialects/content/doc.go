// Package content reads what a model says, in every dialect, streamed or whole, into
// one view: segments of text, reasoning and tool arguments, and the tool calls. It is
// the counterpart of the view of a request (see the package dialects), for rules that
// judge an answer.
//
// It only reads. What is not known to it is left out: rules that must not miss a byte
// look at every string of an answer with the package rewrite.
package content
