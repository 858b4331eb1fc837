package smtp

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"pinbell/notify"
)

// A step is where a session stands; the names are those of Verdict.Step.
type step string

const (
	atDial     step = "dial"
	atGreeting step = "greeting"
	atEhlo     step = "ehlo"
	atStartTLS step = "starttls"
	atTLS      step = "tls"
	atAuth     step = "auth"
	atMail     step = "mail"
	atRcpt     step = "rcpt"
	atData     step = "data" // the DATA command and the mail itself, up to its last line
	atDot      step = "dot"  // from the final dot on, the mail may be the server's
)

// A cause is what came back at a step where no fitting reply did.
type cause string

const (
	lost      cause = "lost"      // the connection ended
	silent    cause = "silent"    // the deadline passed
	garbled   cause = "garbled"   // no SMTP reply, or none that fits
	stopped   cause = "stopped"   // pinbell itself was told to stop
	noName    cause = "noname"    // DNS has no address
	closed    cause = "closed"    // nobody listens on the port
	badCert   cause = "badcert"   // the certificate does not verify
	badTLS    cause = "badtls"    // no handshake for another reason
	noTLS     cause = "notls"     // STARTTLS not offered
	injected  cause = "injected"  // clear text after the reply to STARTTLS
	noAuth    cause = "noauth"    // no login offered, or none that pinbell knows
	noSecret  cause = "nosecret"  // the password could not be read
	badSender cause = "badsender" // the sender is not an address that this server can take
	badAddr   cause = "badaddr"   // the same of a recipient
	tooLarge  cause = "toolarge"  // more bytes than EHLO's SIZE
)

// ruling is what follows from a finding.
type ruling struct {
	outcome notify.Outcome
	wait    time.Duration // 0: the courier's own backoff
	trouble string        // code; empty: nothing that the owner should know
}

// account says that any other mail would meet the same: whatever ends sessions
// does, and so do the account's quota, its login and its sender.
func (r ruling) account() bool {
	return r.outcome == down || r.outcome != accepted && oneOf("mail.quota mail.login mail.sender", r.trouble)
}

// row applies when each of its columns does; an empty one always does.
type row struct {
	steps    string // of these steps
	came     string // a code, a class (4xx), or a cause; several by spaces
	enhanced string // x.7.8 stands for any class; several by spaces
	says     string // the reply speaks of this, see topics; never without a code or class
	provider string
	ruling
}

const (
	accepted, refused, deferred, down, unknown = notify.Accepted, notify.Refused, notify.Deferred, notify.Down, notify.Unknown

	anyMail  = "mail rcpt data dot"
	pastMail = "rcpt data dot"

	shortly = time.Minute      // a login that could not be checked
	soon    = 15 * time.Minute // a server asks for calm
	later   = time.Hour        // a person has to change something; hammering locks accounts
	long    = 4 * time.Hour    // a daily limit: six tries a day
)

// The table, from what came back to what follows. The first row that applies
// counts. Its lines of thought:
//
//   - Up to the reply to MAIL nothing is about one mail but its size, so
//     failures there are Down and charge none; a sender is refused for every
//     mail alike. From RCPT on failures are the mail's, so that one poisonous
//     mail cannot hold up the others. 421 and a lost connection follow the
//     same line.
//   - The account's quota is the exception: it meets every mail, so it is Down
//     wherever it shows. What only resembles it concerns one mail: a full
//     mailbox (x.2.2), a mail too large (552, x.3.4, x.2.3), a recipient who
//     gets too much (x.2.1), and too many recipients at once (x.5.3). Their
//     rows come first.
//   - After the dot, what is no reply is Unknown.
//   - Only a 5xx reply (or our own check) refuses for good. Text alone decides
//     nothing; it may only make a 5xx milder, or name the trouble better.
//   - A 4xx that names a time is taken at its word, see asTold.
//
// Enhanced codes are those of RFC 3463 and 5248; where a provider gives one
// another meaning, its published list of replies is named.
var table = []row{
	// steps, came, enhanced, says, provider → outcome, wait, trouble
	{"dot", "2xx", "", "", "", ruling{accepted, 0, ""}},

	{"dot", "stopped", "", "", "", ruling{unknown, 0, ""}},
	{"rcpt data", "stopped", "", "", "", ruling{deferred, 0, ""}},
	{"", "stopped", "", "", "", ruling{down, 0, ""}},

	{"dial", "noname", "", "", "", ruling{down, 0, "mail.dns"}},
	{"dot", "lost silent garbled", "", "", "", ruling{unknown, 0, "mail.network"}},
	{"rcpt data", "lost silent", "", "", "", ruling{deferred, 0, "mail.network"}},
	{"rcpt data", "garbled", "", "", "", ruling{deferred, 0, "mail.server"}},
	{"", "lost silent closed", "", "", "", ruling{down, 0, "mail.network"}},
	{"", "garbled", "", "", "", ruling{down, 0, "mail.server"}},

	{"tls", "badcert", "", "", "", ruling{down, 0, "mail.certificate"}},
	{"tls", "badtls", "", "", "", ruling{down, 0, "mail.tls"}},
	{"starttls", "notls injected 4xx 5xx", "", "", "", ruling{down, 0, "mail.starttls"}},

	{"greeting ehlo", "4xx", "", "calm", "", ruling{down, soon, "mail.server"}},
	{"greeting ehlo", "421", "x.7.*", "", "", ruling{down, soon, "mail.server"}}, // Gmail: too much from this address
	{"greeting ehlo", "4xx", "", "", "", ruling{down, 0, "mail.server"}},
	{"greeting ehlo", "5xx", "", "", "", ruling{down, later, "mail.server"}}, // this address is not welcome: RFC 5321 section 3.1

	{"auth", "noauth", "", "", "", ruling{down, later, "mail.auth"}},
	{"auth", "nosecret", "", "", "", ruling{down, 0, "mail.password"}},
	{"auth", "4xx 5xx", "", "quota", "", ruling{down, long, "mail.quota"}},
	{"auth", "4xx", "", "calm", "", ruling{down, soon, "mail.server"}}, // Gmail 454 4.7.0, Outlook 432 4.3.2
	{"auth", "432", "", "", "", ruling{down, later, "mail.login"}},     // RFC 4954: a password transition is needed
	{"auth", "4xx", "", "", "", ruling{down, shortly, "mail.server"}},
	{"auth", "500 502 503 504", "", "", "", ruling{down, later, "mail.auth"}},
	{"auth", "5xx", "", "", "", ruling{down, later, "mail.login"}}, // the courier makes this wait grow

	{"mail", "badsender", "", "", "", ruling{down, later, "mail.sender"}},
	{"mail", "toolarge", "", "", "", ruling{refused, 0, "mail.size"}},
	{"rcpt", "badaddr", "", "", "", ruling{refused, 0, "mail.recipient"}},

	{"rcpt", "4xx 5xx", "x.5.3", "", "", ruling{deferred, 0, "mail.recipient"}}, // too many at once: these go in the next turn,
	{"rcpt", "452 552", "", "crowd", "", ruling{deferred, 0, "mail.recipient"}}, // RFC 5321 section 4.5.3.1.10
	{anyMail, "4xx", "x.3.4 x.2.3", "", "", ruling{deferred, 0, "mail.size"}},
	{anyMail, "5xx", "x.3.4 x.2.3", "", "", ruling{refused, 0, "mail.size"}},
	{pastMail, "5xx", "x.2.2", "", "", ruling{deferred, later, "mail.recipient"}}, // the recipient's mailbox is full
	{"data dot", "552", "x.7.*", "", "", ruling{refused, 0, "mail.refused"}},      // Gmail: what is attached is not allowed
	{"rcpt", "552", "", "", "", ruling{deferred, 0, "mail.recipient"}},
	{"mail data dot", "552 523", "", "", "", ruling{refused, 0, "mail.size"}},
	{anyMail, "5xx", "", "size", "", ruling{refused, 0, "mail.size"}},
	{"mail", "4xx", "x.1.7 x.1.8", "", "", ruling{down, 0, "mail.sender"}}, // the sender's domain is not found just now
	{pastMail, "4xx", "x.1.7 x.1.8", "", "", ruling{deferred, 0, "mail.sender"}},
	{pastMail, "4xx", "x.1.* x.2.*", "", "", ruling{deferred, 0, "mail.recipient"}},

	{anyMail, "5xx", "", "quota", "", ruling{down, long, "mail.quota"}}, // a 5xx that is temporary: iCloud, Gmail, Outlook
	{anyMail, "4xx", "", "quota", "", ruling{down, later, "mail.quota"}},
	{anyMail, "5xx", "", "calm", "", ruling{down, later, "mail.quota"}},
	{anyMail, "4xx", "", "calm", "", ruling{down, soon, "mail.quota"}},
	{anyMail, "5xx", "x.7.28", "", "", ruling{down, later, "mail.quota"}}, // Gmail: an unusual rate
	{anyMail, "4xx", "x.7.28", "", "", ruling{down, soon, "mail.quota"}},

	{pastMail, "4xx", "", "greylist", "", ruling{deferred, 0, "mail.recipient"}},
	{"mail", "421", "x.7.*", "", "", ruling{down, soon, "mail.server"}},
	{"mail", "452", "", "", "", ruling{deferred, 0, "mail.server"}}, // no room, perhaps for this size
	{"mail", "4xx", "", "", "", ruling{down, 0, "mail.server"}},
	{pastMail, "421", "x.7.*", "", "", ruling{deferred, soon, "mail.server"}},
	{pastMail, "4xx", "", "", "", ruling{deferred, 0, "mail.server"}},

	{anyMail, "530 534 535 538", "", "", "", ruling{down, later, "mail.login"}},
	{anyMail, "5xx", "x.7.13", "", "", ruling{down, later, "mail.login"}}, // the account is disabled
	{anyMail, "5xx", "", "suspended", "", ruling{down, later, "mail.login"}},
	{"mail", "5xx", "", "login", "", ruling{down, later, "mail.login"}},
	{"mail", "500 502 503 504 555", "", "", "", ruling{down, 0, "mail.server"}}, // it is our dialogue that it dislikes
	{"mail", "5xx", "", "", "", ruling{down, later, "mail.sender"}},
	{pastMail, "5xx", "x.7.* x.1.7 x.1.8 x.2.252", "sender", "", ruling{deferred, later, "mail.sender"}}, // 5.2.252: Outlook
	{pastMail, "5xx", "", "unverified", "unione-us unione-eu", ruling{deferred, later, "mail.sender"}},
	{"rcpt", "5xx", "", "login", "", ruling{deferred, later, "mail.login"}},
	{pastMail, "503", "", "", "", ruling{deferred, 0, "mail.server"}}, // it lost the thread: bad sequence of commands
	{"rcpt", "5xx", "", "", "", ruling{refused, 0, "mail.recipient"}},
	{"data dot", "5xx", "", "", "", ruling{refused, 0, "mail.refused"}},
}

// topics are what replies speak of, each as words that stand together.
var topics = map[string][]string{
	"quota": {"sending limit", "sending quota", "submission quota", "daily+limit", "daily+quota", "limit+per day", "quota+per day"},
	"calm": {"too many messages", "too many mails", "too many emails", "too many connections", "too many concurrent", "too many login", "too many auth", "too many failed",
		"rate limit", "rate-limit", "ratelimit", "sending rate", "unusual rate", "throttl", "too fast", "too quickly", "too frequent", "slow down",
		"thread limit", "connections limit", "connection limit", "limit+per hour", "hourly+limit"},
	"crowd":      {"recipients"},
	"size":       {"message size", "mail size", "size limit", "maximum size", "message too large", "message is too large", "message too big", "message is too big", "message length exceeds"},
	"greylist":   {"greylist", "graylist", "grey list", "grey-list"},
	"sender":     {"from address", "sender", "send as", "sendas", "envelope from", "from header", "mail from"},
	"unverified": {"domain+verif", "sender+verif", "domain+confirm"},
	"login":      {"relay", "authentication required", "authentication is required", "must authenticate"},
	"suspended":  {"outboundspam", "outbound spam", "bad outbound sender", "account+suspended", "account+disabled", "account+blocked", "account+locked"},
}

// finding is what an attempt met at a step: a reply, or a cause and its error.
type finding struct {
	step  step
	reply reply
	cause cause // empty: there is a reply
	err   error
}

// judge applies the table. It is total: what no row knows is tried again.
func judge(f finding, provider string) ruling {
	ruled := ruling{down, 0, "mail.server"}
	if oneOf(pastMail, string(f.step)) {
		ruled.outcome = deferred
	}
	if i := slices.IndexFunc(table, func(r row) bool { return r.applies(f, provider) }); i >= 0 {
		ruled = table[i].ruling
	}
	ruled.wait = ruled.asTold(f)
	return ruled
}

// asTold is the wait that a temporary refusal names, at most an hour or what
// the table has; else what the table has. A login is never tried sooner for it.
func (r ruling) asTold(f finding) time.Duration {
	if f.cause != "" || f.reply.kind() != 4 {
		return r.wait
	}
	told := min(toldWait(f.reply.text()), max(r.wait, later))
	if told == 0 || f.step == atAuth && told < r.wait {
		return r.wait
	}
	return told
}

func (row row) applies(f finding, provider string) bool {
	return oneOf(row.steps, string(f.step)) &&
		(oneOf(row.came, f.came()) || f.cause == "" && oneOf(row.came, f.class())) &&
		enhancedIn(row.enhanced, f.reply.enhanced) &&
		speaksOf(row.says, f.reply.text()) &&
		oneOf(row.provider, provider)
}

func (f finding) came() string {
	if f.cause != "" {
		return string(f.cause)
	}
	return strconv.Itoa(f.reply.code)
}

func (f finding) class() string { return strconv.Itoa(f.reply.kind()) + "xx" }

func oneOf(list, word string) bool {
	for one := range strings.SplitSeq(list, " ") {
		if one == word {
			return true
		}
	}
	return list == ""
}

// enhancedIn compares subject and detail: "x.7.*" has 5.7.0 and 4.7.1. A reply
// without an enhanced code has none of them.
func enhancedIn(list, code string) bool {
	if list == "" {
		return true
	}
	parts := strings.Split(code, ".")
	if len(parts) != 3 {
		return false
	}
	return oneOf(list, "x."+parts[1]+"."+parts[2]) || oneOf(list, "x."+parts[1]+".*")
}

func speaksOf(topic, text string) bool {
	if topic == "" {
		return true
	}
	folded := asciiLower(text)
	return slices.ContainsFunc(topics[topic], func(words string) bool {
		for word := range strings.SplitSeq(words, "+") {
			if !strings.Contains(folded, word) {
				return false
			}
		}
		return true
	})
}
