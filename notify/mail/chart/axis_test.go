package chart

import (
	"image"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func zone(t *testing.T, name string) *time.Location {
	t.Helper()
	l, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// axisOf is the time axis of so many steps of a minute up to end.
func axisOf(end time.Time, minutes int) string {
	c := of(make([]float64, minutes)...)
	c.End = end
	course, _ := c.Course()
	var labels []string
	for _, i := range newPlot(c, course).instants() {
		labels = append(labels, i.label)
	}
	return strings.Join(labels, " ")
}

func TestTimeAxisHasRoundTimesOfTheDevicesZone(t *testing.T) {
	london, kolkata := zone(t, "Europe/London"), zone(t, "Asia/Kolkata")
	for _, c := range []struct {
		name    string
		end     time.Time
		minutes int
		want    string
	}{
		{"four hours", evening, 240, "19:00 20:00 21:00 22:00"},
		{"twenty minutes", evening, 20, "22:25 22:30 22:35 22:40"},
		{"half an hour off", evening.In(kolkata), 240, "01:00 02:00 03:00 04:00"},
		{"over midnight", evening.Add(3 * time.Hour), 360, "20:00 22:00 Sun 15"},
		{"three days", evening, 72 * 60, "12 Nov 13 Nov 14 Nov"},
		{"two weeks", evening, 14 * 24 * 60, "3 Nov 6 Nov 9 Nov 12 Nov"},
		{"no time known", time.Time{}, 240, "-4 h -3 h -2 h -1 h end"},
		{"no time known, minutes", time.Time{}, 25, "-25 min -20 min -15 min -10 min -5 min end"},
		// At 02:00 summer time it is 01:00 again.
		{"the hour that comes twice", time.Date(2026, 10, 25, 3, 30, 0, 0, time.UTC).In(london), 240, "01:00 02:00 03:00"},
		{"the hour that does not come", time.Date(2026, 3, 29, 3, 30, 0, 0, time.UTC).In(london), 240, "Sun 29 02:00 03:00 04:00"},
	} {
		if got := axisOf(c.end, c.minutes); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

func TestTimeAxisRisesWithinTheChart(t *testing.T) {
	zones := []*time.Location{time.UTC, zone(t, "Europe/London"), zone(t, "Asia/Kathmandu"), zone(t, "Australia/Lord_Howe"), zone(t, "America/Sao_Paulo")}
	rapid.Check(t, func(t *rapid.T) {
		c := of(make([]float64, rapid.IntRange(1, 500).Draw(t, "steps"))...)
		c.Step = time.Duration(rapid.Int64Range(1, int64(30*time.Hour)).Draw(t, "step"))
		c.End = time.Unix(rapid.Int64Range(0, 4e9).Draw(t, "end"), 0).In(rapid.SampledFrom(zones).Draw(t, "zone"))
		course, _ := c.Course()
		list := newPlot(c, course).instants()
		if len(list) > 2*maxInstants {
			t.Fatalf("%d instants", len(list))
		}
		for i, at := range list {
			if at.ago < 0 || at.ago > course.Span || i > 0 && at.ago >= list[i-1].ago {
				t.Fatalf("%v in %v", list, course.Span)
			}
		}
	})
}

func TestValueAxisHasRoundValues(t *testing.T) {
	for _, c := range []struct {
		from, to float64
		want     []float64
	}{
		{-20.2, -13.5, []float64{-20, -18, -16, -14}},
		{0, 1, []float64{0, 0.25, 0.5, 0.75, 1}},
		{380, 1040, []float64{400, 600, 800, 1000}},
		{-0.3, 0.3, []float64{-0.2, 0, 0.2}},
	} {
		if got := ticks(c.from, c.to); !slices.EqualFunc(got, c.want, func(a, b float64) bool { return math.Abs(a-b) < 1e-9 }) {
			t.Errorf("%v to %v: %v, want %v", c.from, c.to, got, c.want)
		}
	}
}

func TestValueAxisFitsWhateverTheValues(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := rapid.SliceOfN(rapid.Float64Range(-1e30, 1e30), 1, 9).Draw(t, "values")
		c := of(v...)
		c.Limit = rapid.Float64().Draw(t, "limit")
		course, some := c.Course()
		if !some {
			return
		}
		p := newPlot(c, course)
		if n := len(p.values.ticks); n < 1 || n > 12 {
			t.Fatalf("%d ticks from %v to %v", n, p.values.from, p.values.to)
		}
		for _, v := range []float64{course.Lowest, course.Highest} {
			if y := p.y(v); !(y >= float64(p.area.Min.Y)) || !(y <= float64(p.area.Max.Y)) {
				t.Fatalf("%v is at %v", v, y)
			}
		}
		if p.area.Dx() < Width/2 {
			t.Fatalf("the axis leaves %v", p.area)
		}
	})
}

func TestNumbersOnTheAxisAreShort(t *testing.T) {
	for want, v := range map[string]float64{
		"-15": -15, "0": math.Copysign(0, -1), "2.5": 2.5, "0.3": 0.1 + 0.2, "1000": 1000, "1e+06": 1e6, "1e-05": 1e-5,
	} {
		if got := Number(v); got != want {
			t.Errorf("Number(%v) = %q, want %q", v, got, want)
		}
	}
}

func TestLabelsDoNotCoverEachOther(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := of(rapid.SliceOfN(rapid.Float64Range(-3, 3), 1, 60).Draw(t, "values")...)
		c.Limit = rapid.Float64Range(-3, 3).Draw(t, "limit")
		c.Beyond = rapid.SampledFrom([]Side{Neither, Above, Below}).Draw(t, "side")
		course, _ := c.Course()
		p := newPlot(c, course)
		p.trace()
		p.marks()
		for i, a := range p.taken {
			if !a.In(image.Rect(0, 0, Width, Height)) {
				t.Fatalf("label at %v", a)
			}
			for _, b := range p.taken[i+1:] {
				if a.Overlaps(b) {
					t.Fatalf("labels at %v and %v", a, b)
				}
			}
		}
		if len(p.taken) < 2 {
			t.Fatalf("%d labels", len(p.taken))
		}
	})
}

func TestCharacterThatTheFontLacksIsAQuestionMark(t *testing.T) {
	if got, want := textWidth("ж−\u00a0"), textWidth("?- "); got != want {
		t.Errorf("width %d, want %d", got, want)
	}
}
