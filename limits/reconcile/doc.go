// Package reconcile holds what the ledger says against what a provider says: it
// reads exports of OpenAI's and Anthropic's usage and cost reports and compares
// them, per key and model, with the calls of the same moments.
//
// The readers are strict about what they add up (types, signs, currencies,
// repetitions: an error names the place) and indifferent to what they do not
// know, because reports grow new members. Sums are exact integers.
//
// It must not ask a provider anything, nor read the ledger itself.
package reconcile
