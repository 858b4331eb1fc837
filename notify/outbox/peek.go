package outbox

import (
	"os"
	"path/filepath"
	"slices"

	"go.etcd.io/bbolt"

	"pinbell/notify"
)

// Peek reads the outbox of a directory that no daemon works with, for one who
// looks: nothing is written, made or set aside. What it gives lives in memory
// and knows nothing of what happens later. ErrInUse: a daemon has the store;
// an error that is os.ErrNotExist: there is none.
func Peek(c Config) (*Box, error) {
	path := filepath.Join(c.Dir, FileName)
	if _, err := os.Stat(path); err != nil {
		return nil, err
	}
	s := newStore(path)
	err := s.attach(true)
	if err != nil {
		return nil, err
	}
	s.log, err = s.oldestFirst()
	s.detach() // a daemon that starts just now finds the file free
	if err != nil {
		return nil, err
	}
	c.Dir = "" // in memory only
	if c.Troubles == nil {
		c.Troubles = &notify.Troubles{}
	}
	b := &Box{Config: c, wake: make(chan struct{}, 1), store: s, rates: map[string]Ledger{}}
	b.read()
	return b, nil
}

// oldestFirst reads the whole log.
func (s *store) oldestFirst() (records [][]byte, err error) {
	defer guard(&err)()
	err = s.db.View(func(tx *bbolt.Tx) error {
		log := tx.Bucket(logBucket)
		if log == nil {
			return nil
		}
		return log.ForEach(func(_, record []byte) error {
			records = append(records, slices.Clone(record))
			return nil
		})
	})
	return records, err
}

// DiskFault says why nothing can be saved in a directory, and what helps.
func DiskFault(dir string, err error) (sentence, remedy string) {
	return (&Box{Config: Config{Dir: dir}}).diskFault(err)
}
