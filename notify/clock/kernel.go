package clock

import (
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// askKernel reads the kernel's clock discipline (adjtimex(2), which without
// modes needs no privilege). The kernel takes its mark away when the clock is
// set by hand and when no daemon has spoken for about nine hours.
func askKernel() (synced bool, maxErr time.Duration) {
	var t unix.Timex
	state, err := unix.Adjtimex(&t)
	if err != nil || state == unix.TIME_ERROR || t.Status&unix.STA_UNSYNC != 0 {
		return false, 0
	}
	return true, time.Duration(t.Maxerror) * time.Microsecond
}

// readBoot gives the kernel's boot id and the time since that boot, suspended
// time included; an empty id when the kernel does not tell.
func readBoot() (id string, up time.Duration) {
	text, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return "", 0
	}
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &ts); err != nil {
		return "", 0
	}
	return strings.TrimSpace(string(text)), time.Duration(ts.Nano())
}
