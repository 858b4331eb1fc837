package outbox

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"runtime/debug"
	"slices"
	"strings"
	"syscall"
	"time"

	"go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"
)

// store is the outbox's file: one bbolt database with one bucket of live
// records and one of the log. All live records are also in memory, so that
// losing the disk loses nothing that was not on it, and a disk that comes back
// gets all of it in one transaction.
type store struct {
	path string
	db   *bbolt.DB         // nil while there is no disk to write to
	live map[string][]byte // what must survive
	// dirty are the keys whose live value, or absence, is not on disk yet.
	dirty map[string]bool
	// disk are the live keys on disk: what was never written needs no delete.
	disk map[string]bool
	log  [][]byte // records of the log that are not on disk yet, oldest first
	logs int      // records in the log bucket
	// loaded says that memory has what the file had when it was first read.
	loaded bool
	// met are records of a file that was first read late, under keys that
	// memory had given to others by then.
	met map[string][]byte
	// aside is the name that a broken file was given when the disk came back.
	aside string
	// update is db.Update; tests make it fail.
	update func(*bbolt.DB, func(*bbolt.Tx) error) error
}

var (
	liveBucket = []byte("live")
	logBucket  = []byte("log")
)

// maxLog bounds the log: some 600 KB at the usual size of a record.
const maxLog = 1000

// ErrInUse means that another process has the store open.
var ErrInUse = errors.New("another pinbell is running with this state directory")

func newStore(path string) *store {
	return &store{
		path: path, live: map[string][]byte{}, dirty: map[string]bool{}, disk: map[string]bool{}, met: map[string][]byte{},
		update: func(db *bbolt.DB, f func(*bbolt.Tx) error) error { return db.Update(f) },
	}
}

// pageSize makes a transaction of a few small records small on the card. The
// kernel writes 4 KB at the least, but records of one alert share those.
const pageSize = 1024

// open opens the file, or makes it, and reads what it has. A file that is not
// a readable store is set aside by name, and aside says which name. Any error
// leaves the store in memory only.
func (s *store) open() (aside string, err error) {
	err = s.attach(false)
	if err == nil || errors.Is(err, ErrInUse) {
		return "", err
	}
	if isDisk(err) {
		return "", errors.Join(err, s.peek())
	}
	aside = s.path + ".broken-" + time.Now().UTC().Format("20060102T150405Z")
	if err := os.Rename(s.path, aside); err != nil {
		return "", fmt.Errorf("set the broken store aside: %w", err)
	}
	return aside, s.attach(false)
}

// isDisk tells an error of the file system from one of the file's content.
func isDisk(err error) bool {
	var errno syscall.Errno
	return errors.As(err, &errno)
}

// peek reads what it can from a store that cannot be written.
func (s *store) peek() error {
	if _, err := os.Stat(s.path); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	err := s.attach(true)
	s.detach()
	return err
}

// attach opens the database and loads it.
func (s *store) attach(readOnly bool) (err error) {
	defer guard(&err)()
	if err := inspect(s.path); err != nil {
		return err
	}
	db, err := bbolt.Open(s.path, 0o600, &bbolt.Options{
		Timeout: 2 * time.Second, NoFreelistSync: true, FreelistType: bbolt.FreelistMapType,
		PageSize: pageSize, ReadOnly: readOnly,
	})
	if errors.Is(err, berrors.ErrTimeout) {
		return ErrInUse
	}
	if err != nil {
		return fmt.Errorf("open %s: %w", s.path, err)
	}
	if err := s.load(db); err != nil {
		return errors.Join(err, db.Close())
	}
	s.db = db
	return nil
}

// largestStore bounds the file that is looked through: what waits and the log
// are bounded, so a larger one is not ours.
const largestStore = 256 << 20

// inspect reads the file once, so that a page that the card does not give back
// is an error here and not a fault in the memory map, and looks through it.
func inspect(path string) error {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, largestStore+1))
	if err != nil {
		return err
	}
	if len(data) > largestStore {
		return fmt.Errorf("%s has more than %d bytes", path, largestStore)
	}
	if err := sound(data); err != nil {
		return fmt.Errorf("check %s: %w", path, err)
	}
	return nil
}

// load reads the live records. The first time they
// are the state to go on from; later memory is the truth, and what else the
// file has is deleted by the next flush.
func (s *store) load(db *bbolt.DB) error {
	return db.View(func(tx *bbolt.Tx) error {
		s.logs = 0
		if log := tx.Bucket(logBucket); log != nil {
			s.logs = log.Stats().KeyN
		}
		bucket := tx.Bucket(liveBucket)
		if bucket == nil {
			s.loaded = true
			return nil
		}
		err := bucket.ForEach(func(k, v []byte) error {
			s.found(string(k), v)
			return nil
		})
		s.loaded = s.loaded || err == nil
		return err
	})
}

func (s *store) found(key string, value []byte) {
	s.disk[key] = true
	_, known := s.live[key]
	switch {
	case known && !s.loaded:
		s.met[key] = slices.Clone(value)
	case known:
	case s.loaded:
		s.dirty[key] = true
	default:
		s.live[key] = slices.Clone(value)
	}
}

// guard turns a panic of bbolt, or a page of the file that the card does not
// give back, into an error.
func guard(err *error) func() {
	before := debug.SetPanicOnFault(true)
	return func() {
		debug.SetPanicOnFault(before)
		if p := recover(); p != nil {
			*err = fmt.Errorf("the store is damaged: %v", p)
		}
	}
}

func (s *store) detach() {
	if s.db != nil {
		s.db.Close() // what it has is committed
		s.db = nil
	}
}

// put changes a record in memory; nil deletes it. flush makes it durable.
func (s *store) put(key string, value []byte) {
	if value == nil {
		delete(s.live, key)
		if !s.disk[key] {
			delete(s.dirty, key)
			return
		}
	} else {
		s.live[key] = value
	}
	s.dirty[key] = true
}

// errLate means that the file could be read for the first time just now, and
// that what it has is to be taken up before anything is written over it.
var errLate = errors.New("the store was read late")

// flush writes all that is not on disk yet, in one transaction. After an error
// everything is still in memory, and the file is opened anew at the next try.
func (s *store) flush() (err error) {
	if s.db != nil && len(s.dirty) == 0 && len(s.log) == 0 {
		return nil
	}
	if s.db == nil {
		late := !s.loaded
		if err := s.reattach(); err != nil {
			return err
		}
		if late && s.loaded {
			return errLate
		}
	}
	if err := s.commit(); err != nil {
		s.detach()
		return fmt.Errorf("write %s: %w", s.path, err)
	}
	for key := range s.dirty {
		if _, lives := s.live[key]; lives {
			s.disk[key] = true
		} else {
			delete(s.disk, key)
		}
	}
	clear(s.dirty)
	s.log = nil
	return nil
}

// reattach opens the file again after the disk failed. The file may be
// another one by now, so all of memory is written to it.
func (s *store) reattach() error {
	for key := range s.live {
		s.dirty[key] = true
	}
	aside, err := s.open()
	s.aside = aside
	return err
}

func (s *store) commit() (err error) {
	defer guard(&err)()
	logs := s.logs
	err = s.update(s.db, func(tx *bbolt.Tx) error {
		live, err := tx.CreateBucketIfNotExists(liveBucket)
		if err != nil {
			return err
		}
		for _, key := range s.ordered() {
			if value, lives := s.live[key]; lives {
				err = live.Put([]byte(key), value)
			} else {
				err = live.Delete([]byte(key))
			}
			if err != nil {
				return err
			}
		}
		logs, err = s.appendLog(tx)
		return err
	})
	if err == nil {
		s.logs = logs
	}
	return err
}

// ordered lists the dirty keys; a fixed order makes equal transactions equal.
func (s *store) ordered() []string {
	keys := make([]string, 0, len(s.dirty))
	for key := range s.dirty {
		keys = append(keys, key)
	}
	slices.SortFunc(keys, strings.Compare)
	return keys
}
