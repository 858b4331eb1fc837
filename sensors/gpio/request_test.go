package gpio

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestRequestSaysWhatTheConfigSaysAndNothingElse(t *testing.T) {
	for name, c := range map[string]struct {
		config Config
		flags  uint64
		us     uint32
	}{
		"bare":       {Config{}, 0x34, 0}, // input, both edges
		"active low": {Config{ActiveLow: true}, 0x36, 0},
		"pull up":    {Config{Pull: PullUp}, 0x134, 0},
		"pull down":  {Config{Pull: PullDown}, 0x234, 0},
		"pull off":   {Config{Pull: PullOff}, 0x434, 0},
		"debounce":   {Config{Debounce: 50 * time.Millisecond}, 0x34, 50_000},
		"shortest":   {Config{Debounce: time.Nanosecond}, 0x34, 1},
		"longest":    {Config{Debounce: time.Hour}, 0x34, 3_600_000_000},
		"everything": {Config{Pull: PullUp, ActiveLow: true, Debounce: time.Second}, 0x136, 1_000_000},
	} {
		k := newKernel(t)
		k.pi()
		c.config.Line = "GPIO17"
		if err := k.line(c.config).Open(); err != nil {
			t.Fatal(err)
		}
		want := lineRequest{NumLines: 1, EventBufferSize: 256}
		want.Offsets[0] = 17
		copy(want.Consumer[:], "pinbell")
		want.Config.Flags = c.flags
		if c.us != 0 {
			want.Config.NumAttrs = 1
			want.Config.Attrs[0] = configAttribute{Attr: lineAttribute{ID: 3, DebounceUS: c.us}, Mask: 1}
		}
		if !slices.Equal(k.asked, []lineRequest{want}) {
			t.Errorf("%s: asked %+v\nwant %+v", name, k.asked, want)
		}
	}
}

// A kernel that cannot do all that is asked gives a line that says so.
func TestLineIsTakenWithoutWhatTheKernelRefuses(t *testing.T) {
	noPull := func(r lineRequest) bool { return r.Config.Flags&flagBias != 0 }
	noDebounce := func(r lineRequest) bool { return r.Config.NumAttrs != 0 }
	either := func(r lineRequest) bool { return noPull(r) || noDebounce(r) }
	both := Config{Line: "GPIO17", Pull: PullUp, Debounce: time.Millisecond}
	for name, c := range map[string]struct {
		config   Config
		refuse   func(lineRequest) bool
		flags    uint64
		attrs    uint32
		sentence string // of what is lacking
	}{
		"nothing refused": {both, func(lineRequest) bool { return false }, 0x134, 1, ""},
		"pull":            {both, noPull, 0x34, 1, `line GPIO17: the kernel cannot set pull "up"; the line is watched without it`},
		"debounce":        {both, noDebounce, 0x134, 0, "line GPIO17: the kernel cannot debounce it by 1ms; each change is reported as it comes"},
		"both": {both, either, 0x34, 0,
			`line GPIO17: the kernel cannot set pull "up"; the line is watched without it, and cannot debounce it by 1ms`},
	} {
		for _, errno := range []error{unix.EINVAL, unix.ENXIO, unix.EOPNOTSUPP, notSupported} {
			k := newKernel(t)
			k.pi()
			k.refuse = func(r lineRequest) error {
				if c.refuse(r) {
					return errno
				}
				return nil
			}
			l := k.line(c.config)
			if err := l.Open(); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if got := k.asked[len(k.asked)-1].Config; got.Flags != c.flags || got.NumAttrs != c.attrs {
				t.Errorf("%s: granted flags %#x and %d attributes, want %#x and %d", name, got.Flags, got.NumAttrs, c.flags, c.attrs)
			}
			lacks := l.Lacks()
			if c.sentence == "" {
				if lacks != nil {
					t.Errorf("%s: lacks %v, want nothing", name, lacks)
				}
			} else if lacks == nil || lacks.Sentence != c.sentence || !errors.Is(lacks, errno) || lacks.Remedy == "" {
				t.Errorf("%s: lacks %v, want %q for %v", name, lacks, c.sentence, errno)
			}
		}
	}
}

func TestRequestThatIsDeniedIsAFaultWithARemedy(t *testing.T) {
	held := func(by string) func(*kernel) {
		return func(k *kernel) {
			k.pi().lines[17] = lineInfo{Name: cText("GPIO17"), Consumer: cText(by), Flags: flagUsed}
		}
	}
	free := func(k *kernel) { k.pi() }
	for name, c := range map[string]struct {
		prepare  func(*kernel)
		errno    error
		sentence string
		remedy   string
		asked    int
	}{
		"held":            {held("gpio-fan"), unix.EBUSY, `line GPIO17 (gpiochip0:17) is held by "gpio-fan"`, "Stop that program", 1},
		"held nameless":   {held(""), unix.EBUSY, `line GPIO17 (gpiochip0:17) is held by someone who gives no name`, "another line", 1},
		"held by pinbell": {held("pinbell"), unix.EBUSY, `line GPIO17 (gpiochip0:17) is held by "pinbell"`, "a line serves one sensor", 1},
		"pin given away":  {held("spi0"), unix.EINVAL, `line GPIO17 (gpiochip0:17) is held by "spi0"`, "overlay", 4},
		"other function":  {free, unix.EINVAL, "line GPIO17 (gpiochip0:17) cannot be requested", "another function", 4},
		"no interrupt":    {free, unix.ENXIO, "line GPIO17 (gpiochip0:17) cannot report changes: it has no interrupt", "interrupt pin", 4},
		"chip unplugged":  {free, unix.ENODEV, "line GPIO17 is gone: its GPIO chip was removed", "looks for the line again", 1},
		"no memory":       {free, unix.ENOMEM, "line GPIO17 (gpiochip0:17) cannot be requested", "dmesg", 1},
	} {
		k := newKernel(t)
		c.prepare(k)
		k.refuse = func(lineRequest) error { return c.errno }
		l := k.line(Config{Line: "GPIO17", Pull: PullUp, Debounce: time.Second})
		fault := asFault(t, l.Open())
		if fault.Sentence != c.sentence || !strings.Contains(fault.Remedy, c.remedy) || !errors.Is(fault, c.errno) {
			t.Errorf("%s: got %q, %q, %v\nwant %q, …%q…, %v", name, fault.Sentence, fault.Remedy, fault.Err, c.sentence, c.remedy, c.errno)
		}
		if len(k.asked) != c.asked {
			t.Errorf("%s: asked %d times, want %d", name, len(k.asked), c.asked)
		}
		if _, err := l.Level(); err == nil {
			t.Errorf("%s: has a level though it is not open", name)
		}
	}
}

func TestImpossibleDebounceIsAFault(t *testing.T) {
	for _, debounce := range []time.Duration{-1, time.Hour + 1} {
		k := newKernel(t)
		k.pi()
		fault := asFault(t, k.line(Config{Line: "GPIO17", Debounce: debounce}).Open())
		if !strings.Contains(fault.Sentence, debounce.String()) || len(k.asked) != 0 {
			t.Errorf("%v: got %q after %d requests", debounce, fault.Sentence, len(k.asked))
		}
	}
}
