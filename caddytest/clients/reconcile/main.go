// Command reconcile compares the audit records of a gateway that has stopped
// with what the mock provider served, and prints for each check a line
// "records CHECK ok|FAIL"; reasons go to standard error:
//
//	reconcile <log directory> <served.json>
//
//	complete  every admitted record has its one completed record, nothing that
//	          was denied was admitted, and the calls in the records are exactly
//	          those that the provider served
//	usage     the tokens of every whole answer are those that it reported, and
//	          one that broke off has some
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/caddytest/clients/mock"
)

type record struct {
	Seq      int64
	Stage    string
	Request  string
	Outcome  string
	Dialect  string
	Stream   bool
	Attempts []attempt
}

type attempt struct {
	Status     int
	Result     string
	ProviderID string `json:"provider_request_id"`
	Admitted   *int64 `json:"admitted_index"`
	Usage      struct {
		Input, Output int
		Estimated     bool
	}
}

func main() {
	log.SetFlags(0)
	log.SetPrefix("reconcile: ")
	if len(os.Args) != 3 {
		log.Fatal("usage: reconcile <log directory> <served.json>")
	}
	b, err := os.ReadFile(os.Args[2])
	if err != nil {
		log.Fatal(err)
	}
	var list []mock.Served
	if err := json.Unmarshal(b, &list); err != nil {
		log.Fatal(err)
	}
	served := make(map[string]mock.Served, len(list))
	for _, s := range list {
		served[s.ID] = s
	}
	records := read(os.Args[1])
	if len(records) == 0 || len(served) == 0 {
		log.Fatal("no records, or nothing served")
	}
	tell("complete", complete(records, served))
	tell("usage", usage(records, served))
}

func tell(check string, problems []string) {
	word := "ok"
	for i, p := range problems {
		word = "FAIL"
		if i < 20 {
			log.Printf("%s: %s", check, p)
		}
	}
	fmt.Println("records", check, word)
}

func read(dir string) (out []record) {
	names, err := filepath.Glob(filepath.Join(dir, "seg-*.jsonl"))
	if err != nil {
		log.Fatal(err)
	}
	for _, name := range names {
		f, err := os.Open(name)
		if err != nil {
			log.Fatal(err)
		}
		s := bufio.NewScanner(f)
		s.Buffer(nil, 8<<20)
		for s.Scan() {
			var r record
			if err := json.Unmarshal(s.Bytes(), &r); err != nil {
				log.Fatalf("%s: %v", name, err)
			}
			out = append(out, r)
		}
		if err := s.Err(); err != nil {
			log.Fatal(err)
		}
		_ = f.Close()
	}
	return out
}

func complete(records []record, served map[string]mock.Served) (problems []string) {
	bad := func(format string, args ...any) { problems = append(problems, fmt.Sprintf(format, args...)) }
	lists := 0                 // calls for lists of models, which are recorded without the provider's id
	open := map[int64]string{} // admitted, not yet completed: index and request
	ended := map[string]bool{}
	seen := map[string]bool{}
	for _, r := range records {
		switch r.Stage {
		case "admitted":
			if ended[r.Request] {
				bad("record %d: request %s was admitted after its end", r.Seq, r.Request)
			}
			open[r.Seq] = r.Request
		case "completed", "denied":
			if ended[r.Request] && r.Request != "" {
				bad("record %d: request %s ended twice", r.Seq, r.Request)
			}
			ended[r.Request] = true
			for _, a := range r.Attempts {
				if a.Admitted == nil || open[*a.Admitted] != r.Request {
					bad("record %d: an attempt of request %s has no admitted record", r.Seq, r.Request)
					continue
				}
				delete(open, *a.Admitted)
				if r.Dialect == "models" {
					if a.Status != 0 {
						lists++
					}
					continue
				}
				if a.ProviderID == "" {
					if a.Status != 0 {
						bad("record %d: an answer without the id that the provider gave", r.Seq)
					}
					continue
				}
				if _, ok := served[a.ProviderID]; !ok || seen[a.ProviderID] {
					bad("record %d: the provider did not serve %s, or it is recorded twice", r.Seq, a.ProviderID)
				}
				seen[a.ProviderID] = true
			}
		}
	}
	for seq, request := range open {
		bad("record %d: request %s was admitted and never completed", seq, request)
	}
	for id, s := range served {
		if s.Path == "/v1/models" || s.Path == "/v1beta/models" || s.Path == "/api/tags" {
			lists--
			continue
		}
		if !seen[id] && !s.Silent {
			bad("the provider served %s (%s), which no record names", id, s.Path)
		}
	}
	if lists != 0 {
		bad("lists of models: %d more recorded than served", lists)
	}
	return problems
}

func usage(records []record, served map[string]mock.Served) (problems []string) {
	compared := 0
	for _, r := range records {
		for _, a := range r.Attempts {
			if a.Status != 200 || r.Dialect == "models" {
				continue
			}
			if r.Outcome != "ok" {
				if a.Usage.Input == 0 || r.Stream && a.Usage.Output == 0 {
					problems = append(problems, fmt.Sprintf("record %d (%s, %s, %s): an answer that began has usage %+v",
						r.Seq, r.Dialect, r.Outcome, a.ProviderID, a.Usage))
				}
				continue
			}
			s := served[a.ProviderID]
			if a.Usage.Estimated || a.Usage.Input != s.Input || a.Usage.Output != s.Output {
				problems = append(problems, fmt.Sprintf("record %d (%s, %s): %+v, the provider reported %d and %d",
					r.Seq, r.Dialect, a.ProviderID, a.Usage, s.Input, s.Output))
			}
			compared++
		}
	}
	if compared == 0 {
		problems = append(problems, "no whole answer was recorded")
	}
	log.Printf("the usage of %d whole answers compared", compared)
	return problems
}
