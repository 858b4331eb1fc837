package sensors

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

func TestLevelIsToldAtStartAndAtEachBeat(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		line := newScript()
		line.active = true
		w := watch(t, line, 10)
		w.want("at start", "0s 1")
		time.Sleep(29 * time.Second)
		w.want("before the beat")
		time.Sleep(61 * time.Second)
		synctest.Wait()
		w.want("in 90 s", "30s 1", "1m0s 1", "1m30s 1")
		w.end()
	})
}

func TestEdgeIsToldWithTheKernelsTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		line := newScript()
		w := watch(t, line, 10)
		time.Sleep(5 * time.Second)
		line.set(func() { line.active = true })
		line.steps <- step{edges: []Edge{{Active: true, At: w.start.Add(4 * time.Second)}}}
		synctest.Wait()
		w.want("an edge of a second ago", "0s 0", "4s 1")
		time.Sleep(25 * time.Second)
		synctest.Wait()
		w.want("at the beat, where it always was", "30s 1")
		w.end()
	})
}

func TestEdgesThatCameTogetherAreToldTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := watch(t, newScript(), 10)
		time.Sleep(time.Second)
		w.edges(Edge{Active: true}, Edge{}, Edge{Active: true}, Edge{})
		w.want("two pulses", "0s 0", "1s 1; 1s 0; 1s 1; 1s 0")
		w.end()
	})
}

// The last edge said active, and the one back never came.
func TestLevelCorrectsWhatTheLastEdgeSays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := watch(t, newScript(), 10)
		time.Sleep(time.Second)
		w.edges(Edge{Active: true})
		w.want("an edge to active, a level that is not", "0s 0", "1s 1; 1s 0")
		w.end()
	})
}

func TestChangeWithoutAnEdgeIsFoundAtTheBeat(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		line := newScript()
		w := watch(t, line, 10)
		line.set(func() { line.active = true })
		time.Sleep(30 * time.Second)
		synctest.Wait()
		w.want("a change that made no edge", "0s 0", "30s 1")
		w.end()
	})
}

// Edges without end must not keep the beat from coming.
func TestBeatComesThroughChatter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := watch(t, newScript(), 1000)
		w.told()
		for range 310 {
			time.Sleep(100 * time.Millisecond)
			w.edges(Edge{Active: true}, Edge{})
		}
		beats := 0
		for _, batch := range w.told() {
			if batch == "30s 1; 30s 0; 30s 0" || batch == "30s 0" {
				beats++
			}
		}
		if beats != 1 {
			t.Errorf("%d beats in 31 s of chatter, want 1", beats)
		}
		w.end()
	})
}

func TestLostEdgesAreAFaultAndThenTheLevel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := watch(t, newScript(), 10)
		time.Sleep(time.Second)
		w.edges(Edge{Lost: 41})
		w.want("41 lost", "0s 0", "1s fault line GPIO17 changed too fast to follow: 41 changes were lost; 1s 0; 1s 0")
		time.Sleep(time.Second)
		w.edges(Edge{Active: true})
		w.want("an edge that follows", "2s 1; 2s 0")
		w.end()
	})
}

func TestWhatALineLacksIsToldWhenItOpens(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		line := newScript()
		line.lacks = &Fault{Sentence: "no pull"}
		w := watch(t, line, 10)
		w.want("at start", "0s fault no pull; 0s 0")
		time.Sleep(30 * time.Second)
		synctest.Wait()
		w.want("at the beat", "30s 0")
		w.end()
	})
}

func TestLineThatDoesNotOpenIsTriedAgainMoreRarely(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		line := newScript()
		line.openErr = &Fault{Sentence: "held by another"}
		w := watch(t, line, 100)
		time.Sleep(100 * time.Second)
		synctest.Wait()
		var faults []string
		for _, at := range []string{"0s", "1s", "3s", "7s", "15s", "31s", "1m1s", "1m31s"} {
			faults = append(faults, at+" fault held by another")
		}
		w.want("in 100 s", faults...)
		line.set(func() { line.openErr = nil })
		time.Sleep(21 * time.Second)
		synctest.Wait()
		w.want("when it opens", "2m1s 0")
		if line.closed != line.opened-1 {
			t.Errorf("opened %d times, closed %d times", line.opened, line.closed)
		}
		w.end()
	})
}

// Opening works and the first read fails, for ever: no quick retries.
func TestLineThatFailsAtOnceDoesNotResetThePause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		line := newScript()
		line.levelErr = errors.New("i/o error")
		w := watch(t, line, 100)
		time.Sleep(65 * time.Second)
		w.end()
		var at []time.Duration
		for _, opened := range line.openedAt {
			at = append(at, opened.Sub(w.start)/time.Second)
		}
		if want := []time.Duration{0, 1, 3, 7, 15, 31, 61}; !slices.Equal(at, want) || line.opened != line.closed {
			t.Errorf("opened at %d s, want %d; closed %d times", at, want, line.closed)
		}
	})
}

func TestLineThatHasWorkedForAWhileIsTriedAgainSoon(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		line := newScript()
		line.levelErr = errors.New("i/o error")
		w := watch(t, line, 100)
		time.Sleep(10 * time.Second) // the next try is at 15 s
		line.set(func() { line.levelErr = nil })
		time.Sleep(50 * time.Second)
		line.steps <- step{err: errors.New("gone")}
		synctest.Wait()
		w.told()
		time.Sleep(time.Second)
		synctest.Wait()
		w.want("a second after it broke", "1m1s 0")
		w.end()
	})
}

func TestEveryErrorIsToldAsAFault(t *testing.T) {
	own := &Fault{Sentence: "line is gone"}
	foreign := errors.New("strange")
	for name, c := range map[string]struct {
		err  error
		want string
	}{
		"fault":         {own, "line is gone"},
		"wrapped fault": {fmt.Errorf("watch: %w", own), "line is gone"},
		"foreign error": {foreign, "line GPIO17 cannot be watched: strange"},
	} {
		for place, put := range map[string]func(*scriptLine){
			"open":  func(l *scriptLine) { l.openErr = c.err },
			"level": func(l *scriptLine) { l.levelErr = c.err },
			"wait":  func(l *scriptLine) { l.steps <- step{err: c.err} },
		} {
			synctest.Test(t, func(t *testing.T) {
				line := newScript()
				put(line)
				w := watch(t, line, 10)
				var last []Reading
				for len(w.out) > 0 {
					last = <-w.out
				}
				if len(last) != 1 || last[0].Fault == nil || last[0].Fault.Error() != c.want || last[0].Quantity != None {
					t.Errorf("%s at %s: told %+v, want %q", name, place, last, c.want)
				}
				w.end()
			})
		}
	}
}

func TestEdgesBeforeAnErrorAreTold(t *testing.T) {
	for place, put := range map[string]func(*scriptLine, []Edge){
		"wait": func(l *scriptLine, e []Edge) { l.steps <- step{e, errors.New("gone")} },
		"level after them": func(l *scriptLine, e []Edge) {
			l.set(func() { l.levelErr = errors.New("gone") })
			l.steps <- step{e, nil}
		},
	} {
		synctest.Test(t, func(t *testing.T) {
			line := newScript()
			w := watch(t, line, 10)
			time.Sleep(time.Second)
			put(line, []Edge{{Active: true, At: time.Now()}})
			synctest.Wait()
			w.want("error from "+place, "0s 0", "1s 1", "1s fault line GPIO17 cannot be watched")
			w.end()
		})
	}
}

func TestFullChannelMakesTheLineWaitAndLosesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := watch(t, newScript(), 1) // the level at start fills it
		time.Sleep(time.Second)
		w.edges(Edge{Active: true}, Edge{})
		time.Sleep(time.Second)
		w.edges(Edge{Active: true}, Edge{})
		var got []string
		for range 3 {
			got = append(got, w.told()...)
			synctest.Wait()
		}
		if want := []string{"0s 0", "1s 1; 1s 0", "2s 1; 2s 0"}; !slices.Equal(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
		w.end()
	})
}

func TestEndOfContextEndsWatchInEachState(t *testing.T) {
	for state, prepare := range map[string]func(*scriptLine) (room int){
		"waiting for edges":          func(*scriptLine) int { return 10 },
		"pausing after a fault":      func(l *scriptLine) int { l.openErr = errors.New("no"); return 10 },
		"blocked with a level":       func(*scriptLine) int { return 0 },
		"blocked with a fault":       func(l *scriptLine) int { l.openErr = errors.New("no"); return 0 },
		"blocked with a lost line":   func(l *scriptLine) int { l.steps <- step{nil, errors.New("gone")}; return 1 },
		"blocked with edges at last": func(l *scriptLine) int { l.steps <- step{[]Edge{{Active: true}}, errors.New("gone")}; return 1 },
	} {
		t.Run(state, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				line := newScript()
				watch(t, line, prepare(line)).end()
			})
		})
	}
}
