// Package metrics counts what the server does, and writes the counts in the text format of
// Prometheus (https://prometheus.io/docs/instrumenting/exposition_formats/).
//
// A [Registry] has metrics, and a metric has a series for each set of label values that it meets, up
// to a bound: what comes after that is counted with [Other] in the place of every value. So nobody
// outside can make the server remember more, or make its answer longer.
package metrics

import (
	"io"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// Other is the value of a label whose own value is not known, or is one too many.
	Other = "other"
	// mostSeries is how many series a metric has at most, besides those with Other.
	mostSeries = 2000
	// longestValue is how many bytes of a label's value are kept.
	longestValue = 120
	// mostLabels is how many labels a metric has at most.
	mostLabels = 4
)

// seconds are the upper bounds of the buckets of histograms.
var seconds = [...]time.Duration{
	time.Millisecond, 2500 * time.Microsecond, 5 * time.Millisecond, 10 * time.Millisecond, 25 * time.Millisecond,
	50 * time.Millisecond, 100 * time.Millisecond, 250 * time.Millisecond, 500 * time.Millisecond, time.Second,
	2500 * time.Millisecond, 5 * time.Second, 10 * time.Second, 30 * time.Second, time.Minute,
}

// Registry is a set of metrics. The zero value is empty. Metrics are added before it is used by
// several goroutines at once.
type Registry struct{ all []writable }

// writable is a metric.
type writable interface{ write(*writer) }

// values are those of the labels of a series; the ones that a metric has not are empty.
type values [mostLabels]string

// vec is a metric with labels.
type vec[S any] struct {
	name, help string
	labels     []string

	mu     sync.RWMutex
	series map[values]*S
}

// with returns the series of some values, and makes it.
func (v *vec[S]) with(given []string) *S {
	var key values
	copy(key[:], given)
	v.mu.RLock()
	s := v.series[key]
	v.mu.RUnlock()
	if s != nil {
		return s
	}
	for i, text := range key[:len(v.labels)] {
		key[i] = clean(text)
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if s := v.series[key]; s != nil {
		return s
	}
	if len(v.series) >= mostSeries {
		for i := range key[:len(v.labels)] {
			key[i] = Other
		}
		if s := v.series[key]; s != nil {
			return s
		}
	}
	if v.series == nil {
		v.series = make(map[values]*S)
	}
	s = new(S)
	v.series[key] = s
	return s
}

// clean makes a text the value of a label.
func clean(text string) string {
	if len(text) > longestValue {
		text = text[:longestValue]
	}
	return strings.ToValidUTF8(text, "�")
}

// each calls f for each series, in the order of their values.
func (v *vec[S]) each(f func(values, *S)) {
	v.mu.RLock()
	keys := make([]values, 0, len(v.series))
	for key := range v.series {
		keys = append(keys, key)
	}
	v.mu.RUnlock()
	slices.SortFunc(keys, func(a, b values) int { return slices.Compare(a[:], b[:]) })
	for _, key := range keys {
		v.mu.RLock()
		s := v.series[key]
		v.mu.RUnlock()
		f(key, s)
	}
}

// Counter is a number that only grows, for each set of label values. It is safe for concurrent use.
type Counter struct{ vec[atomic.Int64] }

// Counter adds a counter. Its name ends with _total.
func (r *Registry) Counter(name, help string, labels ...string) *Counter {
	c := &Counter{vec[atomic.Int64]{name: name, help: help, labels: labels}}
	r.all = append(r.all, c)
	return c
}

// Add adds n to the series of the values, one for each label.
func (c *Counter) Add(n int64, values ...string) { c.with(values).Add(n) }

func (c *Counter) write(w *writer) {
	w.head(c.name, c.help, "counter")
	c.each(func(v values, s *atomic.Int64) { w.line(c.name, c.labels, v, "", float64(s.Load())) })
}

// Histogram counts times by their length, for each set of label values. It is safe for concurrent use.
type Histogram struct{ vec[times] }

// times are the counts of one series.
type times struct {
	buckets [len(seconds) + 1]atomic.Int64 // the last one has what is longer
	sum     atomic.Int64                   // nanoseconds
}

// Histogram adds a histogram. Its name ends with _seconds.
func (r *Registry) Histogram(name, help string, labels ...string) *Histogram {
	h := &Histogram{vec[times]{name: name, help: help, labels: labels}}
	r.all = append(r.all, h)
	return h
}

// Observe counts a time in the series of the values, one for each label.
func (h *Histogram) Observe(took time.Duration, values ...string) {
	took = max(took, 0)
	i := 0
	for i < len(seconds) && took > seconds[i] {
		i++
	}
	s := h.with(values)
	s.buckets[i].Add(1)
	s.sum.Add(int64(took))
}

func (h *Histogram) write(w *writer) {
	w.head(h.name, h.help, "histogram")
	h.each(func(v values, s *times) {
		var count int64
		for i := range s.buckets {
			count += s.buckets[i].Load()
			w.line(h.name+"_bucket", h.labels, v, bounds(i), float64(count))
		}
		w.line(h.name+"_sum", h.labels, v, "", time.Duration(s.sum.Load()).Seconds())
		w.line(h.name+"_count", h.labels, v, "", float64(count))
	})
}

// bounds is the upper bound of a bucket.
func bounds(i int) string {
	if i == len(seconds) {
		return "+Inf"
	}
	return number(seconds[i].Seconds())
}

// value is a metric without labels that is read when somebody asks.
type value struct {
	name, help, kind string
	read             func() float64
}

// Gauge adds a number that goes up and down.
func (r *Registry) Gauge(name, help string, read func() float64) {
	r.all = append(r.all, &value{name, help, "gauge", read})
}

// Sum adds a number that only grows, and that somebody else counts.
func (r *Registry) Sum(name, help string, read func() float64) {
	r.all = append(r.all, &value{name, help, "counter", read})
}

func (g *value) write(w *writer) {
	w.head(g.name, g.help, g.kind)
	w.line(g.name, nil, values{}, "", g.read())
}

// info is a metric whose labels are all that it says.
type info struct {
	name, help string
	labels     []string
	values     values
}

// Info adds a metric that is 1 and has labels with fixed values, such as a version. Labels are names
// and values by turns.
func (r *Registry) Info(name, help string, labels ...string) {
	i := &info{name: name, help: help}
	for n := 0; n+1 < len(labels); n += 2 {
		i.values[n/2] = clean(labels[n+1])
		i.labels = append(i.labels, labels[n])
	}
	r.all = append(r.all, i)
}

func (i *info) write(w *writer) {
	w.head(i.name, i.help, "gauge")
	w.line(i.name, i.labels, i.values, "", 1)
}

// ContentType is that of [Registry.WriteTo]'s text.
const ContentType = "text/plain; version=0.0.4; charset=utf-8"

// WriteTo writes all metrics.
func (r *Registry) WriteTo(to io.Writer) (int64, error) {
	w := &writer{}
	for _, m := range r.all {
		m.write(w)
	}
	n, err := to.Write(w.text)
	return int64(n), err
}
