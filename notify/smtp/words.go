package smtp

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"pinbell/notify"
)

// wording is what the sentences of a trouble are made of.
type wording struct {
	Relay
	finding
	said string // the reply or the error, fit to be shown
	odd  string // about user name and password, if anything
	to   []string
}

// doing is what each step was about, for "broke off while …".
var doing = map[step]string{
	atDial:     "connecting",
	atGreeting: "waiting for its greeting",
	atEhlo:     "saying hello",
	atStartTLS: "asking for TLS",
	atTLS:      "agreeing on TLS",
	atAuth:     "logging in",
	atMail:     "naming the sender",
	atRcpt:     "naming the recipients",
	atData:     "sending the mail",
	atDot:      "waiting for the receipt",
}

// trouble puts a ruling into words; nil when there is nothing to tell.
func (w wording) trouble(ruled ruling) *notify.Trouble {
	if ruled.trouble == "" {
		return nil
	}
	sentence, remedy := w.explain(ruled.trouble)
	trouble := &notify.Trouble{Code: ruled.trouble, About: w.Host, Sentence: sentence, Remedy: remedy}
	trouble.Doing = Doing(notify.Verdict{Outcome: ruled.outcome, Step: string(w.step), Trouble: trouble}, ruled.wait)
	return trouble
}

// Doing says what pinbell does about a verdict, if the next attempt is at least
// wait away. The trouble in a verdict has it for Verdict.Wait; a caller who
// makes that longer says so with this.
func Doing(v notify.Verdict, wait time.Duration) string {
	again := "tries again at growing intervals."
	if wait > 0 {
		again = "tries again in " + notify.Span(wait) + "."
	}
	size := v.Trouble != nil && v.Trouble.Code == "mail.size"
	switch {
	case v.Outcome == notify.Accepted && slices.ContainsFunc(v.Rejected, func(r notify.Rejection) bool { return !r.Permanent }):
		return "pinbell sent the mail to the other recipients. Who was only put off gets it later."
	case v.Outcome == notify.Accepted:
		return "pinbell sent the mail to the other recipients."
	case size:
		return "pinbell keeps the mail, leaves out what is attached and then all but the text, and tries again."
	case v.Outcome == notify.Refused:
		return "pinbell keeps the mail and tries again ever more rarely, once a day in the end."
	case v.Outcome == notify.Unknown:
		return "pinbell " + again + " The mail may arrive twice, with the same Message-ID."
	case RefusedLogin(v):
		return "pinbell keeps every mail and " + again + " A new password is tried at once; each further refusal makes the wait longer, so that the account is not locked."
	}
	return "pinbell keeps every mail and " + again
}

// RefusedLogin says that the server was shown user name and password, and did
// not let them in. Only such verdicts count towards a lock of the account: their
// Wait is for the first one, and has to grow with each that follows.
func RefusedLogin(v notify.Verdict) bool {
	return v.Step == string(atAuth) && v.Trouble != nil && v.Trouble.Code == "mail.login"
}

func (w wording) explain(code string) (sentence, remedy string) {
	switch code {
	case "mail.dns":
		return fmt.Sprintf("The name %s has no address: %s.", w.Host, w.said),
			"Check that the board is on the network and that its name server answers." + w.orElse(" Check mail.host for a slip.", "")
	case "mail.network":
		return w.network()
	case "mail.certificate":
		return w.badCertificate(w.now())
	case "mail.tls":
		return w.badHandshake()
	case "mail.starttls":
		return w.clearText()
	case "mail.login":
		return w.badLogin()
	case "mail.auth":
		return fmt.Sprintf("%s takes no login that pinbell knows (PLAIN or LOGIN): %s.", w.Host, w.said),
			w.preset().login
	case "mail.password":
		return fmt.Sprintf("The password for %s cannot be used: %s.", w.Host, strings.TrimSuffix(w.said, ".")),
			"Check mail.password_file (or password_env, or the systemd credential mail.password), and that pinbell may read it."
	}
	return w.aboutMail(code)
}

// aboutMail explains what concerns mails and not the session.
func (w wording) aboutMail(code string) (sentence, remedy string) {
	switch code {
	case "mail.sender":
		return fmt.Sprintf("%s refused the sender: %s", w.Host, w.said), w.preset().sender
	case "mail.quota":
		return fmt.Sprintf("%s takes no more mail from this account for now: %s", w.Host, w.said), w.quotaRemedy()
	case "mail.size":
		return fmt.Sprintf("The mail is too large for %s: %s", w.Host, w.said), "Smaller pictures and files under attach in the rules make smaller mails."
	case "mail.recipient":
		return fmt.Sprintf("%s did not take %s: %s", w.Host, strings.Join(w.to, ", "), w.said), w.recipientRemedy()
	case "mail.refused":
		return fmt.Sprintf("%s refused the mail: %s", w.Host, w.said), "The reply says why. If it speaks of spam or policy, ask the provider, or send from an address of the account."
	}
	if w.cause == "" && w.reply.kind() == 5 {
		return fmt.Sprintf("%s refuses to serve pinbell, while %s: %s", w.Host, doing[w.step], w.said), w.refusalRemedy()
	}
	return fmt.Sprintf("%s cannot serve pinbell now, while %s: %s", w.Host, doing[w.step], w.said), w.serverRemedy()
}

func (w wording) preset() Preset {
	p, ok := PresetOf(w.Provider)
	if !ok {
		p, _ = PresetOf("custom")
	}
	return p
}

func (w wording) network() (sentence, remedy string) {
	switch {
	case w.step == atDial && w.cause == silent:
		return fmt.Sprintf("%s does not answer on port %d.", w.Host, w.Port), w.blocked()
	case w.step == atDial && w.cause == closed:
		return fmt.Sprintf("%s refuses connections on port %d.", w.Host, w.Port), w.blocked()
	case w.step == atDial:
		return fmt.Sprintf("There is no way to %s: %s.", w.Host, w.said), "Check the board's cable or Wi-Fi, and its router."
	case w.step == atGreeting && w.cause == silent:
		return fmt.Sprintf("%s took the connection on port %d and then said nothing.", w.Host, w.Port),
			w.orElse(`If this port begins with TLS (465 does), set mail.tls = "implicit". `, "") + w.blocked()
	case w.cause == silent:
		return fmt.Sprintf("%s stopped answering while %s.", w.Host, doing[w.step]), "This usually passes. If it stays, restart the router, or try another network."
	case w.cause == garbled:
		return fmt.Sprintf("%s gave no clear receipt for the mail: %s.", w.Host, w.said), ""
	}
	return fmt.Sprintf("The connection to %s broke off while %s: %s.", w.Host, doing[w.step], w.said),
		"This usually passes. If it stays, restart the router, or try another network."
}

// blocked is about networks that let no mail out, and how to find out.
func (w wording) blocked() string {
	return fmt.Sprintf("The network may block outgoing mail, as many of companies, hotels and providers do. "+
		"Try `nc -vz %s %d` on another computer there, then on another network. If only this network fails, ask for port %d to be opened.",
		w.Host, w.Port, w.Port)
}

func (w wording) clearText() (sentence, remedy string) {
	switch w.cause {
	case noTLS:
		sentence = w.Host + " offers no encryption (STARTTLS), and pinbell sends nothing in clear text."
	case injected:
		sentence = w.Host + " sent clear text after it had agreed to encryption, which is how a login is stolen."
	default:
		sentence = fmt.Sprintf("%s refused to begin encryption: %s", w.Host, w.said)
	}
	return sentence, w.orElse(`If the server speaks TLS from the first byte, set mail.port = 465 and mail.tls = "implicit".`, impostor)
}

func (w wording) badLogin() (sentence, remedy string) {
	if w.Username == "" {
		return fmt.Sprintf("%s wants a login, and none is configured: %s", w.Host, w.said), "Set mail.username and mail.password_file."
	}
	if w.step != atAuth {
		remedy = w.preset().login
		if speaksOf("suspended", w.reply.text()) || loginHint(w.reply) == "x.7.13" {
			remedy = hints["x.7.13"]
		}
		return fmt.Sprintf("%s does not let %s send mail: %s", w.Host, w.Username, w.said), remedy
	}
	return fmt.Sprintf("%s refused the login as %s: %s", w.Host, w.Username, w.said),
		strings.Join(strings.Fields(w.odd+" "+hints[loginHint(w.reply)]+" "+w.preset().login), " ")
}

// hints are what some refusals of a login say by their enhanced code, so that
// the likeliest cause need not be guessed.
var hints = map[string]string{
	"x.7.9":   "This reply is given where an app password is wanted and another one was used.",                                                              // Gmail
	"x.7.12":  "Log in once at the provider's web page, which renews what the server knows of the password.",                                                // RFC 4954
	"x.7.13":  "This reply is given for an account that is switched off: log in at the provider's web page to see why.",                                     // RFC 5248
	"x.7.14":  "This reply is given where the provider doubts who logs in: log in once at its web page, from the same network, and confirm that it is you.", // Gmail
	"x.7.139": "This reply is given where logins by password are switched off for the account or for its organisation.",                                     // Outlook
}

func loginHint(r reply) string {
	_, rest, _ := strings.Cut(r.enhanced, ".")
	return "x." + rest
}

// recipientRemedy knows that a server may put off a stranger's first mail on
// principle (greylisting).
func (w wording) recipientRemedy() string {
	if w.reply.kind() == 4 {
		return "This often passes by itself, as where strangers are let wait (greylisting) or many recipients are taken a few at a time. " +
			"If it stays, check these addresses under mail.to and in the rules."
	}
	return "Check these addresses under mail.to and in the rules."
}

func (w wording) quotaRemedy() string {
	p := w.preset()
	if p.MessagesPerDay == 0 {
		return "What waits goes out when the server takes mail again. If other programs send from this account, let them send less."
	}
	return fmt.Sprintf("This provider takes %d messages a day from an account, whoever sends them. What waits goes out when it takes mail again; lower limits.per_day if this comes back.", p.MessagesPerDay)
}

// refusalRemedy is about a 5xx before anything of an account or a mail was said:
// most servers that refuse so soon do so by the board's public address.
func (w wording) refusalRemedy() string {
	if w.step != atGreeting && w.step != atEhlo {
		return "The reply says why. Look at the provider's status page, or ask whoever runs the server."
	}
	return "The reply says why. Servers that refuse this early mostly do so by the address from which the board reaches them: many lines of homes and hosters are on block lists. " +
		"Try another network. If that is refused too, check mail.host and mail.port, and ask whoever runs the server."
}

func (w wording) serverRemedy() string {
	if w.step == atGreeting && w.cause == garbled {
		return w.orElse(`Check mail.host, mail.port and mail.tls: 465 goes with "implicit", 587 with "starttls".`, impostor)
	}
	return "This usually passes. If it stays, look at the provider's status page, or ask whoever runs the server."
}
