package main

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"time"

	"pinbell/notify/clock"
	"pinbell/notify/outbox"
)

// onlyStore is said where a listing comes from the store.
const onlyStore = "no pinbell is running: this is what it left in the store"

// told answers "log".
func (d *desk) told(r request) any {
	now, _ := d.clock.Time()
	records, err := toldSince(d.box, r, now)
	if err != nil {
		return refusal{Error: "the log cannot be read: " + err.Error()}
	}
	return records
}

// toldSince gives the records that a request asks for, oldest first.
func toldSince(box *outbox.Box, r request, now time.Time) ([]outbox.Record, error) {
	since := r.Since
	if r.Ago > 0 {
		since = now.Add(-r.Ago)
	}
	most := maxTold
	if r.Newest > 0 {
		most = min(most, r.Newest)
	}
	records, err := box.Log(most)
	if err != nil {
		return nil, err
	}
	told := []outbox.Record{} // an empty list for programs, and not null
	for _, r := range slices.Backward(records) {
		if !r.Settled.Before(since) {
			told = append(told, r)
		}
	}
	return told, nil
}

// maxTold is as many as the log can have.
const maxTold = 1000

// peek reads the outbox of a directory without a daemon.
func peek(dir string) (*outbox.Box, error) {
	box, err := outbox.Peek(outbox.Config{Dir: dir, Clock: clock.New(clock.Config{Floor: buildTime()})})
	switch {
	case err == nil:
		return box, nil
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("there is no store in %s: no pinbell has run with this state directory. Name the right one with --state", dir)
	case errors.Is(err, fs.ErrPermission):
		return nil, fmt.Errorf("this user may not read the store in %s: run it with sudo", dir)
	case errors.Is(err, outbox.ErrInUse):
		return nil, fmt.Errorf("a pinbell has the store in %s open, and does not answer: it is starting, or hangs. `journalctl -u pinbell` says more", dir)
	}
	return nil, fmt.Errorf("the store in %s cannot be read: %w. The daemon sets a broken one aside when it starts, and begins a new one", dir, err)
}
