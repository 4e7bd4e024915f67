package ledger

import (
	"bytes"
	"math"
	"reflect"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

func encodeOpen(c *Call, need llm.Money, from []hit) []byte {
	var e encoder
	e.open(c, need, from)
	return e.b
}

func drawCall(t *rapid.T) Call {
	s := func(name string) string { return rapid.StringN(0, 40, 200).Draw(t, name) }
	c := Call{
		ID:   ID{Request: rapid.StringN(0, 50, maxRequestID).Draw(t, "request"), Attempt: rapid.Uint32().Draw(t, "attempt"), Part: rapid.Uint32().Draw(t, "part")},
		Time: time.Unix(0, rapid.Int64Range(0, math.MaxInt64).Draw(t, "time")).UTC(),
		Key:  s("key"), User: s("user"), Team: s("team"), Org: s("org"), Provider: s("provider"), Model: s("model"), PriceVersion: s("version"),
	}
	// Only the first is how a UUID is written out; all of them are read as one.
	if r := rapid.SampledFrom([]string{"", "019a2088-b174-7575-ac0f-6e7c5bd00ea0", "019A2088-b174-7575-ac0f-6e7c5bd00ea0", "019a2088-b174-7575-ac0f-6e7c5bd00eaF",
		"019a2088b1747575ac0f6e7c5bd00ea0", "{019a2088-b174-7575-ac0f-6e7c5bd00ea0}", "urn:uuid:019a2088-b174-7575-ac0f-6e7c5bd00ea0"}).Draw(t, "uuid"); r != "" {
		c.Request = r
	}
	return c
}

func TestWhatIsWrittenIsRead(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := drawCall(t)
		id, err := parseKey(c.ID.key())
		if err != nil || id != c.ID {
			t.Fatalf("%+v: %+v %v", c.ID, id, err)
		}
		n := rapid.Int64()
		r := Row{
			Call: c, Kind: Kind(rapid.IntRange(1, 3).Draw(t, "kind")), Served: rapid.String().Draw(t, "served"),
			Usage: llm.Usage{Input: n.Draw(t, "n"), CacheRead: n.Draw(t, "n"), CacheWrite: n.Draw(t, "n"), CacheWrite1h: n.Draw(t, "n"), InputAudio: n.Draw(t, "n"),
				Output: n.Draw(t, "n"), Reasoning: n.Draw(t, "n"), OutputAudio: n.Draw(t, "n"), WebSearches: n.Draw(t, "n"),
				Reported: rapid.Bool().Draw(t, "f"), Final: rapid.Bool().Draw(t, "f"), Estimated: rapid.Bool().Draw(t, "f")},
			Cost: llm.Money(n.Draw(t, "n")), Tokens: n.Draw(t, "n"), Reserved: llm.Money(n.Draw(t, "n")), Result: llm.Result(rapid.IntRange(0, int(llm.ResultCut)).Draw(t, "result")),
		}
		got, err := decodeRow(id, encodeRow(&r))
		if err != nil || !reflect.DeepEqual(got, r) {
			t.Fatalf("%+v\n%+v\n%v", r, got, err)
		}
		var from []hit
		for range rapid.IntRange(0, 4).Draw(t, "budgets") {
			from = append(from, hit{bal: &balance{end: n.Draw(t, "end"), key: balanceKey{window: Window(rapid.IntRange(int(Hour), int(Total)).Draw(t, "window")), at: n.Draw(t, "at"),
				scope: rapid.String().Draw(t, "scope"), name: rapid.String().Draw(t, "name"), value: rapid.String().Draw(t, "value"), unit: Unit(rapid.IntRange(0, 1).Draw(t, "unit"))}}, charge: Charge{Need: llm.Money(n.Draw(t, "need"))}})
		}
		o, err := decodeOpen(id, encodeOpen(&c, r.Cost, from))
		if err != nil || !reflect.DeepEqual(o.call, c) || o.need != r.Cost || len(o.from) != len(from) {
			t.Fatalf("%+v %v", o, err)
		}
		for i := range from {
			if o.from[i].key != from[i].bal.key || o.from[i].end != from[i].bal.end || o.from[i].need != from[i].charge.Need {
				t.Fatalf("%+v, want %+v", o.from[i], from[i])
			}
		}
	})
}

// Rows of UUIDs of version 7 lie in the order of time, windows too.
func TestOrderOfKeys(t *testing.T) {
	early, late := ID{Request: "019a2088-b174-7575-ac0f-6e7c5bd00ea0"}, ID{Request: "019a2088-b175-7000-8000-000000000000"}
	if bytes.Compare(early.key(), late.key()) >= 0 {
		t.Error("rows are out of order")
	}
	if second := (ID{Request: early.Request, Attempt: 1}); bytes.Compare(early.key(), second.key()) >= 0 || bytes.Compare(second.key(), late.key()) >= 0 {
		t.Error("attempts are out of order")
	}
	a, b := balanceKey{window: Day, at: 20261123}, balanceKey{window: Day, at: 20261124}
	if before := (balanceKey{window: Day, at: -5}); bytes.Compare(a.bytes(), b.bytes()) >= 0 || bytes.Compare(before.bytes(), a.bytes()) >= 0 {
		t.Error("windows are out of order")
	}
}

func FuzzDecode(f *testing.F) {
	c := Call{ID: ID{Request: "019a2088-b174-7575-ac0f-6e7c5bd00ea0"}, Time: noon, Key: "k"}
	f.Add(c.ID.key(), encodeRow(&Row{Call: c, Kind: Settled, Cost: 5}))
	f.Add(c.ID.key(), encodeOpen(&c, 7, []hit{{bal: &balance{key: balanceKey{window: Day, at: 20261123, scope: "key", value: "v"}}}}))
	f.Add((&balanceKey{window: Total, scope: "s", name: "n", value: "v"}).bytes(), encodeBalance(stored{9, 10, 80}))
	f.Add([]byte{2, 255}, []byte{1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1})
	f.Fuzz(func(t *testing.T, k, v []byte) {
		if id, err := parseKey(k); err == nil && !bytes.Equal(id.key(), k) && k[0] == 1 {
			t.Fatalf("%x: another key %x", k, id.key())
		}
		if b, err := parseBalanceKey(k); err == nil && !bytes.Equal(b.bytes(), k) {
			t.Fatalf("%x: another balance key %x", k, b.bytes())
		}
		decodeOpen(ID{}, v)
		decodeBalance(v)
		if r, err := decodeRow(ID{}, v); err == nil {
			if again, err := decodeRow(ID{}, encodeRow(&r)); err != nil || !reflect.DeepEqual(r, again) {
				t.Fatalf("%+v %v", again, err)
			}
		}
	})
}
