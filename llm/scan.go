package llm

// Verdicts of scans.
const (
	ScanClear      = "clear"      // it looked at all of it and found nothing
	ScanFound      = "found"      // it found something; Found says how much
	ScanScored     = "scored"     // it gave a score; a rule decides what that means
	ScanUnfinished = "unfinished" // it did not see all of it: nothing follows
)

// Scan is the evidence that a detector looked at texts: over how much it ran and
// what it said. Only the code that ran the detector writes one, so that no Scan
// means that nobody has looked.
type Scan struct {
	// Detector is the function of the rule language ("pii", "secrets", …), or
	// "redact".
	Detector string
	// Rule is the redact rule that it ran for, or the classifier that was asked;
	// empty for functions, whose result all rules share.
	Rule string
	// Where is the list of segments ("prompt.user", …), "request" or "response".
	Where string
	// Texts and Bytes are how many texts it ran over and their length.
	Texts int
	Bytes int64
	// Verdict is one of the constants above.
	Verdict string
	// Found is the number of findings, ScoreMillis the score in thousandths.
	Found       int
	ScoreMillis int
}

// maxScans bounds the scans of one Exchange.
const maxScans = 64

// Scanned adds the evidence of a scan. Beyond 64 it only counts, in ScansOmitted.
func (x *Exchange) Scanned(s Scan) {
	if len(x.Scans) >= maxScans {
		x.ScansOmitted++
		return
	}
	x.Scans = append(x.Scans, s)
}

// Judged notes that a set of rules, named by its hash, was evaluated to its end or
// to a refusal.
func (x *Exchange) Judged(policy string) {
	for _, p := range x.Policies {
		if p == policy {
			return
		}
	}
	if x.Policies == nil {
		x.Policies = x.few.policies[:0]
	}
	x.Policies = append(x.Policies, policy)
}
