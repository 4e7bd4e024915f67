package llm

import (
	"fmt"
	"time"
)

// Stage says which part of the gateway refused or failed. The stages keep five
// classes of failure apart in metrics and records.
type Stage string

// The stages.
const (
	StageAuth           Stage = "auth"
	StagePolicy         Stage = "policy"
	StageQuota          Stage = "quota"          // limits and budgets
	StageProvider       Stage = "provider"       // upstream said no, broke or timed out
	StageInfrastructure Stage = "infrastructure" // ours: store, log, bug
	StageRequest        Stage = "request"        // the caller's own mistake: malformed, too large
)

// Codes are the stable machine-readable reasons of a denial.
const (
	CodeMalformed          = "malformed"
	CodeConflicting        = "conflicting_credentials"
	CodeUnauthenticated    = "unauthenticated"
	CodeModelNotAllowed    = "model_not_allowed"
	CodeModelNotFound      = "model_not_found"
	CodeModelUnpriced      = "model_unpriced"
	CodeUnbounded          = "unbounded_request"
	CodeNotFound           = "not_found"
	CodeMethodNotAllowed   = "method_not_allowed"
	CodeTooLarge           = "too_large"
	CodeUnsupportedMedia   = "unsupported_media_type"
	CodePolicyBlocked      = "policy_blocked"
	CodeUnscannable        = "unscannable"
	CodeApprovalRequired   = "approval_required"
	CodeRateLimited        = "rate_limited"
	CodeBudgetExceeded     = "budget_exceeded"
	CodeProviderError      = "provider_error"
	CodeProviderTimeout    = "provider_timeout"
	CodeAuditUnavailable   = "audit_unavailable"
	CodeStoreUnavailable   = "store_unavailable"
	CodeUpgradeUnsupported = "upgrade_unsupported"
	CodeCORSDisabled       = "cors_disabled"
	CodeMisordered         = "misordered"
	CodeInternal           = "internal_error"
	CodeRequestTimeout     = "request_timeout"
	CodeUnsupportedDialect = "unsupported_dialect"
	CodeUnsupportedField   = "unsupported_field"
	CodeNoDeployment       = "no_deployment"
	CodeObjectsDenied      = "objects_denied"
	CodeObjectNotOwned     = "object_not_found"
	CodeClientGone         = "client_gone"
	CodeExpired            = "key_expired"
)

// Denial is a refusal, or a failure told to the client as one. It is an error,
// so it can be returned through any chain of handlers; the owner of the
// Exchange renders it in the caller's dialect.
type Denial struct {
	Status  int    // HTTP status
	Code    string // one of the codes above
	Stage   Stage
	Message string // for the client: what happened and what to do next
	Param   string // name of the offending request member, may be empty
	Rule    string // name of the rule, limit or budget that refused
	// RetryAfter, when positive, is sent as Retry-After, in seconds rounded up.
	RetryAfter time.Duration
	// NoRetry adds "x-should-retry: false", which the providers' SDKs obey.
	NoRetry bool
	// Fallback is a model that may be asked instead, "" for none.
	Fallback string
	// Header holds further answer headers as name, value pairs.
	Header [][2]string
	// Err is the internal cause: it is logged, never shown to the client.
	Err error
}

// Error describes the denial for logs.
func (d *Denial) Error() string {
	if d.Err != nil {
		return fmt.Sprintf("%s: %s: %v", d.Code, d.Message, d.Err)
	}
	return d.Code + ": " + d.Message
}

// Unwrap returns the internal cause.
func (d *Denial) Unwrap() error { return d.Err }

// Deny builds a denial.
func Deny(status int, code string, stage Stage, format string, args ...any) *Denial {
	return &Denial{Status: status, Code: code, Stage: stage, Message: fmt.Sprintf(format, args...)}
}

// Because sets the internal cause and returns the denial.
func (d *Denial) Because(err error) *Denial {
	d.Err = err
	return d
}

// Decision is what one rule or governor had to say about a request, allowed or
// not; it goes into the record.
type Decision struct {
	Module string // "auth", "policy", "ratelimit", "cost", "upstream", "audit"
	Rule   string // name of the rule, limit or budget; may be empty
	Action string // "allow", "deny", "flag", …
	// Code is the reason code of a denial, else empty.
	Code string
	// Policy is the hash of the set of rules that Rule is one of, empty for other
	// modules.
	Policy string
	// Detail is a short human explanation without any content of the prompt.
	Detail string
}
