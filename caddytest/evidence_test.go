package caddytest

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"path/filepath"
	"time"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/audit"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/limits/ledger"
)

// record is what the tests read of an audit record. They read the JSON, not the
// package's own struct: the format is what others will read.
type record struct {
	Seq       int64
	Stage     string
	Request   string
	Principal struct{ Key, Team string }
	Method    string
	Path      string
	Dialect   string
	Model     string
	Stream    bool
	Status    int
	Outcome   string
	Denial    struct{ Code, Stage, Rule string }
	Cost      int64  `json:"cost_nanousd"`
	BytesOut  int64  `json:"bytes_out"`
	Answer    string `json:"answer_sha256"`
	Count     int64
	Attempts  []struct {
		Provider, Result, Model, Error string
		Status                         int
		Usage                          usage
	}
	Decisions []struct{ Module, Rule, Action, Code string }

	// Usage is the sum of the attempts'.
	Usage usage `json:"-"`
	raw   string
}

type usage struct {
	Input, Output int64
	Estimated     bool
}

// records returns the records of a log in order, of one request if it is named.
func (s *site) records(log, request string) []record {
	s.t.Helper()
	var out []record
	err := audit.Scan(filepath.Join(s.data, "audit", log), 0, func(index int64, line []byte) bool {
		var r record
		if err := json.Unmarshal(line, &r); err != nil {
			s.t.Errorf("record %d is not JSON: %v", index, err)
			return true
		}
		if r.Seq != index {
			s.t.Errorf("record %d says it is %d", index, r.Seq)
		}
		r.raw = string(line)
		for _, a := range r.Attempts {
			r.Usage.Input += a.Usage.Input
			r.Usage.Output += a.Usage.Output
			r.Usage.Estimated = r.Usage.Estimated || a.Usage.Estimated
		}
		if request == "" || r.Request == request {
			out = append(out, r)
		}
		return true
	})
	if err != nil {
		s.t.Errorf("reading the audit log: %v", err)
	}
	return out
}

// ended waits for the last record of a request and returns it.
func (s *site) ended(request string) record {
	s.t.Helper()
	var last record
	ok := eventually(func() bool {
		for _, r := range s.records("default", request) {
			if r.Stage == "completed" || r.Stage == "denied" {
				last = r
				return true
			}
		}
		return false
	})
	if !ok {
		s.t.Fatalf("no record says how request %s ended; there are %v", request, s.records("default", request))
	}
	return last
}

// verify checks the whole log against its checkpoints.
func (s *site) verify(log string) {
	s.t.Helper()
	if _, err := audit.Verify(filepath.Join(s.data, "audit", log), audit.VerifyOptions{}); err != nil {
		s.t.Errorf("verifying the audit log: %v", err)
	}
}

// ledger stops the site and reads what its ledger holds.
func (s *site) ledger() ledger.Totals {
	s.t.Helper()
	s.stop()
	path := filepath.Join(s.data, "ledger.db")
	var totals ledger.Totals
	var err error
	// The last request of the old config lets go of the file a moment later.
	ok := eventually(func() bool {
		totals, err = ledger.Inspect(path)
		return err == nil
	})
	if !ok {
		s.t.Fatalf("reading the ledger: %v", err)
	}
	return totals
}

// nothingHeld stops the site and fails the test if money is still reserved.
func (s *site) nothingHeld() ledger.Totals {
	s.t.Helper()
	totals := s.ledger()
	if totals.Open != 0 || totals.Reserved != 0 {
		s.t.Errorf("%d reservations of %s are left in the ledger", totals.Open, totals.Reserved)
	}
	return totals
}

// rows reads the ledger's rows of a request; the site must be stopped.
func (s *site) rows(request string) []ledger.Row {
	s.t.Helper()
	var out []ledger.Row
	err := ledger.ReadRows(filepath.Join(s.data, "ledger.db"), time.Time{}, func(r *ledger.Row) bool {
		if request == "" || r.Request == request {
			out = append(out, *r)
		}
		return true
	})
	if err != nil {
		s.t.Errorf("reading the ledger: %v", err)
	}
	return out
}

func sha(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:])
}
