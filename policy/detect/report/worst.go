package main

import (
	"cmp"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/policy/detect/inject"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/policy/detect/pii"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/policy/detect/secrets"
)

const (
	worstBytes = 16 << 10 // of each text that is tried, as a beginning
	worstAgain = 64 << 10 // of the slowest, to be sure
	worstBar   = 150 * time.Millisecond
	worstList  = 25
	worstUnits = 32 // bytes of a unit that is repeated, at most
)

// interesting are bytes of which each means something to some matcher.
const interesting = "aeAx019 \n\"'=:/.,-_+@(%\\?{\xc3\xff"

// personal are pieces of what detectors of personal data look for.
var personal = []string{"+1 (2", "+49 30 ", "(212) 555", "212-555-", "4111 1111 1111 1111", "4111-", "5500", "536-22-1234", "536 22 ", "2001:db8::", "::1:", "00:1a:2b:", "192.168.1.", "10.0.0.1",
	"DE89 3704", "GB29NWBK", "DE89", "a.b@c.d", "ada@", "@example.org", "x@y.", "born ", "dob ", "12 March 1984", "March 12, ", "1984-03-12", "12.3.1984", "3/12/84", "12 of ", "bc1q", "1A1zP1eP5QG",
	"0x", "call ", "phone ", "ssn ", "nhs ", "tin ", "uid ", "passport ", "card ", "routing ", " tel", "office", "AB 12 34 56 C", "X1234567", "RSSMRA85T", "123456789", "1234567890123", "0049 ", "é", "漢"}

// slow is a text of one unit, repeated, and how long it takes.
type slow struct {
	unit string
	time [3]time.Duration // secrets, personal data, injection, for 1 MiB
}

func (s slow) total() time.Duration { return s.time[0] + s.time[1] + s.time[2] }

// worst looks for short texts that take long when they are repeated: all strings
// of up to three interesting bytes, whatever rules begin with or look for, alone
// and with one byte behind and before it; then it changes the slowest at random
// for as many rounds as asked. It prints the slowest, scaled to 1 MiB.
func (r *report) worst(rounds int) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	rnd := rand.New(rand.NewPCG(1, 2))
	seen := map[string]bool{}
	var found []slow
	try := func(unit string) {
		if unit == "" || len(unit) > worstUnits || seen[unit] {
			return
		}
		seen[unit] = true
		found = append(found, timed(unit, worstBytes, 1))
	}
	words := append(secrets.New().Words(), personal...)
	for a := range len(interesting) {
		try(interesting[a : a+1])
		for b := range len(interesting) {
			try(interesting[a:a+1] + interesting[b:b+1])
			for c := range len(interesting) {
				try(interesting[a:a+1] + interesting[b:b+1] + interesting[c:c+1])
			}
		}
	}
	for _, w := range words {
		try(w)
		for _, sep := range " -.:=\"" {
			try(w + string(sep))
		}
	}
	tried := len(found)
	order := func() {
		slices.SortFunc(found, func(a, b slow) int { return cmp.Or(cmp.Compare(b.total(), a.total()), cmp.Compare(a.unit, b.unit)) })
	}
	order()
	for range rounds {
		found = found[:min(len(found), 200)]
		for _, parent := range found[:min(len(found), 60)] {
			for range 4 {
				try(change(rnd, parent.unit, words))
				tried++
			}
		}
		order()
	}
	found = found[:min(len(found), 4*worstList)]
	for i := range found {
		found[i] = timed(found[i].unit, worstAgain, 5)
	}
	order()
	r.printf("slowest of %d repeated strings, for 1 MiB: secrets, personal data, injection, all (bar %d ms)\n", tried, worstBar.Milliseconds())
	ms := func(d time.Duration) float64 { return float64(d) / 1e6 }
	for _, s := range found[:min(len(found), worstList)] {
		r.printf("  %-34q %7.1f %7.1f %7.1f %7.1f\n", s.unit, ms(s.time[0]), ms(s.time[1]), ms(s.time[2]), ms(s.total()))
	}
}

// timed returns the least times of some runs.
func timed(unit string, size, runs int) slow {
	text := strings.Repeat(unit, size/len(unit)+1)[:size]
	s := slow{unit: unit}
	for i, f := range []func(){
		func() { secrets.New().Scan(nil, text) }, func() { pii.New().Scan(nil, text) }, func() { inject.Score(text) },
	} {
		for n := range runs {
			t := cpu()
			f()
			if d := (cpu() - t) * (1 << 20) / time.Duration(size); n == 0 || d < s.time[i] {
				s.time[i] = d
			}
		}
	}
	return s
}

// change returns unit with something changed.
func change(rnd *rand.Rand, unit string, words []string) string {
	b := []byte(unit)
	for range 1 + rnd.IntN(2) {
		at := rnd.IntN(len(b) + 1)
		switch rnd.IntN(6) {
		case 0, 1:
			b = slices.Insert(b, at, interesting[rnd.IntN(len(interesting))])
		case 2:
			b = slices.Insert(b, at, byte(' '+rnd.IntN(95)))
		case 3:
			if at < len(b) && len(b) > 1 {
				b = slices.Delete(b, at, at+1)
			}
		case 4:
			b = slices.Insert(b, at, []byte(words[rnd.IntN(len(words))])...)
		case 5:
			if at < len(b) {
				b[at] = byte(' ' + rnd.IntN(95))
			}
		}
	}
	return string(b)
}
