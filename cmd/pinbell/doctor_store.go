package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"pinbell/notify"
	"pinbell/notify/outbox"
)

const (
	longestWrite = 15 * time.Second // a dying card takes its time
	// leastFree is when room runs out: the store has some 2 MB at the most, and
	// grows by copying.
	leastFree = 8 << 20
)

// checkStore looks at the state directory: whether what happens can be saved.
func (d *doctor) checkStore(ctx context.Context) {
	dir := d.stateDir()
	d.progress.start("writing to %s", dir)
	c, inTime := bounded(ctx, longestWrite, func() Check { return d.directory(dir) })
	if !inTime {
		c = Check{Name: "store", State: fault, Sentence: fmt.Sprintf("%s takes nothing within %s", dir, notify.Span(longestWrite)),
			Remedy: "The card or the disk may be failing: look at `dmesg`, copy what matters from it, and replace it."}
	}
	d.found(c)
}

func (d *doctor) directory(dir string) Check {
	c := Check{Name: "store", State: fine}
	info, err := os.Stat(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		c.State, c.Sentence = warn, dir+" is not there yet: pinbell has not run with it"
		c.Remedy = "The service makes it when it starts (systemctl start pinbell). If it has run, name its directory with --state."
		return c
	case err != nil:
		return unsaved(c, dir, err)
	case !info.IsDir():
		c.State, c.Sentence, c.Remedy = fault, dir+" is a file, not a directory", "Name another directory with --state, or move the file away."
		return c
	}
	var fsys unix.Statfs_t
	if err := unix.Statfs(dir, &fsys); err != nil {
		return unsaved(c, dir, err)
	}
	if fsys.Flags&unix.ST_RDONLY != 0 {
		return unsaved(c, dir, unix.EROFS)
	}
	for _, path := range []string{dir, filepath.Join(dir, outbox.FileName)} {
		if denied := d.account.denied(path, toUse); denied != "" {
			c.State, c.Sentence = fault, "the daemon cannot save anything: "+denied
			c.Remedy = fmt.Sprintf("Give it the directory: sudo chown -R %s: %s, and start the daemon again. This comes from running pinbell as another user once.", d.account.name, dir)
			return c
		}
	}
	if err := trial(dir); err != nil && !(errors.Is(err, fs.ErrPermission) && os.Geteuid() != 0) {
		return unsaved(c, dir, err)
	}
	free := int64(fsys.Bavail) * int64(fsys.Bsize)
	c.Sentence = fmt.Sprintf("%s can be written to, and has %s free", dir, sized(free))
	if free < leastFree {
		c.State, c.Remedy = warn, "Make room on this disk soon: `df -h "+dir+"` shows how full it is. Once it is full, alarms are kept in memory only."
	}
	return c
}

// trial writes a little to the disk, as far down as the store's commits go.
func trial(dir string) error {
	f, err := os.CreateTemp(dir, ".doctor-")
	if err != nil {
		return err
	}
	_, err = f.Write(make([]byte, 4096))
	return errors.Join(err, f.Sync(), f.Close(), os.Remove(f.Name()))
}

// unsaved is about a directory that takes nothing, in the outbox's words.
func unsaved(c Check, dir string, err error) Check {
	c.State = fault
	c.Sentence, c.Remedy = outbox.DiskFault(dir, err)
	c.Sentence = plain(c.Sentence)
	return c
}

// sized says a size as people do.
func sized(n int64) string {
	switch {
	case n >= 1<<30:
		return fmt.Sprintf("%.1f GB", float64(n)/(1<<30))
	case n >= 1<<20:
		return fmt.Sprintf("%d MB", n>>20)
	}
	return fmt.Sprintf("%d KB", n>>10)
}

// checkDaemon says whether somebody watches at all, and what keeps it from its
// promise.
func (d *doctor) checkDaemon() {
	c := Check{Name: "daemon", State: fine}
	if d.daemon == nil {
		c.State, c.Sentence = warn, d.unheard.Error()
		if d.hidden() {
			c.Remedy = "This does not say that it is well, nor that it is not."
		}
		d.found(c)
		return
	}
	r := d.daemon
	c.Sentence = fmt.Sprintf("pinbell %s has been watching %s for %s, without trouble", r.Version, r.Device, notify.Span(r.Up))
	if len(r.Troubles) > 0 {
		c.State, c.Sentence = warn, fmt.Sprintf("pinbell %s has been watching %s for %s, and tells %s", r.Version, r.Device, notify.Span(r.Up), count(len(r.Troubles), "trouble"))
		c.Detail = r.troubles()
	}
	if d.cfg != nil && !d.sameConfig() {
		c.State = warn
		c.Detail = append(c.Detail, "It runs with another config than "+d.config+" as it is now.")
		c.Remedy = "If the file was changed since, start the daemon again: sudo systemctl restart pinbell."
	}
	d.found(c)
}

// checkSend sends one mail, the way alerts go.
func (d *doctor) checkSend(ctx context.Context) {
	c := Check{Name: "send", State: fault}
	if d.count(fault) > 0 && !d.mayLogIn() {
		c.State, c.Sentence = skipped, "not tried: no mail server lets pinbell in, see above"
		d.found(c)
		return
	}
	d.progress.start("sending a mail to %s", strings.Join(d.cfg.Mail.To, ", "))
	ctx, cancel := context.WithTimeout(ctx, longestTest)
	defer cancel()
	t, err := attempt(ctx, d.cfg)
	if err != nil {
		c.Sentence = err.Error()
		d.found(c)
		return
	}
	c.Sentence = t.summary()
	if t.verdict.Outcome == notify.Accepted {
		c.State = fine
		c.Detail = []string{"mail " + t.mail.ID, strings.TrimSpace(code(t.verdict.Code) + " " + t.verdict.Reply)}
		if len(t.verdict.Rejected) > 0 {
			c.State, c.Detail = fault, t.rejected()
		}
	}
	for _, trouble := range t.troubles {
		c.Detail = append(c.Detail, trouble.Lead())
		c.Remedy = trouble.Remedy
	}
	d.found(c)
}

// mayLogIn reports whether the visits found a way in.
func (d *doctor) mayLogIn() bool {
	for _, c := range d.checks {
		if strings.HasSuffix(c.Name, "login") && c.State == fine {
			return true
		}
	}
	return false
}
