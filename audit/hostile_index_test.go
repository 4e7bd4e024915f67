package audit

import "testing"

func TestHostileIndex(t *testing.T) {
	dir := filled(t, 20)
	l := openLog(t, Options{Dir: dir})
	defer closeLog(t, l)
	for _, i := range []int64{-1, -5, 20000, 1 << 62, -1 << 63, 1<<63 - 1} {
		if _, err := Line(dir, i); err == nil {
			t.Errorf("line %d", i)
		}
		if _, err := l.Prove(i); err == nil {
			t.Errorf("proof %d", i)
		}
	}
	for _, id := range []string{"", "\"", "../../x", "\n", string(make([]byte, 1<<20))} {
		if recs, err := Find(dir, id); err != nil || len(recs) != 0 {
			t.Errorf("%.20q: %d records, %v", id, len(recs), err)
		}
	}
}
