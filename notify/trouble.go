// Package notify has the words that the stages behind the sensors share:
// Event, Mail, Verdict, Trouble and the moments they happened at. They are
// values. Nothing here does input or output, and nothing here decides.
package notify

import (
	"cmp"
	"slices"
	"strings"
	"sync"
	"time"
)

// Trouble is something that keeps pinbell from its promise. The same sentences
// serve the log, the status and the next mail that gets through.
type Trouble struct {
	Code     string    `json:"code"`            // stable and dotted: "mail.login", "sensor.fault"
	About    string    `json:"about,omitempty"` // the sensor, server or file that it is about
	Sentence string    `json:"sentence"`        // what is wrong
	Doing    string    `json:"doing,omitempty"` // what pinbell does about it
	Remedy   string    `json:"remedy,omitempty"`
	Since    time.Time `json:"since"` // by the board's clock, with monotonic time while the program runs
}

// Lead is the sentence as people read it: after what it is about, where it does
// not say that itself, and with a stop at its end.
func (t Trouble) Lead() string {
	text := t.Sentence
	if !strings.Contains(text, t.About) {
		text = t.About + ": " + text
	}
	if !strings.HasSuffix(text, ".") {
		text += "."
	}
	return text
}

// Troubles is the set of what is wrong now. Its zero value is empty and ready.
type Troubles struct {
	mu   sync.Mutex
	list []Trouble
	// Changed, if set before first use, hears of each trouble that begins or
	// ends. It is called without a lock.
	Changed func(t Trouble, gone bool)
}

// Raise adds t, or refreshes its sentences if the same trouble (Code, About)
// is there already: Since is then kept.
func (s *Troubles) Raise(t Trouble) {
	if s.put(&t) && s.Changed != nil {
		s.Changed(t, false)
	}
}

func (s *Troubles) put(t *Trouble) (added bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if i := s.find(t.Code, t.About); i >= 0 {
		t.Since = s.list[i].Since
		s.list[i] = *t
		return false
	}
	if t.Since.IsZero() {
		t.Since = time.Now()
	}
	s.list = append(s.list, *t)
	slices.SortStableFunc(s.list, func(a, b Trouble) int {
		return cmp.Or(cmp.Compare(a.Code, b.Code), cmp.Compare(a.About, b.About))
	})
	return true
}

// Clear ends a trouble, if it is there.
func (s *Troubles) Clear(code, about string) {
	s.mu.Lock()
	i := s.find(code, about)
	if i < 0 {
		s.mu.Unlock()
		return
	}
	gone := s.list[i]
	s.list = slices.Delete(s.list, i, i+1)
	s.mu.Unlock()
	if s.Changed != nil {
		s.Changed(gone, true)
	}
}

// List copies what is wrong now, ordered by code and subject.
func (s *Troubles) List() []Trouble {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.list)
}

func (s *Troubles) find(code, about string) int {
	return slices.IndexFunc(s.list, func(t Trouble) bool { return t.Code == code && t.About == about })
}
