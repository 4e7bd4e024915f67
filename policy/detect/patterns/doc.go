// Package patterns finds what an operator describes: patterns of tokens and phrases,
// many at once, in texts and streams alike.
//
// A pattern is a regular expression without unbounded repetition, whose repetitions
// take all they can and give nothing back. New refuses what would not do what it
// says. The package does not know rules, and module.go alone knows Caddy.
package patterns
