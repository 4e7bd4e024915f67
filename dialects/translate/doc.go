// Package translate carries a call between dialects: a client of one API is
// answered by a provider of another. Every dialect has one codec, which reads
// and writes the one message model of this package, so that n dialects need n
// codecs and not n² translators.
//
// What the model cannot carry is never dropped in silence: a codec notes each
// such member by its path in the caller's request, and the caller of this
// package decides (on_unsupported). Members that cannot change what the answer
// means (cache hints, metadata, ids for abuse tracking) are no loss.
//
// It must not know who asks, what anything costs, or where a provider is, and it
// never fetches what a request points to.
package translate
