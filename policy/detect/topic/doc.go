// Package topic says what a prompt is about, coarsely: code, data, law, medicine,
// money, staff. It counts words and lines: no model, no training, and no more
// judgement than that. A text may be of several classes or of none.
//
// It is for routing and for flags, not for refusing: docs/detectors.md has what it
// gets wrong. It must not know roles, dialects or rules of the policy, and it does
// no I/O.
package topic
