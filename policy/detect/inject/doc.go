// Package inject scores how much a text looks like a prompt injection or a
// jailbreak: an order to drop earlier instructions, to give away hidden ones,
// to play a character without rules, or an order to the model that sits in
// what a tool returned. It is a signal, not a wall: a linear model over words
// and characters, embedded in the binary, which knows phrasings and not
// meanings. What it cannot do stands in docs/injection.md; deny by it alone
// only where that is accepted.
//
// The package looks at one text. It must not know whose text it is, which
// rules exist or what follows from a score, and it does no I/O. The weights
// are made by the command in the folder train and by nothing else.
package inject
