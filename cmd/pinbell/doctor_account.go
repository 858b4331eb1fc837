package main

import (
	"fmt"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// account is the user that the daemon runs as, which need not be the one who
// asks the doctor: what root may says nothing about what the daemon may.
type account struct {
	name   string
	uid    uint32
	groups []uint32
}

// serviceUser is whom scripts/install.sh makes, and the unit names.
const serviceUser = "pinbell"

// accountOf finds the account of the daemon that answers; else, where the state
// is that of the service, the service's; else it is whoever asks.
func accountOf(dir string, daemon *Report) account {
	if daemon != nil {
		if a, err := accountOfProcess(daemon.PID); err == nil {
			return a
		}
	}
	if a, there := accountNamed(serviceUser); there && dir == defaultState {
		return a
	}
	a := account{uid: uint32(os.Geteuid()), groups: []uint32{uint32(os.Getegid())}}
	more, _ := os.Getgroups() // without them less is allowed, which shows
	for _, g := range more {
		a.groups = append(a.groups, uint32(g))
	}
	a.name = userName(a.uid)
	return a
}

// accountNamed finds a user and its groups in the files of passwd(5) and
// group(5): a static binary knows no other directory of users.
func accountNamed(name string) (a account, there bool) {
	for _, user := range entries("/etc/passwd") {
		if user[0] == name {
			a = account{name: name, uid: number(user[2]), groups: []uint32{number(user[3])}}
			there = true
		}
	}
	for _, group := range entries("/etc/group") {
		if slices.Contains(strings.Split(group[3], ","), name) {
			a.groups = append(a.groups, number(group[2]))
		}
	}
	return a, there
}

// entries are the lines of such a file, by their fields: name, password, id,
// and at least one more. Without the file there are none.
func entries(path string) (all [][]string) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil
	}
	for line := range strings.Lines(string(text)) {
		if fields := strings.Split(strings.TrimSpace(line), ":"); len(fields) >= 4 {
			all = append(all, fields)
		}
	}
	return all
}

// number reads an id; what is none is nobody's.
func number(text string) uint32 {
	id, err := strconv.ParseUint(text, 10, 32)
	if err != nil {
		return math.MaxUint32
	}
	return uint32(id)
}

// accountOfProcess reads proc_pid_status(5): Uid and Gid have the effective
// one in second place.
func accountOfProcess(pid int) (a account, err error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return a, err
	}
	for line := range strings.Lines(string(text)) {
		key, rest, _ := strings.Cut(line, ":")
		var ids []uint32
		for _, field := range strings.Fields(rest) {
			ids = append(ids, number(field))
		}
		switch {
		case key == "Uid" && len(ids) > 1:
			a.uid = ids[1]
		case key == "Gid" && len(ids) > 1:
			a.groups = append(a.groups, ids[1])
		case key == "Groups":
			a.groups = append(a.groups, ids...)
		}
	}
	a.name = userName(a.uid)
	return a, nil
}

func userName(uid uint32) string  { return nameIn("/etc/passwd", uid) }
func groupName(gid uint32) string { return nameIn("/etc/group", gid) }

func nameIn(path string, id uint32) string {
	for _, entry := range entries(path) {
		if number(entry[2]) == id {
			return entry[0]
		}
	}
	return fmt.Sprint("number ", id)
}

// What one may want of a file: the mode bits of others.
const (
	toRead = 4
	toUse  = 6 // read and write
)

// may reports whether the account has these rights by owner, group and mode.
// Access control lists are not looked at.
func (a account) may(st *unix.Stat_t, want uint32) bool {
	mode := uint32(st.Mode)
	switch {
	case a.uid == 0:
		return true
	case a.uid == st.Uid:
		mode >>= 6
	case slices.Contains(a.groups, st.Gid):
		mode >>= 3
	}
	return mode&want == want
}

// denied says why the account has not these rights to a file; empty if it has
// them, or if the file cannot be asked, which is not for here.
func (a account) denied(path string, want uint32) string {
	var st unix.Stat_t
	if unix.Stat(path, &st) != nil || a.may(&st, want) {
		return ""
	}
	return fmt.Sprintf("it runs as the user %s, and %s belongs to %s:%s with mode %03o",
		a.name, path, userName(st.Uid), groupName(st.Gid), st.Mode&0o777)
}
