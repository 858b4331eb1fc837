package rules

import (
	"math"
	"math/bits"
	"time"
)

// ringBuckets bounds the memory of a window: 24 bytes each. A window forgets
// in steps of a sixtieth of its length, rounded up to whole seconds: it looks
// back over all of its length but the step that is under way, never further.
const ringBuckets = 60

// ring is what a window keeps of the readings in it. All rings of a program
// count their steps from one instant, in whole seconds, so that what leaves
// several of them leaves at once and wakes the program once.
type ring struct {
	epoch   time.Time
	step    time.Duration
	newest  int64  // number of the step that is under way
	covered uint64 // a bit for each step in which the sensor was known, the newest lowest
	live    bool   // it is known now
	buckets []bucket
}

// bucket is one step: how many readings it has, their mean (or their lowest,
// or highest), and when they came on average, in steps since its begin.
type bucket struct {
	readings uint32
	when     float64
	value    float64
}

func newRing(length time.Duration, epoch time.Time) *ring {
	step := (length/ringBuckets + time.Second - 1).Truncate(time.Second)
	return &ring{epoch: epoch, step: step, buckets: make([]bucket, length/step)}
}

func (r *ring) size() int64 { return int64(len(r.buckets)) }

// begin is the instant at which a step begins.
func (r *ring) begin(number int64) time.Time {
	return r.epoch.Add(time.Duration(number) * r.step)
}

// reach makes room up to an instant. What lies between is covered if the
// sensor was known until now.
func (r *ring) reach(at time.Time) {
	number := int64(at.Sub(r.epoch) / r.step)
	r.newest = max(r.newest, number-r.size()) // what lies further back is cleared once, not many times
	for r.newest < number {
		r.newest++
		r.buckets[r.newest%r.size()] = bucket{}
		r.covered = r.covered << 1 & (1<<len(r.buckets) - 1)
		if r.live {
			r.covered |= 1
		}
	}
}

// put gives the bucket for a reading, nil when it is too late for one.
func (r *ring) put(at time.Time) *bucket {
	since := at.Sub(r.epoch)
	number := int64(since / r.step)
	if since < 0 || number <= r.newest-r.size() || number > r.newest {
		return nil
	}
	b := &r.buckets[number%r.size()]
	b.readings++
	b.when += (float64(since-time.Duration(number)*r.step)/float64(r.step) - b.when) / float64(b.readings)
	return b
}

// know says whether the sensor is known from now on.
func (r *ring) know(live bool) {
	if r.live = live; live {
		r.covered |= 1
	}
}

// covers reports whether the sensor was known in so many tenths of the steps.
func (r *ring) covers(tenths int) bool {
	return 10*bits.OnesCount64(r.covered) >= tenths*len(r.buckets)
}

// next is when the ring changes by time alone: its oldest reading leaves, or,
// as long as it is not covered, it is covered by one step more.
func (r *ring) next(covered bool) time.Time {
	if !r.live {
		return time.Time{}
	}
	if !covered {
		return r.begin(r.newest + 1)
	}
	for number := max(0, r.newest-r.size()+1); number <= r.newest; number++ {
		if r.buckets[number%r.size()].readings > 0 {
			return r.begin(number + r.size())
		}
	}
	return time.Time{}
}

// total is how many readings there are.
func (r *ring) total() (n int) {
	for i := range r.buckets {
		n += int(r.buckets[i].readings)
	}
	return n
}

// mean is that of all readings: each counts the same.
func (r *ring) mean() float64 {
	var n, mean float64
	for i := range r.buckets {
		if b := &r.buckets[i]; b.readings > 0 {
			n += float64(b.readings)
			mean += (b.value - mean) * (float64(b.readings) / n) // by so much of it that the first is itself
		}
	}
	return mean
}

// extreme is the lowest (sign 1) or highest (sign -1) value.
func (r *ring) extreme(sign float64) float64 {
	best := math.Inf(1)
	for i := range r.buckets {
		if b := &r.buckets[i]; b.readings > 0 {
			best = min(best, sign*b.value)
		}
	}
	return sign * best
}

// slope is the change per hour by least squares: the line that all readings
// together fit best, which a single one that is off moves little. The readings
// of a step count as so many at their mean. False when all came at once.
func (r *ring) slope() (float64, bool) {
	var n, x, y, xx, xy float64
	for number := max(0, r.newest-r.size()+1); number <= r.newest; number++ {
		b := &r.buckets[number%r.size()]
		if b.readings == 0 {
			continue
		}
		w := float64(b.readings)
		n += w
		at := float64(number-r.newest) + b.when
		dx, dy := at-x, b.value-y
		x += dx * (w / n) // exact for the first one
		y += dy * (w / n)
		xx += w * dx * (at - x)
		xy += w * dx * (b.value - y)
	}
	return xy / xx / r.step.Hours(), xx > 0
}
