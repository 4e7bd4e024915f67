package pii

import (
	"crypto/sha256"
	"math/big"
	"strings"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/policy/detect/automaton"
)

const (
	base58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
	bech32 = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
	ripple = "rpshnaf39wBUDNEGHJKLM4PQRST7VWXYZ2bcdeCg65jkm8oFqi1tuvAxyz"
	// maxAddress is the longest address, that of Monero or a long one of Cardano.
	maxAddress = 110
)

var coins = automaton.Must("solana", "sol ", "phantom", "monero", "xmr", "wallet", "crypto", "address")

// crypto matches an address of a ledger whose check digits are right, or whose
// form leaves no doubt.
func (f *finder) crypto(p int) int {
	i := p
	for i-p < maxAddress && alnum(f.c.At(i)) {
		i++
	}
	if f.c.Short() || i-p < 26 || f.c.At(i) == '_' || f.c.Short() {
		return 0
	}
	v := f.text[p:i]
	switch {
	case len(v) == 42 && v[0] == '0' && v[1]|0x20 == 'x':
		digits, letters := 0, 0
		for k := 2; k < len(v); k++ {
			if !hex(v[k]) {
				return 0
			}
			if digit(v[k]) {
				digits++
			} else {
				letters++
			}
		}
		if digits < 6 || letters < 4 {
			return 0
		}
		return i
	case segwit(v):
		return i
	case len(v) <= 35 && (strings.IndexByte("13LMDTXAt", v[0]) >= 0) && checked(v, base58):
		return i
	case len(v) <= 35 && v[0] == 'r' && checked(v, ripple):
		return i
	case len(v) == 95 && (v[0] == '4' || v[0] == '8') && within(v, base58):
		return i
	case (len(v) == 43 || len(v) == 44) && within(v, base58) && varied(v) && f.behind(p, 64, coins):
		return i
	}
	return 0
}

func within(v, alphabet string) bool {
	for k := range len(v) {
		if strings.IndexByte(alphabet, v[k]) < 0 {
			return false
		}
	}
	return true
}

// varied tells whether v has capitals, small letters and digits.
func varied(v string) bool {
	return strings.ContainsAny(v, "123456789") && strings.ContainsAny(v, "ABCDEFGHJKLMNPQRSTUVWXYZ") && strings.ContainsAny(v, "abcdefghijkmnopqrstuvwxyz")
}

// checked tells whether v is base58 of 21 bytes and their checksum.
func checked(v, alphabet string) bool {
	n := new(big.Int)
	fiftyEight := big.NewInt(58)
	for k := range len(v) {
		d := strings.IndexByte(alphabet, v[k])
		if d < 0 {
			return false
		}
		n.Add(n.Mul(n, fiftyEight), big.NewInt(int64(d)))
	}
	if n.BitLen() > 25*8 {
		return false
	}
	raw := n.FillBytes(make([]byte, 25))
	first := sha256.Sum256(raw[:21])
	second := sha256.Sum256(first[:])
	return string(second[:4]) == string(raw[21:]) && n.Sign() > 0
}

// segwit tells whether v is a bech32 address with a right checksum.
func segwit(v string) bool {
	lower := strings.ToLower(v)
	if lower != v && strings.ToUpper(v) != v {
		return false
	}
	sep := strings.LastIndexByte(lower, '1')
	if sep < 2 || sep > 10 || len(lower)-sep < 20 {
		return false
	}
	switch lower[:sep] {
	case "bc", "tb", "ltc", "cosmos", "addr":
	default:
		return false
	}
	check := uint32(1)
	step := func(d uint32) {
		top := check >> 25
		check = (check&0x1ffffff)<<5 ^ d
		for k, g := range [5]uint32{0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3} {
			if top>>k&1 == 1 {
				check ^= g
			}
		}
	}
	for k := range sep {
		step(uint32(lower[k]) >> 5)
	}
	step(0)
	for k := range sep {
		step(uint32(lower[k]) & 31)
	}
	for k := sep + 1; k < len(lower); k++ {
		d := strings.IndexByte(bech32, lower[k])
		if d < 0 {
			return false
		}
		step(uint32(d))
	}
	return check == 1 || check == 0x2bc830a3
}
