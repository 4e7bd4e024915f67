package ledger

import (
	"encoding/binary"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

// ID identifies one reservation or row: an attempt of a request, and which of
// several guards in its way it belongs to (almost always 0).
type ID struct {
	Request string // at most 200 bytes
	Attempt uint32
	Part    uint32
}

// Kind says how a row came about.
type Kind uint8

// The kinds of rows.
const (
	Settled      Kind = iota + 1 // the call ended and was charged what it cost
	CrashCharged                 // the process died during the call; the reservation was charged
	Released                     // the process died during the call; the reservation was given back
)

var kindNames = [...]string{"", "settled", "crash_charged", "released"}

// String returns the name used in reports.
func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return "unknown"
}

// Call says who called what. It holds no content and no secret.
type Call struct {
	ID
	Time                 time.Time // when the attempt was admitted
	Key, User, Team, Org string
	Provider, Model      string // model as sent upstream
	PriceVersion         string
	// Project and Tags allocate the cost; at most maxTags tags are kept.
	Project string
	Tags    []string
}

// maxTags bounds the tags of a row.
const maxTags = 16

// maxText bounds each text of a row: the name of a model comes from outside.
const maxText = 256

func clip(s string) string { return s[:min(len(s), maxText)] }

func (c *Call) clip() {
	for _, s := range [...]*string{&c.Key, &c.User, &c.Team, &c.Org, &c.Provider, &c.Model, &c.PriceVersion, &c.Project} {
		*s = clip(*s)
	}
	c.Tags = slices.Clone(c.Tags[:min(len(c.Tags), maxTags)])
	for i := range c.Tags {
		c.Tags[i] = clip(c.Tags[i])
	}
}

// Row is one entry of the ledger.
type Row struct {
	Call
	Kind     Kind
	Served   string    // the model that answered, if the provider said
	Usage    llm.Usage // the counts; not Parts, Model and Tier
	Cost     llm.Money
	Tokens   int64 // charged to budgets of tokens
	Reserved llm.Money
	Result   llm.Result
}

// ErrCorrupt is wrapped when something in the file cannot be read.
var ErrCorrupt = errors.New("the ledger file holds something unreadable")

const codecVersion = 2

// maxRequestID bounds ID.Request, so that keys stay small.
const maxRequestID = 200

// key returns the bytes under which an ID is stored. UUIDs (version 7: in the
// order of time) take 16 bytes and sort before everything else.
func (id *ID) key() []byte {
	e := encoder{b: make([]byte, 0, 32)}
	e.key(id)
	return e.b
}

func (e *encoder) key(id *ID) {
	b := e.b
	if u, err := uuid.Parse(id.Request); err == nil && canonical(id.Request) {
		b = append(append(b, 1), u[:]...)
	} else {
		r := id.Request[:min(len(id.Request), maxRequestID)]
		b = append(append(b, 2, byte(len(r))), r...)
	}
	b = binary.BigEndian.AppendUint32(b, id.Attempt)
	e.b = binary.BigEndian.AppendUint32(b, id.Part)
}

// canonical reports whether what was read as a UUID is written as one is written
// out: with hyphens, nothing around it, and small letters.
func canonical(s string) bool { return len(s) == 36 && !strings.ContainsAny(s, "ABCDEF") }

func parseKey(k []byte) (id ID, err error) {
	switch {
	case len(k) == 1+16+8 && k[0] == 1:
		id.Request = uuid.UUID(k[1:17]).String()
	case len(k) >= 2+8 && k[0] == 2 && len(k) == 2+int(k[1])+8:
		id.Request = string(k[2 : 2+int(k[1])])
	default:
		return id, ErrCorrupt
	}
	n := len(k)
	id.Attempt = binary.BigEndian.Uint32(k[n-8:])
	id.Part = binary.BigEndian.Uint32(k[n-4:])
	return id, nil
}

// encoder appends fields; decoder reads them in the same order.
type encoder struct{ b []byte }

func (e *encoder) int(n int64) { e.b = binary.AppendVarint(e.b, n) }
func (e *encoder) str(s string) {
	e.b = binary.AppendUvarint(e.b, uint64(len(s)))
	e.b = append(e.b, s...)
}

type decoder struct {
	b   []byte
	bad bool
}

func (d *decoder) int() int64 {
	n, size := binary.Varint(d.b)
	if size <= 0 {
		d.bad, d.b = true, nil
		return 0
	}
	d.b = d.b[size:]
	return n
}

func (d *decoder) str() string {
	n, size := binary.Uvarint(d.b)
	if size <= 0 || n > uint64(len(d.b)-size) {
		d.bad, d.b = true, nil
		return ""
	}
	s := string(d.b[size : size+int(n)])
	d.b = d.b[size+int(n):]
	return s
}

func (d *decoder) version() {
	if len(d.b) == 0 || d.b[0] != codecVersion {
		d.bad, d.b = true, nil
		return
	}
	d.b = d.b[1:]
}

func (d *decoder) end() error {
	if d.bad || len(d.b) > 0 {
		return ErrCorrupt
	}
	return nil
}

func (e *encoder) call(c *Call) {
	e.int(c.Time.UnixNano())
	for _, s := range [...]string{c.Key, c.User, c.Team, c.Org, c.Provider, c.Model, c.PriceVersion, c.Project} {
		e.str(s)
	}
	e.int(int64(len(c.Tags)))
	for _, s := range c.Tags {
		e.str(s)
	}
}

func (d *decoder) call(c *Call) {
	c.Time = time.Unix(0, d.int()).UTC()
	for _, s := range [...]*string{&c.Key, &c.User, &c.Team, &c.Org, &c.Provider, &c.Model, &c.PriceVersion, &c.Project} {
		*s = d.str()
	}
	n := d.int()
	if n < 0 || n > maxTags {
		d.bad, d.b = true, nil
		return
	}
	for range n {
		c.Tags = append(c.Tags, d.str())
	}
}

// spent is what a row charges to budgets of a unit.
func (r *Row) spent(u Unit) llm.Money {
	if u == Tokens {
		return llm.Money(r.Tokens)
	}
	return r.Cost
}

// open appends a reservation: who, how much, and from which balances.
func (e *encoder) open(c *Call, need llm.Money, from []hit) {
	e.b = append(e.b, codecVersion)
	e.call(c)
	e.int(int64(need))
	e.int(int64(len(from)))
	for i := range from {
		b := from[i].bal
		e.str(string(b.key.bytes()))
		e.int(b.end)
		e.int(int64(from[i].charge.Need))
	}
}

type openRecord struct {
	call Call
	need llm.Money
	from []balanceRef
}

type balanceRef struct {
	key  balanceKey
	end  int64
	need llm.Money
}

func decodeOpen(id ID, v []byte) (o openRecord, err error) {
	d := decoder{b: v}
	d.version()
	o.call.ID = id
	d.call(&o.call)
	o.need = llm.Money(d.int())
	n := d.int()
	for range n {
		if d.bad {
			break
		}
		k, err := parseBalanceKey([]byte(d.str()))
		if err != nil {
			return o, err
		}
		o.from = append(o.from, balanceRef{k, d.int(), llm.Money(d.int())})
	}
	return o, d.end()
}

func encodeRow(r *Row) []byte {
	e := encoder{b: make([]byte, 0, 192)}
	e.row(r)
	return e.b
}

func (e *encoder) row(r *Row) {
	e.b = append(e.b, codecVersion)
	e.call(&r.Call)
	e.int(int64(r.Kind))
	e.str(r.Served)
	u := &r.Usage
	for _, n := range [...]int64{u.Input, u.CacheRead, u.CacheWrite, u.CacheWrite1h, u.InputAudio, u.Output, u.Reasoning, u.OutputAudio, u.WebSearches} {
		e.int(n)
	}
	flags := int64(0)
	for i, f := range [...]bool{u.Reported, u.Final, u.Estimated} {
		if f {
			flags |= 1 << i
		}
	}
	e.int(flags)
	e.int(int64(r.Cost))
	e.int(r.Tokens)
	e.int(int64(r.Reserved))
	e.int(int64(r.Result))
}

func decodeRow(id ID, v []byte) (r Row, err error) {
	d := decoder{b: v}
	d.version()
	r.ID = id
	d.call(&r.Call)
	kind := d.int()
	r.Served = d.str()
	u := &r.Usage
	for _, n := range [...]*int64{&u.Input, &u.CacheRead, &u.CacheWrite, &u.CacheWrite1h, &u.InputAudio, &u.Output, &u.Reasoning, &u.OutputAudio, &u.WebSearches} {
		*n = d.int()
	}
	flags := d.int()
	u.Reported, u.Final, u.Estimated = flags&1 != 0, flags&2 != 0, flags&4 != 0
	r.Cost = llm.Money(d.int())
	r.Tokens = d.int()
	r.Reserved = llm.Money(d.int())
	result := d.int()
	if kind < 1 || kind > int64(Released) || result < 0 || result > int64(llm.ResultCut) {
		return r, ErrCorrupt
	}
	r.Kind, r.Result = Kind(kind), llm.Result(result)
	return r, d.end()
}
