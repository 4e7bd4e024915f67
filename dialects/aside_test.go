package dialects

import (
	"fmt"
	"strings"
	"testing"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

func TestAsides(t *testing.T) {
	for in, want := range map[string]string{
		`{"model":"m","user":"u\u0031","metadata":{"a":"x","n":7},"stop":["s","t"],"messages":[{"user":"no"}]}`: `user  user=u1, metadata a metadata.a=x, metadata n metadata.n=7, stop  stop[0]=s, stop  stop[1]=t`,
		`{"stop":"s","safety_identifier":"i","user":null}`:                                                      `stop  stop=s, user  safety_identifier=i`,
		`{"metadata":{"user_id":"u"},"stop_sequences":[]}`:                                                      `metadata user_id metadata.user_id=u`,
		`{"labels":{"l":"v"},"generationConfig":{"stopSequences":["s"],"stop":"no"}}`:                           `metadata l labels.l=v, stop  generationConfig.stopSequences[0]=s`,
		`{"options":{"stop":["s"],"user":"no"}}`:                                                                `stop  options.stop[0]=s`,
		`{"metadata":[{"deep":"x"}]}`:                                                                           `metadata  metadata[0]={"deep":"x"}`,
		`[1]`:                                                                                                   ``,
		`{"user":`:                                                                                              ``,
	} {
		var got []string
		for _, a := range Asides([]byte(in)) {
			a.Texts([]byte(in), func(name, path, text string, at llm.Span) {
				got = append(got, fmt.Sprintf("%s %s %s=%s", a.Name, name, path, text))
				if s := in[at.Start:at.End]; s != text && !strings.HasPrefix(s, `"`) {
					t.Errorf("%s: %q stands at the place of %q", in, s, text)
				}
			})
		}
		if strings.Join(got, ", ") != want {
			t.Errorf("%s\n%s\nwant\n%s", in, strings.Join(got, ", "), want)
		}
	}
}
