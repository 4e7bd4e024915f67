package topic

import (
	"slices"
	"strings"
	"testing"
)

// Texts written for this test, and what they are about.
var texts = []struct{ text, want string }{
	{"Write a haiku about the sea.", ""},
	{"What is the capital of France, and how many people live there?", ""},
	{"Please let me know when the party starts; I will bring a cake.", ""},
	{"My car makes a strange noise when I turn left. What could it be?", ""},
	{"Tell me a story about a doctor who travels to Mars.", ""},
	{"", ""},

	{"Fix this:\n\ndef mean(xs):\n    return sum(xs) / len(xs)\n\nprint(mean([]))", "code"},
	{"Why does this not compile?\n```go\nfunc main() {\n\tx := 1\n}\n```", "code"},
	{"SELECT name, count(*)\nFROM users\nWHERE age > 3\nGROUP BY name;\nexplain this; it returns SELECT * FROM rows ORDER BY 1;", "code"},
	{"const f = async () => {\n  const r = await fetch(url);\n  console.log(r);\n};", "code"},
	{"#include <stdio.h>\nint main(void) {\n  printf(\"hi\");\n  return 0;\n}", "code"},

	{"Summarise:\nname,age,city\nann,3,Rome\nbob,4,Bonn\ncyd,5,Oslo", "data"},
	{"| a | b |\n|---|---|\n| 1 | 2 |\n| 3 | 4 |", "data"},
	{`[{"id":1,"n":"a"},{"id":2,"n":"b"},{"id":3,"n":"c"},{"id":4,"n":"d"}]`, "data"},

	{"The plaintiff claims that the defendant is in breach of contract. Draft an answer for the district court.", "legal"},
	{"Review this clause: the parties hereby agree that liability is limited; governing law is that of Delaware.", "legal"},
	{"My landlord will not return the deposit although the lease agreement says so. Can I sue in small claims court?", "legal"},
	{"Der Mieter hat den Mietvertrag nicht gekündigt; kann ich Schadensersatz verlangen?", "legal"},

	{"A 54-year-old patient with hypertension and diabetes reports chest pain and shortness of breath. What is the differential diagnosis?", "medical"},
	{"Can I take ibuprofen while I am on an antibiotic? I have a fever and a headache.", "medical"},
	{"Summarise the discharge summary: the patient was prescribed metformin 500 mg twice daily.", "medical"},

	{"Should I pay off my mortgage or put the money into an index fund? The interest rate is 4 %.", "financial"},
	{"From the balance sheet and the income statement, compute the gross margin for the fiscal year.", "financial"},
	{"How are capital gains taxed when I sell stock from my portfolio? I need it for my tax return.", "financial"},

	{"Write a performance review for an employee who missed most deadlines, and a performance improvement plan.", "hr"},
	{"Draft an offer letter with an annual salary of 70,000 and three weeks of paid time off for the candidate.", "hr"},
}

func TestOf(t *testing.T) {
	for _, c := range texts {
		if got := strings.Join(Of(c.text), " "); got != c.want {
			t.Errorf("%.60q: %q, want %q", c.text, got, c.want)
		}
	}
	if !slices.IsSorted(Classes()) {
		t.Error("the classes are not sorted")
	}
}

func TestLongTexts(t *testing.T) {
	// What a long text mentions in passing is not what it is about.
	filler := strings.Repeat("The river runs through the valley and past the old mill. ", 400)
	if got := Of(filler + "A lawyer, a doctor and a banker walked by, and a judge with an invoice from the hospital."); len(got) > 0 {
		t.Errorf("%v", got)
	}
	for _, text := range []string{strings.Repeat("a", 1<<20), strings.Repeat("(", 1<<20), strings.Repeat(",;|\t\n", 1<<18), strings.Repeat("court ", 1<<18), strings.Repeat("\xff", 1<<18)} {
		_ = Of(text)
	}
}

func FuzzOf(f *testing.F) {
	for _, c := range texts {
		f.Add(c.text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got := Of(text)
		if !slices.IsSorted(got) || !slices.Equal(got, slices.Compact(slices.Clone(got))) {
			t.Fatalf("%q: %v", text, got)
		}
	})
}
