// Package measure tells how good a score is at telling two kinds of texts
// apart. The report of the detectors and the trainer of the injection model
// share it, so that their figures mean the same.
package measure

import (
	"math"
	"slices"
	"sort"
)

// Quantile returns the value that the share q of values, from 0 to 1, lies
// below: the threshold at which 1-q of them would be flagged. 0 without values.
func Quantile(values []float64, q float64) float64 {
	v := slices.Sorted(slices.Values(values))
	if len(v) == 0 {
		return 0
	}
	return v[min(len(v)-1, int(math.Ceil(q*float64(len(v)))))]
}

// AUC returns the chance that a positive lies above a negative, ties counting
// half. NaN if there are none of a kind.
func AUC(positive, negative []float64) float64 {
	n := slices.Sorted(slices.Values(negative))
	if len(positive) == 0 || len(n) == 0 {
		return math.NaN()
	}
	sum := 0.0
	for _, p := range positive {
		below := sort.SearchFloat64s(n, p)
		upTo := sort.Search(len(n), func(i int) bool { return n[i] > p })
		sum += float64(below) + float64(upTo-below)/2
	}
	return sum / float64(len(positive)) / float64(len(n))
}

// Above returns the share of values that are at least threshold. NaN without
// values.
func Above(values []float64, threshold float64) float64 {
	if len(values) == 0 {
		return math.NaN()
	}
	n := 0
	for _, v := range values {
		if v >= threshold {
			n++
		}
	}
	return float64(n) / float64(len(values))
}
