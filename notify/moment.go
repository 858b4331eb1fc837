package notify

import "time"

// Moment is an instant as a board without a battery clock can know it: by the
// board's own clock, which may be wrong, and by the time since this start of
// the board, which is not. Later trust can date an earlier Moment through Up.
type Moment struct {
	Wall    time.Time     `json:"wall"`              // the best time known then; right when Trusted
	Boot    string        `json:"boot,omitempty"`    // the kernel's boot id
	Up      time.Duration `json:"up"`                // since that boot
	Trusted bool          `json:"trusted,omitempty"` // Wall was checked, at the time or later
	// Undated means that nothing can date it any more: it comes from an
	// earlier boot in which the time was never known. Wall is then not shown.
	Undated bool `json:"undated,omitempty"`
}

// IsZero reports whether m was never set.
func (m Moment) IsZero() bool { return m.Boot == "" && m.Wall.IsZero() }
