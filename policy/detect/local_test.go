package detect_test

import (
	"strings"
	"testing"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/policy/detect"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/policy/detect/internal/detecttest"
)

// badges finds "#" and one to six capitals that no letter follows and no "no " stands
// before.
func badges(begins bool) *detect.Local {
	l := &detect.Local{Max: 7, Kind: "badge", At: func(text string, at int) (int, string) {
		end := at + 1
		for end < len(text) && end-at < 7 && text[end] >= 'A' && text[end] <= 'Z' {
			end++
		}
		if text[at] != '#' || end-at < 2 || end < len(text) && text[end] >= 'A' && text[end] <= 'z' || strings.HasSuffix(text[:at], "no ") {
			return 0, ""
		}
		return end, "badge"
	}}
	if begins {
		l.Begins = new([256]bool)
		l.Begins['#'] = true
	}
	return l
}

func TestLocal(t *testing.T) {
	long := strings.Repeat("x", 600)
	for text, want := range map[string]int{
		"#ABC and #ABCDEF, no #XY": 2, "#ABCDEFG": 0, "#": 0, "": 0, "#A": 1, "#AB#CD": 2, long + "#AB " + long: 1, long + "no #AB " + long + "#C": 1,
	} {
		for _, begins := range []bool{false, true} {
			if got := detecttest.Equal(t, text, 5, badges(begins)); len(got) != want {
				t.Errorf("%.40q: %+v, want %d", text, got, want)
			}
		}
	}
}

// At that says more than it may is kept within its bounds.
func TestLocalBounds(t *testing.T) {
	l := &detect.Local{Max: 3, Kind: "k", At: func(text string, at int) (int, string) { return at + 100, "r" }}
	for _, m := range detecttest.Equal(t, "abcdefgh", 2, l) {
		if m.End-m.Start > 3 {
			t.Errorf("%+v", m)
		}
	}
}

func FuzzLocal(f *testing.F) {
	f.Add("#ABC no #X", 3)
	f.Fuzz(func(t *testing.T, text string, step int) {
		detecttest.Equal(t, text[:min(len(text), 200)], min(max(step, 1), 30), badges(step%2 == 0))
	})
}
