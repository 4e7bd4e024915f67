package gateway

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// A gate on a rule is not passed by a file that leads to no model.
func TestCoverageOfNothing(t *testing.T) {
	files := map[string]string{"Caddyfile": ":80 {\n\trespond hello\n}\n"}
	if out, err := runPolicy(t, files, "coverage", "--rule", "secrets"); err == nil || !strings.Contains(err.Error(), "right file") {
		t.Errorf("%v\n%s", err, out)
	}
	if out, err := runPolicy(t, files, "coverage"); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// What an operator has written as their name is JSON that the terminal of another does not obey.
func TestApprovalListJSON(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "{\"approvals\":[{\"id\":\"apr_x\",\"by\":\"\u009b31m\u202e\"}]}")
	}))
	defer server.Close()
	cmd := approvalCommand()
	var out bytes.Buffer
	cmd.SetOut(&out)
	cmd.SetArgs([]string{"list", "--format", "json", "--address", server.Listener.Addr().String()})
	if err := cmd.Execute(); err != nil || !strings.Contains(out.String(), "apr_x") || strings.ContainsAny(out.String(), "\u009b\u202e") {
		t.Errorf("%q, %v", out.String(), err)
	}
}
