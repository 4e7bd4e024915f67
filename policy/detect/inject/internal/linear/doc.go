// Package linear is the arithmetic that the injection scorer and the command
// that trains it share: how text becomes features, how features become a
// score, and how a model lies in a file. It must not know where texts come
// from, what a score is used for, or anything about learning. It does no I/O.
package linear
