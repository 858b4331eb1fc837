package peer

import "time"

// Deadline is how long a session may take where its relay does not say.
const Deadline = 2 * time.Minute

const (
	slowestUplink = 16 << 10 // bytes a second: the allowance for a mail's size
	longestUpload = 10 * time.Minute
)

// Patience is how long it may take to carry size bytes and hear the answer,
// with so much for the session itself; 0 is Deadline.
func Patience(session time.Duration, size int) time.Duration {
	if session <= 0 {
		session = Deadline
	}
	return session + min(time.Duration(size/slowestUplink)*time.Second, longestUpload)
}

// Now is the time that certificates are checked against: the corrected one, or
// the board's where nobody corrects it.
func Now(corrected func() time.Time) time.Time {
	if corrected == nil {
		return time.Now()
	}
	return corrected()
}
