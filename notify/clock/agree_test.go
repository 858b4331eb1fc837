package clock

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

func drawAnswers(t *rapid.T) []answer {
	n := rapid.IntRange(0, 7).Draw(t, "servers")
	list := make([]answer, n)
	for i := range list {
		list[i].base = truthAtStart.Add(time.Duration(rapid.Int64Range(-5e9, 5e9).Draw(t, "off")))
		list[i].bound = time.Duration(rapid.Int64Range(0, 2e9).Draw(t, "bound"))
	}
	return list
}

func TestOverlapIsHeldByAsManyAsItSays(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		answers := drawAnswers(t)
		common, voices := overlap(answers)
		for _, at := range []time.Time{common.base.Add(-common.bound), common.base, common.base.Add(common.bound)} {
			holders := 0
			for _, a := range answers {
				if a.holds(at) {
					holders++
				}
			}
			if holders != voices {
				t.Fatalf("%v is held by %d, not by %d", at, holders, voices)
			}
		}
	})
}

func TestNoTimeIsHeldByMoreThanTheOverlap(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		answers := drawAnswers(t)
		_, voices := overlap(answers)
		at := truthAtStart.Add(time.Duration(rapid.Int64Range(-8e9, 8e9).Draw(t, "at")))
		holders := 0
		for _, a := range answers {
			if a.holds(at) {
				holders++
			}
		}
		if holders > voices {
			t.Fatalf("%v is held by %d, the overlap by %d", at, holders, voices)
		}
	})
}

// Whatever a minority says, the time that honest servers agree on stays.
func TestMinorityOfLiarsCannotMoveTheTime(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		honest := rapid.IntRange(2, 4).Draw(t, "honest")
		var answers []answer
		for range honest {
			off := time.Duration(rapid.Int64Range(-5e7, 5e7).Draw(t, "off"))
			answers = append(answers, answer{truthAtStart.Add(off), off.Abs()})
		}
		for range rapid.IntRange(0, honest-1).Draw(t, "liars") {
			lie := time.Duration(rapid.Int64Range(10e9, 1e18).Draw(t, "lie"))
			answers = append(answers, answer{truthAtStart.Add(lie), time.Second})
		}
		common, voices := overlap(answers)
		if voices < quorum(len(answers), len(answers)) {
			t.Fatalf("%d honest of %d do not suffice", honest, len(answers))
		}
		if common.base.Sub(truthAtStart).Abs() > time.Second {
			t.Fatalf("the time moved to %v", common.base)
		}
	})
}

func TestQuorum(t *testing.T) {
	for _, c := range []struct{ configured, answered, want int }{
		{1, 1, 1}, {2, 1, 2}, {2, 2, 2}, {3, 1, 2}, {3, 2, 2}, {3, 3, 2}, {4, 4, 3}, {5, 2, 2}, {5, 5, 3},
	} {
		if got := quorum(c.configured, c.answered); got != c.want {
			t.Errorf("of %d servers %d answer: %d must agree, want %d", c.configured, c.answered, got, c.want)
		}
	}
}
