// Package sinks takes copies of an audit log's records elsewhere, as they are
// written: to a Caddy logger, a webhook, an OpenTelemetry collector. The log never
// waits for a sink: what does not fit into a sink's bounded queue, or cannot be
// delivered, is counted and left out. A sink is a copy, the log is the evidence:
// indexes tell what is missing.
//
// Records go out as they stand, with pseudonyms and ciphertext in place of users,
// addresses and tags, so that an erasure reaches copies too.
//
// The sinks are Caddy guest modules in the namespace llm_gateway.audit_sinks; anybody
// can add one that implements Sink.
package sinks
