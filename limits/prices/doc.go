// Package prices knows what models cost: a catalogue with an embedded snapshot,
// the operator's overrides before it, and the arithmetic from usage to money.
//
// Prices are integers, nano-dollars per million tokens; a price that is not
// given is nil, which is not the same as zero. The package opens no file and
// dials nobody, and it must not use floating point.
package prices
