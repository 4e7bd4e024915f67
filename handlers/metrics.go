package handlers

import (
	"errors"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

// other is the label value for everything that does not come from the
// configuration: a stranger's model name must not become a time series.
const other = "_other"

// metrics are the gateway's collectors. They are package-level on purpose:
// Caddy makes a new registry for every config, and collectors made in Provision
// would start from zero at each reload.
var metrics = struct {
	requests *prometheus.CounterVec
	tokens   *prometheus.CounterVec
	cost     *prometheus.CounterVec
	duration *prometheus.HistogramVec
	ttft     *prometheus.HistogramVec
	denied   *prometheus.CounterVec
	rules    *prometheus.CounterVec
	append   prometheus.Histogram
	attempts *prometheus.CounterVec
	failed   *prometheus.CounterVec
	sinks    *prometheus.CounterVec
	debt     *prometheus.CounterVec
	warnings *prometheus.CounterVec
	// undelivered are warnings that a webhook did not get.
	undelivered prometheus.Counter
}{
	requests: counter("requests_total", "Requests that ended, by outcome.", "server", "dialect", "provider", "model", "team", "outcome"),
	tokens:   counter("tokens_total", "Tokens used, by kind.", "server", "provider", "model", "team", "kind"),
	cost:     counter("cost_usd_total", "Cost in US dollars.", "server", "provider", "model", "team"),
	duration: histogram("request_duration_seconds", "Time from the request's arrival to the end of its answer.", []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 120, 300}, "server", "dialect"),
	ttft:     histogram("ttft_seconds", "Time from the request's arrival to the first byte of its answer.", []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60}, "server", "dialect"),
	denied:   counter("denied_total", "Refusals and failures, by the stage that decided and its code.", "stage", "code"),
	rules:    counter("policy_rule_total", "Policy rules that matched.", "rule", "action", "enforcement"),
	append:   prometheus.NewHistogram(prometheus.HistogramOpts{Namespace: "caddy", Subsystem: "llm", Name: "audit_append_duration_seconds", Help: "Time until an audit record was durable.", Buckets: []float64{.0001, .00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .5, 1}}),
	attempts: counter("upstream_attempts_total", "Calls of providers, by result.", "provider", "result"),
	failed:   counter("audit_failures_total", "Records that could not be written.", "log"),
	sinks:    counter("audit_sink_records_total", "Records for the extra sinks of audit logs, by what became of them.", "log", "sink", "result"),
	debt:     counter("cost_debt_usd_total", "Cost beyond what was reserved, in US dollars.", "server", "provider"),
	warnings: counter("budget_warnings_total", "Thresholds of budgets that were reached.", "budget", "percent"),

	undelivered: prometheus.NewCounter(prometheus.CounterOpts{Namespace: "caddy", Subsystem: "llm", Name: "budget_warnings_undelivered_total", Help: "Warnings of budgets that could not be delivered."}),
}

func counter(name, help string, labels ...string) *prometheus.CounterVec {
	return prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: "caddy", Subsystem: "llm", Name: name, Help: help}, labels)
}

func histogram(name, help string, buckets []float64, labels ...string) *prometheus.HistogramVec {
	return prometheus.NewHistogramVec(prometheus.HistogramOpts{Namespace: "caddy", Subsystem: "llm", Name: name, Help: help, Buckets: buckets}, labels)
}

// RegisterMetrics registers the collectors with a config's registry. reserved
// reads the sum held for running calls, ratios the unspent share of each budget
// in thousandths.
func RegisterMetrics(reg *prometheus.Registry, reserved func() llm.Money, ratios func(func(budget string, millis int64))) error {
	for _, c := range []prometheus.Collector{
		metrics.requests, metrics.tokens, metrics.cost, metrics.duration, metrics.ttft, metrics.denied,
		metrics.rules, metrics.append, metrics.attempts, metrics.failed, metrics.sinks, metrics.debt, metrics.warnings, metrics.undelivered,
		classifierMetrics.asked, classifierMetrics.took, moneyGauges{reserved, ratios},
	} {
		if err := reg.Register(c); err != nil && !errors.As(err, &prometheus.AlreadyRegisteredError{}) {
			return err
		}
	}
	return nil
}

// moneyGauges are read from the ledger at each scrape, so that they are never
// late and a budget that is gone leaves no series behind.
type moneyGauges struct {
	reserved func() llm.Money
	ratios   func(func(budget string, millis int64))
}

var (
	reservedDesc  = prometheus.NewDesc("caddy_llm_reserved_usd", "Money held for calls that are running, in US dollars.", nil, nil)
	remainingDesc = prometheus.NewDesc("caddy_llm_budget_remaining_ratio", "Unspent share of a budget, of the scope value with the least left.", []string{"budget"}, nil)
)

// Describe implements prometheus.Collector.
func (moneyGauges) Describe(ch chan<- *prometheus.Desc) {
	ch <- reservedDesc
	ch <- remainingDesc
}

// Collect implements prometheus.Collector.
func (g moneyGauges) Collect(ch chan<- prometheus.Metric) {
	ch <- prometheus.MustNewConstMetric(reservedDesc, prometheus.GaugeValue, usd(g.reserved()))
	g.ratios(func(budget string, millis int64) {
		ch <- prometheus.MustNewConstMetric(remainingDesc, prometheus.GaugeValue, float64(millis)/1000, budget)
	})
}

// usd turns money into the float that Prometheus wants. Nothing is computed
// with it.
func usd(m llm.Money) float64 { return float64(m) / float64(llm.USD) }

// ObserveAppend measures the time until an audit record was durable.
func ObserveAppend(d time.Duration) { metrics.append.Observe(d.Seconds()) }

// SinkCounter counts what becomes of the records for a sink of an audit log.
func SinkCounter(log, sink string) func(result string, n int) {
	return func(result string, n int) { metrics.sinks.WithLabelValues(log, sink, result).Add(float64(n)) }
}

// series caches the collectors of one combination of labels: looking them up by
// label values costs more than counting.
type series struct {
	requests       prometheus.Counter
	cost           prometheus.Counter
	duration, ttft prometheus.Observer
	tokens         sync.Map // kind → prometheus.Counter
}

type seriesKey struct {
	server, dialect, provider, model, team, outcome string
}

var seriesCache sync.Map // seriesKey → *series; bounded, since labels come from the config

func seriesOf(k seriesKey) *series {
	if s, ok := seriesCache.Load(k); ok {
		return s.(*series)
	}
	s := &series{
		requests: metrics.requests.WithLabelValues(k.server, k.dialect, k.provider, k.model, k.team, k.outcome),
		cost:     metrics.cost.WithLabelValues(k.server, k.provider, k.model, k.team),
		duration: metrics.duration.WithLabelValues(k.server, k.dialect),
		ttft:     metrics.ttft.WithLabelValues(k.server, k.dialect),
	}
	got, _ := seriesCache.LoadOrStore(k, s)
	return got.(*series)
}

// observe counts the ended exchange in metrics and adds its fields to the
// access log.
func (c *call) observe() {
	x := &c.x
	k := seriesKey{server: x.Server, dialect: x.Dialect.String(), outcome: string(x.Outcome), model: c.modelLabel}
	if k.dialect == "" {
		k.dialect = other
	}
	if k.model == "" {
		k.model = other
	}
	a := x.Current()
	if a != nil {
		k.provider = a.Deployment.Provider
	}
	if x.Principal != nil {
		k.team = x.Principal.Team
	}
	s := seriesOf(k)
	s.requests.Inc()
	s.duration.Observe(x.End.Sub(x.Start).Seconds())
	if !x.FirstByte.IsZero() {
		s.ttft.Observe(x.FirstByte.Sub(x.Start).Seconds())
	}
	if x.Denied != nil {
		metrics.denied.WithLabelValues(string(x.Denied.Stage), x.Denied.Code).Inc()
	}
	for _, a := range x.Attempts {
		metrics.attempts.WithLabelValues(a.Deployment.Provider, a.Result.String()).Inc()
		if a.Cost > 0 {
			s.cost.Add(usd(a.Cost))
			if a.Cost > a.Reserved && a.Reserved > 0 {
				metrics.debt.WithLabelValues(x.Server, a.Deployment.Provider).Add(usd(a.Cost - a.Reserved))
			}
		}
		a.Usage.Kinds(func(kind string, n int64) {
			t, ok := s.tokens.Load(kind)
			if !ok {
				t, _ = s.tokens.LoadOrStore(kind, metrics.tokens.WithLabelValues(k.server, k.provider, k.model, k.team, kind))
			}
			t.(prometheus.Counter).Add(float64(n))
		})
	}
	c.countRules()
	c.logFields()
}
