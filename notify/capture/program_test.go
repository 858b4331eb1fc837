package capture

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// sh is a source that runs a script. It is handed to the shell as an argument:
// a file just written cannot be executed while another test forks.
func sh(script string) string { return "exec:/bin/sh -c '" + script + "'" }

func TestProgramGivesItsOutputOrTheReason(t *testing.T) {
	s := open(t, Config{MaxBytes: 1000})
	for source, want := range map[string]string{
		sh(`printf hello`): `camera-1.txt (text/plain) "hello"`,
		sh(`echo starting >&2; echo "no cameras available." >&2; echo >&2; exit 1`): "camera-1 ended with exit status 1: no cameras available",
		sh(`printf half; exit 3`):                "camera-1 ended with exit status 3",
		sh(`kill -9 $$`):                         "camera-1 was ended by a signal (killed)",
		sh(`exit 0`):                             "camera-1 ended without giving anything",
		sh(`echo busy >&2`):                      "camera-1 ended without giving anything: busy",
		sh(`head -c 1001 /dev/zero; sleep 1000`): "camera-1 is larger than 1 KB",
		sh(`cat /dev/zero`):                      "camera-1 is larger than 1 KB",
		sh(`yes >&2 & yes noise >&2 & sleep 0.01; printf x`): `camera-1.txt (text/plain) "x"`,
		"exec:/nowhere/rpicam-still":                         "camera-1 there is no such program",
		"exec:no-such-program-anywhere":                      "camera-1 there is no such program",
		"exec:/dev/null":                                     "camera-1 may not be run by pinbell",
		"exec:/tmp":                                          "camera-1 may not be run by pinbell",
		"exec:/bin/echo $HOME":                               `camera-1.txt (text/plain) "$HOME\n"`,
		sh(`curl() { echo "$1: refused" >&2; exit 7; }; curl http://admin:s3cret@cam/x`): "camera-1 ended with exit status 7: http://***@cam/x: refused",
	} {
		if got := brief(s.shoot(wanting(uint64(time.Now().UnixNano()), source))); got != want {
			t.Errorf("%s:\n got %s\nwant %s", source, got, want)
		}
	}
}

func TestProgramHasNoneOfOurSecrets(t *testing.T) {
	for _, name := range []string{"PINBELL_MAIL_PASSWORD", "CREDENTIALS_DIRECTORY", "NOTIFY_SOCKET", "WATCHDOG_PID", "LISTEN_FDS", "STATE_DIRECTORY"} {
		t.Setenv(name, "s3cret")
	}
	t.Setenv("LC_ALL", "C")
	got := open(t, Config{}).one("exec:/usr/bin/env")
	if got.Fault != "" || strings.Contains(string(got.Data), "s3cret") {
		t.Errorf("%s %s", got.Fault, got.Data)
	}
	if !strings.Contains(string(got.Data), "PATH=") || !strings.Contains(string(got.Data), "LC_ALL=C\n") {
		t.Errorf("it lacks what programs need: %s", got.Data)
	}
	if bare := environment(nil); len(bare) != 1 || !strings.HasPrefix(bare[0], "PATH=/") {
		t.Errorf("without an environment of our own: %q", bare)
	}
}

func TestProgramThatHangsIsKilledWithAllItStarted(t *testing.T) {
	pids := filepath.Join(t.TempDir(), "pids")
	script := fmt.Sprintf(`echo $$ >> %[1]s; sh -c "echo \$\$ >> %[1]s; sleep 1000" & sleep 1000`, pids)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		_, err := output(ctx, []string{"/bin/sh", "-c", script}, 1000)
		ended <- err
	}()
	both := lines(t, pids, 2)
	cancel()
	if err := <-ended; err == nil {
		t.Error("it gave something")
	}
	for _, line := range both {
		gone(t, line)
	}
}

func TestProgramLeftBehindWithTheOutputOpenHoldsNobody(t *testing.T) {
	pids := filepath.Join(t.TempDir(), "pids")
	data, err := output(t.Context(), []string{"/bin/sh", "-c", fmt.Sprintf(`sleep 1000 & echo $! > %s; printf hello`, pids)}, 1000)
	if string(data) != "hello" || err != nil {
		t.Errorf("%q, %v", data, err)
	}
	gone(t, lines(t, pids, 1)[0])
}

// TestProgramThatFledItsGroupHoldsNobody has one that cannot be killed with
// the group, as it began a session of its own.
func TestProgramThatFledItsGroupHoldsNobody(t *testing.T) {
	if _, err := os.Stat("/usr/bin/setsid"); err != nil {
		t.Skip("there is no setsid here")
	}
	pids := filepath.Join(t.TempDir(), "pids")
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		_, err := output(ctx, []string{"/bin/sh", "-c", fmt.Sprintf(`setsid sh -c "echo \$\$ > %s; exec sleep 1000" & sleep 1000`, pids)}, 1000)
		ended <- err
	}()
	fled, err := strconv.Atoi(lines(t, pids, 1)[0])
	if err != nil {
		t.Fatal(err)
	}
	defer syscall.Kill(fled, syscall.SIGKILL)
	cancel()
	select {
	case err := <-ended:
		if err == nil {
			t.Error("it gave something")
		}
	case <-time.After(patience):
		t.Error("it holds us")
	}
}

// lines waits until a file has so many lines.
func lines(t *testing.T, path string, n int) []string {
	t.Helper()
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		text, _ := os.ReadFile(path)
		if all := strings.Fields(string(text)); len(all) >= n && strings.HasSuffix(string(text), "\n") {
			return all
		}
	}
	t.Fatalf("%s does not get %d lines", path, n)
	return nil
}

// gone waits until a process has ended; a kill takes effect a little later. One
// that nobody has waited for yet is dead too.
func gone(t *testing.T, pid string) {
	t.Helper()
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		stat, err := os.ReadFile("/proc/" + pid + "/stat")
		if err != nil || strings.Contains(string(stat), ") Z ") {
			return
		}
	}
	t.Errorf("process %s is still there", pid)
}
