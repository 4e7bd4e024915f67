// Package ledger remembers who has spent and reserved how much, and does not
// forget it: budgets, reservations and one row for every call, in a bbolt file with
// a journal beside it.
//
// Decisions are taken in memory, under one lock, and written by one goroutine
// that puts all waiting writes into one frame of the journal, with one sync. A
// second goroutine puts what the journal holds into bbolt, thousands of writes in
// one transaction, and with them the number of the last frame: so each frame gets
// there exactly once, whatever dies when. A ledger that was closed is complete in
// its bbolt file; of one that was not, the journal is a part.
//
// A reservation is durable before its call may leave (Hold.Durable); a settlement
// is written soon after. So at every instant the files know at least what memory has promised: after a
// crash each durable reservation is found exactly once, either settled or still
// open, and what is open is charged in full (or released, if so configured).
//
// The package knows no prices and no HTTP, and it must not use floating point.
package ledger
