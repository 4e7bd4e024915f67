// Package detect is what the detectors of the policy have in common: a match,
// the bounded scanner, and the stream that feeds scanners with text that
// arrives in pieces.
//
// Every detector is a bounded matcher. Whether a match begins at a byte depends
// only on a bounded number of bytes before it and after it, and matchers read
// ahead through a Cursor, which notices when they wanted more text than there
// is. That is why a stream finds what a scan of the whole text finds, wherever
// the text is cut, and why it holds back nothing that is already decided.
//
// The package must not know rules, roles, dialects or what follows from a
// match, and it does no I/O.
package detect
