package main

import (
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"strings"
	"sync"

	"golang.org/x/sys/unix"
)

// thrift makes the daemon small while no mail is being sent, which is nearly
// always.
type thrift struct {
	cores int
}

func newThrift() thrift { return thrift{cores: runtime.GOMAXPROCS(0)} }

// working is told when mails begin to be sent, and when that ends.
//
// In between one core does: waking a second thread to look for work that is
// not there costs a fifth of an idle second's processor time. A read that the
// kernel holds does not hold the others, as the runtime takes the core from it
// within microseconds. Encryption would hold them for ten milliseconds at a
// time, so while there is any, readings have the other cores.
//
// What a session or the start needed is given back at its end: the runtime
// would keep up to 4 MB of it.
func (t thrift) working(now bool) {
	if now {
		runtime.GOMAXPROCS(t.cores)
		return
	}
	runtime.GOMAXPROCS(1)
	debug.FreeOSMemory()
	unmapCode()
}

// unmapCode lets go of the pages of the program's own file that are mapped:
// most of them served the start or a session, and those that are needed come
// back from the page cache when they are. It leaves alone what can be written.
func unmapCode() {
	maps, err := os.ReadFile("/proc/self/maps")
	if err != nil {
		return
	}
	for line := range strings.Lines(string(maps)) {
		var from, to uintptr
		var rights string
		fields := strings.Fields(line)
		if n, _ := fmt.Sscanf(line, "%x-%x %s", &from, &to, &rights); n < 3 || rights[1] == 'w' || len(fields) < 6 || fields[5] != ownPath() {
			continue
		}
		// There is no Go memory in there, so a failure costs nothing.
		unix.Syscall(unix.SYS_MADVISE, from, to-from, unix.MADV_DONTNEED)
	}
}

var ownPath = sync.OnceValue(func() string {
	path, _ := os.Readlink("/proc/self/exe")
	return path
})
