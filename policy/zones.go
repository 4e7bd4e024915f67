package policy

import (
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"cel.dev/cel-go/common/functions"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
)

// maxZones bounds how many time zones are remembered: their names may come from
// requests.
const maxZones = 512

var (
	zones     sync.Map // name → *time.Location
	zoneCount atomic.Int32
)

// zone returns a time zone, nil if there is none of that name or no room for
// more.
func zone(name string) *time.Location {
	if v, ok := zones.Load(name); ok {
		return v.(*time.Location)
	}
	if len(name) > 64 || zoneCount.Load() >= maxZones {
		return nil
	}
	loc, err := time.LoadLocation(name)
	if err != nil {
		return nil
	}
	if _, loaded := zones.LoadOrStore(name, loc); !loaded {
		zoneCount.Add(1)
	}
	return loc
}

// inZone speeds up functions such as getHours("Europe/Berlin"): CEL would read
// the time zone from disk at each call. It hands CEL the zone's offset at that
// moment instead of its name.
func inZone(f functions.BinaryOp) functions.BinaryOp {
	return func(ts, tz ref.Val) ref.Val {
		t, ok1 := ts.(types.Timestamp)
		name, ok2 := tz.(types.String)
		if !ok1 || !ok2 {
			return f(ts, tz)
		}
		loc := zone(string(name))
		if loc == nil {
			return f(ts, tz)
		}
		_, offset := t.In(loc).Zone()
		if offset%60 != 0 { // local mean times of the nineteenth century
			return f(ts, tz)
		}
		sign := '+'
		if offset < 0 {
			sign, offset = '-', -offset
		}
		return f(ts, types.String(fmt.Sprintf("%c%02d:%02d", sign, offset/3600, offset/60%60)))
	}
}
