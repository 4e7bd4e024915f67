// Package pool keeps the health of deployments and says in which order those of
// one model are tried. A deployment, here, is a model at a provider with one of
// its credentials: each has its own circuit and its own cool-down, since a rate
// limit belongs to a key and an outage often to a model.
//
// State lives as long as the process, so that a reload forgets nothing;
// parameters travel with each question, so that there is nothing to apply when
// they change. It sends nothing, reads no answers and knows no secrets: a
// credential is known by a fingerprint.
package pool
