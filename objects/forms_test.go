package objects

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// form makes a form of pairs: what stands behind form-data, and a value.
func form(parts ...string) []byte {
	var b strings.Builder
	for i := 0; i+1 < len(parts); i += 2 {
		fmt.Fprintf(&b, "--b\r\nContent-Disposition: form-data; %s\r\n\r\n%s\r\n", parts[i], parts[i+1])
	}
	return []byte(b.String() + "--b--\r\n")
}

func TestFormReferences(t *testing.T) {
	const file = `name="file"; filename="x.jsonl"`
	line := `{"custom_id":"1","body":{"input":[{"content":[{"file_id":"file-9"}]}]}}`
	for _, tc := range []struct {
		name string
		body []byte
		want []string
		bad  bool
	}{
		{name: "nothing", body: form(`name="purpose"`, "user_data", file, "file_id=file-1")},
		{name: "a field", body: form(`name="file_id"`, "file-1"), want: []string{"file-1"}},
		{name: "lists", body: form(`name="file_ids[]"`, "file-1", `name="file_ids[0]"`, "file-2", `name="a[file_id]"`, "file-3"), want: []string{"file-1", "file-2", "file-3"}},
		{name: "a batch", body: form(`name="purpose"`, "batch", file, line+"\n\n"+line), want: []string{"file-9", "file-9"}},
		{name: "a batch, said last", body: form(file, line, `name="purpose"`, " batch "), want: []string{"file-9"}},
		{name: "two purposes", body: form(`name="purpose"`, "batch", file, line, `name="purpose"`, "user_data"), want: []string{"file-9"}},
		{name: "not for a batch", body: form(`name="purpose"`, "user_data", file, line)},
		{name: "a batch that cannot be read", body: form(`name="purpose"`, "batch", file, "\xff\xfe{\x00"), bad: true},
		{name: "two documents in a line", body: form(`name="purpose"`, "batch", file, line+line), bad: true},
		{name: "no name", body: form(`filename="x"`, "x"), bad: true},
		{name: "cut", body: form(`name="file_id"`, "file-1")[:58], bad: true},
		{name: "no form", body: []byte("{}"), bad: true},
		{name: "encoded", body: []byte("--b\r\nContent-Disposition: form-data; name=\"purpose\"\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\nb=61tch\r\n--b--\r\n"), bad: true},
	} {
		refs, ok := FormReferences("b", tc.body)
		var ids []string
		for _, r := range refs {
			ids = append(ids, r.ID)
		}
		if ok == tc.bad || ok && !slices.Equal(ids, tc.want) {
			t.Errorf("%s: %q %v, want %q", tc.name, ids, ok, tc.want)
		}
	}
	if _, ok := FormReferences("", form(`name="x"`, "y")); ok {
		t.Error("a form without a boundary was read")
	}
}

func TestForBatch(t *testing.T) {
	for body, want := range map[string]bool{
		`{"purpose":"batch"}`: true, `{"purpose":"user_data","purpose":"batch"}`: true, `{"purpose":"batch","purpose":"x"}`: true, `{"pu\u0072pose":"b\u0061tch"}`: true,
		`{"purpose":"user_data"}`: false, `{"x":{"purpose":"batch"}}`: false, `["purpose","batch"]`: false, `{"purpose":`: false, ``: false, `{"purpose":["batch"]}`: false,
	} {
		if got := ForBatch([]byte(body)); got != want {
			t.Errorf("%s: %v", body, got)
		}
	}
}

// What names something without saying so by a member of its own.
func TestReferencesByOtherNames(t *testing.T) {
	for body, want := range map[string]string{
		`{"input":[{"type":"image_generation_call","id":"ig_1"}]}`:                                   "ig_1",
		`{"input":[{"type":"image_generation_call","id":"ig_1","result":""}]}`:                       "ig_1",
		`{"input":[{"type":"image_generation_call","id":"ig_1","result":null}]}`:                     "ig_1",
		`{"input":[{"type":"image_generation_call","id":"ig_1","result":"aGk="}]}`:                   "",
		`{"items":[{"id":"msg_1"}]}`:                                                                 "msg_1",
		`{"source":{"type":"file_id","id":"file-1"}}`:                                                "file-1",
		`{"contents":[{"parts":[{"fileData":{"fileUri":"files/f"}}]}]}`:                              "files/f",
		`{"contents":[{"parts":[{"fileData":{"fileUri":"https://x/v1beta/files/f"}}]}]}`:             "files/f",
		`{"contents":[{"parts":[{"file_data":{"file_uri":"https://x/v1beta/%66iles/f"}}]}]}`:         "files/f",
		`{"contents":[{"parts":[{"fileData":{"fileUri":"https://youtu.be/x"}}]}]}`:                   "",
		`{"contents":[{"parts":[{"fileData":{"fileUri":"https://GenerativeLanguage.example/x"}}]}]}`: "https://GenerativeLanguage.example/x",
		`{"tools":[{"fileSearch":{"fileSearchStoreNames":["fileSearchStores/s"]}}]}`:                 "fileSearchStores/s",
	} {
		refs, ok := References([]byte(body))
		got := ""
		for _, r := range refs {
			got += r.ID
		}
		if !ok || got != want {
			t.Errorf("%s: %q %v, want %q", body, got, ok, want)
		}
	}
}

func FuzzFormReferences(f *testing.F) {
	f.Add(form(`name="file_id"`, "file-1"))
	f.Add(form(`name="purpose"`, "batch", `name="file"; filename="x"`, `{"file_id":"f"}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		if refs, ok := FormReferences("b", b); ok && len(refs) > maxBatchRefs {
			t.Errorf("%d references", len(refs))
		}
	})
}
