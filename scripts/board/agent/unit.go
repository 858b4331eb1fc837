package main

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// unit runs a program as systemd runs a unit of Type=notify, and leaves what
// became of it in /run:
//
//	NAME.pid     the process
//	NAME.ready   once it has said READY=1: ms since it was started, and ms since
//	             the kernel's start
//	NAME.exit    once it has ended: exit status, and ms since it was started
func unit(name, ids string, prog []string) error {
	base := "/run/" + name
	for _, old := range []string{".pid", ".ready", ".exit", ".notify"} {
		os.Remove(base + old)
	}
	notify, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: base + ".notify", Net: "unixgram"})
	if err != nil {
		return err
	}
	defer notify.Close()
	if err := os.Chmod(base+".notify", 0o666); err != nil {
		return err
	}
	cred, err := credential(ids)
	if err != nil {
		return err
	}
	c := exec.Command(prog[0], prog[1:]...)
	c.Stdout, c.Stderr = os.Stdout, os.Stderr
	c.Env = append(os.Environ(), "NOTIFY_SOCKET="+base+".notify")
	c.SysProcAttr = &syscall.SysProcAttr{Credential: cred}
	begin := time.Now()
	if err := c.Start(); err != nil {
		return err
	}
	if err := leave(base+".pid", strconv.Itoa(c.Process.Pid)); err != nil {
		return err
	}
	go heed(notify, base+".ready", begin)
	_ = c.Wait() // its status is told below, whatever it is
	return leave(base+".exit", fmt.Sprintf("%d %d", exitStatus(c.ProcessState), time.Since(begin).Milliseconds()))
}

// heed waits for the first READY=1, or for the end.
func heed(notify *net.UnixConn, path string, begin time.Time) {
	buf := make([]byte, 4096)
	for {
		n, err := notify.Read(buf)
		if err != nil {
			return
		}
		if !bytes.Contains(buf[:n], []byte("READY=1")) {
			continue
		}
		took := time.Since(begin)
		var up unix.Timespec
		if unix.ClockGettime(unix.CLOCK_BOOTTIME, &up) == nil {
			_ = leave(path, fmt.Sprintf("%d %d", took.Milliseconds(), up.Nano()/1e6)) // its lack is noticed by who waits for it
		}
		return
	}
}

// leave writes a file that is either whole or not there.
func leave(path, text string) error {
	if err := os.WriteFile(path+".part", []byte(text+"\n"), 0o644); err != nil {
		return err
	}
	return os.Rename(path+".part", path)
}
