package main

import (
	"encoding/json"
	"fmt"
	"os"
	"runtime"
	"text/tabwriter"
)

// summary prints a line for each scenario and returns how many records were lost
// (or are too many) in all.
func summary(table []result) (lost int64) {
	fmt.Println()
	w := tabwriter.NewWriter(os.Stdout, 0, 8, 2, ' ', 0)
	fmt.Fprintln(w, "SCENARIO\tSTOCK CPU\tGOVERNED CPU\tRATIO\tBAR\tSPREAD\tRECORDS LOST")
	for _, r := range table {
		fmt.Fprintf(w, "%s\t%.1f µs\t%.1f µs\t%.2f\t%.2f\t%.2f-%.2f\t%d of %d\n", r.scenario.name, r.stock.cpu, r.governed.cpu,
			r.ratio(), r.scenario.bar, r.low, r.high, r.governed.lost, 2*r.governed.requests)
		lost += r.governed.lost
	}
	w.Flush()
	return lost
}

// ratio is what the governed chain costs of what stock reverse_proxy costs.
func (r result) ratio() float64 { return r.governed.cpu / r.stock.cpu }

// writeJSON writes the table for a program to read. CPU is in microseconds per
// unit, latencies are in microseconds, memory is in bytes.
func writeJSON(path string, table []result) error {
	type sideJSON struct {
		CPU      float64 `json:"cpu_us"`
		P50      float64 `json:"p50_us"`
		P99      float64 `json:"p99_us"`
		GapP99   float64 `json:"gap_p99_us,omitempty"`
		Rate     float64 `json:"requests_per_second"`
		Allocs   float64 `json:"allocs_per_request"`
		RSS      int64   `json:"rss_bytes"`
		Requests int64   `json:"requests"`
	}
	of := func(s side) sideJSON {
		return sideJSON{s.cpu, float64(s.p50.Nanoseconds()) / 1000, float64(s.p99.Nanoseconds()) / 1000, float64(s.gap.Nanoseconds()) / 1000, s.rps, s.allocs, s.rss, s.requests}
	}
	type row struct {
		Scenario string   `json:"scenario"`
		Unit     string   `json:"unit"`
		Stock    sideJSON `json:"stock"`
		Governed sideJSON `json:"governed"`
		Ratio    float64  `json:"ratio"`
		Low      float64  `json:"ratio_low"`
		High     float64  `json:"ratio_high"`
		Bar      float64  `json:"bar"`
		Lost     int64    `json:"records_lost"`
	}
	out := struct {
		Cores int    `json:"cores"`
		Go    string `json:"go"`
		Rows  []row  `json:"scenarios"`
	}{Cores: runtime.NumCPU(), Go: runtime.Version()}
	for _, r := range table {
		out.Rows = append(out.Rows, row{r.scenario.name, r.scenario.unit(), of(r.stock), of(r.governed), r.ratio(), r.low, r.high, r.scenario.bar, r.governed.lost})
	}
	b, err := json.MarshalIndent(out, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(b, '\n'), 0o644)
}
