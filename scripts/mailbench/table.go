package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"text/tabwriter"
	"time"

	"golang.org/x/sys/unix"
)

// aim is how many times Postfix's rate pinbell's is to be on loopback, with
// every mail durably settled.
const aim = 4

// print writes what was measured, as the README has it.
func (s *stage) print(out io.Writer, able []sender) {
	fmt.Fprintf(out, "\n%d mails that wait, to one server (STARTTLS, login); %d cores; writing 4 KB to the disk for good takes %s\n\n",
		s.mails, runtime.NumCPU(), diskTime(s.dir))
	w := tabwriter.NewWriter(out, 0, 0, 1, ' ', 0)
	fmt.Fprintf(w, "|\t mails/s\t processor s\t connections\t %v away: mails/s\t processor s\t connections\t|\n", s.roundTrip)
	fmt.Fprintf(w, "|%s\n", strings.Repeat("---\t|", 7))
	for _, x := range able {
		fmt.Fprintf(w, "| %s\t%s%s\t|\n", x.name, s.cells(s.lines[0].results[x.name]), s.cells(s.lines[1].results[x.name]))
	}
	w.Flush()
	for i, where := range []string{"on loopback", s.roundTrip.String() + " away"} {
		s.ratios(out, s.lines[i], where)
	}
}

// cells are a line's three figures of a sender, each for all of the mails.
func (s *stage) cells(all []result) string {
	if len(all) == 0 {
		return "|\t|\t|"
	}
	r, note := median(all), ""
	if r.Mails < s.mails {
		note = fmt.Sprintf(" (of %d)", r.Mails)
	}
	return fmt.Sprintf("| %s%s\t| %.2f\t| %d\t", figure(r.rate()), note, r.cpu.Seconds(), r.Logins)
}

func figure(rate float64) string {
	if rate < 100 {
		return fmt.Sprintf("%.1f", rate)
	}
	return fmt.Sprintf("%.0f", rate)
}

func (s *stage) ratios(out io.Writer, l line, where string) {
	ours := l.results["pinbell"]
	if len(ours) == 0 {
		return
	}
	var parts []string
	for _, x := range senders {
		if theirs := l.results[x.name]; len(theirs) > 0 && x.name != "pinbell" {
			parts = append(parts, fmt.Sprintf("%.1f times %s", median(ours).rate()/median(theirs).rate(), x.name))
		}
	}
	if len(parts) > 0 {
		fmt.Fprintf(out, "pinbell %s: %s\n", where, strings.Join(parts, "; "))
	}
}

// verdict is an error when the aim is missed.
func (s *stage) verdict() error {
	ours, theirs := s.lines[0].results["pinbell"], s.lines[0].results["Postfix"]
	if len(ours) == 0 || len(theirs) == 0 {
		return nil
	}
	if ratio := median(ours).rate() / median(theirs).rate(); ratio < aim {
		return fmt.Errorf("pinbell's rate on loopback is %.1f times Postfix's, and the aim is %d", ratio, aim)
	}
	return nil
}

// diskTime is how long the disk takes for what a store must wait for.
func diskTime(dir string) string {
	f, err := os.Create(filepath.Join(dir, "disk"))
	if err != nil {
		return "an unknown time"
	}
	defer f.Close()
	const times = 100
	page := make([]byte, 4096)
	began := time.Now()
	for range times {
		if _, err := f.WriteAt(page, 0); err != nil {
			return "an unknown time"
		}
		if err := unix.Fdatasync(int(f.Fd())); err != nil {
			return "an unknown time"
		}
	}
	return fmt.Sprintf("%.2f ms", time.Since(began).Seconds()*1000/times)
}
