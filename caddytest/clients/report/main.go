// Command report compares the cells that ran with those that must have run,
// prints them as a table and exits with 1 unless all of them passed:
//
//	report [-mode gateway|direct] cells.txt results
package main

import (
	"bufio"
	"flag"
	"fmt"
	"log"
	"os"
	"slices"
	"strings"
)

// cell is one feature of one client.
type cell struct{ client, feature string }

// table is what is known of all cells.
type table struct {
	clients  []string // in the order of their first line
	expected map[string][]string
	result   map[cell]string
}

func main() {
	log.SetFlags(0)
	mode := flag.String("mode", "gateway", "gateway or direct: which cells must have run")
	flag.Parse()
	if flag.NArg() != 2 {
		log.Fatal("usage: report [-mode gateway|direct] cells.txt results")
	}
	t := table{expected: map[string][]string{}, result: map[cell]string{}}
	lines(flag.Arg(0), func(f []string) { t.expect(*mode, f) })
	lines(flag.Arg(1), t.count)
	if passed, failed := t.print(); failed > 0 || passed == 0 {
		os.Exit(1)
	}
}

// lines calls f with the fields of each line that is not empty or a comment.
func lines(name string, f func([]string)) {
	file, err := os.Open(name)
	if err != nil {
		log.Fatal(err)
	}
	defer file.Close()
	s := bufio.NewScanner(file)
	for s.Scan() {
		if fields := strings.Fields(s.Text()); len(fields) > 0 && fields[0][0] != '#' {
			f(fields)
		}
	}
	if err := s.Err(); err != nil {
		log.Fatal(err)
	}
}

func (t *table) expect(mode string, f []string) {
	if len(f) < 3 || f[0] != "both" && f[0] != "gateway" {
		log.Fatalf("bad line in the list of cells: %s", strings.Join(f, " "))
	}
	if f[0] == "gateway" && mode != "gateway" {
		return
	}
	if !slices.Contains(t.clients, f[1]) {
		t.clients = append(t.clients, f[1])
	}
	t.expected[f[1]] = append(t.expected[f[1]], f[2:]...)
}

// count adds a result; one failure of a cell that ran twice stays.
func (t *table) count(f []string) {
	if len(f) != 3 {
		log.Fatalf("bad line in the results: %s", strings.Join(f, " "))
	}
	c := cell{f[0], f[1]}
	if t.result[c] != "FAIL" {
		t.result[c] = f[2]
	}
}

func (t *table) print() (passed, failed int) {
	for _, client := range t.clients {
		fmt.Printf("%-15s", client)
		col := 15
		for _, feature := range t.expected[client] {
			c := cell{client, feature}
			word := t.result[c]
			delete(t.result, c)
			switch word {
			case "ok":
				passed++
			case "":
				word = "MISSING"
				failed++
			default:
				failed++
			}
			text := " " + feature + " " + word + ";"
			if col+len(text) > 118 {
				fmt.Printf("\n%15s", "")
				col = 15
			}
			fmt.Print(text)
			col += len(text)
		}
		fmt.Println()
	}
	for c := range t.result {
		fmt.Printf("%s %s ran, but is not in the list of cells\n", c.client, c.feature)
		failed++
	}
	fmt.Printf("\n%d passed, %d failed\n", passed, failed)
	return passed, failed
}
