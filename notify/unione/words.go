package unione

import (
	"cmp"
	"fmt"
	"net/http"
	"strings"
	"time"

	"pinbell/notify"
	"pinbell/notify/peer"
)

// wording is what the sentences of a trouble are made of.
type wording struct {
	*finding
	host string
	port int
	mask peer.Mask
	said string // the answer or the error, fit to be shown
	now  time.Time
}

func (s *Session) wording(f *finding) wording {
	said := s.mask.Clean(f.words())
	if f.cause == "" && f.answer.read {
		said = f.answer.numbers() + cmp.Or(said, "no word of explanation")
	}
	return wording{f, s.relay.host(), s.relay.port(), s.mask, said, s.relay.now()}
}

// numbers are an answer's, as in "HTTP 400, code 1574: ".
func (a answer) numbers() string {
	if a.code == 0 {
		return fmt.Sprintf("HTTP %s: ", strings.TrimSpace(fmt.Sprint(a.status, " ", http.StatusText(a.status))))
	}
	return fmt.Sprintf("HTTP %d, code %d: ", a.status, a.code)
}

// trouble puts a ruling into words; nil when there is nothing to tell.
func (w wording) trouble(ruled ruling) *notify.Trouble {
	if ruled.trouble == "" {
		return nil
	}
	sentence, remedy := w.explain(ruled.trouble)
	return &notify.Trouble{Code: ruled.trouble, About: w.host, Sentence: sentence, Doing: w.intention(ruled), Remedy: remedy}
}

func (w wording) intention(ruled ruling) string {
	next := "tries again at growing intervals."
	if wait := max(ruled.wait, w.answer.after); wait > 0 {
		next = "tries again in " + notify.Span(wait) + "."
	}
	switch ruled.outcome {
	case notify.Accepted:
		return "pinbell sent the mail to the other recipients."
	case notify.Refused:
		if ruled.trouble == "mail.size" {
			return "pinbell keeps the mail and tries again with less in it."
		}
		return "pinbell keeps the mail and tries again ever more rarely, once a day in the end."
	case notify.Unknown:
		return "pinbell " + next + " The mail may arrive twice."
	}
	return "pinbell keeps every mail and " + next
}

func (w wording) explain(code string) (sentence, remedy string) {
	server := peer.Server{Host: w.host, Port: w.port, Implicit: true}
	switch code {
	case "mail.dns":
		return fmt.Sprintf("The name %s has no address: %s.", w.host, w.said),
			"Check that the board is on the network and that its name server answers."
	case "mail.network":
		return w.network()
	case "mail.certificate":
		return server.Certificate(w.err, w.said, w.now)
	case "mail.tls":
		return server.Handshake(w.err, w.said)
	case "mail.password":
		return fmt.Sprintf("The API key for %s cannot be used: %s.", w.host, strings.TrimSuffix(w.said, ".")),
			"Check mail.password_file (or password_env, or the systemd credential mail.password): it holds the API key, and pinbell must be able to read it."
	case "mail.login":
		return w.badKey()
	}
	return w.aboutMail(code)
}

// aboutMail explains what concerns mails and not the session.
func (w wording) aboutMail(code string) (sentence, remedy string) {
	switch code {
	case "mail.sender":
		return fmt.Sprintf("%s refused the sender: %s", w.host, w.said),
			"mail.from must be an address of a domain of your own that is verified in the UniOne account, under Domains: its DNS has to show UniOne's records. An @icloud.com or @gmail.com address cannot be."
	case "mail.quota":
		return w.quota()
	case "mail.size":
		return fmt.Sprintf("The mail is too large for %s: %s", w.host, w.said), "Smaller pictures under attach, or fewer, go through whole."
	case "mail.recipient":
		return w.recipients()
	case "mail.refused":
		return fmt.Sprintf("%s refused the mail: %s", w.host, w.said), "The reply says why. If it speaks of spam or policy, ask UniOne's support."
	}
	return w.server()
}

// network explains a connection that failed. Each host of UniOne's answers on
// the port of the web, which hardly any network blocks.
func (w wording) network() (sentence, remedy string) {
	const passes = "This usually passes. If it stays, restart the router, or try another network."
	switch {
	case w.step == atDial && w.cause == silent:
		return fmt.Sprintf("%s does not answer on port %d.", w.host, w.port), w.blocked()
	case w.step == atDial && w.cause == closed:
		return fmt.Sprintf("%s refuses connections on port %d.", w.host, w.port), w.blocked()
	case w.step == atDial:
		return fmt.Sprintf("There is no way to %s: %s.", w.host, w.said), "Check the board's cable or Wi-Fi, and its router."
	case w.cause == "":
		return fmt.Sprintf("%s gave no clear receipt for the mail: %s.", w.host, w.said), ""
	case w.cause == silent:
		return fmt.Sprintf("%s stopped answering while %s.", w.host, w.doing()), passes
	}
	return fmt.Sprintf("The connection to %s broke off while %s: %s.", w.host, w.doing(), w.said), passes
}

func (w wording) doing() string {
	switch w.step {
	case atTLS:
		return "agreeing on TLS"
	case atAuth:
		return "asking about the API key"
	case atData:
		return "sending the mail"
	case atDot:
		return "waiting for the receipt"
	}
	return "beginning a mail"
}

func (w wording) blocked() string {
	return fmt.Sprintf("The board may have no way to the internet. Try `nc -vz %s %d` on another computer in the same network: "+
		"if that works, look at the board's cable or Wi-Fi; if not, at the router, or ask for port %d to be opened.", w.host, w.port, w.port)
}

func (w wording) badKey() (sentence, remedy string) {
	switch {
	case w.answer.code == 114:
		return fmt.Sprintf("The API key is of an account in another data centre than %s: %s", w.host, w.said), otherHost(w.host)
	case w.answer.status == http.StatusForbidden:
		return fmt.Sprintf("%s does not let this API key send mail: %s", w.host, w.said),
			"Look into the UniOne account: it may be blocked or not confirmed yet, or the key may be of a project that may not send."
	}
	remedy = "Most likely the key was not copied whole, or was replaced in the account since. " +
		"Copy the API key from the UniOne account, under Settings, into the file that mail.password_file names."
	if w.host != Host { // which knows the accounts of all data centres
		remedy += " " + otherHost(w.host)
	}
	return fmt.Sprintf("%s refused the API key: %s", w.host, w.said), remedy
}

// otherHost names where else the account may be.
func otherHost(host string) string {
	const us, eu = "us1.unione.io", "eu1.unione.io"
	switch host {
	case us:
		return fmt.Sprintf("If the account was made in Europe, set mail.host = %q.", eu)
	case eu:
		return fmt.Sprintf("If the account was made in America, set mail.host = %q.", us)
	}
	return fmt.Sprintf("Set mail.host to the account's data centre: %q or %q, as its web pages show.", us, eu)
}

func (w wording) quota() (sentence, remedy string) {
	switch {
	case w.answer.code == 904 || w.answer.status == http.StatusPaymentRequired:
		return fmt.Sprintf("The UniOne account has no mails left that are paid for: %s", w.said),
			"Pay for more in the UniOne account, under Billing. What waits goes out after that."
	case w.answer.code == 0 && w.answer.status == http.StatusTooManyRequests:
		return fmt.Sprintf("%s asks for fewer requests: %s", w.host, w.said),
			"This passes by itself. If other programs use this account, let them send more slowly."
	}
	return fmt.Sprintf("%s takes no more mail from this account for now: %s", w.host, w.said),
		"What waits goes out when it takes mail again, tomorrow as a rule. A free account sends 100 mails a day, and only to its own verified domains: choose a larger plan, or lower limits.per_day."
}

const maxNamed = 10

// recipients explains who does not get the mail, and why.
func (w wording) recipients() (sentence, remedy string) {
	var list []string
	remedy = "Check these addresses under mail.to and in the rules."
	for i, f := range w.answer.failed {
		if i == maxNamed {
			list = append(list, fmt.Sprintf("and %d more", len(w.answer.failed)-i))
			break
		}
		why := w.mask.Clean(f.reason)
		if known, ok := reasons[f.reason]; ok {
			why += ", which means that " + known.means
		}
		list = append(list, peer.Excerpt(f.to)+" ("+why+")")
		if f.reason == "unsubscribed" || f.reason == "complained" || f.reason == "permanent_unavailable" {
			remedy = "Take these addresses off the suppression list in the UniOne account, or choose others under mail.to and in the rules."
		}
	}
	return fmt.Sprintf("%s does not send to %s.", w.host, strings.Join(list, "; ")), remedy
}

func (w wording) server() (sentence, remedy string) {
	switch {
	case w.answer.status/100 == 3 || w.answer.status == http.StatusNotFound || w.answer.status == http.StatusMethodNotAllowed:
		return fmt.Sprintf("%s is not where UniOne's API is: %s", w.host, w.said), otherHost(w.host)
	case w.answer.status == http.StatusForbidden:
		return fmt.Sprintf("A gateway before %s turns this board away: %s", w.host, w.said), "Try another network. If it stays, ask UniOne's support, and tell them the board's address on the internet."
	}
	return fmt.Sprintf("%s cannot serve pinbell now: %s", w.host, w.said), "This usually passes. If it stays, look at UniOne's status page."
}
