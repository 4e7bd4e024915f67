package badinput

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/zstd"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/caddytest/clients/harness"
)

func gzipped(t *testing.T, body []byte) []byte {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write(body); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func encoded(t *testing.T, encoding string, body []byte) []byte {
	switch encoding {
	case "br":
		var b bytes.Buffer
		w := brotli.NewWriter(&b)
		if _, err := w.Write(body); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	case "zstd":
		w, err := zstd.NewWriter(nil)
		if err != nil {
			t.Fatal(err)
		}
		return w.EncodeAll(body, nil)
	}
	return gzipped(t, body)
}

func TestEncodings(t *testing.T) {
	// A compressed body is judged as what it holds and reaches the provider
	// plain, or it is refused.
	both(t, "encodings", func(t *testing.T, fam family, probe string) {
		for _, encoding := range []string{"gzip", "br", "zstd"} {
			p := probe + "-" + encoding
			r := fam.request(t, encoded(t, encoding, fam.body(p)))
			r.Header.Set("Content-Encoding", encoding)
			a := send(t, r)
			if a.status == http.StatusUnsupportedMediaType {
				fam.refused(t, encoding, a, 415, "unsupported_media_type")
				harness.WantSeen(t, p, 0)
				continue
			}
			if a.status != http.StatusOK {
				t.Fatalf("%s: status %d, want 200 or 415: %s", encoding, a.status, a.body)
			}
			seen := harness.WantSeen(t, p, 1)[0]
			harness.Equal(t, encoding+": body at the provider", seen.Body, string(fam.body(p)))
			harness.Equal(t, encoding+": content-encoding at the provider", seen.Header.Get("Content-Encoding"), "")

			p += "-blocked"
			r = fam.request(t, encoded(t, encoding, fam.body(p+" "+harness.Marker)))
			r.Header.Set("Content-Encoding", encoding)
			fam.refused(t, encoding+" of a forbidden text", send(t, r), 422, "policy_blocked")
			harness.WantSeen(t, p, 0)
		}
	})
	both(t, "encodings-refused", func(t *testing.T, fam family, probe string) {
		r := fam.request(t, fam.body(probe))
		r.Header.Set("Content-Encoding", "compress")
		fam.refused(t, "an unknown encoding", send(t, r), 415, "unsupported_media_type")

		r = fam.request(t, []byte("this is not gzip"))
		r.Header.Set("Content-Encoding", "gzip")
		fam.refused(t, "a broken encoding", send(t, r), 400, "malformed")

		whole := gzipped(t, fam.body(probe))
		r = fam.request(t, whole[:len(whole)/2])
		r.Header.Set("Content-Encoding", "gzip")
		fam.refused(t, "half an encoding", send(t, r), 400, "malformed")

		bomb := append(bytes.Repeat([]byte(" "), 40<<20), fam.body(probe)...)
		r = fam.request(t, gzipped(t, bomb))
		r.Header.Set("Content-Encoding", "gzip")
		fam.refused(t, "a small body that becomes 40 MiB", send(t, r), 413, "too_large")
		harness.WantSeen(t, probe, 0)
	})
	both(t, "too-large", func(t *testing.T, fam family, probe string) {
		big := append(bytes.Repeat([]byte(" "), 33<<20), fam.body(probe)...)
		r := fam.request(t, big)
		r.Header.Set("Expect", "100-continue")
		fam.refused(t, "33 MiB", send(t, r), 413, "too_large")
		harness.WantSeen(t, probe, 0)
	})
	both(t, "content-type", func(t *testing.T, fam family, probe string) {
		for _, typ := range []string{"text/plain", "multipart/form-data; boundary=x", "application/x-www-form-urlencoded"} {
			r := fam.request(t, fam.body(probe))
			r.Header.Set("Content-Type", typ)
			fam.refused(t, typ, send(t, r), 415, "unsupported_media_type")
		}
		harness.WantSeen(t, probe, 0)
		r := fam.request(t, fam.body(probe))
		r.Header.Set("Content-Type", "application/json; charset=utf-8")
		harness.Equal(t, "status with a charset", send(t, r).status, 200)
	})
}

func TestStrictJSON(t *testing.T) {
	both(t, "duplicate-members", func(t *testing.T, fam family, probe string) {
		rest := fmt.Sprintf(`"max_tokens":50,"messages":[{"role":"user","content":%q}]`, probe)
		good := fmt.Sprintf(`{"model":%q,%s}`, fam.model, rest)
		deep := strings.Repeat("[", 300) + strings.Repeat("]", 300)
		for what, body := range map[string]string{
			"model twice":                     fmt.Sprintf(`{"model":%q,"model":"gpt-4o",%s}`, fam.model, rest),
			"model twice, once escaped":       fmt.Sprintf(`{"model":%q,"\u006dodel":"gpt-4o",%s}`, fam.model, rest),
			"model twice, in another case":    fmt.Sprintf(`{"model":%q,"Model":"gpt-4o",%s}`, fam.model, rest),
			"content twice in a message":      fmt.Sprintf(`{"model":%q,"max_tokens":50,"messages":[{"role":"user","content":"a","content":%q}]}`, fam.model, probe),
			"a second document":               good + ` {"model":"gpt-4o"}`,
			"a byte after the document":       good + "x",
			"half a document":                 good[:len(good)-3],
			"no document":                     "",
			"an array":                        "[" + good + "]",
			"NUL in a name":                   fmt.Sprintf(`{"a\u0000b":1,"model":%q,%s}`, fam.model, rest),
			"invalid UTF-8":                   fmt.Sprintf("{\"user\":\"\xff\",\"model\":%q,%s}", fam.model, rest),
			"300 levels":                      fmt.Sprintf(`{"x":%s,"model":%q,%s}`, deep, fam.model, rest),
			"no model":                        "{" + rest + "}",
			"a leading byte order mark":       "\ufeff" + good,
			"a comment":                       "/* hi */" + good,
			"a control character in a string": fmt.Sprintf("{\"user\":\"a\nb\",\"model\":%q,%s}", fam.model, rest),
		} {
			fam.refused(t, what, send(t, fam.request(t, []byte(body))), 400, "malformed")
		}
		harness.WantSeen(t, probe, 0)
	})
	// What is odd but allowed reaches the provider byte for byte.
	both(t, "byte-exact", func(t *testing.T, fam family, probe string) {
		body := fmt.Sprintf(" {\t\"zeta\" : [1.0, 12345678901234567890, 1e400, -0, 1E+2],\r\n"+
			`"model":%q , "max_tokens"  :  50, "ünknown":{"b":null,"a":{"\u00e9\/":"\ud800 alone, \ud83d\udc4b"}},`+
			`"messages":[ {"content":%q,"role":"user"} ],"empty":{},"e":[] }`+"\n", fam.model, probe+` "quoted" \back`)
		a := send(t, fam.request(t, []byte(body)))
		harness.Equal(t, "status", a.status, 200)
		harness.Equal(t, "body at the provider", harness.WantSeen(t, probe, 1)[0].Body, body)
	})
	// A name of a provider before the model chooses it and does not reach it.
	both(t, "prefixed-model", func(t *testing.T, fam family, probe string) {
		body := bytes.Replace(fam.body(probe), []byte(fam.model), []byte(fam.provider+"/"+fam.model), 1)
		a := send(t, fam.request(t, body))
		if a.status != 200 {
			t.Fatalf("status %d: %s", a.status, a.body)
		}
		harness.Equal(t, "body at the provider", harness.WantSeen(t, probe, 1)[0].Body, string(fam.body(probe)))
	})
}
