package main

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// spent is the processor time of a process and of all that descend from it,
// those that have ended included (proc(5): utime, stime, cutime, cstime).
func spent(pid int) time.Duration {
	children := map[int][]int{}
	ticks := map[int]int64{}
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, name := range stats {
		text, err := os.ReadFile(name)
		if err != nil {
			continue // it has just ended
		}
		// The name, in brackets, may have spaces in it.
		fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
		id, _ := strconv.Atoi(filepath.Base(filepath.Dir(name)))
		parent, _ := strconv.Atoi(fields[1])
		children[parent] = append(children[parent], id)
		for _, f := range fields[11:15] {
			n, _ := strconv.ParseInt(f, 10, 64)
			ticks[id] += n
		}
	}
	var sum func(int) int64
	sum = func(id int) int64 {
		all := ticks[id]
		for _, child := range children[id] {
			all += sum(child)
		}
		return all
	}
	const tick = 10 * time.Millisecond // USER_HZ is 100 on every architecture that Go runs on
	return time.Duration(sum(pid)) * tick
}
