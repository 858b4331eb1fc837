package sensors

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

// begun gives a track whose line was read inactive at start.
func begun() (t *track, start time.Time) {
	start = time.Now()
	t = &track{}
	t.level(false, start, true)
	t.take()
	return t, start
}

// values are the levels told, 0 or 1 each.
func values(readings []Reading) (text string) {
	for _, r := range readings {
		text += r.Quantity.Number(r.Value)
	}
	return text
}

// The kernel reads the level late: a short pulse is an edge to where the line
// was, or two of them.
func TestPulseTooShortForTheKernelIsToldOnce(t *testing.T) {
	const ms = time.Millisecond
	for name, c := range map[string]struct {
		edges []Edge // At is set from at
		at    []time.Duration
		want  string
	}{
		"there and back in one edge":     {[]Edge{{}}, []time.Duration{ms}, "10"},
		"in two edges":                   {[]Edge{{}, {}}, []time.Duration{ms, 2 * ms}, "10"},
		"two pulses in four edges":       {[]Edge{{}, {}, {}, {}}, []time.Duration{ms, 2 * ms, 5 * ms, 6 * ms}, "1010"},
		"two pulses far apart":           {[]Edge{{}, {}}, []time.Duration{ms, 900 * ms}, "1010"},
		"pulse, then active for good":    {[]Edge{{}, {Active: true}}, []time.Duration{ms, 2 * ms}, "101"},
		"active, with a short break":     {[]Edge{{Active: true}, {Active: true}}, []time.Duration{ms, 2 * ms}, "101"},
		"plain pulse":                    {[]Edge{{Active: true}, {}}, []time.Duration{ms, 2 * ms}, "10"},
		"plain pulse, then a short one":  {[]Edge{{Active: true}, {}, {}}, []time.Duration{ms, 2 * ms, 3 * ms}, "1010"},
		"edge from before the level":     {[]Edge{{}}, []time.Duration{-ms}, ""},
		"edge of the level's own moment": {[]Edge{{}}, []time.Duration{0}, ""},
	} {
		track, start := begun()
		for i, e := range c.edges {
			e.At = start.Add(c.at[i])
			track.edge(e)
		}
		if got := values(track.take()); got != c.want {
			t.Errorf("%s: told %q, want %q", name, got, c.want)
		}
	}
}

func TestEdgeAfterALossIsTakenAsItIs(t *testing.T) {
	track, start := begun()
	track.edge(Edge{Lost: 7, At: start.Add(time.Second)})
	readings := track.take()
	if len(readings) != 2 || readings[0].Fault == nil || readings[1].Value != 0 {
		t.Errorf("told %+v, want a fault and 0", readings)
	}
}

// An edge that is fetched after a level that was read later is told at that
// level's time: a line's readings never go back.
func TestTimeOfReadingsNeverGoesBack(t *testing.T) {
	track, start := begun()
	track.edge(Edge{Active: true, At: start.Add(-time.Second)})
	track.edge(Edge{At: start.Add(-time.Millisecond)})
	track.level(false, start.Add(time.Second), true)
	for i, want := range []time.Duration{0, 0, time.Second} {
		if got := track.readings[i].At.Sub(start); got != want {
			t.Errorf("reading %d at %v, want %v", i, got, want)
		}
	}
}

// Whatever the wire does and however the kernel is late, no state is stuck
// wrong, no time goes back, and a change that was told by an edge is seen.
func TestTrackFollowsAnyWire(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		track, now := begun()
		wire, last := false, now
		for range rapid.IntRange(1, 30).Draw(t, "steps") {
			now = now.Add(time.Duration(rapid.IntRange(0, 50).Draw(t, "ms")) * time.Millisecond)
			was := track.active
			switch rapid.SampledFrom([]string{"edge", "short pulse", "missed edge", "loss"}).Draw(t, "what") {
			case "edge":
				wire = !wire
				track.edge(Edge{Active: wire, At: now})
			case "short pulse":
				track.edge(Edge{Active: wire, At: now})
			case "missed edge":
				wire = !wire
			case "loss":
				wire = rapid.Bool().Draw(t, "wire")
				track.edge(Edge{Active: wire, At: now, Lost: 1})
			}
			if track.active != was && values(track.readings) == "" {
				t.Fatal("the state changed and nothing was told")
			}
			if rapid.Bool().Draw(t, "read") {
				track.level(wire, now, false)
				if track.active != wire {
					t.Fatalf("says %v, is %v", track.active, wire)
				}
			}
			for _, r := range track.take() {
				if r.At.Before(last) || r.At.After(now) || (r.Fault != nil) == (r.Quantity == Level) {
					t.Fatalf("told %+v between %v and %v", r, last, now)
				}
				last = r.At
				if r.Fault == nil {
					was = r.Value == 1
				}
			}
			if was != track.active {
				t.Fatalf("told %v last, holds %v", was, track.active)
			}
		}
	})
}
