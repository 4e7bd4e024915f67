// Package redact takes what must not pass out of prompts and answers: it asks the
// scanners of the rules and puts something else in the place of what they find.
//
// What replaces a value in a prompt may be reversible: then the answer gets the
// value back wherever the model repeats its replacement, across the pieces of a
// stream and inside the arguments of tool calls. The values live in a Session, for
// one request, and nowhere else.
//
// The package knows neither configuration nor rules in CEL, and does no I/O.
package redact
