package gateway

import (
	"io/fs"
	"os"
	"path/filepath"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/audit"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/limits/ledger"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

// knownEnds reads in the audit logs of a data directory how calls ended whose
// reservations a dead process has left open: the record may have reached the disk
// before the settlement did.
func knownEnds(dir string, logf func(string, ...any)) func([]ledger.Call) map[ledger.ID]ledger.Known {
	return func(calls []ledger.Call) map[ledger.ID]ledger.Known {
		requests := make([]string, len(calls))
		for i := range calls {
			requests[i] = calls[i].Request
		}
		logs, err := os.ReadDir(filepath.Join(dir, "audit"))
		if err != nil {
			if !os.IsNotExist(err) {
				logf("the audit logs cannot be read: %v", err)
			}
			return nil
		}
		ends := map[ledger.ID]ledger.Known{}
		for _, l := range logs {
			if !l.IsDir() {
				continue
			}
			found, err := audit.Ends(filepath.Join(dir, "audit", l.Name()), requests)
			if err != nil && !os.IsNotExist(err) {
				// Whatever is wrong with the log is told when it is opened.
				logf("the audit log %s cannot be searched for the ends of calls: %v", l.Name(), pathless(err))
			}
			for i := range calls {
				id := calls[i].ID
				if r := found[id.Request]; r != nil && int(id.Attempt) < len(r.Attempts) {
					if k, ok := known(&r.Attempts[id.Attempt]); ok {
						ends[id] = k
					}
				}
			}
		}
		return ends
	}
}

// known is what a record says of one attempt, false if it does not say how it
// ended.
func known(a *audit.Attempt) (k ledger.Known, ok bool) {
	for _, r := range []llm.Result{llm.ResultUnsent, llm.ResultRefused, llm.ResultAnswered, llm.ResultCut} {
		if r.String() == a.Result {
			k.Result, ok = r, true
		}
	}
	u := &a.Usage
	k.Cost = llm.Money(a.Cost)
	k.Usage = llm.Usage{
		Input: u.Input, CacheRead: u.CacheRead, CacheWrite: u.CacheWrite, CacheWrite1h: u.CacheWrite1h, InputAudio: u.InputAudio, InputImage: u.InputImage, CacheReadAudio: u.CacheReadAudio, Output: u.Output,
		Reasoning: u.Reasoning, OutputAudio: u.OutputAudio, OutputImage: u.OutputImage, WebSearches: u.WebSearches, FileSearches: u.FileSearches, CodeSessions: u.CodeSessions,
		Model: u.Model, Tier: u.Tier, Region: u.Region, Estimated: u.Estimated, Reported: !u.Estimated,
	}
	k.Tokens = k.Usage.Total()
	return k, ok
}

// pathless is an error without the path of a file in it.
func pathless(err error) error {
	if pe, ok := err.(*fs.PathError); ok {
		return pe.Err
	}
	return err
}
