package unione

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"pinbell/notify"
	"pinbell/notify/peer"
)

// A step is where a mail stands; the names are among those of Verdict.Step.
type step string

const (
	atDial step = "dial"
	atTLS  step = "tls"
	atAuth step = "auth" // the key
	atIdle step = "mail" // nothing of the mail was sent yet
	atRcpt step = "rcpt"
	atData step = "data" // a part of the request was sent
	atDot  step = "dot"  // all of it was: the mail may be UniOne's
)

// A cause is what came back where no answer did.
type cause string

const (
	lost     cause = "lost"     // the connection ended, or what came is not HTTP
	silent   cause = "silent"   // the deadline passed
	stopped  cause = "stopped"  // pinbell itself was told to stop
	noName   cause = "noname"   // DNS has no address
	closed   cause = "closed"   // nobody listens on the port
	badCert  cause = "badcert"  // the certificate does not verify
	badTLS   cause = "badtls"   // no handshake for another reason
	noSecret cause = "nosecret" // the key could not be read
	tooLarge cause = "toolarge" // more than the API takes
	unfit    cause = "unfit"    // the mail itself cannot be written
)

// ruling is what follows from a finding.
type ruling struct {
	outcome notify.Outcome
	account bool          // every other mail would meet it too
	wait    time.Duration // 0: the courier's own backoff
	trouble string        // code; empty: nothing that the owner should know
}

// row applies when each of its columns does; an empty one always does.
type row struct {
	steps string // of these steps
	came  string // an HTTP status, a class (4xx), or a cause; several by spaces
	gist  string // what the answer comes to, see answer.gist; several by spaces
	says  string // the answer speaks of this, see topics
	ruling
}

const (
	accepted, refused, deferred, down, unknown = notify.Accepted, notify.Refused, notify.Deferred, notify.Down, notify.Unknown

	// UniOne declines an idempotence key that it saw less than a minute ago,
	// and that counts as a receipt. So a mail that UniOne did answer waits for
	// longer than that: the mere memory of a refusal must not become a receipt.
	// Unknown does not wait: a repeat within the minute makes no duplicate, and
	// a later one may.
	again = 65 * time.Second

	later = time.Hour     // a person has to change something
	long  = 4 * time.Hour // a daily limit: six tries a day

	longest = 4 * time.Hour // that a Retry-After is believed
)

// The table, from what came back to what follows. The first row that applies
// counts. Its lines of thought:
//
//   - Until a part of the mail was sent, nothing is about that mail: Down. A
//     connection lost in the midst is the mail's, so that one that cannot pass
//     does not hold up the others. After the end, what is no answer is Unknown.
//   - UniOne's own code counts before the HTTP status. Key and sender are the
//     same for every mail: Down, until a person changes something.
//   - Only what speaks as the API refuses for good: an HTML page is a gateway's.
//   - A gateway that gave up waiting knows as little as pinbell: Unknown.
//   - Text alone decides nothing; it may make a refusal milder by naming it.
var table = []row{
	// steps, came, gist, says → outcome, account, wait, trouble
	{"dot", "2xx", "success", "", ruling{accepted, false, 0, ""}},
	{"dot", "", "1573", "", ruling{accepted, false, 0, ""}}, // the same mail within a minute: it is there already
	{"dot", "", "nobody", "", ruling{refused, false, again, "mail.recipient"}},
	{"dot", "", "nobody-yet", "", ruling{deferred, false, later, "mail.recipient"}},

	{"dot", "stopped", "", "", ruling{unknown, false, 0, ""}},
	{"data", "stopped", "", "", ruling{deferred, false, 0, ""}},
	{"", "stopped", "", "", ruling{down, true, 0, ""}},
	{"dot", "lost silent", "", "", ruling{unknown, false, 0, "mail.network"}},
	{"data", "lost silent", "", "", ruling{deferred, false, 0, "mail.network"}},
	{"", "noname", "", "", ruling{down, true, 0, "mail.dns"}},
	{"", "lost silent closed", "", "", ruling{down, true, 0, "mail.network"}},
	{"", "badcert", "", "", ruling{down, true, 0, "mail.certificate"}},
	{"", "badtls", "", "", ruling{down, true, 0, "mail.tls"}},
	{"", "nosecret", "", "", ruling{down, true, 0, "mail.password"}},
	{"mail", "toolarge", "", "", ruling{refused, false, 0, "mail.size"}},
	{"mail", "unfit", "", "", ruling{refused, false, 0, "mail.refused"}},

	{"dot", "", "101 102 105 106 114", "", ruling{down, true, later, "mail.login"}},
	{"dot", "", "1574", "", ruling{down, true, later, "mail.sender"}},
	{"dot", "", "205 206 215 1103 1598", "sender", ruling{down, true, later, "mail.sender"}},
	{"dot", "", "205 206 215 1103 1598", "", ruling{refused, false, again, "mail.refused"}},
	{"dot", "", "901 902 905 906 1599", "", ruling{deferred, true, long, "mail.quota"}},
	{"dot", "", "904", "", ruling{deferred, true, later, "mail.quota"}}, // until it is paid
	{"dot", "", "199", "", ruling{refused, false, 0, "mail.size"}},      // with less in it, it has another key
	{"dot", "", "150", "", ruling{deferred, true, again, "mail.server"}},

	{"dot", "413", "", "", ruling{refused, false, 0, "mail.size"}},
	{"dot", "429", "", "", ruling{deferred, true, again, "mail.quota"}},
	{"dot", "401", "", "", ruling{down, true, later, "mail.login"}},
	{"dot", "402", "", "", ruling{deferred, true, later, "mail.quota"}},
	{"dot", "403", "unread", "", ruling{down, true, later, "mail.server"}}, // a gateway that does not want this address
	{"dot", "403", "", "sender", ruling{down, true, later, "mail.sender"}},
	{"dot", "403", "", "", ruling{down, true, later, "mail.login"}},
	{"dot", "3xx 404 405", "", "", ruling{down, true, later, "mail.server"}}, // the API is not here
	{"dot", "408", "", "", ruling{deferred, false, again, "mail.server"}},
	{"dot", "502 504 520 524", "", "", ruling{unknown, true, 0, "mail.server"}}, // 52x: Cloudflare's
	{"dot", "500", "", "", ruling{deferred, false, again, "mail.server"}},
	{"dot", "5xx", "", "", ruling{deferred, true, again, "mail.server"}},
	{"dot", "4xx", "unread", "", ruling{deferred, false, later, "mail.server"}},
	{"dot", "4xx", "", "sender", ruling{down, true, later, "mail.sender"}},
	{"dot", "4xx", "", "", ruling{refused, false, again, "mail.refused"}},
	{"dot", "2xx", "unread", "", ruling{unknown, false, 0, "mail.network"}},
}

// topics are what answers speak of, each as words that stand together.
var topics = map[string][]string{
	"sender": {"from_email", "sender", "from email", "domain+verif", "domain+confirm"},
}

// finding is what an attempt met: an answer, or a cause and its error.
type finding struct {
	step   step
	answer answer
	cause  cause // empty: there is an answer
	err    error
}

func (f *finding) Error() string { return string(f.step) + ": " + f.err.Error() }

func (f *finding) Unwrap() error { return f.err }

// judge applies the table. It is total: what no row knows is tried again.
func judge(f finding) ruling {
	for _, row := range table {
		if row.applies(f) {
			return row.ruling
		}
	}
	return ruling{deferred, false, again, "mail.server"}
}

func (row row) applies(f finding) bool {
	return oneOf(row.steps, string(f.step)) &&
		(oneOf(row.came, f.came()) || f.cause == "" && oneOf(row.came, f.class())) &&
		(row.gist == "" || f.cause == "" && oneOf(row.gist, f.answer.gist())) &&
		speaksOf(row.says, f.answer.message)
}

func (f finding) came() string {
	if f.cause != "" {
		return string(f.cause)
	}
	return strconv.Itoa(f.answer.status)
}

func (f finding) class() string { return strconv.Itoa(f.answer.status/100) + "xx" }

func oneOf(list, word string) bool {
	return list == "" || slices.Contains(strings.Fields(list), word)
}

func speaksOf(topic, text string) bool {
	if topic == "" {
		return true
	}
	folded := peer.Lower(text)
	return slices.ContainsFunc(topics[topic], func(words string) bool {
		for word := range strings.SplitSeq(words, "+") {
			if !strings.Contains(folded, word) {
				return false
			}
		}
		return true
	})
}

// reasons are UniOne's words for a recipient that it does not take, and
// whether they are for good. It says that there may be more of them.
var reasons = map[string]struct {
	forGood bool
	means   string
}{
	"invalid":               {true, "there is no such address"},
	"permanent_unavailable": {true, "its server has refused it for good, or it is on UniOne's list of those who want no mail"},
	"unsubscribed":          {true, "somebody followed the link to unsubscribe in an earlier mail"},
	"complained":            {true, "an earlier mail was reported as spam there"},
	"blocked":               {true, "UniOne does not send there"},
	"temporary_unavailable": {false, "its server refused an earlier mail; UniOne waits up to three days"},
}
