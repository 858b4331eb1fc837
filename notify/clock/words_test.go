package clock

import (
	"encoding/json"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pinbell/notify/clock/ntptest"
)

// told is what the only trouble says, all sentences of it.
func (b *board) told() string {
	b.t.Helper()
	list := b.troubles.List()
	if len(list) != 1 {
		b.t.Fatalf("troubles: %+v", list)
	}
	return strings.Join([]string{list[0].Sentence, list[0].Doing, list[0].Remedy}, "\n")
}

func TestTroublesSayWhatIsWrongAndWhatToDo(t *testing.T) {
	hour := ntptest.Answer{Offset: time.Hour}
	for name, c := range map[string]struct {
		ahead   time.Duration
		servers []ntptest.Answer
		want    []string
	}{
		"blocked, 1970": {in1970, []ntptest.Answer{silent, silent}, []string{
			"The time is not known: the board's clock says 1 Jan 1970 00:00 UTC, and no time server gives the time (a: no answer; b: no answer).",
			"dates what happened meanwhile once it knows", "UDP port 123 may be blocked", "[time] servers"}},
		"blocked, plausible": {0, []ntptest.Answer{silent}, []string{
			"The time is unchecked: it is what the board's own clock says", "sends mail all the same"}},
		"too few": {in1970, []ntptest.Answer{good, silent, silent}, []string{"only 1 of 3 time servers answers (b: no answer; c: no answer)."}},
		"none":    {0, nil, []string{"no time server is configured"}},
		"two stories": {in1970, []ntptest.Answer{good, hour}, []string{
			"The time servers disagree: b is 1 h ahead of a, the board's own clock is 56 years behind a.",
			"believes none of them", "three or more"}},
		"one confirms ours": {0, []ntptest.Answer{hour, good}, []string{
			"b is 1 h behind a, the board's own clock is 1 h behind a.", "which one of them confirms"}},
		"two against two": {0, []ntptest.Answer{good, hour, good, hour}, []string{
			"b is 1 h ahead of a, c agrees with a, d is 1 h ahead of a, the board's own clock agrees with a."}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := bench(t, c.ahead, c.servers...)
				b.run(40 * time.Second)
				for _, want := range c.want {
					if got := b.told(); !strings.Contains(got, want) {
						t.Errorf("%q is not in\n%s", want, got)
					}
				}
			})
		})
	}
}

func TestStatusSaysItInASentence(t *testing.T) {
	for want, c := range map[string]struct {
		ahead   time.Duration
		servers []ntptest.Answer
	}{
		"clock trusted (3 of 3 time servers, ±515 ms)":                                                                   {0, []ntptest.Answer{good, good, good}},
		"clock trusted (2 of 3 time servers, ±515 ms); the board's own clock is 3 h behind it, and pinbell leaves it so": {-3 * time.Hour, []ntptest.Answer{good, silent, good}},
		"clock unchecked: no time server vouches for it":                                                                 {0, []ntptest.Answer{silent}},
		"time not known: the board's clock says 1970-01-01 00:00:40 UTC, and nothing speaks for it":                      {in1970, []ntptest.Answer{silent}},
	} {
		synctest.Test(t, func(t *testing.T) {
			b := bench(t, c.ahead, c.servers...)
			b.run(40 * time.Second)
			if got := b.Status().Sentence; got != want {
				t.Errorf("got %q, want %q", got, want)
			}
		})
	}
}

func TestStatusNamesWhatEachServerSaid(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := bench(t, -time.Hour, good, silent, good)
		before := b.Status().Servers
		b.run(10 * time.Second)
		s := b.Status()
		if before[0] != (Server{Name: "a"}) || len(s.Servers) != 3 {
			t.Fatalf("servers before %+v, after %+v", before, s.Servers)
		}
		if a := s.Servers[0]; (a.Offset-time.Hour).Abs() > 20*time.Millisecond || a.Error <= 0 || a.Err != "" || a.Asked <= 0 {
			t.Errorf("a: %+v", a)
		}
		if b := s.Servers[1]; b.Err == "" || b.Offset != 0 {
			t.Errorf("b: %+v", b)
		}
		if (s.Offset-time.Hour).Abs() > 20*time.Millisecond || s.Since.Sub(truthAtStart) > 10*time.Second {
			t.Errorf("status: %+v", s)
		}
	})
}

func TestTrustIsAWordInJSON(t *testing.T) {
	for _, trust := range []Trust{Unknown, Plausible, Trusted} {
		text, err := json.Marshal(trust)
		var back Trust
		if err == nil {
			err = json.Unmarshal(text, &back)
		}
		if err != nil || back != trust || string(text) != `"`+trust.String()+`"` {
			t.Errorf("%v becomes %s becomes %v: %v", trust, text, back, err)
		}
	}
	if err := new(Trust).UnmarshalText([]byte("sure")); err == nil {
		t.Error("a degree that there is not was read")
	}
}

func TestErrorBoundsAreRough(t *testing.T) {
	for want, d := range map[string]time.Duration{
		"1 ms": 0, "4 ms": 4 * time.Millisecond, "13 ms": 12*time.Millisecond + 1, "1.5 s": 1500 * time.Millisecond,
		"2 s": 2 * time.Second, "45 s": 45 * time.Second, "2 min": 2 * time.Minute,
	} {
		if got := rough(d); got != want {
			t.Errorf("rough(%v) = %q, want %q", d, got, want)
		}
	}
}
