package policy

import (
	"cmp"
	"crypto/sha256"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

// ApprovalHeader is the header in which a client sends the token of an approval.
const ApprovalHeader = "Llm-Approval"

// DefaultExpires is how long an approval can be given and used.
const DefaultExpires = time.Hour

// Approver keeps the calls that wait for a person.
type Approver interface {
	// Approve tells how it stands with a call. A call of which nothing is known is
	// noted, to be shown to people. One that may go may go this once: Approve has
	// noted that on the disk before it returns.
	Approve(q Question, token string, now time.Time) (Approval, error)
}

// ErrApprovalsFull is returned by an Approver while more calls wait than may.
var ErrApprovalsFull = errors.New("too many calls wait for approval")

// Question is a call that needs the consent of a person. It holds nothing of what the
// call says.
type Question struct {
	// Principal is the key that calls, Rule the rule that asks, Policy the hash of
	// the rules, Digest that of the call.
	Principal, Rule, Policy string
	Digest                  [sha256.Size]byte
	// Model and Request tell people what the call is.
	Model, Request string
	// Expires is when it is over.
	Expires time.Time
}

// Approval is how it stands with a call.
type Approval struct {
	// ID names the call to people, Token is what its sender sends with it again.
	ID, Token string
	// State is one of the Approval constants.
	State string
	// By is who has decided.
	By      string
	Expires time.Time
	// GiveBack lets the call be made once more, since it was not made after all;
	// nil unless State is ApprovalGranted.
	GiveBack func()
}

// The values of Approval.State.
const (
	ApprovalPending = "pending"
	ApprovalGranted = "granted" // and used up by this very question
	ApprovalDenied  = "denied"
	ApprovalUsed    = "used"
)

// digest is what a call is recognised by: everything that decides what it does. The
// body is that of the caller, before any rule has changed it.
func (e *evaluation) digest() [sha256.Size]byte {
	h := sha256.New()
	add := func(part string) { fmt.Fprintf(h, "%d:%s\n", len(part), part) }
	for _, part := range []string{e.x.Method, e.x.Server, e.env.Host, e.x.Path, e.env.Target, e.x.Dialect.String()} {
		add(part)
	}
	for _, name := range slices.Sorted(maps.Keys(e.env.Headers)) {
		if !deciding(name) {
			continue
		}
		add(name)
		fmt.Fprintf(h, "%d\n", len(e.env.Headers[name]))
		for _, v := range e.env.Headers[name] {
			add(v)
		}
	}
	add("") // no name is empty: here the body begins
	if v := cmp.Or(e.asked, e.x.View); v != nil {
		h.Write([]byte(v.Model))
		h.Write([]byte{'\n'})
		h.Write(v.Raw)
	}
	return [sha256.Size]byte(h.Sum(nil))
}

// decidingHeaders are what the names of headers begin with that change what a provider
// makes of a call: versions, betas with tools of their own, projects that pay.
var decidingHeaders = []string{"anthropic-", "openai-", "x-goog-", "llm-", "x-http-method"}

// deciding reports whether a header belongs to what a person agrees to. Others change from
// one try to the next: counts of retries, traces, the date.
func deciding(name string) bool {
	name = strings.ReplaceAll(strings.ToLower(name), "_", "-")
	return !hidden(name) && name != strings.ToLower(ApprovalHeader) &&
		slices.ContainsFunc(decidingHeaders, func(prefix string) bool { return strings.HasPrefix(name, prefix) })
}

// maxShown is how many tokens a client may show.
const maxShown = 8

// approval asks about a call with each token that the client shows: several rules may
// want one each.
func (e *evaluation) approval(q Question) (a Approval, err error) {
	tokens := strings.FieldsFunc(strings.Join(e.env.Headers.Values(ApprovalHeader), ","), func(c rune) bool { return c == ',' || c == ' ' })
	if len(tokens) == 0 {
		tokens = []string{""}
	}
	for i, t := range tokens[:min(len(tokens), maxShown)] {
		got, err := e.env.Approvals.Approve(q, t, e.env.Now)
		if err != nil {
			return a, err
		}
		if i == 0 || got.State != ApprovalPending {
			a = got
		}
		if a.State == ApprovalGranted {
			break
		}
	}
	return a, nil
}

// bodyless are the methods whose calls have no body that does anything.
var bodyless = []string{http.MethodGet, http.MethodHead, http.MethodDelete}

// approved asks whether a person has agreed to the call.
func (r *rule) approved(e *evaluation) (detail string, refused *llm.Denial) {
	x := e.x
	if e.env.Approvals == nil {
		return "nobody keeps approvals", r.refusal("this call needs the approval of a person, and this gateway keeps none")
	}
	if x.View == nil && !slices.Contains(bodyless, x.Method) {
		// Who agrees to one upload must not have agreed to any other.
		return "the body was not understood", llm.Deny(http.StatusUnprocessableEntity, llm.CodeUnscannable, llm.StagePolicy,
			"this call needs the approval of a person (policy rule %q), and its body is of no form that could be recognised again, so it was refused; ask the operator of this gateway", r.Name)
	}
	q := Question{Rule: r.Name, Policy: e.env.Policy, Digest: e.digest(), Model: x.Model(), Request: x.ID, Expires: e.env.Now.Add(cmp.Or(r.Expires, DefaultExpires))}
	if x.Principal != nil {
		q.Principal = x.Principal.Key
	}
	a, err := e.approval(q)
	if errors.Is(err, ErrApprovalsFull) {
		return "too many calls wait", r.refusal("this call needs the approval of a person, and too many of your calls wait for one")
	}
	if err != nil {
		d := llm.Deny(http.StatusServiceUnavailable, llm.CodeStoreUnavailable, llm.StageInfrastructure,
			"this call needs the approval of a person (policy rule %q), and approvals cannot be kept now; try again shortly", r.Name)
		return "approvals cannot be kept", d.Because(err)
	}
	switch a.State {
	case ApprovalGranted:
		if a.GiveBack != nil {
			x.Defer(func() {
				sent := func(a *llm.Attempt) bool { return a.Result != llm.ResultUnsent }
				if !slices.ContainsFunc(x.Attempts, sent) {
					a.GiveBack()
				}
			})
		}
		return "approval " + a.ID + " by " + a.By, nil
	case ApprovalDenied:
		return "approval " + a.ID + " was denied by " + a.By, r.refusal("the operator of this gateway has denied this call")
	case ApprovalUsed:
		return "approval " + a.ID + " is used up", r.refusal("the approval of this call has been used; a call can be made once for each approval")
	}
	d := llm.Deny(http.StatusForbidden, llm.CodeApprovalRequired, llm.StagePolicy,
		"%s (policy rule %q): the call waits as %s until %s. Once it is approved, send the same request again with the header %s: %s",
		cmp.Or(r.Message, "this call needs the approval of a person"), r.Name, a.ID, a.Expires.UTC().Format(time.RFC3339), ApprovalHeader, a.Token)
	d.NoRetry = true
	d.Header = [][2]string{{"Llm-Approval-Id", a.ID}, {ApprovalHeader, a.Token}}
	return "waits for approval " + a.ID, d
}
