package outbox

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"go.etcd.io/bbolt"
	"pgregory.net/rapid"
)

// A whole store must never be called broken: it would be set aside.
func TestEveryStoreThatIsWrittenIsSound(t *testing.T) {
	for _, list := range []bool{false, true} {
		t.Run(fmt.Sprintf("free list on disk %v", list), func(t *testing.T) {
			rapid.Check(t, func(r *rapid.T) { writeAtRandom(t, r, list) })
		})
	}
}

func writeAtRandom(t *testing.T, r *rapid.T, list bool) {
	path := filepath.Join(t.TempDir(), "store")
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{NoSync: true, NoFreelistSync: !list, PageSize: pageSize})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for range rapid.IntRange(1, 30).Draw(r, "commits") {
		err := db.Update(func(tx *bbolt.Tx) error {
			bucket, err := tx.CreateBucketIfNotExists([]byte(rapid.SampledFrom([]string{"live", "log", "x"}).Draw(r, "bucket")))
			for range rapid.IntRange(0, 60).Draw(r, "keys") {
				key := fmt.Appendf(nil, "%0*d", rapid.IntRange(1, 40).Draw(r, "width"), rapid.IntRange(0, 300).Draw(r, "key"))
				if rapid.IntRange(0, 3).Draw(r, "delete") == 0 {
					err = bucket.Delete(key)
				} else {
					err = bucket.Put(key, make([]byte, rapid.SampledFrom([]int{0, 5, 300, 5000}).Draw(r, "size")))
				}
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := sound(data); err != nil {
			r.Fatalf("a whole store is called broken: %v", err)
		}
	}
}

// What is called sound, bbolt opens; else a byte that a card has changed could
// end the program at each start.
func TestWhatIsCalledSoundCanBeOpened(t *testing.T) {
	good := goodStore(t)
	path := filepath.Join(t.TempDir(), FileName)
	for at := range good {
		if at%29 != 0 && at > 200 {
			continue // all of the first page, and a part of the others
		}
		for _, flip := range []byte{0x01, 0x14, 0x80, 0xff} {
			broken := append([]byte(nil), good...)
			if broken[at] ^= flip; sound(broken) != nil {
				continue
			}
			if err := os.WriteFile(path, broken, 0o600); err != nil {
				t.Fatal(err)
			}
			s := newStore(path)
			if err := s.attach(false); err != nil {
				t.Fatalf("byte %d changed by %#x: %v", at, flip, err)
			}
			s.detach()
		}
	}
}

func TestStoreThatIsCutOffIsNotSound(t *testing.T) {
	good := goodStore(t)
	for length := 1; length < len(good); length += 511 {
		// bbolt grows a file ahead, so its end may be free.
		if err := sound(good[:length]); err == nil && length < len(good)/4 {
			t.Errorf("%d bytes of %d are called sound", length, len(good))
		}
	}
}
