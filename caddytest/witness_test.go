package caddytest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/audit"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/audit/checkpoint"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/audit/witness"
)

const witnessedSite = `
{
	{{admin}}
	llm_gateway {
		audit default {
			key           {file.{{dir}}/log.key}
			segment       1MiB 1d
			retention     400d
			witness       http://127.0.0.1:{{wport}}/w {{wkey}}
			publish       {{dir}}/elsewhere
			publish_every 1s
		}
	}
}

http://127.0.0.1:{{wport}} {
	llm_witness {
		log {{key}}
	}
}
` + inputSiteOnly

// One gateway witnesses the log of another (here both are one process): the
// receipt of an answer carries the cosignature, and the checkpoints lie elsewhere.
func TestWitnessedLog(t *testing.T) {
	p := newProvider(t)
	was := caddy.ConfigAutosavePath
	t.Cleanup(func() { caddy.ConfigAutosavePath = was })
	admin, wport := freePort(t), freePort(t)
	key, err := checkpoint.NewKey("gateway.example/audit")
	if err != nil {
		t.Fatal(err)
	}
	o := options{admin: admin, vars: map[string]string{
		"openai": p.URL, "admin": fmt.Sprintf("admin 127.0.0.1:%d", admin), "wport": fmt.Sprint(wport), "key": key.VerifierKey,
	}}
	s := prepare(t, o)
	caddy.ConfigAutosavePath = s.file("autosave.json")
	wk, err := witness.LoadKey(filepath.Join(s.data, "witness", "default"), "witness.example/w")
	if err != nil {
		t.Fatal(err)
	}
	if _, o.vars["wkey"], err = wk.Cosigner(time.Now); err != nil {
		t.Fatal(err)
	}
	write := func(mode os.FileMode) {
		t.Helper()
		if err := os.WriteFile(s.file("log.key"), []byte(key.Text+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(s.file("log.key"), mode); err != nil {
			t.Fatal(err)
		}
	}
	write(0o644)
	if err := s.load(witnessedSite, o); err == nil || !strings.Contains(err.Error(), "can be read by others") || strings.Contains(err.Error(), key.Text) {
		t.Fatalf("a key that others can read: %v", err)
	}
	write(0o600)
	if err := s.load(witnessedSite, o); err != nil {
		t.Fatal(err)
	}
	id := s.chat(call{}).ok().Header.Get("Llm-Request-Id")
	end := s.ended(id)
	url := func(path string) string {
		return fmt.Sprintf("http://127.0.0.1:%d/llm_gateway/audit/default%s", admin, path)
	}
	get := func(path string) (int, []byte) {
		t.Helper()
		resp, err := http.Get(url(path))
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		b, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return resp.StatusCode, b
	}
	var got audit.Receipt
	if !eventually(func() bool {
		status, receipt := get("/proof/" + id)
		if status != 200 {
			t.Fatalf("%d %s", status, receipt)
		}
		got, err = audit.VerifyReceipt(receipt, []byte(end.raw), key.VerifierKey, o.vars["wkey"])
		return err == nil
	}) {
		t.Fatal(err)
	}
	if got.Index != end.Seq || got.Origin != "gateway.example/audit" || len(got.Witnesses) != 1 || got.Witnesses[0].Witness != "witness.example/w" {
		t.Errorf("%+v", got)
	}
	if status, line := get(fmt.Sprint("/record/", end.Seq)); status != 200 || string(line) != end.raw {
		t.Errorf("%d %s", status, line)
	}
	status, b := get("")
	var state struct {
		VerifierKey string `json:"verifier_key"`
		Published   []audit.Published
	}
	if err := json.Unmarshal(b, &state); err != nil || status != 200 || state.VerifierKey != key.VerifierKey || len(state.Published) != 2 || state.Published[0].Size == 0 || state.Published[1].Size == 0 {
		t.Errorf("%d %v %s", status, err, b)
	}
	if kept := s.read("elsewhere"); !strings.Contains(kept, "gateway.example/audit\n") {
		t.Errorf("published %q", kept)
	}
	for _, path := range []string{"/proof/none", "/proof/99999", "/record/x", "/record/99999", "/other", "/checkpoint/x"} {
		if status, b := get(path); status != 404 {
			t.Errorf("%s: %d %s", path, status, b)
		}
	}
	// The keys of this log are the configuration's; a form cannot ask at all.
	for typ, want := range map[string]int{"application/json": 409, "text/plain": 415} {
		resp, err := http.Post(url("/rotate-key"), typ, strings.NewReader(`{"overlap_seconds":3600}`))
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != want {
			t.Errorf("%s: %d", typ, resp.StatusCode)
		}
	}
	// The witness says no more than it must to others.
	for _, c := range []struct {
		method, path string
		body         string
		want         int
	}{{"GET", "/w/add-checkpoint", "", 405}, {"POST", "/w/other", "", 404}, {"POST", "/w/add-checkpoint", "hello", 400}, {"POST", "/w/add-checkpoint", strings.Repeat("x", witness.MaxBody+1), 413}} {
		r, err := http.NewRequest(c.method, fmt.Sprintf("http://127.0.0.1:%d%s", wport, c.path), bytes.NewReader([]byte(c.body)))
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != c.want {
			t.Errorf("%s %s: %d, want %d", c.method, c.path, resp.StatusCode, c.want)
		}
	}
	http.DefaultClient.CloseIdleConnections()
	s.stop()
	rep, err := audit.Verify(filepath.Join(s.data, "audit", "default"), audit.VerifyOptions{VerifierKeys: key.VerifierKey})
	if err != nil || rep.OwnKey {
		t.Errorf("%+v, %v", rep, err)
	}
}

// A log that keeps its own key gets a new one by the admin endpoint, on record.
func TestRotateKeyByAdmin(t *testing.T) {
	p := newProvider(t)
	was := caddy.ConfigAutosavePath
	t.Cleanup(func() { caddy.ConfigAutosavePath = was })
	admin := freePort(t)
	o := options{admin: admin, vars: map[string]string{"openai": p.URL, "admin": fmt.Sprintf("admin 127.0.0.1:%d", admin)}}
	s := prepare(t, o)
	caddy.ConfigAutosavePath = s.file("autosave.json")
	if err := s.load("{\n\t{{admin}}\n}\n"+inputSiteOnly, o); err != nil {
		t.Fatal(err)
	}
	s.chat(call{}).ok()
	dir := filepath.Join(s.data, "audit", "default")
	old, err := os.ReadFile(filepath.Join(dir, "key.pub"))
	if err != nil {
		t.Fatal(err)
	}
	post := func(body string) (int, string) {
		t.Helper()
		resp, err := http.Post(fmt.Sprintf("http://127.0.0.1:%d/llm_gateway/audit/default/rotate-key", admin), "application/json", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		b, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return resp.StatusCode, string(b)
	}
	for _, body := range []string{"", "{}", `{"overlap_seconds":1}`, `{"overlap_seconds":3600,"x":1}`, `{"overlap_seconds":99999999999}`} {
		if status, b := post(body); status != 400 {
			t.Errorf("%s: %d %s", body, status, b)
		}
	}
	status, b := post(`{"overlap_seconds":3600,"by":"olga"}`)
	var answer struct {
		VerifierKey string `json:"verifier_key"`
	}
	if err := json.Unmarshal([]byte(b), &answer); err != nil || status != 200 {
		t.Fatal(status, b, err)
	}
	s.chat(call{}).ok()
	s.stop()
	for _, k := range []string{string(old), answer.VerifierKey} {
		if rep, err := audit.Verify(dir, audit.VerifyOptions{VerifierKeys: k}); err != nil || rep.VerifierKey != answer.VerifierKey {
			t.Errorf("%+v, %v", rep, err)
		}
	}
	asked := false
	for _, r := range s.records("default", "") {
		asked = asked || r.Stage == "admin" && strings.Contains(r.raw, "audit.rotate_key") && strings.Contains(r.raw, "olga")
	}
	if !asked {
		t.Error("nobody knows who asked for the key")
	}
}
