package gateway

import (
	"runtime"
	"testing"
)

func TestRoomForSyncs(t *testing.T) {
	before := runtime.GOMAXPROCS(0)
	defer runtime.GOMAXPROCS(before)
	for _, tt := range []struct {
		env       string
		have, got int
	}{
		{"", 1, 2},
		{"", 2, 2},
		{"", 3, 3},
		{"1", 1, 1},
	} {
		t.Setenv("GOMAXPROCS", tt.env)
		runtime.GOMAXPROCS(tt.have)
		roomForSyncs()
		if got := runtime.GOMAXPROCS(0); got != tt.got {
			t.Errorf("GOMAXPROCS=%q, %d before: %d, want %d", tt.env, tt.have, got, tt.got)
		}
	}
}
