// Package classify asks classifiers outside the gateway about texts: moderation
// services, guard models, detectors of personal data. Each protocol is a way to write
// the question and to read the answer; everything else (time, size, cache, failure)
// is the same for all.
//
// What a classifier answers is a stranger's word: it is bounded in time and size, read
// strictly, and what cannot be read is a failure. The package knows nothing of rules or
// of Caddy, and it never logs a text, an answer or a secret.
package classify
