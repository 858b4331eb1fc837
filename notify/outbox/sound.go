package outbox

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
)

// A store is looked through before bbolt maps it. bbolt trusts its file: a
// page number or an offset that a dying card has changed, or a file that was
// cut off, makes it read beyond the map in a goroutine of its own, and that
// ends the program, at this start and at each one after. The layout is bbolt's
// file format, version 2 (internal/common/page.go and meta.go there): pages of
// equal size, the first two with what is called meta below.

const (
	pageHeader  = 16 // id uint64, flags uint16, count uint16, overflow uint32
	elementSize = 16 // of a branch: pos, ksize uint32, pgid uint64; of a leaf: flags, pos, ksize, vsize uint32
	metaSize    = 64
	bucketSize  = 16 // root pgid, sequence uint64
	maxDepth    = 32

	branchPage = 0x01
	leafPage   = 0x02
	listPage   = 0x10
	noList     = ^uint64(0)
)

// storeFile is a file that is looked through.
type storeFile struct {
	data     []byte
	pageSize uint64
	pages    uint64 // the high water mark: no page from here on
	seen     map[uint64]bool
}

// sound says what is broken in a store's file. An empty file is a new one.
func sound(data []byte) error {
	if len(data) == 0 {
		return nil
	}
	meta, ok := newestMeta(data)
	if !ok {
		return errors.New("neither of its first two pages can be read")
	}
	f := &storeFile{data: data, pageSize: uint64(u32(meta, 8)), pages: u64(meta, 40), seen: map[uint64]bool{0: true, 1: true}}
	if f.pages < 2 || f.pages > uint64(len(data))/f.pageSize {
		return fmt.Errorf("it has %d bytes, and %d pages of %d are in use", len(data), f.pages, f.pageSize)
	}
	if err := f.tree(u64(meta, 16), bounds{}, 0); err != nil {
		return err
	}
	if list := u64(meta, 32); list != noList {
		return f.freelist(list)
	}
	return nil
}

// newestMeta finds the meta that bbolt will go by: of those with a right sum,
// the one of the newest transaction.
func newestMeta(data []byte) (newest []byte, ok bool) {
	for _, at := range []int{0, 1 << 10, 2 << 10, 4 << 10, 8 << 10, 16 << 10, 32 << 10, 64 << 10} {
		if len(data) < at+pageHeader+metaSize {
			break
		}
		m := data[at+pageHeader:][:metaSize]
		sum := fnv.New64a()
		sum.Write(m[:56])
		size := u32(m, 8)
		fits := at == 0 || int(size) == at
		if u32(m, 0) == 0xED0CDAED && u32(m, 4) == 2 && sum.Sum64() == u64(m, 56) && size >= 1<<10 && size <= 64<<10 && fits && (!ok || u64(m, 48) > u64(newest, 48)) {
			newest, ok = m, true
		}
	}
	return newest, ok
}

// page gives a page with what overflows from it, and marks it as used.
func (f *storeFile) page(id uint64) ([]byte, error) {
	if id < 2 || id >= f.pages {
		return nil, fmt.Errorf("page %d of %d is referred to", id, f.pages)
	}
	p := f.data[id*f.pageSize:]
	more := uint64(u32(p, 12))
	if u64(p, 0) != id || more >= f.pages-id {
		return nil, fmt.Errorf("page %d is not what it should be", id)
	}
	for i := id; i <= id+more; i++ {
		if f.seen[i] {
			return nil, fmt.Errorf("page %d is used twice", i)
		}
		f.seen[i] = true
	}
	return p[:(more+1)*f.pageSize], nil
}

// bounds are what the keys of a page lie between; an empty one bounds nothing.
type bounds struct{ from, below []byte }

func (b bounds) has(key []byte) bool {
	return bytes.Compare(key, b.from) >= 0 && (b.below == nil || bytes.Compare(key, b.below) < 0)
}

// tree looks through a bucket from its root on.
func (f *storeFile) tree(id uint64, in bounds, depth int) error {
	if depth > maxDepth {
		return errors.New("its pages are nested too deeply")
	}
	p, err := f.page(id)
	if err != nil {
		return err
	}
	switch flags := u16(p, 8); flags {
	case branchPage:
		return f.branch(p, in, depth)
	case leafPage:
		return f.leaf(p, in, depth)
	default:
		return fmt.Errorf("page %d is of kind %#x", id, flags)
	}
}

func (f *storeFile) branch(p []byte, in bounds, depth int) error {
	n := int(u16(p, 10))
	if n == 0 || pageHeader+n*elementSize > len(p) {
		return fmt.Errorf("a branch has %d elements", n)
	}
	keys := make([][]byte, n, n+1)
	for i := range n {
		at := pageHeader + i*elementSize
		key, err := slice(p, at, u32(p, at), u32(p, at+4))
		if err != nil {
			return err
		}
		keys[i] = key
	}
	if !ordered(keys, in) {
		return errors.New("the keys of a branch are out of order")
	}
	keys = append(keys, in.below)
	for i := range n {
		child := u64(p, pageHeader+i*elementSize+8)
		if err := f.tree(child, bounds{keys[i], keys[i+1]}, depth+1); err != nil {
			return err
		}
	}
	return nil
}

func ordered(keys [][]byte, in bounds) bool {
	for i, key := range keys {
		if !in.has(key) || i > 0 && bytes.Compare(keys[i-1], key) >= 0 {
			return false
		}
	}
	return true
}

func (f *storeFile) leaf(p []byte, in bounds, depth int) error {
	n := int(u16(p, 10))
	if pageHeader+n*elementSize > len(p) {
		return fmt.Errorf("a leaf has %d elements", n)
	}
	keys := make([][]byte, n)
	for i := range n {
		at := pageHeader + i*elementSize
		pos, ksize := u32(p, at+4), u32(p, at+8)
		key, err := slice(p, at, pos, ksize)
		if err != nil {
			return err
		}
		keys[i] = key
		value, err := slice(p, at+int(pos), ksize, u32(p, at+12))
		if err == nil && u32(p, at)&1 != 0 {
			err = f.bucket(value, depth)
		}
		if err != nil {
			return err
		}
	}
	if !ordered(keys, in) {
		return errors.New("the keys of a leaf are out of order")
	}
	return nil
}

// bucket looks through a bucket within a leaf; a small one has no pages of its
// own.
func (f *storeFile) bucket(value []byte, depth int) error {
	switch {
	case len(value) < bucketSize:
		return errors.New("a bucket is cut off")
	case u64(value, 0) != 0:
		return f.tree(u64(value, 0), bounds{}, depth+1)
	case depth > maxDepth || len(value) < bucketSize+pageHeader || u16(value, bucketSize+8) != leafPage:
		return errors.New("a small bucket is broken")
	}
	return f.leaf(value[bucketSize:], bounds{}, depth+1)
}

// freelist looks through the list of pages that are free.
func (f *storeFile) freelist(id uint64) error {
	p, err := f.page(id)
	if err != nil {
		return err
	}
	n, at := uint64(u16(p, 10)), pageHeader
	if n == 0xFFFF {
		n, at = u64(p, at), at+8
	}
	if u16(p, 8) != listPage || n > uint64(len(p)-at)/8 {
		return errors.New("the list of free pages is broken")
	}
	for i := range int(n) {
		if free := u64(p, at+8*i); free < 2 || free >= f.pages || f.seen[free] {
			return fmt.Errorf("page %d is called free", free)
		} else {
			f.seen[free] = true
		}
	}
	return nil
}

// slice gives size bytes at pos bytes after from.
func slice(p []byte, from int, pos, size uint32) ([]byte, error) {
	start := uint64(from) + uint64(pos)
	if end := start + uint64(size); end > uint64(len(p)) {
		return nil, errors.New("an element lies beyond its page")
	}
	return p[start:][:size], nil
}

func u16(b []byte, at int) uint16 { return binary.NativeEndian.Uint16(b[at:]) }
func u32(b []byte, at int) uint32 { return binary.NativeEndian.Uint32(b[at:]) }
func u64(b []byte, at int) uint64 { return binary.NativeEndian.Uint64(b[at:]) }
