package norm

import (
	"strings"
	"testing"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/policy/detect/pii"
)

// TestAcross: a value that is cut anywhere, into any number of texts of any length around
// it, is found once, in its place; what is whole in one text is not.
func TestAcross(t *testing.T) {
	const value = "jane.doe@corp-bank.com"
	for _, around := range []int{0, 10, reach - 30, reach, 3 * reach, 50_000} {
		pad := strings.Repeat("x ", around/2)
		for cut := 1; cut < len(value)-1; cut++ {
			for _, texts := range [][]string{
				{pad + value[:cut], value[cut:] + " " + pad},
				{pad, pad + value[:cut], "", value[cut : cut+1], value[cut+1:], " " + pad},
			} {
				found := Across(texts, pii.New())
				at := strings.Index(strings.Join(texts, ""), value)
				if len(found) != 1 || found[0].Start != at || found[0].End != at+len(value) {
					t.Fatalf("cut %d, %d around: %v, want %d to %d", cut, around, found, at, at+len(value))
				}
			}
		}
		if found := Across([]string{pad + value, " " + value, " " + pad}, pii.New()); len(found) > 0 {
			t.Errorf("%d around: %v", around, found)
		}
	}
	if found := Across([]string{value}, pii.New()); found != nil {
		t.Error(found)
	}
	// A window that begins within a longer run of digits makes no card of its rest.
	long := strings.Repeat("4111111111111111", 200)
	if found := Across([]string{long, long}, pii.New()); len(found) > 0 {
		t.Error(found)
	}
}
