package clock

import "time"

// answer is what one server says, as the time that it was when the Clock was
// made: so answers of different seconds compare, and stay good as they age.
type answer struct {
	base  time.Time
	bound time.Duration // the true base is within base ± bound
}

// slack widens every answer. Nothing here needs better than a second, and
// servers that smear a leap second differ by up to half of one from others.
const slack = 500 * time.Millisecond

func (a answer) low() time.Time  { return a.base.Add(-a.bound - slack) }
func (a answer) high() time.Time { return a.base.Add(a.bound + slack) }

func (a answer) holds(t time.Time) bool { return !t.Before(a.low()) && !t.After(a.high()) }

// overlap finds the time that most answers hold, after Marzullo (1984): such a
// time is the lower end of one of them. It gives the middle of what these have
// in common, and how many they are.
func overlap(answers []answer) (common answer, voices int) {
	for _, candidate := range answers {
		low, high, n := candidate.low(), candidate.high(), 0
		for _, a := range answers {
			if !a.holds(low) {
				continue
			}
			n++
			if a.high().Before(high) {
				high = a.high()
			}
		}
		if n > voices {
			half := high.Sub(low) / 2
			common, voices = answer{base: low.Add(half), bound: half}, n
		}
	}
	return common, voices
}

// quorum is how many must agree: all where one or two are configured, else at
// least two, and more than half of those that answer.
func quorum(configured, answered int) int {
	if configured <= 2 {
		return configured
	}
	return max(2, answered/2+1)
}

// finding is what the servers' words of a round come to.
type finding struct {
	answers []answer
	common  answer
	voices  int // how many answers hold common
	agreed  bool
}

func compare(servers []server) finding {
	var f finding
	for _, s := range servers {
		if s.answered() {
			f.answers = append(f.answers, s.said)
		}
	}
	f.common, f.voices = overlap(f.answers)
	f.agreed = f.voices > 0 && f.voices >= quorum(len(servers), len(f.answers))
	return f
}

// divided reports whether servers contradict each other.
func (f finding) divided() bool { return f.voices < len(f.answers) }
