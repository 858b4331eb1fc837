package main

import (
	"runtime"
	"runtime/debug"
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
}
