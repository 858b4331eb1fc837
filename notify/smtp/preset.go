package smtp

import (
	"strings"

	"pinbell/notify"
)

// Preset is what is known of a provider. Zero limits are not known.
type Preset struct {
	Provider string
	Host     string // empty for custom
	Port     int
	Implicit bool
	Web      bool // an interface over HTTPS takes the mails, not SMTP

	MessagesPerDay    int
	RecipientsPerDay  int // every RCPT counts
	RecipientsPerMail int
	MaxBytes          int // of one mail, encoded

	user   string // what a user name is, where that is known
	isUser func(string) bool
	secret string // what the password is
	shaped func(string) bool
	login  string // what helps after a refused login, likeliest first
	sender string // which senders are taken
}

const (
	passwordFile   = "the file that mail.password_file names"
	fullAddress    = "the full e-mail address"
	appPassword16  = "an app-specific password: 16 lower-case letters, shown as xxxx-xxxx-xxxx-xxxx"
	gmailPassword  = "an app password: 16 letters, shown in four groups"
	unioneLogin    = "The user name is the numeric user id and the password is the API key; both stand in the UniOne account, under the data centre that mail.provider names."
	unioneKey      = "The password is the API key, which stands in the UniOne account. An account lives in one data centre: where host names the other one, leave it out or put it right."
	unioneSender   = "mail.from must be an address of a domain that is verified in the UniOne account; an @icloud.com address is not."
	accountAddress = "mail.from must be the address of the account, or one of its aliases."
)

// The caps are the providers' own, as published.
var presets = []Preset{
	{
		Provider: "icloud", Host: "smtp.mail.me.com", Port: 587,
		MessagesPerDay: 1000, RecipientsPerDay: 1000, RecipientsPerMail: 500, MaxBytes: 20 << 20,
		user: fullAddress, isUser: isAddress, secret: appPassword16, shaped: isApplePassword,
		login: "Most likely the Apple Account password was used: it is always refused. Make an app-specific password at account.apple.com under Sign-In and Security, and put it into " + passwordFile + ". " +
			"Next, mail.username must be the full address (alex@icloud.com, not alex), the @icloud.com one even with a custom domain. " +
			"Or the app-specific password was revoked, as all are when the Apple Account password is reset, and one is now and then for no stated reason: make a new one. " +
			"Or two-factor authentication was switched off, which revokes them too: switch it on, then make a new one.",
		sender: "mail.from must be the account's address, one of its aliases, or an address of its iCloud+ custom domain.",
	},
	{
		Provider: "gmail", Host: "smtp.gmail.com", Port: 587,
		MessagesPerDay: 500,
		user:           fullAddress, isUser: isAddress, secret: gmailPassword, shaped: isGooglePassword,
		login: "Most likely the Google Account password was used: make an app password at myaccount.google.com/apppasswords (it needs 2-Step Verification), and put it into " + passwordFile + ". " +
			"Next, mail.username must be the full address. Or the app password was revoked, as all are when the account's password changes: make a new one.",
		sender: accountAddress,
	},
	{
		Provider: "outlook", Host: "smtp-mail.outlook.com", Port: 587,
		user: fullAddress, isUser: isAddress,
		login: "Outlook.com is withdrawing logins by password in favour of OAuth, which pinbell does not speak: the account may never be let in again. " +
			"Choose another provider for pinbell; the Outlook address can stay under mail.to.",
		sender: accountAddress,
	},
	{
		Provider: "fastmail", Host: "smtp.fastmail.com", Port: 465, Implicit: true,
		user: fullAddress, isUser: isAddress, secret: "an app password",
		login: "Most likely the account's own password was used: make an app password under Settings, Privacy and Security, with access to SMTP, and put it into " + passwordFile + ". " +
			"Next, mail.username must be the full address.",
		sender: accountAddress,
	},
	// One connection may carry 3,000 mails an hour, and pinbell uses one.
	{Provider: "unione-us", Host: "smtp.us1.unione.io", Port: 587, MessagesPerDay: 72_000, user: "the numeric user id", isUser: isNumber, secret: "the API key", login: unioneLogin, sender: unioneSender},
	{Provider: "unione-eu", Host: "smtp.eu1.unione.io", Port: 587, MessagesPerDay: 72_000, user: "the numeric user id", isUser: isNumber, secret: "the API key", login: unioneLogin, sender: unioneSender},
	// A request may have 10 MB, as JSON (UniOne's Web API, email/send).
	{
		Provider: "unione-api", Host: "api.unione.io", Port: 443, Implicit: true, Web: true,
		RecipientsPerMail: 500, MaxBytes: 10_000_000, secret: "the API key", login: unioneKey, sender: unioneSender,
	},
	{
		Provider: "custom", Port: 587,
		login:  "Check mail.username (many servers want the full address) and the password in " + passwordFile + ".",
		sender: "mail.from must be an address that this account may send from: ask whoever runs the server.",
	},
}

// PresetOf finds a provider by the name that the config uses.
func PresetOf(provider string) (Preset, bool) {
	for _, p := range presets {
		if p.Provider == provider {
			return p, true
		}
	}
	return Preset{}, false
}

// Providers are the names of all presets, custom last.
func Providers() []string {
	names := make([]string, 0, len(presets))
	for _, p := range presets {
		names = append(names, p.Provider)
	}
	return names
}

// CheckPassword says what is odd about a password without asking the server.
// It is empty when nothing is.
func (p Preset) CheckPassword(password notify.Secret) string {
	switch {
	case password == "":
		return "The password is empty."
	case strings.ContainsAny(password.Reveal(), "\x00\r\n"):
		return "The password has a line break or a zero byte in it."
	case p.shaped != nil && !p.shaped(password.Reveal()):
		return "The password does not have the form of " + p.secret + "."
	}
	return ""
}

// CheckUsername says what is odd about a user name; it is empty when nothing is.
func (p Preset) CheckUsername(name string) string {
	if p.isUser == nil || p.isUser(name) {
		return ""
	}
	return "The user name " + excerpt(name) + " is not " + p.user + "."
}

func isApplePassword(s string) bool {
	letters := strings.ReplaceAll(s, "-", "")
	grouped := len(s) == 19 && s[4] == '-' && s[9] == '-' && s[14] == '-'
	return len(letters) == 16 && strings.Trim(letters, "abcdefghijklmnopqrstuvwxyz") == "" && (len(s) == 16 || grouped)
}

func isGooglePassword(s string) bool {
	letters := asciiLower(strings.ReplaceAll(s, " ", ""))
	return len(letters) == 16 && strings.Trim(letters, "abcdefghijklmnopqrstuvwxyz") == ""
}

func isAddress(s string) bool {
	at := strings.LastIndexByte(s, '@')
	return at > 0 && at < len(s)-1
}

func isNumber(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }
