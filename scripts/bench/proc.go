package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// sample is what a process has used since it began.
type sample struct {
	at      time.Time
	cpu     time.Duration // of all threads, also ended ones, to the nanosecond
	written int64         // bytes that it caused to be written to a disk
	threads map[string]switches
}

type switches struct{ voluntary, involuntary int64 }

// used is what a process used in a window.
type used struct {
	window  time.Duration
	cpu     time.Duration
	written int64
	switches
}

func sampleOf(pid int) (s sample, err error) {
	s.at = time.Now()
	if s.cpu, err = processorTime(pid); err != nil {
		return s, err
	}
	io, err := numbers(fmt.Sprintf("/proc/%d/io", pid))
	if err != nil {
		return s, err
	}
	s.written = io["write_bytes"] - io["cancelled_write_bytes"]
	s.threads, err = switchesOf(pid)
	return s, err
}

// processorTime reads the process's own clock of the kernel: utime and stime
// of /proc/PID/stat count in hundredths of a second, and idle uses fewer.
func processorTime(pid int) (time.Duration, error) {
	var t unix.Timespec
	const cpuClockSched = 2 // linux/posix-timers.h, as clock_getcpuclockid makes it
	err := unix.ClockGettime(int32(^pid<<3|cpuClockSched), &t)
	if err != nil {
		return 0, fmt.Errorf("read the processor clock of process %d: %w", pid, err)
	}
	return time.Duration(t.Nano()), nil
}

func switchesOf(pid int) (map[string]switches, error) {
	tasks, err := os.ReadDir(fmt.Sprintf("/proc/%d/task", pid))
	if err != nil {
		return nil, err
	}
	all := map[string]switches{}
	for _, task := range tasks {
		status, err := numbers(fmt.Sprintf("/proc/%d/task/%s/status", pid, task.Name()))
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.ESRCH) {
			continue // the thread has ended
		}
		if err != nil {
			return nil, err
		}
		all[task.Name()] = switches{status["voluntary_ctxt_switches"], status["nonvoluntary_ctxt_switches"]}
	}
	return all, nil
}

// since is what was used between two samples. A thread that ended between
// them takes its switches with it.
func (s sample) since(before sample) used {
	u := used{window: s.at.Sub(before.at), cpu: s.cpu - before.cpu, written: s.written - before.written}
	for thread, now := range s.threads {
		then := before.threads[thread] // zero for a new one
		u.voluntary += now.voluntary - then.voluntary
		u.involuntary += now.involuntary - then.involuntary
	}
	return u
}

// memory is what a process occupies, in KiB.
type memory struct {
	resident int64 // VmRSS
	anon     int64 // RssAnon: what it has written itself, and nobody can take away
	pss      int64 // resident, where shared pages count by their share
	private  int64 // resident in this process alone, clean pages of its file included
	dirty    int64 // the part of private that is not the file's
}

func memoryOf(pid int) (memory, error) {
	status, err := numbers(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return memory{}, err
	}
	maps, err := numbers(fmt.Sprintf("/proc/%d/smaps_rollup", pid))
	return memory{
		resident: status["VmRSS"], anon: status["RssAnon"], pss: maps["Pss"],
		private: maps["Private_Clean"] + maps["Private_Dirty"], dirty: maps["Private_Dirty"],
	}, err
}

// numbers reads a file of "name: number" lines; other lines are left out.
func numbers(path string) (map[string]int64, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	all := map[string]int64{}
	for lines := bufio.NewScanner(bytes.NewReader(text)); lines.Scan(); {
		name, value, _ := strings.Cut(lines.Text(), ":")
		fields := strings.Fields(value)
		if len(fields) == 0 {
			continue
		}
		if n, err := strconv.ParseInt(fields[0], 10, 64); err == nil {
			all[name] = n
		}
	}
	return all, nil
}
