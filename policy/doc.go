// Package policy decides what may be asked and answered: it compiles the rules of the
// configuration, typed CEL expressions over a request or an answer, evaluates them and
// does what they say.
//
// Rules see the one View that the dialect made of the request's bytes, and of an
// answer what dialects/content reads and what detectors find in its texts on their
// way (see Review). What rules change is declared on the Exchange, or replaces its View
// by that of the changed bytes. Expressions and the text that they judge
// are data: nothing here expands placeholders or templates. What cannot be
// evaluated is denied unless the rule says otherwise. The package does no I/O
// and knows nothing of Caddy.
package policy
