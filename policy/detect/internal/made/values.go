package made

import (
	"encoding/base64"
	"fmt"
	"strings"
)

// values are what a template can name.
var values map[string]func(maker) string

func init() {
	values = map[string]func(maker) string{
		"uuid": func(m maker) string {
			return fmt.Sprintf("%s-%s-4%s-%s%s-%s", m.value("hex8"), m.value("hex4"), m.value("hex3"), m.pick([]string{"8", "9", "a", "b"}), m.value("hex3"), m.value("hex12"))
		},
		"pw": func(m maker) string {
			word := m.pick(words)
			return m.pick([]string{
				strings.ToUpper(word[:1]) + word[1:] + m.value("d3") + m.pick([]string{"!", "#", "$", "?", "*"}),
				m.value("an14"), m.value("p16"), word + "-" + m.pick(words) + "-" + m.value("d2") + "-" + m.pick(words), m.value("ln12"),
			})
		},
		"strong": func(m maker) string {
			return m.value("an6") + m.value("d2") + m.value("A2") + m.value("an8") + m.value("d1")
		},
		"word": func(m maker) string { return m.pick(words) },
		"jwt": func(m maker) string {
			enc := base64.RawURLEncoding.EncodeToString
			return enc([]byte(`{"alg":"HS256","typ":"JWT"}`)) + "." + enc([]byte(`{"sub":"`+m.value("d10")+`","name":"`+m.pick(words)+`","exp":17`+m.value("d8")+`}`)) + "." + m.value("url43")
		},
		"basic": func(m maker) string {
			return base64.StdEncoding.EncodeToString([]byte(m.pick(words) + ":" + m.value("strong")))
		},
		"priv": func(maker) string { return "PRIV" + "ATE" }, // so that no header of a key stands in a file
		"pem":  func(m maker) string { return m.lines(64, 12) },
		"body": func(m maker) string { return m.lines(70, 5) },
		"json64": func(m maker) string {
			return base64.StdEncoding.EncodeToString([]byte(`{"k":"` + m.value("an40") + `","n":"` + m.pick(words) + `","id":1}`))
		},
		"ip": func(m maker) string {
			return fmt.Sprintf("%d.%d.%d.%d", 11+m.IntN(180), m.IntN(256), m.IntN(256), 1+m.IntN(254))
		},
	}
}

// lines are n lines of base64.
func (m maker) lines(width, n int) string {
	var out []string
	for range n {
		out = append(out, m.from(classes["b64"], width))
	}
	return strings.Join(out, "\n")
}

var words = strings.Fields("harbor maple thunder copper lantern velvet orchid falcon granite meadow cobalt saffron juniper glacier marble pepper walnut canyon ember tundra")
