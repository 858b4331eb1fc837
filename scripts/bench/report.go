package main

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// row is one line of the table: what was measured of each subject, and the
// budget that pinbell's has.
type row struct {
	what   string
	unit   string
	values []string // by subject
	budget string
	missed bool
}

// table is the report as it grows.
type table struct {
	subjects []*subject
	rows     []row
}

// add measures each subject and holds the first, pinbell, to the budget.
func (t *table) add(what, unit, format string, measure func(*subject) (float64, bool), budget float64) {
	r := row{what: what, unit: unit}
	for i, s := range t.subjects {
		value, known := measure(s)
		if !known {
			r.values = append(r.values, "-")
			continue
		}
		r.values = append(r.values, fmt.Sprintf(format, value))
		if i == 0 && budget >= 0 {
			r.budget, r.missed = "<= "+trimmed(format, budget), value > budget
		}
	}
	t.rows = append(t.rows, r)
}

func trimmed(format string, budget float64) string {
	text := fmt.Sprintf(format, budget)
	if strings.Contains(text, ".") {
		text = strings.TrimRight(strings.TrimRight(text, "0"), ".")
	}
	return text
}

const noBudget = -1

func always(f func(*subject) float64) func(*subject) (float64, bool) {
	return func(s *subject) (float64, bool) { return f(s), true }
}

// report prints the table and gives the number of budgets that were missed.
func report(w io.Writer, p plan, all []*subject, armv6 int64) (missed int) {
	t := &table{subjects: all}
	t.memory()
	t.work()
	t.disk()
	t.time()
	fmt.Fprintf(w, "ten files once a second, five rules; %d idle windows of %v, %d starts, %d alerts of each; timer slack %v; medians\n\n", p.windows, p.window, p.starts, p.alerts, p.slack)
	t.print(w)
	if armv6 > 0 {
		verdict := "ok"
		if armv6 > 12e6 {
			verdict = "MISSED"
			missed++
		}
		fmt.Fprintf(w, "\nstripped binary for armv6: %.2f MB, budget 12 MB: %s\n", float64(armv6)/1e6, verdict)
	}
	for _, r := range t.rows {
		if r.missed {
			missed++
		}
	}
	return missed
}

func (t *table) memory() {
	idle := func(of func(memory) int64) func(*subject) (float64, bool) {
		return always(func(s *subject) float64 { return float64(median(each(s.idle, of))) / 1024 })
	}
	t.add("memory, idle: resident (VmRSS)", "MiB", "%.2f", idle(func(m memory) int64 { return m.resident }), 12)
	t.add("  its own (private dirty)", "MiB", "%.2f", idle(func(m memory) int64 { return m.dirty }), 6)
	t.add("  anonymous (RssAnon)", "MiB", "%.2f", idle(func(m memory) int64 { return m.anon }), noBudget)
	t.add("  private with the file's clean pages", "MiB", "%.2f", idle(func(m memory) int64 { return m.private }), noBudget)
	t.add("  proportional (Pss)", "MiB", "%.2f", idle(func(m memory) int64 { return m.pss }), noBudget)
	t.add("memory, after the alerts: resident", "MiB", "%.2f", always(func(s *subject) float64 { return float64(s.after.resident) / 1024 }), noBudget)
	t.add("  its own (private dirty)", "MiB", "%.2f", always(func(s *subject) float64 { return float64(s.after.dirty) / 1024 }), noBudget)
}

func (t *table) work() {
	perMinute := func(s *subject) float64 {
		return median(each(s.windows, func(u used) float64 { return u.cpu.Seconds() / u.window.Minutes() }))
	}
	perSecond := func(of func(used) int64) func(*subject) (float64, bool) {
		return always(func(s *subject) float64 {
			return median(each(s.windows, func(u used) float64 { return float64(of(u)) / u.window.Seconds() }))
		})
	}
	budget := 0.035 // what collectd was once measured to take
	if len(t.subjects) > 1 {
		budget = noBudget // its ratio counts
	}
	t.add("processor time, idle", "s/min", "%.4f", always(perMinute), budget)
	t.add("  ratio to collectd's, window by window", "", "%.2f", t.ratio, 1)
	t.add("voluntary switches, idle", "1/s", "%.1f", perSecond(func(u used) int64 { return u.voluntary }), 10)
	t.add("involuntary switches, idle", "1/s", "%.2f", perSecond(func(u used) int64 { return u.involuntary }), noBudget)
}

// ratio compares windows that both lived through.
func (t *table) ratio(s *subject) (float64, bool) {
	if s != t.subjects[0] || len(t.subjects) < 2 {
		return 0, false
	}
	var ratios []float64
	for i, u := range s.windows {
		ratios = append(ratios, float64(u.cpu)/float64(t.subjects[1].windows[i].cpu))
	}
	return median(ratios), true
}

func (t *table) disk() {
	t.add("written in an idle minute", "B", "%.0f", always(func(s *subject) float64 {
		return slices.Max(each(s.windows, func(u used) float64 { return float64(u.written) / u.window.Minutes() }))
	}), 0)
	t.add("written for an alert", "KiB", "%.1f", always(func(s *subject) float64 {
		return float64(s.alerting.written) / 1024 / float64(len(s.alarms))
	}), 64)
	t.add("processor time of an alert, own process", "ms", "%.1f", always(func(s *subject) float64 {
		return s.alerting.cpu.Seconds() * 1000 / float64(len(s.alarms))
	}), noBudget)
}

func (t *table) time() {
	t.spread("file crosses -> event", func(s *subject) []time.Duration {
		return each(s.alarms, func(a alarm) time.Duration { return a.event.Sub(a.crossed) })
	}, noBudget)
	t.spread("  sensor read -> event durable", func(s *subject) []time.Duration {
		if s.alarms[0].read.IsZero() {
			return nil
		}
		return each(s.alarms, func(a alarm) time.Duration { return a.event.Sub(a.read) })
	}, 5)
	t.spread("event -> mail accepted", func(s *subject) []time.Duration {
		return each(s.alarms, func(a alarm) time.Duration { return a.accepted.Sub(a.event) })
	}, 10)
	t.spread("start -> ready", func(s *subject) []time.Duration { return s.ready }, noBudget)
	t.spread("  processor time of that", func(s *subject) []time.Duration { return s.readyCPU }, noBudget)
}

// spread adds a median and a worst.
func (t *table) spread(what string, of func(*subject) []time.Duration, budget float64) {
	t.add(what+", median", "ms", "%.1f", milliseconds(of, median), budget)
	t.add(what+", worst", "ms", "%.1f", milliseconds(of, slices.Max), noBudget)
}

func milliseconds(of func(*subject) []time.Duration, pick func([]time.Duration) time.Duration) func(*subject) (float64, bool) {
	return func(s *subject) (float64, bool) {
		all := of(s)
		if len(all) == 0 {
			return 0, false
		}
		return pick(all).Seconds() * 1000, true
	}
}

func each[T, V any](all []T, of func(T) V) (values []V) {
	for _, one := range all {
		values = append(values, of(one))
	}
	return values
}

// median of an even number is the higher of the two in the middle.
func median[V cmp.Ordered](all []V) V {
	sorted := slices.Sorted(slices.Values(all))
	return sorted[len(sorted)/2]
}

func (t *table) print(w io.Writer) {
	fmt.Fprintf(w, "%-46s%-7s", "", "unit")
	for _, s := range t.subjects {
		fmt.Fprintf(w, "%10s", s.name)
	}
	fmt.Fprintln(w, "   budget")
	for _, r := range t.rows {
		fmt.Fprintf(w, "%-46s%-7s", r.what, r.unit)
		for _, v := range r.values {
			fmt.Fprintf(w, "%10s", v)
		}
		verdict := ""
		if r.budget != "" {
			verdict = r.budget + " ok"
		}
		if r.missed {
			verdict = r.budget + " MISSED"
		}
		fmt.Fprintln(w, strings.TrimRight("   "+verdict, " "))
	}
}
