package llm

import "time"

// Deployment is one place that can answer: a model at a configured provider.
type Deployment struct {
	// Provider is the name of the provider in the configuration;
	// "reverse_proxy" when the gate stands before a stock proxy.
	Provider string
	// Type is the provider's type, e.g. "openai"; empty when unknown. The price
	// catalogue is searched by it.
	Type string
	// Model is the name sent upstream.
	Model string
	// Dialect is what is spoken to it; DialectNone means the caller's own.
	Dialect Dialect
	// Credential tells the provider's credentials apart in records, "" when it
	// has only one. It is no secret: a number in the order of the configuration.
	Credential string
	// MaxTokensField is the request member in which the provider takes the
	// limit on output tokens of a chat call when the caller gave none.
	MaxTokensField string
	// InputBound is the upper bound on the input tokens of the request as it was
	// translated for this deployment; 0 when it was not, or is not known.
	InputBound int64
}

// Result is how an attempt ended.
type Result uint8

// The results of an attempt.
const (
	// ResultPending: it has not ended.
	ResultPending Result = iota
	// ResultUnsent: it failed before a byte of the request left, or the
	// provider refused it with an error status: nothing is billed.
	ResultUnsent
	// ResultRefused: the provider answered with an error status.
	ResultRefused
	// ResultAnswered: a complete answer.
	ResultAnswered
	// ResultCut: an answer began, or may have begun, and did not end properly,
	// whoever ended it. It is billed by what was measured or estimated.
	ResultCut
)

var resultNames = [...]string{"pending", "unsent", "refused", "answered", "cut"}

// String returns the name that records use.
func (r Result) String() string { return resultNames[r] }

// Attempt is one admitted call of one deployment.
type Attempt struct {
	Deployment Deployment
	Started    time.Time
	// FirstByte is when the first byte of the answer's body came; zero if none.
	FirstByte time.Time
	Ended     time.Time
	Result    Result
	// Status is the provider's HTTP status, 0 if there was none.
	Status int
	// ProviderRequestID is the id that the provider gave the call.
	ProviderRequestID string
	// Error says in a few words, without secrets or addresses, why it failed.
	Error string
	// Usage is what it consumed; Cost what that costs at PriceVersion. Reserved
	// is the upper bound of Cost that was held while it ran.
	Usage        Usage
	Cost         Money
	Reserved     Money
	PriceVersion string
	// MaxTokens is the limit on output tokens of each choice to which a governor
	// has lowered this attempt, because more is not affordable; 0 when none has.
	MaxTokens int64
	// CutAt is the number of output tokens, of all choices together, beyond which
	// the answer must be cut, because no more has been reserved; 0 for never.
	CutAt int64
	// Warning names the budgets that are nearly spent, and how far, e.g.
	// "key/day 80%"; for the caller.
	Warning string
	// AuditIndex is the index of its admitted record, -1 without one.
	AuditIndex int64

	holds   []Hold
	few     [4]Hold
	settled bool
}
