package audit

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// The stages of records.
const (
	StageAdmitted  = "admitted"  // a call is about to leave; durable before it does
	StageCompleted = "completed" // the outcome of an admitted or answered request
	StageDenied    = "denied"    // the request was refused before anything left
	StageAdmin     = "admin"     // a change by an operator
	StageSystem    = "system"    // the log about itself
)

// Record is one record, version 1, as read back. What does not apply is left
// out of the line. Strings are cut at 1,024 bytes as encoded and then end in "…".
type Record struct {
	V    int       `json:"v"`
	Seq  int64     `json:"seq"` // number of the record in this log, from 0
	TS   time.Time `json:"ts"`  // when it was made, UTC
	Node string    `json:"node"`
	// Stage is one of the constants above.
	Stage   string `json:"stage"`
	Request string `json:"request,omitempty"` // LLM-Request-Id
	Trace   string `json:"trace,omitempty"`   // W3C trace id
	// Subject is the id of whom the personal values of the record, and its stored
	// texts, belong to: they are encrypted under the key of that subject.
	Subject string `json:"subject,omitempty"`
	// Principal is who asked; absent before authentication.
	Principal *Principal `json:"principal,omitempty"`
	ClientIP  *Personal  `json:"client_ip,omitempty"`
	Server    string     `json:"server,omitempty"` // Caddy's HTTP server
	Method    string     `json:"method,omitempty"`
	Path      string     `json:"path,omitempty"`
	Dialect   string     `json:"dialect,omitempty"`
	Model     string     `json:"model,omitempty"` // as the client named it
	Stream    bool       `json:"stream,omitempty"`
	Config    string     `json:"config,omitempty"` // hash of the gateway's configuration
	// Deployment is where an admitted call goes; Reserved what was held for
	// it, in 10⁻⁹ USD.
	Deployment *Deployment `json:"deployment,omitempty"`
	// Attempt is the number of the attempt of an admitted record, from 0.
	Attempt   int        `json:"attempt,omitempty"`
	Decisions []Decision `json:"decisions,omitempty"`
	// Policies are the hashes of the sets of rules that judged the request,
	// whether a rule matched or not.
	Policies []string `json:"policies,omitempty"`
	// Scans is which detectors looked at how much: what is not here was not
	// looked at.
	Scans    []Evidence  `json:"scans,omitempty"`
	Tags     []*Personal `json:"tags,omitempty"`
	Attempts []Attempt   `json:"attempts,omitempty"`
	// Outcome is ok, denied, provider_error, client_gone, cut or error.
	Outcome string `json:"outcome,omitempty"`
	// Cost is that of all attempts, in 10⁻⁹ USD.
	Cost   int64   `json:"cost_nanousd,omitempty"`
	Status int     `json:"status,omitempty"` // HTTP status sent to the client
	Denial *Denial `json:"denial,omitempty"`
	// BytesIn and BytesOut are of the request's and answer's bodies;
	// AnswerSHA256 is the digest of the latter as sent.
	BytesIn      int64  `json:"bytes_in,omitempty"`
	BytesOut     int64  `json:"bytes_out,omitempty"`
	AnswerSHA256 string `json:"answer_sha256,omitempty"`
	// Content is what was kept of the texts, absent at the level metadata.
	Content      *Content `json:"content,omitempty"`
	FinishReason string   `json:"finish_reason,omitempty"`
	// TTFTMicros is from the request's arrival to the answer's first byte,
	// DurationMicros to its end.
	TTFTMicros     int64 `json:"ttft_us,omitempty"`
	DurationMicros int64 `json:"duration_us,omitempty"`
	// Count is how many denials of strangers this record stands for, within
	// IntervalSeconds.
	Count           int64 `json:"count,omitempty"`
	IntervalSeconds int64 `json:"interval_s,omitempty"`
	// Omitted is the number of decisions, attempts and tags that did not fit.
	Omitted int `json:"omitted,omitempty"`
	// Event and Detail are of system and admin records; Actor is who changed
	// something, as far as is known.
	Actor string `json:"actor,omitempty"`
	// Erased is the id of the subject whose key an erasure destroys.
	Erased string `json:"erased,omitempty"`
	Event  string `json:"event,omitempty"`
	Detail string `json:"detail,omitempty"`

	// Index is Seq, Raw the line that was hashed; both are set by readers.
	Index int64           `json:"-"`
	Raw   json.RawMessage `json:"-"`
}

// Principal is who asked.
type Principal struct {
	Key  string    `json:"key"`
	User *Personal `json:"user,omitempty"`
	Team string    `json:"team,omitempty"`
	Org  string    `json:"org,omitempty"`
}

// Deployment is where a call goes.
type Deployment struct {
	Provider string `json:"provider"`
	Type     string `json:"type,omitempty"`
	Model    string `json:"model,omitempty"`
	// Dialect is what was spoken to it, if it was not the caller's own.
	Dialect string `json:"dialect,omitempty"`
	// Credential is the number of the provider's credential, from 1, if it has
	// several.
	Credential string `json:"credential,omitempty"`
	Reserved   int64  `json:"reserved_nanousd,omitempty"`
}

// Decision is what a rule, limit or budget said.
type Decision struct {
	Module string `json:"module"`
	Rule   string `json:"rule,omitempty"`
	Action string `json:"action"`
	Code   string `json:"code,omitempty"`
	// Policy is the hash of the set of rules that Rule is one of.
	Policy string `json:"policy,omitempty"`
	Detail string `json:"detail,omitempty"`
}

// Evidence says that a detector ran.
type Evidence struct {
	Detector string `json:"detector"`
	Rule     string `json:"rule,omitempty"` // the redact rule that it ran for
	Where    string `json:"where"`          // "prompt.user", …, "request", "response"
	// Texts and Bytes are how much it looked at.
	Texts int   `json:"texts"`
	Bytes int64 `json:"bytes"`
	// Verdict is clear, found, scored or unfinished (it did not see all of it,
	// so nothing follows).
	Verdict string `json:"verdict"`
	Found   int    `json:"found,omitempty"`
	// ScoreMillis is the score in thousandths.
	ScoreMillis int `json:"score_millis,omitempty"`
}

// Denial is why a request was refused or failed.
type Denial struct {
	Code  string `json:"code"`
	Stage string `json:"stage"`
	Rule  string `json:"rule,omitempty"`
	Param string `json:"param,omitempty"` // the offending member of the request
}

// Attempt is one call of a provider.
type Attempt struct {
	Deployment
	Status            int    `json:"status,omitempty"`
	Result            string `json:"result"`
	Error             string `json:"error,omitempty"`
	ProviderRequestID string `json:"provider_request_id,omitempty"`
	// OffsetMicros is from the request's arrival to the attempt's start.
	OffsetMicros   int64 `json:"offset_us"`
	TTFTMicros     int64 `json:"ttft_us,omitempty"`
	DurationMicros int64 `json:"duration_us"`
	AdmittedIndex  int64 `json:"admitted_index"`
	Usage          Usage `json:"usage"`
	// Cost is in 10⁻⁹ USD at PriceVersion.
	Cost         int64  `json:"cost_nanousd"`
	PriceVersion string `json:"price_version,omitempty"`
}

// Usage is in tokens; the buckets of input are disjoint.
type Usage struct {
	Input        int64 `json:"input"`
	CacheRead    int64 `json:"cache_read,omitempty"`
	CacheWrite   int64 `json:"cache_write,omitempty"`
	CacheWrite1h int64 `json:"cache_write_1h,omitempty"`
	InputAudio   int64 `json:"input_audio,omitempty"` // part of Input
	InputImage   int64 `json:"input_image,omitempty"` // part of Input
	// CacheReadAudio is the part of CacheRead that was audio.
	CacheReadAudio int64  `json:"cache_read_audio,omitempty"`
	Output         int64  `json:"output"`
	Reasoning      int64  `json:"reasoning,omitempty"`     // part of Output
	OutputAudio    int64  `json:"output_audio,omitempty"`  // part of Output
	OutputImage    int64  `json:"output_image,omitempty"`  // part of Output
	WebSearches    int64  `json:"web_searches,omitempty"`  // requests, not tokens
	FileSearches   int64  `json:"file_searches,omitempty"` // requests, not tokens
	CodeSessions   int64  `json:"code_sessions,omitempty"` // containers, not tokens
	Model          string `json:"model,omitempty"`         // as the provider said
	Tier           string `json:"tier,omitempty"`
	Region         string `json:"region,omitempty"`
	Estimated      bool   `json:"estimated,omitempty"`
}

// Decode reads a line of a log. Fields that it does not know are refused: they
// would be from a newer version than 1.
func Decode(line []byte) (*Record, error) {
	d := json.NewDecoder(bytes.NewReader(line))
	d.DisallowUnknownFields()
	var r Record
	if err := d.Decode(&r); err != nil {
		return nil, fmt.Errorf("reading a record: %w", err)
	}
	if d.More() {
		return nil, errors.New("reading a record: more than one")
	}
	if r.V != 1 {
		return nil, fmt.Errorf("reading a record: version %d is not known", r.V)
	}
	r.Index, r.Raw = r.Seq, bytes.Clone(line)
	return &r, nil
}
