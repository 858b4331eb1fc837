package outbox

import (
	"encoding/binary"
	"slices"

	"go.etcd.io/bbolt"
)

// record appends to the log. Without a disk only the newest are kept.
func (s *store) record(value []byte) {
	s.log = append(s.log, value)
	if over := len(s.log) - maxLog; over > 0 {
		s.log = slices.Delete(s.log, 0, over)
	}
}

// appendLog writes the pending log records and removes the oldest beyond the
// bound; it gives the number of records then.
func (s *store) appendLog(tx *bbolt.Tx) (int, error) {
	if len(s.log) == 0 {
		return s.logs, nil
	}
	log, err := tx.CreateBucketIfNotExists(logBucket)
	if err != nil {
		return 0, err
	}
	for _, record := range s.log {
		n, err := log.NextSequence()
		if err != nil {
			return 0, err
		}
		if err := log.Put(binary.BigEndian.AppendUint64(nil, n), record); err != nil {
			return 0, err
		}
	}
	logs := s.logs + len(s.log)
	for c := log.Cursor(); logs > maxLog; logs-- {
		if k, _ := c.First(); k == nil {
			break
		}
		if err := c.Delete(); err != nil {
			return 0, err
		}
	}
	return logs, nil
}

// newest gives the log's last n records, newest first.
func (s *store) newest(n int) (records [][]byte, err error) {
	defer guard(&err)()
	for i := len(s.log) - 1; i >= 0 && len(records) < n; i-- {
		records = append(records, s.log[i])
	}
	if s.db == nil {
		return records, nil
	}
	err = s.db.View(func(tx *bbolt.Tx) error {
		log := tx.Bucket(logBucket)
		if log == nil {
			return nil
		}
		c := log.Cursor()
		for k, v := c.Last(); k != nil && len(records) < n; k, v = c.Prev() {
			records = append(records, slices.Clone(v))
		}
		return nil
	})
	return records, err
}
