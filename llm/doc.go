// Package llm is the vocabulary that all rooms of the gateway share: the
// Exchange (one request on its way through the chain), who asks (Principal),
// what is asked (View, Segment), what it costs (Usage, Money), what was decided
// (Decision, Denial) and who answers (Deployment, Attempt).
//
// It also holds the gate, Exchange.Admit: the one place through which a call
// leaves for a provider. Governors declare what they want before that moment;
// the gate asks all of them, in order, and none is charged unless all agree.
//
// The package imports nothing else of this module and knows nothing of Caddy,
// of HTTP servers or of any provider. It must stay free of I/O.
package llm
