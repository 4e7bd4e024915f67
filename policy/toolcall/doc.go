// Package toolcall judges calls of tools: which tool a name means, whatever
// namespace, case or look-alike letters it is written with, what an argument is,
// and whether the arguments fit a JSON Schema.
//
// It must not know rules, dialects or where calls come from, and it does no I/O.
package toolcall
