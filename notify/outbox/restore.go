package outbox

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"pinbell/notify"
)

// read fills the box from the store's records.
func (b *Box) read() {
	b.serial = 0
	if n := decodeUint(b.store.live[serialKey]); n <= lastSerial {
		b.serial = n
	}
	b.ledger = decodeLedger(b.store.live[ledgerKey])
	b.store.put(pairsKey, nil)
	if id := string(b.store.live[idKey]); id != "" && len(id) <= 16 && strings.Trim(id, "abcdefghijklmnopqrstuvwxyz234567") == "" {
		b.id = id
	}
	for _, key := range sortedKeys(b.store.live) {
		if err := b.readRecord(key, b.store.live[key]); err != nil {
			b.tellUnreadable(key, err)
		}
	}
	slices.SortStableFunc(b.mails, func(x, y *parcel) int { return x.Sealed.Compare(y.Sealed) })
	b.last = b.newestAccepted()
}

func (b *Box) readRecord(key string, value []byte) error {
	switch kind, name, _ := strings.Cut(key, "/"); kind {
	case "event":
		var ev notify.Event
		if err := json.Unmarshal(value, &ev); err != nil {
			return err
		}
		if err := fit(&ev); err != nil {
			return err
		}
		if eventKey(ev.Serial) != key {
			return errElsewhere
		}
		b.waiting = append(b.waiting, ev)
		b.serial = max(b.serial, ev.Serial)
	case "mail":
		p := &parcel{}
		if err := json.Unmarshal(value, p); err != nil {
			return err
		}
		if err := p.fit(name); err != nil {
			return err
		}
		p.afterRestart(time.Now())
		b.mails = append(b.mails, p)
	case "rate":
		b.rates[name] = decodeLedger(value)
	}
	return nil
}

// lastSerial keeps a broken number from ending the counting.
const lastSerial = 1 << 62

var errElsewhere = errors.New("it belongs under another key")

// fit refuses what has a JSON form and tells nothing, or nobody.
func fit(ev *notify.Event) error {
	switch {
	case ev.Kind == 0:
		return errors.New("the event is of no kind")
	case ev.Serial > lastSerial:
		return errors.New("the event has an impossible number")
	case len(ev.To) == 0:
		return errors.New("the event is for nobody")
	}
	return nil
}

func (p *parcel) fit(name string) error {
	switch {
	case p.ID != name:
		return errElsewhere
	case len(p.Events) == 0 || len(p.To) == 0:
		return errors.New("the mail has no events, or nobody to go to")
	}
	for i := range p.Events {
		if err := fit(&p.Events[i]); err != nil {
			return err
		}
	}
	return nil
}

func (b *Box) tellUnreadable(key string, err error) {
	b.Troubles.Raise(notify.Trouble{
		Code: "store.record", About: key,
		Sentence: fmt.Sprintf("A record of the store, %s, cannot be read: %v.", key, err),
		Doing:    "It is kept as it is, and not told.",
		Remedy:   "It may come from a newer pinbell: install that one again.",
	})
}

func sortedKeys(m map[string][]byte) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// takeUp goes on from a store that could not be read at the start. Where what
// was found there and what has happened since have one number, what was found
// gets another.
func (b *Box) takeUp() {
	if n := decodeUint(b.store.met[serialKey]); n <= lastSerial {
		b.serial = max(b.serial, n)
	}
	if found := decodeLedger(b.store.met[ledgerKey]); len(found) > 0 { // both were handed over
		b.store.put(ledgerKey, append(found, b.ledger...).encode())
	}
	for _, key := range sortedKeys(b.store.met) {
		var ev notify.Event
		if !strings.HasPrefix(key, "event/") || json.Unmarshal(b.store.met[key], &ev) != nil {
			continue
		}
		b.serial++
		ev.Serial = b.serial
		b.store.put(eventKey(ev.Serial), encode(ev))
	}
	clear(b.store.met)
	if b.id != "" { // mails of this run have it already
		b.store.put(idKey, []byte(b.id))
	}
	b.store.put(serialKey, encodeUint(b.serial))
	b.waiting, b.mails = nil, nil
	b.read()
}

// keepPictures tells which events may still be asked for.
func (b *Box) keepPictures() {
	if b.Pictures == nil {
		return
	}
	var serials []uint64
	for _, ev := range b.waiting {
		serials = append(serials, ev.Serial)
	}
	for _, p := range b.mails {
		for _, ev := range p.Events {
			serials = append(serials, ev.Serial)
		}
	}
	b.Pictures.Keep(serials)
}
