package outbox

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"pinbell/notify"
)

var noon = time.Date(2026, 11, 14, 12, 0, 0, 0, time.UTC)

// TestNoWindowHoldsMoreThanItsLimit seals whenever the ledger allows, at
// random instants, and then counts every window.
func TestNoWindowHoldsMoreThanItsLimit(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		limits := Limits{
			PerHour: rapid.IntRange(1, 5).Draw(t, "per hour"), PerDay: rapid.IntRange(1, 12).Draw(t, "per day"),
			Reserve: rapid.SampledFrom([]float64{0, 0.2, 0.5}).Draw(t, "reserve"), Recipients: rapid.IntRange(10, 40).Draw(t, "cap"),
		}
		var ledger Ledger
		var sealed []Entry
		now := noon
		ordinary := 0
		for range rapid.IntRange(1, 200).Draw(t, "attempts") {
			now = now.Add(time.Duration(rapid.IntRange(0, 40).Draw(t, "minutes")) * time.Minute)
			severity := rapid.SampledFrom([]notify.Severity{notify.Info, notify.Critical}).Draw(t, "severity")
			recipients := rapid.IntRange(1, 10).Draw(t, "recipients")
			ok, again, limit := ledger.tally(now, anyRoad).allows(limits, severity, recipients)
			if !ok {
				if limit == "" || !again.After(now) {
					t.Fatalf("held without a reason (%q) or an end (%v, now %v)", limit, again, now)
				}
				continue
			}
			if severity != notify.Critical {
				ordinary++
			}
			e := Entry{At: now.Unix(), Recipients: recipients}
			ledger, sealed = decodeLedger(ledger.Add(e).encode()), append(sealed, e)
		}
		for _, last := range sealed {
			hour, _ := Ledger(sealed).upTo(last.At, time.Hour)
			mails, addressed := Ledger(sealed).upTo(last.At, day)
			if hour > limits.PerHour || mails > limits.PerDay || addressed > limits.Recipients {
				t.Fatalf("%d in an hour, %d in a day to %d, with %+v", hour, mails, addressed, limits)
			}
		}
	})
}

// upTo counts the window that ends at an entry.
func (l Ledger) upTo(end int64, window time.Duration) (mails, recipients int) {
	for _, e := range l {
		if e.At > end-int64(window/time.Second) && e.At <= end {
			mails++
			recipients += e.Recipients
		}
	}
	return mails, recipients
}

func TestReserveIsKeptForCritical(t *testing.T) {
	limits := Limits{PerHour: 100, PerDay: 10, Reserve: 0.2}
	var ledger Ledger
	for i := range 8 {
		ledger = ledger.Add(Entry{At: noon.Unix() + int64(i), Recipients: 1})
	}
	now := noon.Add(time.Minute)
	if ok, _, limit := ledger.tally(now, anyRoad).allows(limits, notify.Warning, 1); ok || limit != "per_day" {
		t.Errorf("a warning took the reserve (%q)", limit)
	}
	if ok, _, _ := ledger.tally(now, anyRoad).allows(limits, notify.Critical, 1); !ok {
		t.Error("critical may not use the reserve")
	}
}

func TestLedgerSurvivesItsEncoding(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var ledger Ledger
		for range rapid.IntRange(0, 20).Draw(t, "n") {
			ledger = append(ledger, Entry{At: rapid.Int64Range(0, 5e9).Draw(t, "at"), Recipients: rapid.IntRange(0, 500).Draw(t, "to")})
		}
		if got := decodeLedger(ledger.encode()); !slices.Equal(got, ledger) {
			t.Fatalf("got %v, want %v", got, ledger)
		}
	})
}

func TestLedgerForgetsAFutureThatAWrongClockWrote(t *testing.T) {
	ledger := Ledger{{At: noon.AddDate(10, 0, 0).Unix(), Recipients: 1}}
	if ok, _, _ := ledger.tally(noon, anyRoad).allows(Limits{PerHour: 1, PerDay: 1}, notify.Info, 1); !ok {
		t.Error("an entry of ten years ahead holds mails back")
	}
	if got := ledger.Add(Entry{At: noon.Unix()}); len(got) != 1 {
		t.Errorf("kept %v", got)
	}
}

func FuzzDecodeLedger(f *testing.F) {
	f.Add(Ledger{{At: 1763121600, Recipients: 2}, {At: 1763121700, Recipients: 500}}.encode())
	f.Add([]byte{0x80})
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		l := decodeLedger(b)
		l.tally(noon, anyRoad).allows(Limits{PerHour: 1, PerDay: 1}, notify.Info, 1)
		if again := decodeLedger(l.encode()); !slices.Equal(again, l) {
			t.Fatalf("%v became %v", l, again)
		}
	})
}
