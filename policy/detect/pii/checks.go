package pii

import "strings"

func always([]byte) bool { return true }

func num(v []byte) (n int) {
	for _, b := range v {
		n = n*10 + int(b-'0')
	}
	return n
}

// weighted is the sum of the digits of v, each times its weight.
func weighted(v []byte, weights ...int) (sum int) {
	for i, w := range weights {
		sum += int(v[i]-'0') * w
	}
	return sum
}

func values(v []byte) []byte {
	out := make([]byte, len(v))
	for i := range v {
		out[i] = v[i] - '0'
	}
	return out
}

func oneDigit(v []byte) bool {
	for _, b := range v {
		if b != v[0] {
			return false
		}
	}
	return true
}

// monthDay tells whether there is such a month and such a day.
func monthDay(month, day int) bool { return month >= 1 && month <= 12 && day >= 1 && day <= 31 }

func ssn(v []byte) bool {
	area, group, serial := num(v[:3]), num(v[3:5]), num(v[5:])
	if area == 0 || area == 666 || group == 0 || serial == 0 || oneDigit(v) || string(v) == "078051120" || string(v) == "123456789" {
		return false
	}
	// From 900 on these are numbers of taxpayers, with groups of their own.
	return area < 900 || group >= 50 && group <= 99
}

func nhs(v []byte) bool {
	c := 11 - weighted(v, 10, 9, 8, 7, 6, 5, 4, 3, 2)%11
	return !oneDigit(v) && c != 10 && c%11 == int(v[9]-'0')
}

func nino(v []byte) bool {
	switch p := string(v[:2]); p {
	case "BG", "GB", "KN", "NK", "NT", "TN", "ZZ":
		return false
	}
	return strings.IndexByte("DFIQUV", v[0]) < 0 && strings.IndexByte("DFIQUVO", v[1]) < 0 && v[8] <= 'D'
}

func sin(v []byte) bool { return v[0] != '0' && v[0] != '8' && luhn(values(v)) && !oneDigit(v) }

func aadhaar(v []byte) bool {
	if v[0] < '2' {
		return false
	}
	var d = [10][10]byte{{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}, {1, 2, 3, 4, 0, 6, 7, 8, 9, 5}, {2, 3, 4, 0, 1, 7, 8, 9, 5, 6}, {3, 4, 0, 1, 2, 8, 9, 5, 6, 7}, {4, 0, 1, 2, 3, 9, 5, 6, 7, 8},
		{5, 9, 8, 7, 6, 0, 4, 3, 2, 1}, {6, 5, 9, 8, 7, 1, 0, 4, 3, 2}, {7, 6, 5, 9, 8, 2, 1, 0, 4, 3}, {8, 7, 6, 5, 9, 3, 2, 1, 0, 4}, {9, 8, 7, 6, 5, 4, 3, 2, 1, 0}}
	var p = [8][10]byte{{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}, {1, 5, 7, 6, 2, 8, 3, 0, 9, 4}, {5, 8, 0, 3, 7, 9, 6, 1, 4, 2}, {8, 9, 1, 6, 0, 4, 3, 5, 2, 7},
		{9, 4, 5, 3, 1, 2, 6, 8, 7, 0}, {4, 2, 8, 6, 5, 7, 3, 9, 0, 1}, {2, 7, 9, 3, 8, 0, 6, 4, 1, 5}, {7, 0, 4, 6, 9, 1, 3, 2, 5, 8}}
	c := byte(0)
	for i := range len(v) {
		c = d[c][p[i%8][v[len(v)-1-i]-'0']]
	}
	return c == 0
}

func pan(v []byte) bool { return strings.IndexByte("ABCFGHLJPTK", v[3]) >= 0 }

func dni(v []byte) bool {
	const letters = "TRWAGMYFPDXBNJZSQVHLCKE"
	n := v[:len(v)-1]
	lead := 0
	if v[0] >= 'A' {
		if v[0] < 'X' {
			return false
		}
		lead, n = int(v[0]-'X')*10000000, v[1:8]
	}
	return letters[(lead+num(n))%23] == v[len(v)-1]
}

func codice(v []byte) bool {
	odd := [26]int{1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23}
	sum := 0
	for i, b := range v[:15] {
		n := int(b - 'A')
		if digit(b) {
			n = int(b - '0')
		}
		if i%2 == 0 {
			sum += odd[n]
		} else {
			sum += n
		}
	}
	return byte(sum%26)+'A' == v[15] && strings.IndexByte("ABCDEHLMPRST", v[8]) >= 0
}

func nir(v []byte) bool {
	return (v[0] == '1' || v[0] == '2') && num(v[3:5]) >= 1 && num(v[3:5]) <= 42 && 97-num(v[:13])%97 == num(v[13:])
}

func steuer(v []byte) bool {
	if v[0] == '0' {
		return false
	}
	p := 10
	for _, b := range v[:10] {
		s := (int(b-'0') + p) % 10
		if s == 0 {
			s = 10
		}
		p = s * 2 % 11
	}
	return (11-p)%10 == int(v[10]-'0')
}

func cpf(v []byte) bool {
	a := weighted(v, 10, 9, 8, 7, 6, 5, 4, 3, 2) * 10 % 11 % 10
	b := weighted(v, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2) * 10 % 11 % 10
	return !oneDigit(v) && a == int(v[9]-'0') && b == int(v[10]-'0')
}

func pesel(v []byte) bool {
	month := num(v[2:4]) % 20
	return monthDay(month, num(v[4:6])) && (10-weighted(v, 1, 3, 7, 9, 1, 3, 7, 9, 1, 3)%10)%10 == int(v[10]-'0')
}

func bsn(v []byte) bool {
	return !oneDigit(v) && (weighted(v, 9, 8, 7, 6, 5, 4, 3, 2)-int(v[8]-'0'))%11 == 0
}

func personnummer(v []byte) bool {
	v = v[len(v)-10:]
	return num(v[2:4]) >= 1 && num(v[2:4]) <= 12 && num(v[4:6])%60 >= 1 && num(v[4:6])%60 <= 31 && luhn(values(v))
}

func hetu(v []byte) bool {
	rest := v[6:]
	if v[6] >= 'A' {
		if strings.IndexByte("ABCDEFYXWVU", v[6]) < 0 {
			return false
		}
		rest = v[7:]
	}
	return monthDay(num(v[2:4]), num(v[:2])) && "0123456789ABCDEFHJKLMNPRSTUVWXY"[(num(v[:6])*1000+num(rest[:3]))%31] == rest[3]
}

func resident(v []byte) bool {
	if v[0] == '0' || !monthDay(num(v[10:12]), num(v[12:14])) || num(v[6:10]) < 1900 || num(v[6:10]) > 2100 {
		return false
	}
	return "10X98765432"[weighted(v, 7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)%11] == v[17]
}

func rrn(v []byte) bool {
	return monthDay(num(v[2:4]), num(v[4:6])) && v[6] >= '1' && v[6] <= '8' && (11-weighted(v, 2, 3, 4, 5, 6, 7, 8, 9, 2, 3, 4, 5)%11)%10 == int(v[12]-'0')
}

func nric(v []byte) bool {
	sum := weighted(v[1:], 2, 7, 6, 5, 4, 3, 2)
	switch v[0] {
	case 'S':
		return "JZIHGFEDCBA"[sum%11] == v[8]
	case 'T':
		return "JZIHGFEDCBA"[(sum+4)%11] == v[8]
	case 'F':
		return "XWUTRQPNMLK"[sum%11] == v[8]
	case 'G':
		return "XWUTRQPNMLK"[(sum+4)%11] == v[8]
	case 'M':
		return "KLJNPQRTUWX"[10-(sum+3)%11] == v[8]
	}
	return false
}

func curp(v []byte) bool {
	if !monthDay(num(v[6:8]), num(v[8:10])) || v[10] != 'H' && v[10] != 'M' && v[10] != 'X' {
		return false
	}
	sum := 0
	for i, b := range v[:17] {
		n := int(b - '0')
		if b >= 'A' {
			if n = int(b-'A') + 10; b > 'N' {
				n++ // Ñ stands between N and O
			}
		}
		sum += n * (18 - i)
	}
	return (10-sum%10)%10 == int(v[17]-'0')
}

func southAfrica(v []byte) bool {
	return monthDay(num(v[2:4]), num(v[4:6])) && v[10] <= '2' && luhn(values(v))
}

func tckn(v []byte) bool {
	d := values(v)
	odd := int(d[0]) + int(d[2]) + int(d[4]) + int(d[6]) + int(d[8])
	even := int(d[1]) + int(d[3]) + int(d[5]) + int(d[7])
	return d[0] != 0 && ((odd*7-even)%10+10)%10 == int(d[9]) && (odd+even+int(d[9]))%10 == int(d[10])
}

func tfn(v []byte) bool {
	return !oneDigit(v) && weighted(v, 1, 4, 3, 7, 5, 8, 6, 9, 10)%11 == 0
}

func medicare(v []byte) bool {
	return v[0] >= '2' && v[0] <= '6' && weighted(v, 1, 3, 7, 9, 1, 3, 7, 9)%10 == int(v[8]-'0')
}

func routing(v []byte) bool {
	return !oneDigit(v) && weighted(v, 3, 7, 1, 3, 7, 1, 3, 7, 1)%10 == 0
}
