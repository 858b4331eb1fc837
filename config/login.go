package config

import "strings"

// user checks the user name against what the provider wants.
func (c *check) user(path string, r *Road) {
	at := path + ".username"
	if r.Web() {
		if r.Username != "" {
			c.warn(at, "Leave it out.", "the provider %s asks for the API key alone, so the user name is not used", r.Provider)
		}
		r.Username = ""
		return
	}
	c.loginMissing(path, r)
	switch {
	case r.Provider != "icloud" || r.Username == "":
	case bare(r.Username):
		c.wrong(at, "Try username = \""+r.Username+"@icloud.com\".", "iCloud's user name is the full address")
	case !strings.Contains(r.Username, "@"):
		c.wrong(at, `It is written as in "alex@icloud.com".`, "iCloud's user name is the full address")
	case !isApple(r.Username):
		c.warn(at, `Use the address that ends in @icloud.com, and set from to the one of your domain.`,
			"iCloud's user name is the iCloud address, also for mail with a domain of its own")
	}
}

// loginMissing notes a user name that is not there, where one is needed: not
// by an unknown provider's word, which is told, and not by a relay that asks
// for no login.
func (c *check) loginMissing(path string, r *Road) {
	at := path + ".username"
	if r.Provider == "custom" || c.written(path+".provider") && r.Provider == "" || !c.missing(at) {
		return
	}
	c.wrong(at, "", "username is missing")
}

// anonymous reports whether a road is a relay without login, which then has no
// use for a password.
func (c *check) anonymous(path string, r *Road) bool {
	if r.Provider != "custom" || !c.missing(path+".username") {
		return false
	}
	for _, key := range []string{"password_file", "password_env"} {
		if at := join(path, key); c.written(at) {
			c.wrong(at, "Add username, or leave the password out for a relay without login.", "there is a password and no username to log in with")
		}
	}
	r.PasswordFile, r.PasswordEnv = "", ""
	return true
}

// sender checks from, or takes it from the user name.
func (c *check) sender(path string, r *Road) {
	at, user := path+".from", path+".username"
	if c.missing(at) && !c.broken(user) {
		switch parsed, ok := parseAddress(r.Username); {
		case ok:
			r.From = parsed
		case r.Username != "":
			c.wrong(at, "Add from with the address that mails come from.", "from is missing, and the user name is not an address")
		case c.meant[user]: // told as misspelt
		case r.Web():
			c.wrong(at, "Add from with an address of a domain that you have verified there.", "from is missing, and the provider %s has no user name to take it from", r.Provider)
		default:
			c.wrong(at, "Add from with the address that mails come from.", "from is missing, and there is no user name to take it from")
		}
	}
	if strings.HasPrefix(r.Provider, "unione") && isApple(r.From.Address) {
		c.wrong(at, "Use an address of a domain that you have verified there.", "UniOne does not send from %s", domain(r.From.Address))
	}
}
