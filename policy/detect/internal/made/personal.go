package made

import (
	"fmt"
	"math/big"
	"math/rand/v2"
	"strings"
)

// luhn returns body with its check digit.
func luhn(body string) string {
	sum := 0
	for i := range len(body) {
		d := int(body[len(body)-1-i] - '0')
		if i%2 == 0 {
			if d *= 2; d > 9 {
				d -= 9
			}
		}
		sum += d
	}
	return body + string(rune('0'+(10-sum%10)%10))
}

// iban returns the account body of the country with its check digits.
func iban(country, body string) string {
	var n strings.Builder
	for _, c := range body + country + "00" {
		if c >= 'A' {
			fmt.Fprint(&n, c-'A'+10)
		} else {
			n.WriteRune(c)
		}
	}
	v, _ := new(big.Int).SetString(n.String(), 10)
	return fmt.Sprintf("%s%02d%s", country, 98-v.Mod(v, big.NewInt(97)).Int64(), body)
}

// group writes s in groups of these sizes, the last one repeated.
func group(s, sep string, sizes ...int) string {
	var out []string
	for i := 0; s != ""; i++ {
		n := min(sizes[min(i, len(sizes)-1)], len(s))
		out, s = append(out, s[:n]), s[n:]
	}
	return strings.Join(out, sep)
}

// ibans are the forms of accounts by country: what fills them.
var ibans = [][2]string{
	{"DE", "«d18»"}, {"FR", "«d10»«UN11»«d2»"}, {"GB", "«A4»«d14»"}, {"ES", "«d20»"}, {"IT", "«A1»«d10»«UN12»"}, {"NL", "«A4»«d10»"}, {"BE", "«d12»"}, {"AT", "«d16»"},
	{"CH", "«d5»«UN12»"}, {"PL", "«d24»"}, {"SE", "«d20»"}, {"NO", "«d11»"}, {"DK", "«d14»"}, {"FI", "«d14»"}, {"PT", "«d21»"}, {"IE", "«A4»«d14»"}, {"LU", "«d3»«UN13»"},
	{"CZ", "«d20»"}, {"GR", "«d7»«UN16»"}, {"TR", "«d5»0«UN16»"}, {"SA", "«d2»«UN18»"}, {"AE", "«d19»"}, {"BR", "«d23»«A1»«UN1»"}, {"MT", "«A4»«d5»«UN18»"}, {"HU", "«d24»"},
	{"RO", "«A4»«UN16»"}, {"UA", "«d6»«UN19»"}, {"IL", "«d19»"}, {"LT", "«d16»"}, {"HR", "«d17»"},
}

// cards are prefixes of brands and their lengths.
var cards = []struct {
	prefix string
	length int
	sizes  []int
}{
	{"4", 16, []int{4}}, {"4", 13, []int{4, 4, 5}}, {"4", 19, []int{4, 4, 4, 4, 3}}, {"51", 16, []int{4}}, {"55", 16, []int{4}}, {"2221", 16, []int{4}}, {"2720", 16, []int{4}},
	{"34", 15, []int{4, 6, 5}}, {"37", 15, []int{4, 6, 5}}, {"6011", 16, []int{4}}, {"65", 16, []int{4}}, {"3528", 16, []int{4}}, {"305", 14, []int{4, 6, 4}}, {"36", 14, []int{4, 6, 4}},
	{"62", 16, []int{4}}, {"6304", 16, []int{4}},
}

// phones are numbers as people of 27 countries write them.
var phones = []string{
	"+1 (415) 5«d2»-«d4»", "(212) 6«d2»-«d4»", "646-7«d2»-«d4»", "917.5«d2».«d4»", "+1-310-4«d2»-«d4» ext. «d3»", "1-800-4«d2»-«d4»", "+1206 7«d2» «d4»", "(503) 2«d2» «d4» x«d3»",
	"+44 20 7«d3» «d4»", "020 7«d3» «d4»", "07«d3» «d6»", "+44 7«d3» «d3» «d3»", "(0161) 4«d2» «d4»", "+44 (0)113 2«d2» «d4»",
	"+49 30 2«d7»", "030 / 2«d2» «d2» «d2»", "0171 «d7»", "+49 (0) 89 3«d6»", "+49-151-2«d7»", "089/4«d6»", "0049 40 3«d6»",
	"+33 6 «d2» «d2» «d2» «d2»", "06 «d2» «d2» «d2» «d2»", "01.4«d1».«d2».«d2».«d2»", "+33 (0)1 4«d1» «d2» «d2» «d2»",
	"+39 06 6«d3» «d4»", "+39 347 «d3» «d4»", "347 «d7»", "+34 91 5«d2» «d2» «d2»", "612 «d3» «d3»", "+34 6«d2» «d2» «d2» «d2»",
	"+31 20 6«d2» «d4»", "06-«d8»", "+32 2 5«d2» «d2» «d2»", "0475 «d2» «d2» «d2»", "+41 44 6«d2» «d2» «d2»", "079 6«d2» «d2» «d2»", "+43 1 5«d6»", "0664 «d7»",
	"+46 8 5«d2» «d3» «d2»", "070-«d3» «d2» «d2»", "+47 2«d1» «d2» «d2» «d2»", "+45 3«d1» «d2» «d2» «d2»", "+358 40 «d3» «d4»", "+48 22 6«d2» «d2» «d2»", "+48 601-«d3»-«d3»",
	"+420 2«d2» «d3» «d3»", "+351 21 3«d2» «d4»", "+353 1 6«d2» «d4»", "+30 210 3«d6»", "+90 532 «d3» «d2» «d2»", "+7 (495) 7«d2»-«d2»-«d2»", "8 (916) «d3»-«d2»-«d2»",
	"+91 98«d3» «d5»", "+91-22-2«d3»-«d4»", "+86 138 «d4» «d4»", "13«d9»", "+81 3-5«d3»-«d4»", "090-«d4»-«d4»", "+82 10-«d4»-«d4»", "010-«d4»-«d4»", "+65 6«d3» «d4»", "+852 2«d3» «d4»",
	"+61 2 9«d3» «d4»", "0412 «d3» «d3»", "(03) 9«d3» «d4»", "+64 21 «d3» «d4»", "+55 11 9«d4»-«d4»", "(11) 9«d4»-«d4»", "+52 55 5«d3» «d4»", "+54 9 11 4«d3»-«d4»", "+27 82 «d3» «d4»",
	"+234 803 «d3» «d4»", "+971 50 «d3» «d4»", "+972 54-«d3»-«d4»", "+20 10 «d4» «d4»", "+62 812-«d4»-«d4»", "tel:+4930«d7»", "+4917«d8»", "+1212555«d4»",
}

var emails = []string{
	"«word».«word»@«word».com", "«word»_«d2»@mail.«word».co.uk", "«word»+news@«word».org", "info@«word»-«word».de", "\"«word» «word»\" <«word»@«word».net>", "x@«word».io",
	"«word»@«word».museum", "o'«word»@«word».ie", "mailto:«word»@«word».fr", "«word».«word».«word»@dept.«word».edu.au", "«d6»@«word».cn", "«word»-«word»@xn--«word»-kva.de", "Jörg.«word»@«word».ch",
	"«word»%40@«word».com", "«word»@«word».technology", "A.«word»@«word».COM",
}

// lines around a value, for %v.
var around = map[string][]string{
	"email":       {"Mail me at %v.", "Contact: %v", "name,email\nAna,%v\n", "{\"email\":\"%v\"}", "<a href=\"/u\">%v</a>", "Ana (%v) agreed;", "From: Ana <%v>", "cc %v, please", "%v"},
	"phone":       {"Call me at %v tomorrow.", "Phone: %v", "{\"phone\": \"%v\"}", "Best regards\nAna Lind\nT %v\n", "name,phone\nAna,%v\n", "My number is %v", "<td>Mobile</td><td>%v</td>", "Tel. %v", "you can reach her on %v", "WhatsApp: %v", "Fax %v"},
	"credit-card": {"My card is %v, exp 04/29.", "card number: %v", "{\"pan\":\"%v\",\"cvv\":\"123\"}", "name,card,exp\nAna,%v,04/29\n", "charge %v please", "<input name=\"cc\" value=\"%v\">", "Visa/MC: %v"},
	"iban":        {"IBAN: %v", "Please transfer to %v until Friday.", "{\"iban\":\"%v\"}", "iban;bic\n%v;ABCDDEFF\n", "Konto %v bei der Bank", "<b>%v</b>", "account %v."},
	"us-ssn":      {"My SSN is %v.", "SSN: %v", "{\"ssn\":\"%v\"}", "social security number %v", "name,ssn\nAna,%v\n", "Social Security #: %v"},
	"ip-address":  {"Connection from %v refused", "host %v is down", "{\"ip\":\"%v\"}", "ssh root@%v", "http://%v/index.html", "src=%v dst=x", "client %v - - [10/Oct/2026]", "allow %v;"},
}

// ids are national identifiers by the rule that finds them.
var ids = []struct {
	rule, context string
	make          func(maker) string
}{
	{"uk-nino", "National Insurance number: %v", func(m maker) string {
		return m.pick([]string{"AB", "CE", "JG", "PX"}) + m.value("d6") + m.pick([]string{"A", "B", "C", "D"})
	}},
	{"uk-nino", "NINO %v", func(m maker) string { return "AB " + group(m.value("d6"), " ", 2) + " C" }},
	{"uk-nhs-number", "NHS number %v", func(m maker) string { return nhs(m) }},
	{"ca-sin", "SIN: %v", func(m maker) string { return group(luhn(m.pick([]string{"1", "4", "7"})+m.value("d7")), " ", 3) }},
	{"ca-sin", "social insurance number %v", func(m maker) string { return group(luhn(m.pick([]string{"2", "5", "6"})+m.value("d7")), "-", 3) }},
	{"es-dni", "DNI: %v", func(m maker) string {
		n := m.IntN(90000000) + 1000000
		return fmt.Sprintf("%08d%c", n, "TRWAGMYFPDXBNJZSQVHLCKE"[n%23])
	}},
	{"es-dni", "NIE %v", func(m maker) string {
		n := m.IntN(9000000)
		return fmt.Sprintf("X%07d%c", n, "TRWAGMYFPDXBNJZSQVHLCKE"[n%23])
	}},
	{"es-dni", "DNI %v", func(m maker) string {
		n := m.IntN(80000000) + 10000000
		s := fmt.Sprint(n)
		return fmt.Sprintf("%s.%s.%s-%c", s[:2], s[2:5], s[5:], "TRWAGMYFPDXBNJZSQVHLCKE"[n%23])
	}},
	{"br-cpf", "CPF: %v", func(m maker) string { s := cpf(m); return s[:3] + "." + s[3:6] + "." + s[6:9] + "-" + s[9:] }},
	{"br-cpf", "cpf=%v", func(m maker) string { return cpf(m) }},
	{"in-pan", "PAN %v", func(m maker) string { return m.value("A3") + "P" + m.value("A1") + m.value("d4") + m.value("A1") }},
	{"in-aadhaar", "Aadhaar: %v", func(m maker) string { return group(verhoeff(m.pick([]string{"2", "5", "8"})+m.value("d10")), " ", 4) }},
	{"pl-pesel", "PESEL %v", func(m maker) string {
		return weighted(fmt.Sprintf("%02d%02d%02d", 50+m.IntN(49), 1+m.IntN(12), 1+m.IntN(28))+m.value("d4"), []int{1, 3, 7, 9, 1, 3, 7, 9, 1, 3}, func(s int) int { return (10 - s%10) % 10 })
	}},
	{"se-personnummer", "Personnummer: %v", func(m maker) string {
		s := luhn(fmt.Sprintf("%02d%02d%02d", 50+m.IntN(49), 1+m.IntN(12), 1+m.IntN(28)) + m.value("d3"))
		return s[:6] + "-" + s[6:]
	}},
	{"se-personnummer", "personnummer 19%v", func(m maker) string {
		s := luhn(fmt.Sprintf("%02d%02d%02d", 50+m.IntN(49), 1+m.IntN(12), 1+m.IntN(28)) + m.value("d3"))
		return s[:6] + "-" + s[6:]
	}},
	{"fr-nir", "Numéro de sécurité sociale : %v", func(m maker) string {
		s := fmt.Sprintf("%d%02d%02d%02d%03d%03d", 1+m.IntN(2), m.IntN(100), 1+m.IntN(12), 1+m.IntN(19), 1+m.IntN(900), 1+m.IntN(900))
		n, _ := new(big.Int).SetString(s, 10)
		s += fmt.Sprintf("%02d", 97-n.Mod(n, big.NewInt(97)).Int64())
		return group(s, " ", 1, 2, 2, 2, 3, 3, 2)
	}},
	{"sg-nric", "NRIC %v", func(m maker) string {
		s := m.value("d7")
		sum := 0
		for i, w := range []int{2, 7, 6, 5, 4, 3, 2} {
			sum += w * int(s[i]-'0')
		}
		return "S" + s + string("JZIHGFEDCBA"[sum%11])
	}},
	{"fi-hetu", "henkilötunnus %v", func(m maker) string {
		d, k := fmt.Sprintf("%02d%02d%02d", 1+m.IntN(28), 1+m.IntN(12), 50+m.IntN(49)), fmt.Sprintf("%03d", 2+m.IntN(890))
		var n int
		fmt.Sscan(strings.TrimLeft(d+k, "0"), &n)
		return d + "-" + k + string("0123456789ABCDEFHJKLMNPRSTUVWXY"[n%31])
	}},
	{"za-id", "ID number %v (South Africa)", func(m maker) string {
		return luhn(fmt.Sprintf("%02d%02d%02d", 60+m.IntN(39), 1+m.IntN(12), 1+m.IntN(28)) + m.value("d4") + "08")
	}},
	{"nl-bsn", "BSN: %v", func(m maker) string { return bsn(m) }},
	{"cn-resident-id", "身份证号：%v", func(m maker) string {
		s := "110101" + fmt.Sprintf("19%02d%02d%02d", 50+m.IntN(49), 1+m.IntN(12), 1+m.IntN(28)) + m.value("d3")
		sum := 0
		for i, w := range []int{7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2} {
			sum += w * int(s[i]-'0')
		}
		return s + string("10X98765432"[sum%11])
	}},
	{"de-tax-id", "Steuer-ID: %v", func(m maker) string { return steuer(m) }},
	{"date-of-birth", "born on %v in Lyon", func(m maker) string { return fmt.Sprintf("%d March 19%02d", 1+m.IntN(28), 40+m.IntN(59)) }},
	{"date-of-birth", "DOB: %v", func(m maker) string {
		return fmt.Sprintf("%02d/%02d/19%02d", 1+m.IntN(12), 1+m.IntN(28), 40+m.IntN(59))
	}},
	{"date-of-birth", "date of birth: %v", func(m maker) string {
		return fmt.Sprintf("19%02d-%02d-%02d", 40+m.IntN(59), 1+m.IntN(12), 1+m.IntN(28))
	}},
	{"date-of-birth", "geboren am %v", func(m maker) string {
		return fmt.Sprintf("%02d.%02d.19%02d", 1+m.IntN(28), 1+m.IntN(12), 40+m.IntN(59))
	}},
	{"mac-address", "hw %v", func(m maker) string { return group(m.value("hex12"), ":", 2) }},
	{"mac-address", "NIC %v up", func(m maker) string { return group(m.value("HEX12"), "-", 2) }},
	{"us-passport", "passport number: %v", func(m maker) string { return m.value("A1") + m.value("d8") }},
	{"us-bank-routing", "routing number %v", func(m maker) string { return aba(m) }},
	{"au-tfn", "Tax file number: %v", func(m maker) string { return tfn(m) }},
}

func aba(m maker) string {
	s := m.pick([]string{"0", "1", "2"}) + "1" + m.value("d6")
	sum := 0
	for i, w := range []int{3, 7, 1, 3, 7, 1, 3, 7} {
		sum += w * int(s[i]-'0')
	}
	return s + fmt.Sprint((10-sum%10)%10)
}

func tfn(m maker) string {
	for {
		s, sum := m.value("d9"), 0
		for i, w := range []int{1, 4, 3, 7, 5, 8, 6, 9, 10} {
			sum += w * int(s[i]-'0')
		}
		if sum%11 == 0 && s[0] != '0' {
			return group(s, " ", 3)
		}
	}
}

func bsn(m maker) string {
	for {
		s, sum := m.value("d9"), 0
		for i, w := range []int{9, 8, 7, 6, 5, 4, 3, 2, -1} {
			sum += w * int(s[i]-'0')
		}
		if sum%11 == 0 && s[0] != '0' {
			return s
		}
	}
}

func steuer(m maker) string {
	p := m.Perm(10)
	if p[0] == 0 {
		p[0], p[1] = p[1], p[0]
	}
	p[7+m.IntN(3)] = p[1+m.IntN(5)]
	product := 10
	var s strings.Builder
	for _, d := range p {
		fmt.Fprint(&s, d)
		sum := (d + product) % 10
		if sum == 0 {
			sum = 10
		}
		product = sum * 2 % 11
	}
	return group(s.String()+fmt.Sprint((11-product)%10), " ", 2, 3)
}

func nhs(m maker) string {
	for {
		s, sum := "4"+m.value("d8"), 0
		for i := range 9 {
			sum += (10 - i) * int(s[i]-'0')
		}
		if c := (11 - sum%11) % 11; c != 10 {
			return group(s+fmt.Sprint(c), " ", 3, 3, 4)
		}
	}
}

func cpf(m maker) string {
	s := m.value("d9")
	for n := 10; n <= 11; n++ {
		sum := 0
		for i := range len(s) {
			sum += (n - i) * int(s[i]-'0')
		}
		s += fmt.Sprint(sum * 10 % 11 % 10)
	}
	return s
}

func weighted(s string, weights []int, check func(int) int) string {
	sum := 0
	for i, w := range weights {
		sum += w * int(s[i]-'0')
	}
	return s + fmt.Sprint(check(sum))
}

func verhoeff(s string) string {
	mul := func(a, b int) int {
		switch {
		case a < 5 && b < 5:
			return (a + b) % 5
		case a < 5:
			return (a+b-5)%5 + 5
		case b < 5:
			return (a-5-b+5)%5 + 5
		}
		return (a - b + 5) % 5
	}
	perm := []int{1, 5, 7, 6, 2, 8, 3, 0, 9, 4}
	c := 0
	for i := range len(s) {
		d := int(s[len(s)-1-i] - '0')
		for range (i + 1) % 8 {
			d = perm[d]
		}
		c = mul(c, d)
	}
	inverse := []int{0, 4, 3, 2, 1, 5, 6, 7, 8, 9}
	return s + fmt.Sprint(inverse[c])
}

// Personal returns rows with personal data. Their names are those of the rules.
func Personal(seed uint64) (out []Row) {
	m := maker{rand.New(rand.NewPCG(seed, 3))}
	add := func(rule, context, value string) {
		out = append(out, m.fill(rule, strings.ReplaceAll(context, "%v", "‹"+value+"›")))
	}
	every := func(rule string, i int) string { return around[rule][(i+int(seed))%len(around[rule])] }
	for i, p := range phones {
		for k := range 3 {
			add("phone", every("phone", i+k*4), p)
		}
	}
	for i, e := range emails {
		for k := range 3 {
			add("email", every("email", i*3+k), e)
		}
	}
	for i, c := range cards {
		for k := range 4 {
			s := luhn(c.prefix + m.value(fmt.Sprint("d", c.length-1-len(c.prefix))))
			add("credit-card", every("credit-card", i+k*3), group(s, []string{"", " ", "-", " "}[k], c.sizes...))
		}
	}
	for i, b := range ibans {
		for k := range 3 {
			s := iban(b[0], m.fill("", b[1]).Text)
			if k > 0 {
				s = group(s, []string{"", " ", "-"}[min(k, 1)], 4)
			}
			add("iban", every("iban", i+k*2), s)
		}
	}
	for i := range 40 {
		sep := []string{"-", " ", "-", "-"}[i%4]
		add("us-ssn", every("us-ssn", i), fmt.Sprintf("%03d%s%02d%s%04d", 100+m.IntN(500), sep, 1+m.IntN(99), sep, 1+m.IntN(9999)))
		add("ip-address", every("ip-address", i), "«ip»")
		v6 := []string{"2001:db8:«hex4»:1::«hex3»", "fe80::a«hex3»:ff:fe«hex2»:«hex4»", "2a02:8«hex2»:«hex4»:0:0:«hex4»:«hex4»:a«hex3»", "2001:0db8:85a3:0000:0000:8a2e:0370:7«d3»", "::ffff:«ip»", "fd00::«hex1»1"}[i%6]
		if c := every("ip-address", i); !strings.Contains(c, "http") {
			add("ip-address", c, v6)
		}
	}
	for _, id := range ids {
		for range 3 {
			add(id.rule, id.context, id.make(m))
		}
	}
	return out
}

// nearPersonal are texts that hold no personal data.
var nearPersonal = []string{
	"Order 4«d3»-«d7»-«d7» ships today", "order number 1«d9» confirmed", "invoice 2026-«d5»-«d4»", "tracking 9400 1«d3» «d4» «d4» «d4» 11", "timestamp 17«d8» and 17«d11»",
	"version 1.2.3.4 of the driver", "v10.0.19041.1 build", "release 4.18.0.305", "section 3.1.4.2 of the manual", "OID 1.3.6.1.4.1.«d5»", "ISBN 978-3-16-148410-0", "ISBN 0-306-40615-2", "ISSN 2049-3630",
	"48.8566, 2.3522 and -33.8688, 151.2093", "lat=52.520008 lon=13.404954", "prices: 1,299.00 1.499,50 2 499 00", "score 21-14, 6-4 6-7 7-5, 101-99", "2026-03-14 09:26:53.589", "14.03.2026 - 18.03.2026", "03/14/2026 12:30",
	"SKU 555-1234-AB, part 800-553-0012-A", "model WX-2040-5512 rev. 3", "pi is 3.14159265358979323846", "1234567890", "0123456789", "000-00-0000 is not valid", "123-45-67890 parts", "room 204-1187", "chapter 12.3.1",
	"id=4«d14»x trace=5«d15»0", "order_id: 4«d17»", "seq 2«d15»7 of 9«d15»", "user_id=6«d11»", "hash «hex40»", "uuid «uuid»", "commit «hex7»", "0x«hex8» 0x«hex16»", "12:34:56 12:34:56.789", "1080x1920, 2560-1440", "10 000 000 km",
	"Act 3, scene 2, lines 112-130 140-155", "pages 1024-2048", "IPv4 mask 255.255.255.0?", "a@b", "user@localhost", "foo@2x.png and @media screen", "npm i @scope/pkg@1.2.3", "git@github.com:a/b.git", "git clone ssh://git@host/x.git",
	"DE89 is a prefix of IBANs", "GB is a country, FR is another", "flight LH 2040, gate 12, seat 23A", "ticket PROJ-20260314-001", "RFC 2616 RFC 7230-7235", "bar code 4006381333931", "EAN 5901234123457", "UPC 036000291452", "VIN 1HGCM82633A004352",
	"grade 95.5/100 on 2026-11-02", "ratio 16:9:4:3", "std::vector<int>::iterator", "a::b::c::d", "dead::beef is hex? cafe::", "time 10:20:30:40", "fff:eee", "MAC-style 12:34", "epoch 1774512345678", "$1,234,567.89", "total 4 200 300 400",
	"temperature -12.5 to 33.1", "line 4111 of 1111 in file 1111-1111", "2020 2021 2022 2023 2024 2025", "1990-1995 1996-2000 2001-2005", "phone-like 12-34-56-78 code", "part no. 030-8841-22", "DIN 476-1:2013", "ISO 9001:2015", "4 8 15 16 23 42",
	"win rate 0.4915-0.5212 over 1000-2000 games", "coordinates (40.712776, -74.005974)", "iteration 10000 loss 0.0123 acc 0.9876 lr 3e-05", "[1024, 2048, 4096, 8192, 16384, 32768]", "1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16",
	"case 2:26-cv-«d5»", "patent US 10,123,456 B2", "DOI 10.1000/182", "arXiv:2401.«d5»", "bus 100-200-300", "100-200-3000 calories", "2024-2025-2026 budget", "the 555 timer and the 741 op-amp", "zip 90210-1234", "PLZ 10115, 80331",
}

// NearPersonal returns rows without personal data.
func NearPersonal(seed uint64) (out []Row) {
	m := maker{rand.New(rand.NewPCG(seed, 4))}
	for _, t := range nearPersonal {
		out = append(out, m.fill("", t))
	}
	return out
}
