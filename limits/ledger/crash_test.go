package ledger

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

// crashEnv tells the test binary to be the process that gets killed.
const crashEnv = "LEDGER_CRASH_CHILD"

func TestMain(m *testing.M) {
	if path := os.Getenv(crashEnv); path != "" {
		crashChild(path)
		return
	}
	os.Exit(m.Run())
}

var crashBudget = &Budget{Amount: llm.MaxMoney / 2, Window: Total, Scope: "key"}

// needOf and costOf are what a call reserves and costs, known from its id.
func needOf(request string) llm.Money { return 100 + llm.Money(request[len(request)-1]) }
func costOf(request string) llm.Money { return llm.Money(request[len(request)-1]) }

// crashChild makes calls until it is killed. It prints the id of each call once
// its reservation is durable, then settles most of them.
func crashChild(path string) {
	// Small areas, so that they take turns all the time.
	l, err := Open(path, Options{hooks: hooks{area: 8 * journalPage, applyEvery: 3 * time.Millisecond}})
	if err != nil {
		fmt.Println("error", err)
		os.Exit(1)
	}
	for range 8 {
		go func() {
			for {
				u, _ := uuid.NewV7()
				r := u.String()
				h, _, err := reserve(l, noon, Call{ID: ID{Request: r}, Time: noon, Key: "k"}, needOf(r), []Charge{charge(crashBudget, "k")})
				if err == nil {
					err = h.Durable(context.Background())
				}
				if err != nil {
					fmt.Println("error", err)
					os.Exit(1)
				}
				fmt.Println(r)
				if rand.IntN(4) > 0 {
					h.Settle(noon, Row{Cost: costOf(r)})
				}
			}
		}()
	}
	select {}
}

func TestKilled(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ledger.db")
	durable := map[string]bool{}
	kills := 200
	if testing.Short() {
		kills = 30
	}
	for range kills {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), crashEnv+"="+path)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		killed := make(chan struct{})
		lines := bufio.NewScanner(out)
		n := 0
		for lines.Scan() {
			line := lines.Text()
			if strings.HasPrefix(line, "error") {
				t.Fatal(line)
			}
			durable[line] = true
			if n++; n == 1 {
				go func() {
					defer close(killed)
					time.Sleep(time.Duration(rand.IntN(30)) * time.Millisecond)
					cmd.Process.Kill()
				}()
			}
		}
		<-killed
		cmd.Wait()
	}
	l := openAt(t, path, Options{})
	checkEachOnce(t, l, durable)
	t.Logf("%d durable reservations in %d processes that were killed", len(durable), kills)
	if got := inspect(t, l); got.Open != 0 || got.Reserved != 0 {
		t.Errorf("%d open with %d", got.Open, got.Reserved)
	}
}

// checkEachOnce checks that each durable reservation has exactly one row, and
// that the balance is the sum of the rows.
func checkEachOnce(t testing.TB, l *Ledger, durable map[string]bool) {
	t.Helper()
	if err := eachOnce(l, durable); err != nil {
		t.Fatal(err)
	}
}

func eachOnce(l *Ledger, durable map[string]bool) error {
	seen := map[string]int{}
	var sum llm.Money
	var bad error
	err := l.Rows(time.Time{}, func(r *Row) bool {
		seen[r.Request]++
		sum += r.Cost
		want := costOf(r.Request)
		if r.Kind == CrashCharged {
			want = needOf(r.Request)
		}
		if r.Cost != want || r.Reserved != needOf(r.Request) {
			bad = fmt.Errorf("%s %s: cost %d, want %d", r.Kind, r.Request, r.Cost, want)
		}
		return true
	})
	if err == nil {
		err = bad
	}
	if err != nil {
		return err
	}
	for r := range durable {
		if seen[r] != 1 {
			return fmt.Errorf("%s was durable and appears %d times", r, seen[r])
		}
	}
	if s, held, _ := l.Balance(*crashBudget, "k", noon); s != sum || held != 0 {
		return fmt.Errorf("the balance is %d and %d reserved, the rows sum to %d", s, held, sum)
	}
	return nil
}

// lockedSet collects ids from several goroutines.
type lockedSet struct {
	mu  sync.Mutex
	ids map[string]bool
}

func (s *lockedSet) add(id string) {
	s.mu.Lock()
	s.ids[id] = true
	s.mu.Unlock()
}

func (s *lockedSet) copy() map[string]bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := make(map[string]bool, len(s.ids))
	for id := range s.ids {
		c[id] = true
	}
	return c
}
