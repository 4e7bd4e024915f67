package limits

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// Every test that docs/llm_cost.md names for a report is there, and every test named
// after a report stands in that list.
func TestIndexOfReports(t *testing.T) {
	doc, err := os.ReadFile("../docs/llm_cost.md")
	if err != nil {
		t.Fatal(err)
	}
	named := map[string]bool{}
	for _, m := range regexp.MustCompile("`(Test[A-Za-z0-9]+)`").FindAllStringSubmatch(string(doc), -1) {
		named[m[1]] = true
	}
	written := map[string]bool{}
	for _, dir := range []string{".", "ledger", "prices", "../caddytest"} {
		files, err := filepath.Glob(filepath.Join(dir, "*_test.go"))
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			b, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range regexp.MustCompile(`(?m)^func (Test[A-Za-z0-9]+)\(`).FindAllStringSubmatch(string(b), -1) {
				written[m[1]] = true
			}
		}
	}
	for name := range named {
		if !written[name] {
			t.Errorf("%s is in the documentation and nowhere else", name)
		}
	}
	after := regexp.MustCompile(`^Test(Budget|Cost)[A-Z][A-Za-z]*?[0-9]+`)
	n := 0
	for name := range written {
		if after.MatchString(name) && !strings.HasPrefix(name, "TestCostOf") {
			if n++; !named[name] {
				t.Errorf("%s is missing in the documentation", name)
			}
		}
	}
	if n < 40 {
		t.Errorf("only %d tests are named after reports", n)
	}
}
