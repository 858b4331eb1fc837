package main

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/sys/unix"

	"pinbell/config"
	"pinbell/notify"
	"pinbell/notify/clock"
	"pinbell/notify/outbox"
	"pinbell/notify/rules"
	"pinbell/sensors"
)

func TestASheetHasALinePerCheckAndHelpBelowWhatIsNotFine(t *testing.T) {
	var out strings.Builder
	for _, c := range []Check{
		{Name: "config", State: fine, Sentence: "pinbell.toml is fine", Detail: []string{"hidden"}, Remedy: "hidden"},
		{Name: "freezer", State: fault, Sentence: "bme280 does not answer", Remedy: "Check the wiring.", Detail: []string{"seen"}},
		{Name: "a name that is far too long", State: warn, Sentence: "warned"},
		{Name: "tls", State: skipped, Sentence: "not tried"},
	} {
		newSheet(&out).line(c)
	}
	const want = `ok     config           pinbell.toml is fine
FAULT  freezer          bme280 does not answer
                        seen
                        Check the wiring.
warn   a name that is far too long warned
-      tls              not tried
`
	if out.String() != want {
		t.Errorf("got\n%s\nwant\n%s", out.String(), want)
	}
}

func TestATerminalGetsColoursAndLinesOfItsWidth(t *testing.T) {
	var out strings.Builder
	s := sheet{out: &out, width: 50, colour: true}
	s.line(Check{Name: "freezer", State: fault, Sentence: "bme280 at 0x76 on bus 1 does not answer", Remedy: "Check the wiring, which is long."})
	const want = "\x1b[1;31mFAULT \x1b[0m freezer          bme280 at 0x76 on bus 1\n" +
		"                        does not answer\n" +
		"                        Check the wiring, which is\n" +
		"                        long.\n"
	if out.String() != want {
		t.Errorf("got\n%q\nwant\n%q", out.String(), want)
	}
}

// TestWaitingIsToldAndTakenBack has a step of three seconds on a terminal.
func TestWaitingIsToldAndTakenBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out transcript
		p := &progress{out: &out, first: 200 * time.Millisecond, every: time.Second, width: 36}
		p.start("connecting to %s", "smtp.mail.me.com")
		time.Sleep(100 * time.Millisecond)
		synctest.Wait()
		if out.String() != "" {
			t.Errorf("after 100 ms: %q", out.String())
		}
		time.Sleep(1200 * time.Millisecond)
		synctest.Wait()
		p.stop()
		time.Sleep(time.Minute)
		synctest.Wait()
		const clear = "\r\x1b[K"
		want := clear + "connecting to smtp.mail.me.com ..." + clear + "connecting to smtp.mail.me. ... 1 s" + clear
		if out.String() != want {
			t.Errorf("told %q, want %q", out.String(), want)
		}
	})
}

func TestElsewhereThanOnATerminalOnlyLongWaitsAreTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out transcript
		p := newProgress(&out)
		p.start("logging in")
		time.Sleep(4 * time.Second)
		p.start("naming the sender")
		time.Sleep(6 * time.Second)
		p.stop()
		synctest.Wait()
		if want := "naming the sender ... 5 s\n"; out.String() != want {
			t.Errorf("told %q, want %q", out.String(), want)
		}
	})
}

func TestWhatTheKernelHoldsUpIsGivenUp(t *testing.T) {
	release := make(chan struct{})
	defer close(release)
	if _, inTime := bounded(t.Context(), time.Millisecond, func() int { <-release; return 1 }); inTime {
		t.Error("what never came was in time")
	}
	if got, inTime := bounded(t.Context(), time.Minute, func() int { return 2 }); got != 2 || !inTime {
		t.Errorf("got %d, in time: %v", got, inTime)
	}
}

func TestAnAccountMayWhatOwnerGroupAndModeSay(t *testing.T) {
	gpio := func(mode uint32) *unix.Stat_t { return &unix.Stat_t{Uid: 0, Gid: 997, Mode: unix.S_IFCHR | mode} }
	pinbell, stranger, root := account{uid: 800, groups: []uint32{800, 997}}, account{uid: 801, groups: []uint32{801}}, account{}
	for _, c := range []struct {
		who  account
		mode uint32
		want bool
	}{
		{pinbell, 0o660, true}, {pinbell, 0o640, false}, {pinbell, 0o606, false},
		{stranger, 0o660, false}, {stranger, 0o666, true}, {root, 0o000, true},
		{account{uid: 0, groups: nil}, 0o000, true},
	} {
		if got := c.who.may(gpio(c.mode), toUse); got != c.want {
			t.Errorf("%+v may use mode %03o: %v, want %v", c.who, c.mode, got, c.want)
		}
	}
	owner := account{uid: 800, groups: []uint32{997}}
	if owner.may(&unix.Stat_t{Uid: 800, Gid: 997, Mode: 0o060}, toUse) {
		t.Error("an owner without the right has it by the group")
	}
}

func TestTheDaemonsRightsAreReadFromItsProcess(t *testing.T) {
	got, err := accountOfProcess(os.Getpid())
	if err != nil || got.uid != uint32(os.Geteuid()) || len(got.groups) == 0 || got.groups[0] != uint32(os.Getegid()) {
		t.Errorf("this process is %+v, %v", got, err)
	}
	if os.Geteuid() == 0 && got.name != "root" {
		t.Errorf("this process runs as %q, want root", got.name)
	}
}

func TestAUserIsFoundWithAllItsGroups(t *testing.T) {
	root, there := accountNamed("root")
	if !there || root.uid != 0 || !slices.Contains(root.groups, 0) {
		t.Errorf("root is %+v, %v", root, there)
	}
	if nobody, there := accountNamed("no such user"); there {
		t.Errorf("a user that is not there is %+v", nobody)
	}
	path := filepath.Join(t.TempDir(), "group")
	if err := os.WriteFile(path, []byte("gpio:x:997:pinbell,alex\n\nbroken\n+::::\ni2c:x:998:pinbell\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := nameIn(path, 998); got != "i2c" {
		t.Errorf("group 998 is %s", got)
	}
	if got := nameIn(path, 5); got != "number 5" {
		t.Errorf("group 5 is %s", got)
	}
}

func TestADeviceThatTheDaemonMayNotOpenNamesGroupOrRule(t *testing.T) {
	c := deviceDenied(Check{Name: "gpio"}, "/dev/gpiochip0", "it runs as the user pinbell, and /dev/gpiochip0 belongs to root:gpio with mode 660", "pinbell")
	c.says(t, fault, "^the daemon may not open /dev/gpiochip0: it runs as the user pinbell", `sudo usermod -aG gpio pinbell`)
	c = deviceDenied(Check{Name: "i2c bus 1"}, "/dev/i2c-1", "it runs as the user pinbell, and /dev/i2c-1 belongs to root:root with mode 600", "pinbell")
	c.says(t, fault, "no group i2c", "60-pinbell.rules", "udevadm control --reload", `usermod -aG i2c pinbell`)
}

func TestAFileThatTheDaemonMayNotReadIsNamedWithItsOwner(t *testing.T) {
	path := filepath.Join(t.TempDir(), "temp")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	denied := account{name: "pinbell", uid: 64999, groups: []uint32{64999}}.denied(path, toRead)
	if !strings.HasPrefix(denied, "it runs as the user pinbell, and "+path+" belongs to ") || !strings.HasSuffix(denied, "with mode 600") {
		t.Errorf("denied: %q", denied)
	}
	if denied := (account{uid: uint32(os.Geteuid())}).denied(path, toRead); denied != "" {
		t.Errorf("the owner is denied: %s", denied)
	}
}

func TestASensorThatTheDaemonHoldsIsToldInItsWords(t *testing.T) {
	const what = "bme280 at 0x76 on bus 1"
	byDaemon(Check{State: fine}, what, rules.SensorStatus{Name: "freezer", Read: true, Age: 3 * time.Second,
		Values: []notify.Fact{{Quantity: sensors.Temperature, Value: -14.2}}}).
		says(t, fine, `^bme280 at 0x76 on bus 1, as the running pinbell sees it: -14\.2 °C 3 s ago`)
	byDaemon(Check{State: fine}, what, rules.SensorStatus{Name: "freezer", Read: true, Fault: what + " does not answer", Remedy: "Check the wiring."}).
		says(t, fault, "does not answer", "Check the wiring")
	byDaemon(Check{State: fine}, what, rules.SensorStatus{Name: "freezer", Age: time.Minute}).
		says(t, warn, "no reading since the daemon started 1 min ago")
}

func TestTheClocksLineSaysWhetherMailWaits(t *testing.T) {
	now := time.Now()
	silent := []clock.Server{{Name: "a", Err: "no answer"}, {Name: "b", Err: "no answer"}, {Name: "c", Err: "no answer"}}
	spoken := []clock.Server{{Name: "a", Asked: 1}, {Name: "b", Asked: 1, Offset: time.Hour}, {Name: "c", Asked: 1, Offset: -time.Hour}}
	for _, c := range []struct {
		st    clock.Status
		state Finding
		says  []string
	}{
		{clock.Status{Trust: clock.Trusted, Sentence: "clock trusted (kernel, ±4 ms)"}, fine, []string{`^trusted \(kernel, ±4 ms\)`}},
		{clock.Status{Time: now, Servers: silent}, warn, []string{"unchecked", "sends mail all the same", "UDP port 123 may be blocked"}},
		{clock.Status{Time: time.Unix(0, 0), Servers: silent}, fault, []string{"1 Jan 1970", "Mail waits until the time is known", "UDP port 123"}},
		{clock.Status{Time: now}, warn, []string{"no time server is configured", `\[time\] servers`}},
		{clock.Status{Time: now, Servers: []clock.Server{silent[0], spoken[0]}}, warn, []string{"a single time server is no evidence"}},
		{clock.Status{Time: now, Servers: spoken}, fault, []string{"contradict each other", "three or more"}},
	} {
		timeKnown(c.st).says(t, c.state, c.says...)
	}
}

func TestATimeServersLineSaysHowFarTheBoardIsOff(t *testing.T) {
	trusted := clock.Status{Trust: clock.Trusted, Offset: time.Hour, Error: 10 * time.Millisecond}
	timeServer(clock.Server{Name: "a", Asked: 1, Offset: time.Hour, Error: 12 * time.Millisecond}, trusted).
		says(t, fine, `^the board's clock is 1 h behind it, ± 12 ms`)
	timeServer(clock.Server{Name: "a", Asked: 1, Offset: -30 * time.Millisecond, Error: 2 * time.Second}, clock.Status{}).
		says(t, fine, `^the board's clock is 30 ms ahead of it, ± 2\.0 s`)
	timeServer(clock.Server{Name: "a", Asked: 1, Error: time.Millisecond}, trusted).
		says(t, warn, "wrong by 1 h, and outvoted")
	timeServer(clock.Server{Name: "a", Asked: 1, Err: "no answer"}, trusted).
		says(t, warn, "gives no time: no answer", "known all the same", "UDP port 123")
}

func TestQuotaSaysWhatIsLeftAndWhatHelps(t *testing.T) {
	road := func(mails, recipients int) []outbox.RoadStatus {
		return []outbox.RoadStatus{{Name: "smtp.mail.me.com", Mails: mails, MailCap: 1000, Recipients: recipients, RecipientCap: 1000}}
	}
	quota(Check{State: fine}, outbox.Status{Today: 3, PerDay: 200, Roads: road(3, 5)}).
		says(t, fine, `^3 of 200 mails within 24 h; 3 of 1,000 messages, 5 of 1,000 recipients by smtp\.mail\.me\.com`)
	quota(Check{State: fine}, outbox.Status{Today: 160, PerDay: 200, Roads: road(160, 160)}).says(t, warn, "Little is left", "reserve")
	quota(Check{State: fine}, outbox.Status{Today: 200, PerDay: 200, Roads: road(200, 200)}).says(t, fault, "Nothing more goes out", "at_most")
	quota(Check{State: fine}, outbox.Status{Today: 100, PerDay: 200, Roads: road(100, 1000)}).says(t, fault, "1,000 of 1,000 recipients")
	quota(Check{State: fine}, outbox.Status{Today: 20, PerDay: 200, Limit: "per_hour", FreeAt: time.Now()}).says(t, warn, "The limit per_hour holds mails back until")
}

func TestNumbersAreGrouped(t *testing.T) {
	for n, want := range map[int]string{0: "0", 999: "999", 1000: "1,000", 28319744: "28,319,744", -1000: "-1,000", -100: "-100"} {
		if got := grouped(n); got != want {
			t.Errorf("grouped(%d) = %s, want %s", n, got, want)
		}
	}
}

func TestALineThatAPinbellHoldsIsNotCalledBusy(t *testing.T) {
	s := config.Sensor{Name: "door"}
	const where = "line GPIO17 (gpiochip0:17)"
	asked := doctor{daemon: &Report{Config: "another"}}
	asked.held(Check{State: fine}, where, s).says(t, fine, "is watched by the running pinbell")
	absent := doctor{unheard: noDaemon{"none runs"}}
	absent.held(Check{State: fine}, where, s).says(t, warn, "held by a pinbell that cannot be asked", "--state")
}

func TestAChipThatAHiddenDaemonMayReadIsNotTouched(t *testing.T) {
	d := doctor{unheard: errors.New("this user may not ask the daemon")}
	s := config.Sensor{Name: "freezer", Driver: "bme280", Bus: 1, Address: 0x76}
	d.sensor(s, nil, nil).says(t, skipped, "a pinbell that cannot be asked may be reading it", "sudo")
}

func TestADoctorThatIsToldToStopFindsNothingMore(t *testing.T) {
	t.Parallel()
	g := newGarage(t)
	ctx, cancel := context.WithCancel(t.Context())
	d := doctor{places: places{config: g.config(), state: g.state}, progress: newProgress(io.Discard)}
	d.tell = func(c Check) {
		if c.Name == "rack" {
			cancel()
		}
	}
	d.examine(ctx)
	if last := d.checks[len(d.checks)-1]; last.Name != "rack" {
		t.Errorf("after it was told to stop it found %+v", last)
	}
	if good, bad := g.mail.Logins(); good+bad > 0 {
		t.Errorf("after it was told to stop it logged in %d times", good+bad)
	}
}
