// Package chart draws the recent course of a quantity as a small PNG: its
// readings, its limit, the time.
//
// It promises a picture that can be read on a phone, on a light ground of its
// own, in which a gap in the readings is a gap, a single reading is a dot, and
// the lowest and the highest reading can be seen. Whatever the numbers are, it
// draws in bounded time and memory and never fails. The same Chart gives the
// same bytes. It keeps nothing after a chart is drawn, and writes no word but "limit":
// what the quantity is called stands beside the picture.
package chart

import (
	"math"
	"time"
)

// Chart is what is drawn.
type Chart struct {
	Low, High []float32     // the lowest and highest reading of each step, oldest first; none where Low is above High
	Step      time.Duration // how long a step is
	End       time.Time     // when the last step ends, in the zone to show; zero: time is shown as hours ago
	Limit     float64       // NaN: none
	Beyond    Side          // where the alarm is
	Number    func(float64) string
	Unit      string // above the axis; may be empty
}

// Side is a side of the limit.
type Side int8

// The sides.
const (
	Neither Side = iota
	Above
	Below
)

// Course is what a chart shows, in numbers.
type Course struct {
	Lowest, Highest     float64
	LowestAgo           time.Duration // before the end
	HighestAgo          time.Duration
	Span                time.Duration // of the whole chart
	Missing             time.Duration // without readings
	lowestAt, highestAt int           // steps
}

// most bounds a value that is drawn. What is beyond it is no reading.
const most = 1e30

func (c Chart) steps() int { return min(len(c.Low), len(c.High)) }

// known reports whether a step has a reading.
func (c Chart) known(i int) bool {
	low, high := float64(c.Low[i]), float64(c.High[i])
	return low <= high && low >= -most && high <= most // never true of NaN
}

// Course sums the chart up. It is false where there is nothing to draw.
func (c Chart) Course() (Course, bool) {
	n := c.steps()
	course := Course{lowestAt: -1, highestAt: -1, Span: c.spanOf(n)}
	for i := range n {
		if !c.known(i) {
			course.Missing += c.step()
			continue
		}
		if low := float64(c.Low[i]); course.lowestAt < 0 || low <= course.Lowest {
			course.Lowest, course.lowestAt = low, i
		}
		if high := float64(c.High[i]); course.highestAt < 0 || high >= course.Highest {
			course.Highest, course.highestAt = high, i
		}
	}
	course.LowestAgo, course.HighestAgo = c.ago(course.lowestAt), c.ago(course.highestAt)
	return course, course.lowestAt >= 0
}

// step is the length of one, within what can be added up.
func (c Chart) step() time.Duration {
	longest := 20 * 365 * 24 * time.Hour / time.Duration(max(c.steps(), 1))
	return min(max(c.Step, time.Millisecond), longest)
}

func (c Chart) spanOf(steps int) time.Duration { return time.Duration(steps) * c.step() }

// ago is how long before the end the middle of a step is.
func (c Chart) ago(i int) time.Duration { return c.spanOf(c.steps()-1-i) + c.step()/2 }

// limited reports whether there is a limit to draw.
func (c Chart) limited() bool { return math.Abs(c.Limit) <= most }

// PNG draws the chart; nil where there is nothing to draw.
func (c Chart) PNG() []byte {
	course, any := c.Course()
	if !any {
		return nil
	}
	p := newPlot(c, course)
	p.draw()
	return p.png()
}
