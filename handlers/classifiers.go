package handlers

import (
	"encoding/json"
	"maps"
	"slices"
	"time"

	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/policy"
)

// declaredClassifiers are the names of the classifiers in the global option, so that
// a rule that asks another is refused with its line while the Caddyfile is adapted.
func declaredClassifiers(h httpcaddyfile.Helper) []string {
	return slices.Sorted(maps.Keys(declaredIn(h).Classifiers))
}

// declaredDetectors are the same for detectors, without their scanners.
func declaredDetectors(h httpcaddyfile.Helper) policy.Detectors {
	names := policy.Detectors{}
	for name := range declaredIn(h).Detectors {
		names[name] = nil
	}
	return names
}

// declared is what of the global option the directives look at while a Caddyfile is
// adapted.
type declared struct {
	Classifiers map[string]json.RawMessage `json:"classifiers"`
	Detectors   map[string]json.RawMessage `json:"detectors"`
}

func declaredIn(h httpcaddyfile.Helper) (d declared) {
	if app, ok := h.Option(AppName).(httpcaddyfile.App); ok && json.Unmarshal(app.Value, &d) != nil {
		return declared{}
	}
	return d
}

// classifierMetrics are about the services that rules ask.
var classifierMetrics = struct {
	asked *prometheus.CounterVec
	took  *prometheus.HistogramVec
}{
	asked: counter("classifier_requests_total", "Questions to classifiers, by result.", "classifier", "result"),
	took:  histogram("classifier_duration_seconds", "Time until a classifier had answered or failed.", []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10}, "classifier"),
}

// ObserveClassifier counts a question to a classifier.
func ObserveClassifier(name, result string, took time.Duration) {
	classifierMetrics.asked.WithLabelValues(name, result).Inc()
	classifierMetrics.took.WithLabelValues(name).Observe(took.Seconds())
}
