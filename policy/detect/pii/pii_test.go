package pii

import (
	"strings"
	"testing"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/policy/detect"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/policy/detect/internal/detecttest"
)

// Texts and what is found in them: rule and matched text, or nothing.
var cases = []struct{ text, rule, match string }{
	{"write to ada.lovelace+x@example.co.uk.", Email, "ada.lovelace+x@example.co.uk"},
	{"josé@correo.es", Email, "josé@correo.es"},
	{"<a@b.io>", Email, "a@b.io"},
	{`"mail\nbob@site.org"`, Email, "bob@site.org"},
	{"logo@2x.png and @Override and a@b", "", ""},
	{"git@github", "", ""},
	{"git clone git@github.com:a/b.git", "", ""},
	{"postgres://app:pw@db.internal.net/x", "", ""},
	{"a..b@site.org", Email, "b@site.org"},

	{"card 4111 1111 1111 1111.", Card, "4111 1111 1111 1111"},
	{"5105105105105100", Card, "5105105105105100"},
	{"3782-822463-10005", Card, "3782-822463-10005"},
	{"4111 1111 1111 1112", "", ""},
	{"4111-1111 1111-1111", "", ""},
	{"9111111111111111111", "", ""},
	{"0.4111111111111111", "", ""},
	{"4444444444444444", "", ""},

	{"IBAN DE89 3704 0044 0532 0130 00, thanks", IBAN, "DE89 3704 0044 0532 0130 00"},
	{"gb82west12345698765432", IBAN, "gb82west12345698765432"},
	{"DE89 3704 0044 0532 0130 01", "", ""},
	{"XX89370400440532013000", "", ""},

	{"ssn 536-22-1234", SSN, "536-22-1234"},
	{"my social security number is 536221234", SSN, "536221234"},
	{"000-12-3456 666-12-3456 987-12-3456 536-00-1234", "", ""},
	{"part 536221234", "", ""},

	{"ping 192.168.17.4:8080", IP, "192.168.17.4"},
	{"from 2001:db8::8a2e:370:7334.", IP, "2001:db8::8a2e:370:7334"},
	{"::ffff:10.1.2.3", IP, "::ffff:10.1.2.3"},
	{"256.1.1.1 1.2.3 1.2.3.4.5 127.0.0.1 0.0.0.0", "", ""},
	{"version 1.2.3.4", "", ""},
	{"at 12:30:45 std::dead::beef ::1", "", ""},
	{"aa:bb:cc:dd:ee:01", MAC, "aa:bb:cc:dd:ee:01"},
	{"NIC C1-DD-0B-68-97-F6 up", MAC, "C1-DD-0B-68-97-F6"},
	{"12-34-56-78-90-12 and ab-cd-ef-ab-cd-ef and C1-DD-0B-68-97-F6-A0", "", ""},
	{"DNI 12.345.678-Z", "es-dni", "12.345.678-Z"},

	{"+49 30 901820", Phone, "+49 30 901820"},
	{"(415) 555-2671", Phone, "(415) 555-2671"},
	{"212-555-0187 x42", Phone, "212-555-0187 x42"},
	{"+1-310-458-0065 ext. 085", Phone, "+1-310-458-0065 ext. 085"},
	{"(310) 458-0065, extension 12", Phone, "(310) 458-0065, extension 12"},
	{"Ana Lind\nT 0171 0811768\n", Phone, "0171 0811768"},
	{"Ana Lind\nM: 347 1199869", Phone, "347 1199869"},
	{"call 0487 23 46 71", Phone, "0487 23 46 71"},
	{"555 6186 office", Phone, "555 6186"},
	{"2024-03-12 and 10.5 and 1999-2003 and 100000000", "", ""},
	{"+999 123 456 789", "", ""},
	{"978-0-306-40615-7", "", ""},
	{"order 212-555-0187", "", ""},

	{"020 7946 0123", Phone, "020 7946 0123"},
	{"the customer ((02) 5550 4019) complained", Phone, "(02) 5550 4019"},
	{"+1-054-353-1726x16954 fax", Phone, "+1-054-353-1726x16954"},
	{"tel: 1.800.555.0199", Phone, "1.800.555.0199"},
	{"release 7.5 (2009-08-20) and 0.0.0 (1997-12-20)", "", ""},
	{`map of string{ 1095582720: "AMD", "1096043852" }`, "", ""},
	{"phones: 2005-10-31 8 h, 255.255.255.0 and 9.0.0718 and 72 374.4", "", ""},
	{"reaches 5874897, +123456780, +20191229111838", "", ""},

	{"213112345678901 180012345678900 card 2131 0000 0000 0008", "", ""},
	{"pay with 213100000000001", Card, "213100000000001"},
	{"Maestro card 501800000009", Card, "501800000009"},
	{"501800000009", "", ""},
	{"1191346797768989683, 6348851952904485603, 4720707159513626555", "", ""},
	{"lifetime 2592000000000000", "", ""},

	{"born on 12 March 1984 in Kiel", DateOfBirth, "12 March 1984"},
	{"DOB: 1984-03-12", DateOfBirth, "1984-03-12"},
	{"date of birth 3/12/84", DateOfBirth, "3/12/84"},
	{"geboren am 12.03.1984", DateOfBirth, "12.03.1984"},
	{"born March 12th, 1984", DateOfBirth, "March 12th, 1984"},
	{"the meeting of 12 March 1984", "", ""},
	{"born in 1984", "", ""},

	{"send to 1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", Crypto, "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa"},
	{"bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4", Crypto, "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"},
	{"0x52908400098527886E0F7030069857D2E4169EE7", Crypto, "0x52908400098527886E0F7030069857D2E4169EE7"},
	{"1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNb", "", ""},
	{"0x0000000000000000000000000000000000000001", "", ""},

	{"NHS number 943 476 5919", "uk-nhs-number", "943 476 5919"},
	{"NHS number 943 476 5918", "", ""},
	{"AB 12 34 56 C", "uk-nino", "AB 12 34 56 C"},
	{"BG 12 34 56 C", "", ""},
	{"SIN 130 692 544", "ca-sin", "130 692 544"},
	{"SIN 130 692 545", "", ""},
	{"Aadhaar 2345 6789 0124", "in-aadhaar", "2345 6789 0124"},
	{"Aadhaar 2345 6789 0123", "", ""},
	{"PAN: ABCPE1234F", "in-pan", "ABCPE1234F"},
	{"DNI 12345678Z", "es-dni", "12345678Z"},
	{"NIE X1234567L", "es-dni", "X1234567L"},
	{"DNI 12345678A", "", ""},
	{"RSSMRA85T10A562S", "it-codice-fiscale", "RSSMRA85T10A562S"},
	{"RSSMRA85T10A562T", "", ""},
	{"2 55 08 14 168 025 38", "fr-nir", "2 55 08 14 168 025 38"},
	{"Steuer-ID 86095742719", "de-tax-id", "86095742719"},
	{"Steuer-ID 86095742718", "", ""},
	{"529.982.247-25", "br-cpf", "529.982.247-25"},
	{"529.982.247-26", "", ""},
	{"PESEL 44051401359", "pl-pesel", "44051401359"},
	{"BSN 111222333", "nl-bsn", "111222333"},
	{"personnummer 811218-9876", "se-personnummer", "811218-9876"},
	{"131052-308T", "fi-hetu", "131052-308T"},
	{"11010519491231002X", "cn-resident-id", "11010519491231002X"},
	{"110105194912310021", "", ""},
	{"S1234567D", "sg-nric", "S1234567D"},
	{"S1234567E", "", ""},
	{"HEGG560427MVZRRL04", "mx-curp", "HEGG560427MVZRRL04"},
	{"id number 8001015009087", "za-id", "8001015009087"},
	{"TCKN 10000000146", "tr-tckn", "10000000146"},
	{"TFN 123 456 782", "au-tfn", "123 456 782"},
	{"medicare 2123 45670 1", "au-medicare", "2123 45670 1"},
	{"passport 123456789", "us-passport", "123456789"},
	{"routing number 021000021", "us-bank-routing", "021000021"},
	{"770320-1234567", "", ""},
	{"880101-1234568", "kr-rrn", "880101-1234568"},
}

func TestCases(t *testing.T) {
	seen := map[string]bool{}
	for _, c := range cases {
		got := detecttest.Equal(t, c.text, 5, New())
		switch {
		case c.rule == "" && len(got) > 0:
			t.Errorf("%q: %s %q was found", c.text, got[0].Rule, c.text[got[0].Start:got[0].End])
		case c.rule == "":
		case len(got) != 1 || got[0].Rule != c.rule || c.text[got[0].Start:got[0].End] != c.match:
			t.Errorf("%q: %+v, want %s %q", c.text, got, c.rule, c.match)
		}
		seen[c.rule] = true
	}
	for _, r := range New().Rules() {
		if !seen[r] {
			t.Errorf("no case for %s", r)
		}
	}
}

// Neither words nor numbers of prose are held back by more than a few bytes.
func TestProseIsNotHeld(t *testing.T) {
	const prose = "In 1998 the quarterly report showed that sales rose by 4.5 percent (see page 12), while costs stayed flat. Don't panic: it's a self-service shop. "
	s := detect.NewStream(New())
	for i := range len(prose) {
		s.Feed(prose[i : i+1])
		if s.Held() > 16 {
			t.Fatalf("%d bytes are held at %q", s.Held(), prose[max(0, i-30):i+1])
		}
	}
}

func FuzzStream(f *testing.F) {
	for _, c := range cases {
		f.Add(c.text, 3)
	}
	f.Fuzz(func(t *testing.T, text string, size int) {
		detecttest.Equal(t, text[:min(len(text), 160)], min(max(size, 1), 64), New())
	})
}

func BenchmarkScan(b *testing.B) {
	rep := func(s string, n int) string { return strings.Repeat(s, n/len(s)+1)[:n] }
	const prose = "In 1998 the quarterly report showed that sales rose by 4.5 percent (see page 12), while costs stayed flat. Write to office@example.org or call 212-555-0187. "
	for name, text := range map[string]string{
		"1KB prose": rep(prose, 1<<10), "100KB prose": rep(prose, 100<<10), "letters": rep("a", 1<<20), "digits": rep("1", 1<<20), "assignments": rep("key=key=", 1<<20),
		"parentheses": rep("(", 1<<20), "nested": rep(`{"a":[`, 1<<20), "dotted": rep("a.", 1<<20), "numbers": rep("1 ", 1<<20), "dashes": rep("1-", 1<<20), "ats": rep("a@", 1<<20),
		"colons": rep("a:", 1<<20), "octets": rep("1.", 1<<20), "pluses": rep("+1", 1<<20), "domains": rep("a@b.c.", 1<<20), "births": rep("born 1 ", 1<<20), "base58": rep("1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNb ", 1<<20),
		"ibans": rep("DE89 ", 1<<20), "calls": rep("call 1234 ", 1<<20),
	} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(text)))
			var dst []detect.Match
			for b.Loop() {
				dst = New().Scan(dst[:0], text)
			}
		})
	}
}
