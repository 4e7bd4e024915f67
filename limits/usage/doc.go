// Package usage adds up the rows of the ledger: who called which model how often,
// with how many tokens and at what cost, by any combination of dimensions.
//
// It reads rows one by one and keeps only the sums, of a bounded number of
// groups. Every sum is exact: 128-bit integers, never a float. It renders reports
// for people (a table), for spreadsheets (CSV) and for programs (JSON), and
// assumes that names in them are hostile: they may come from strangers.
//
// It must not write to the ledger, and knows nothing of Caddy or HTTP.
package usage
