package capture

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"pinbell/notify"
)

// label is what is known of a piece, in the first line of its file. The bytes
// follow it, so that one rename makes both durable, and neither is ever there
// without the other.
type label struct {
	Source string    `json:"source"`
	Name   string    `json:"name"`
	Type   string    `json:"type,omitempty"`
	Taken  time.Time `json:"taken,omitzero"`
	Fault  string    `json:"fault,omitempty"`
	Bytes  int       `json:"bytes"` // how many follow
}

// maxLabel bounds a label when it is read.
const maxLabel = 16 << 10

func (k key) String() string { return fmt.Sprintf("%d-%d", k.serial, k.index) }

// The endings of files: whole, and still being written.
const (
	whole   = ".captured"
	unready = ".tmp"
)

func (c *Camera) path(k key) string { return filepath.Join(c.Dir, k.String()+whole) }

// saveOn writes what is settled to disk, as it comes.
func (c *Camera) saveOn(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			c.save()
			return
		case <-c.unsaved:
			c.save()
		}
	}
}

// save writes all that is not on disk yet, oldest first. The first failure
// ends it: a full disk is not worn out by trying, and all of it is tried again
// when the next piece comes.
func (c *Camera) save() {
	if c.Dir == "" {
		return
	}
	defer c.clear()
	for _, p := range c.toSave() {
		if err := c.saveOne(p); err != nil {
			c.tellDisk(err)
			return
		}
		c.tellDisk(nil)
	}
}

func (c *Camera) toSave() (all []*piece) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, pieces := range c.events {
		for _, p := range pieces {
			if p.settled && p.version != p.saved {
				all = append(all, p)
			}
		}
	}
	slices.SortFunc(all, func(a, b *piece) int {
		if a.before(b) {
			return -1
		}
		return 1
	})
	return all
}

// saveOne writes a piece without a lock, and then looks whether it was still
// wanted. Once it is on disk it takes no memory.
func (c *Camera) saveOne(p *piece) error {
	c.mu.Lock()
	k, a, version, gone := p.key, p.Attachment, p.version, p.gone
	c.mu.Unlock()
	if gone {
		return nil
	}
	err := c.store(k, a)
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case err != nil && p.saved > 0: // what is there is no longer true
		c.trash, p.saved = append(c.trash, k), 0
	case err != nil:
	case p.gone:
		c.trash = append(c.trash, k)
	default:
		p.saved = version
		if p.version == version {
			p.Data = nil
		}
	}
	return err
}

func (c *Camera) store(k key, a notify.Attachment) error {
	if err := os.MkdirAll(c.Dir, 0o700); err != nil {
		return err
	}
	head, err := json.Marshal(label{a.Source, a.Name, a.Type, a.Taken, a.Fault, len(a.Data)})
	if err != nil {
		return err
	}
	return c.write(c.path(k), append(head, '\n'), a.Data)
}

// writeFile makes a file durable: whole, or as if it had never been.
func writeFile(path string, parts ...[]byte) error {
	temporary := path + unready
	err := writeSync(temporary, parts)
	if err == nil {
		err = os.Rename(temporary, path)
	}
	if err != nil {
		os.Remove(temporary)
		return err
	}
	return syncDir(filepath.Dir(path))
}

func writeSync(path string, parts [][]byte) (err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	for _, part := range parts {
		if _, err := f.Write(part); err != nil {
			return errors.Join(err, f.Close())
		}
	}
	return errors.Join(f.Sync(), f.Close())
}

func syncDir(path string) error {
	dir, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

// tellDisk logs a disk that begins to fail, and one that has come back.
func (c *Camera) tellDisk(err error) {
	c.mu.Lock()
	changed := c.failing != (err != nil)
	c.failing = err != nil
	c.mu.Unlock()
	switch {
	case !changed:
	case err != nil:
		c.Log.Warn("attachments are kept in memory only: they cannot be written to disk", "error", err)
	default:
		c.Log.Info("attachments are kept on disk again")
	}
}

// clear removes the files of what is gone.
func (c *Camera) clear() {
	c.mu.Lock()
	trash := c.trash
	c.trash = nil
	c.mu.Unlock()
	for _, k := range trash {
		os.Remove(c.path(k)) // one that stays is removed by Keep at the next start
	}
}

// fetched reads a piece back from disk.
func (c *Camera) fetched(p piece) notify.Attachment {
	a := p.Attachment
	f, err := os.Open(c.path(p.key))
	if err == nil {
		defer f.Close()
		r := bufio.NewReaderSize(f, maxLabel)
		var l label
		if l, _, err = readLabel(r); err == nil && l.Bytes == p.size {
			a.Data = make([]byte, l.Bytes)
			_, err = io.ReadFull(r, a.Data)
		} else if err == nil { // it has made room meanwhile
			a.Type, a.Fault = "", l.Fault
		}
	}
	if err != nil {
		a.Data, a.Fault = nil, "was kept, but cannot be read back: "+plain(err)
	}
	return a
}

// readLabel reads a file's first line, and says how long that is.
func readLabel(r *bufio.Reader) (l label, length int, err error) {
	line, err := r.ReadSlice('\n')
	if err == nil {
		err = json.Unmarshal(line, &l)
	}
	if err == nil && l.Bytes < 0 {
		err = errors.New("its length makes no sense")
	}
	return l, len(line), err
}

// load takes up what was kept before this start. What is not whole, as after
// a power cut, is removed.
func (c *Camera) load() {
	if c.Dir == "" {
		return
	}
	entries, err := os.ReadDir(c.Dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		c.Log.Warn("attachments from before this start cannot be read", "error", err)
	}
	for _, entry := range entries {
		k, ending := parseKey(entry.Name())
		switch {
		case ending == "": // not ours
		case ending == whole && c.loadOne(k):
		default:
			os.Remove(filepath.Join(c.Dir, entry.Name()))
		}
	}
	c.makeRoom()
	c.thin()
	poke(c.unsaved)
}

func parseKey(name string) (k key, ending string) {
	for _, ending := range []string{whole, whole + unready} {
		if _, err := fmt.Sscanf(name, "%d-%d", &k.serial, &k.index); err == nil && name == k.String()+ending {
			return k, ending
		}
	}
	return key{}, ""
}

func (c *Camera) loadOne(k key) bool {
	f, err := os.Open(c.path(k))
	if err != nil {
		return false
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return false
	}
	l, length, err := readLabel(bufio.NewReaderSize(f, maxLabel))
	if err != nil || info.Size() != int64(length)+int64(l.Bytes) || (l.Fault == "") != (l.Bytes > 0) {
		return false
	}
	c.add(&piece{
		key: k, settled: true, size: l.Bytes, version: 1, saved: 1,
		Attachment: notify.Attachment{Source: l.Source, Name: l.Name, Type: l.Type, Taken: l.Taken, Fault: l.Fault},
	})
	return true
}

// plain is an error without the path and the call that led to it.
func plain(err error) string {
	var path *fs.PathError
	if errors.As(err, &path) {
		err = path.Err
	}
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
		return "it is cut off"
	}
	return clean(err.Error())
}
