// Package policy decides what may be asked: it compiles the rules of the
// configuration, typed CEL expressions over a request, and evaluates them.
//
// Rules see the one View that the dialect made of the request's bytes; this
// package never reads bytes itself. Expressions and the text that they judge
// are data: nothing here expands placeholders or templates. What cannot be
// evaluated is denied unless the rule says otherwise. The package does no I/O
// and knows nothing of Caddy.
package policy
