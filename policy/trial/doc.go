// Package trial is the bench on which authors try their rules: cases written down in a
// file, requests explained rule by rule, recorded traffic judged again. It makes
// requests and answers, hands them to whatever runs the rules (a Runner) and holds what
// came of them against what was expected. It runs no rules itself and knows nothing of
// Caddy, so that what is tried is the code that serves.
package trial
