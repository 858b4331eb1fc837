package notify

import "time"

// Mail is a sealed set of events: its ID, date, recipients and content do not
// change from attempt to attempt, so that every copy of it has one Message-ID.
type Mail struct {
	ID     string    `json:"id"`     // "118.k3f9x2ab": the first event's serial and the store's name; the Message-ID's local part
	Sealed time.Time `json:"sealed"` // the mail's Date
	// Checked says that Sealed was trusted time; if not, it is what the board's
	// clock said while no time server answered.
	Checked  bool      `json:"checked"`
	To       []string  `json:"to"`       // addresses still to be reached
	Events   []Event   `json:"events"`   // oldest first; at least one; their moments dated at sealing
	Troubles []Trouble `json:"troubles"` // what else kept pinbell from its promise, told along
	Slim     Slim      `json:"slim,omitempty"`

	Files []Attachment `json:"-"` // what the events' Attach gave; loaded for each attempt
}

// Slim is how much of a mail was left out because a server called it too
// large. The text always goes.
type Slim uint8

// The steps of slimming.
const (
	Whole         Slim = iota
	NoAttachments      // the mail says which were left out
	TextOnly           // no HTML and no chart either
)

// Attachment is a picture or a file that goes with a mail, or why it does not.
type Attachment struct {
	Source string    // as the rule names it, without what may be secret: login, query, arguments
	Name   string    // the file's name for the reader: "last.jpg"
	Type   string    // the media type: "image/jpeg"
	Taken  time.Time // by the time known then
	Data   []byte
	Fault  string // why there is no Data: a sentence's end, as in "gave nothing within 10 s"
}

// Outcome says what became of an attempt to hand a mail to a server.
type Outcome uint8

// The outcomes.
const (
	Accepted Outcome = iota + 1 // the server took responsibility (2xx to the final dot)
	Refused                     // this mail, for good
	Deferred                    // this mail, later
	Down                        // the session: dial, TLS, login, clock; charges no mail
	Unknown                     // connection lost after the final dot: again, same Message-ID
)

var outcomes = [...]string{"none", "accepted", "refused", "deferred", "down", "unknown"}

func (o Outcome) String() string { return outcomes[int(o)%len(outcomes)] }

// MarshalText writes the outcome's name.
func (o Outcome) MarshalText() ([]byte, error) { return []byte(o.String()), nil }

// UnmarshalText reads the outcome's name; an unknown one is none.
func (o *Outcome) UnmarshalText(text []byte) error {
	*o = 0
	for i, name := range outcomes {
		if name == string(text) {
			*o = Outcome(i)
		}
	}
	return nil
}

// Verdict is what an attempt came to, in the server's words and in ours.
type Verdict struct {
	Outcome  Outcome       `json:"outcome"`
	Relay    string        `json:"relay"`              // host name of the server
	Step     string        `json:"step,omitempty"`     // where it ended: dial, greeting, ehlo, starttls, tls, auth, mail, rcpt, data, dot
	Code     int           `json:"code,omitempty"`     // the SMTP reply code, 0 without a reply
	Enhanced string        `json:"enhanced,omitempty"` // the enhanced status code: "5.7.0"
	Reply    string        `json:"reply,omitempty"`    // the reply's text, or the error's, without secrets
	QueueID  string        `json:"queue_id,omitempty"` // from the reply to the final dot, where it names one
	Wait     time.Duration `json:"wait,omitempty"`     // at least this long until the next attempt; 0: the courier's own backoff
	Rejected []Rejection   `json:"rejected,omitempty"` // recipients that were refused while the mail went to others
	Account  bool          `json:"account,omitempty"`  // it would meet any other mail too: the account's quota, its login, the server itself
	Trouble  *Trouble      `json:"-"`                  // what the owner should know; nil when nothing
}

// Rejection is a recipient that the server did not take.
type Rejection struct {
	To        string `json:"to"`
	Code      int    `json:"code"`
	Reply     string `json:"reply"`
	Permanent bool   `json:"permanent"` // 5xx: will not be tried again
}
