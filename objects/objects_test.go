package objects

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

var t0 = time.Unix(1_790_000_000, 0)

func open(t testing.TB, path string) *Store {
	t.Helper()
	s, err := Open(path, t0)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestRememberLookupForget(t *testing.T) {
	path := filepath.Join(t.TempDir(), "objects.db")
	s := open(t, path)
	mine, yours := Owner{"a", "openai", "1"}, Owner{"b", "openai", "2"}
	if err := s.Remember("resp_1", mine, ShortLived, t0); err != nil {
		t.Fatal(err)
	}
	if o, ok := s.Lookup("resp_1"); !ok || o != mine {
		t.Errorf("at once: %v %v", o, ok)
	}
	if err := s.RememberNow(t.Context(), "file-1", yours, UntilDeleted, t0); err != nil {
		t.Fatal(err)
	}
	if err := s.Remember("file-1", mine, UntilDeleted, t0); err != nil {
		t.Fatal(err)
	}
	if o, _ := s.Lookup("file-1"); o != yours {
		t.Error("an object changed hands")
	}
	if _, ok := s.Lookup("file-2"); ok {
		t.Error("an object that nobody made has an owner")
	}
	if _, err := Open(path, t0); err == nil || !strings.Contains(err.Error(), "in use by another") {
		t.Errorf("opened twice: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := s.Remember("x", mine, ShortLived, t0); err != ErrClosed {
		t.Errorf("after Close: %v", err)
	}
	b, err := os.ReadFile(path)
	if err != nil || strings.Contains(string(b), "resp_1") || strings.Contains(string(b), "file-1") {
		t.Error("the file holds an id")
	}
	if fi, _ := os.Stat(path); fi.Mode().Perm() != 0o600 {
		t.Errorf("mode %v", fi.Mode())
	}
	s = open(t, path)
	if o, ok := s.Lookup("resp_1"); !ok || o != mine {
		t.Errorf("after a restart: %v %v", o, ok)
	}
	if err := s.Forget("file-1"); err != nil {
		t.Fatal(err)
	}
	if _, ok := s.Lookup("file-1"); ok {
		t.Error("a deleted object has an owner")
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s, err = Open(path, t0.Add(shortLife+time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if _, ok := s.Lookup("resp_1"); ok {
		t.Error("a short-lived object is remembered for ever")
	}
}

// The store against a map, over restarts.
func TestStoreStates(t *testing.T) {
	dir := t.TempDir()
	n := 0
	rapid.Check(t, func(rt *rapid.T) {
		n++
		path := filepath.Join(dir, fmt.Sprint(n))
		s := open(t, path)
		defer func() { s.Close() }()
		model := map[string]Owner{}
		ids := rapid.SampledFrom([]string{"a", "b", "c"})
		rt.Repeat(map[string]func(*rapid.T){
			"remember": func(rt *rapid.T) {
				id, o := ids.Draw(rt, "id"), Owner{Principal: rapid.StringN(0, 3, 9).Draw(rt, "who")}
				if err := s.Remember(id, o, UntilDeleted, t0); err != nil {
					rt.Fatal(err)
				}
				if _, there := model[id]; !there {
					model[id] = o
				}
			},
			"now": func(rt *rapid.T) {
				id := ids.Draw(rt, "id")
				if _, there := model[id]; there {
					return
				}
				done := make(chan struct{})
				go func() { s.flush(); close(done) }() // whatever the writer does beside
				defer func() { <-done }()
				if err := s.Remember(id, Owner{"x", "y", "z"}, UntilDeleted, t0); err != nil {
					rt.Fatal(err)
				}
				model[id] = Owner{"x", "y", "z"}
			},
			"forget": func(rt *rapid.T) {
				id := ids.Draw(rt, "id")
				delete(model, id)
				if err := s.Forget(id); err != nil {
					rt.Fatal(err)
				}
			},
			"flush":   func(*rapid.T) { s.flush() },
			"restart": func(*rapid.T) { s.Close(); s = open(t, path) },
			"": func(rt *rapid.T) {
				for _, id := range []string{"a", "b", "c"} {
					want, there := model[id]
					if got, ok := s.Lookup(id); ok != there || got != want {
						rt.Fatalf("%s: %v %v, want %v %v", id, got, ok, want, there)
					}
				}
			},
		})
	})
}

// What RememberNow has acknowledged survives kill -9.
func TestKill(t *testing.T) {
	if path := os.Getenv("OBJECTS_TEST_KILL"); path != "" {
		s := open(t, path)
		for i := 0; ; i++ {
			id := fmt.Sprint("file-", i)
			if err := s.RememberNow(context.Background(), id, Owner{Principal: "p"}, UntilDeleted, t0); err != nil {
				os.Exit(3)
			}
			fmt.Println(id)
		}
	}
	path := filepath.Join(t.TempDir(), "objects.db")
	for range 3 {
		cmd := exec.Command(os.Args[0], "-test.run", "^TestKill$")
		cmd.Env = append(os.Environ(), "OBJECTS_TEST_KILL="+path)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		var acknowledged []string
		for len(acknowledged) < 3 {
			var id string
			if _, err := fmt.Fscanln(out, &id); err != nil {
				t.Fatal(err)
			}
			acknowledged = append(acknowledged, id)
		}
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		s := open(t, path)
		for _, id := range acknowledged {
			if _, ok := s.Lookup(id); !ok {
				t.Errorf("%s is lost", id)
			}
		}
		s.Close()
	}
}

func TestReferences(t *testing.T) {
	for _, tc := range []struct {
		body string
		want []string
	}{
		{`{"model":"m","input":"hi"}`, nil},
		{`{"previous_response_id":"resp_1","input":[]}`, []string{"previous_response_id resp_1"}},
		{`{"previous_response_id":null}`, nil},
		{`{"previous\u005fresponse_id":"r"}`, []string{"previous_response_id r"}},
		{`{"conversation":"conv_1"}`, []string{"conversation conv_1"}},
		{`{"conversation":{"id":"conv_1"}}`, []string{"conversation conv_1"}},
		{`{"input":[{"type":"item_reference","id":"rs_1"},{"id":"msg_1"},{"type":"message","role":"user","id":"msg_2","content":"x"}]}`, []string{"item_reference rs_1", "item_reference msg_1"}},
		{`{"input":[{"role":"user","content":[{"type":"input_file","file_id":"file-1"},{"type":"input_image","file_id":"file-2"}]}]}`, []string{"file_id file-1", "file_id file-2"}},
		{`{"tools":[{"type":"file_search","vector_store_ids":["vs_1","vs_2"]},{"type":"code_interpreter","container":{"type":"auto","file_ids":["f"]}}]}`, []string{"vector_store_ids vs_1", "vector_store_ids vs_2", "file_ids f"}},
		{`{"tools":[{"type":"code_interpreter","container":"cntr_1"}]}`, []string{"container cntr_1"}},
		{`{"messages":[{"role":"user","content":[{"type":"document","source":{"type":"file","file_id":"file_1"}}]}],"container":"c"}`, []string{"file_id file_1", "container c"}},
		{`{"container":{"id":"c","skills":[]}}`, []string{"container c"}},
		{`{"messages":[{"role":"assistant","content":[{"type":"tool_use","id":"t","name":"n","input":{"file_id":"mine"}},{"input":{"file_id":"mine"},"type":"tool_use"}]}]}`, nil},
		{`{"tools":[{"type":"function","parameters":{"properties":{"file_id":{"type":"string","const":"file_id"}}}}],"metadata":{"file_id":"x"}}`, nil},
		{`{"client_metadata":{"thread_id":"t","session_id":"s"},"input":[],"tools":[{"type":"web_search"}]}`, nil},
		{`{"contents":[{"parts":[{"functionCall":{"name":"f","args":{"file_id":"mine"}}}]}],"generationConfig":{"responseJsonSchema":{"properties":{"file_id":{"file_id":"x"}}}}}`, nil},
		{`{"contents":[{"parts":[{"fileData":{"fileUri":"https://generativelanguage.googleapis.com/v1beta/files/abc"}},{"file_data":{"file_uri":"https://example.com/a.pdf"}}]}],"cachedContent":"cachedContents/1"}`, []string{"fileUri files/abc", "cachedContent cachedContents/1"}},
		{`{"input_file_id":"file-9","endpoint":"/v1/responses"}`, []string{"input_file_id file-9"}},
	} {
		refs, ok := References([]byte(tc.body))
		var got []string
		for _, r := range refs {
			got = append(got, r.Member+" "+r.ID)
		}
		if !ok || !slices.Equal(got, tc.want) {
			t.Errorf("%s: %v %v, want %v", tc.body, got, ok, tc.want)
		}
	}
	for _, bad := range []string{"", "{", `{"a":}`, `{} {}`, `{"file_ids":[` + strings.Repeat(`"x",`, maxRefs+5) + `"x"]}`} {
		if _, ok := References([]byte(bad)); ok {
			t.Errorf("%.40s is read", bad)
		}
	}
}

func TestAnswers(t *testing.T) {
	for body, want := range map[string]string{
		`{"id":"file-1","object":"file"}`:                                        "file-1",
		`{"id":"resp_1","output":[{"type":"reasoning","id":"rs_1"},{"id":"m"}]}`: "resp_1 rs_1 m",
		`{"type":"response.output_item.done","item":{"id":"msg_1"}}`:             "msg_1",
		`{"type":"response.created","response":{"id":"resp_1","output":[]}}`:     "resp_1",
		`{"id":"batch_1","output_file_id":"file-o","error_file_id":null}`:        "batch_1 file-o",
		`{"object":"list"}`: "", `[]`: "", `{`: "", `{"id":3}`: "",
	} {
		if got := strings.Join(IDs([]byte(body)), " "); got != want {
			t.Errorf("%s: %q, want %q", body, got, want)
		}
	}
	keep := func(id string) bool { return strings.HasPrefix(id, "mine") }
	for body, want := range map[string]string{
		`{"object":"list","data":[]}`: `{"data":[],"object":"list"}`,
		`{"data":[{"id":"yours"},{"id":"mine-1"},{"x":1},{"id":"mine-2"},"mine"]}`: `{"data":[{"id":"mine-1"},{"id":"mine-2"}]}`,
		`{"data":[{"id":"yours"}],"first_id":"yours"}`:                             `{"data":[],"first_id":null}`,
		`{"data":[{"id":"yours"},{"id":"mine"}],"last_id":"x","total":2}`:          `{"data":[{"id":"mine"}],"last_id":"mine"}`,
	} {
		if got, err := FilterList([]byte(body), keep); err != nil || string(got) != want {
			t.Errorf("%s: %s %v, want %s", body, got, err, want)
		}
	}
	for _, bad := range []string{``, `{}`, `[]`, `{"data":3}`, `{"data":null}`} {
		if got, err := FilterList([]byte(bad), keep); err == nil {
			t.Errorf("%s: %s", bad, got)
		}
	}
}

func FuzzReferences(f *testing.F) {
	for _, s := range []string{`{"previous_response_id":"r"}`, `{"input":[{"id":"a"}]}`, `{"a":[{"file_ids":["x",{"file_id":1}]}]}`, `{"conversation":{"id":"c"}}`, "[[[[", `{"data":[{"id":"a"}],"first_id":"b"}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		if refs, ok := References(body); ok && len(refs) > maxRefs {
			t.Error("too many")
		}
		IDs(body)
		if out, err := FilterList(body, func(id string) bool { return id != "b" }); err == nil {
			if again, err := FilterList(out, func(string) bool { return true }); err != nil {
				t.Errorf("%s: %s: %v", body, again, err)
			}
		}
	})
}

func FuzzEntry(f *testing.F) {
	f.Add(encode(entry{Owner{"a", "b", "c"}, true, 5}))
	f.Add([]byte{1, 0, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		if e, err := decode(b); err == nil {
			if e2, err := decode(encode(e)); err != nil || e2 != e {
				t.Errorf("%v %v %v", e, e2, err)
			}
		}
	})
}
