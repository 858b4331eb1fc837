package unione

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"pinbell/notify"
	"pinbell/notify/mail"
)

// Send hands over one mail. The session goes on after an answer; Ended tells.
func (s *Session) Send(ctx context.Context, m notify.Mail, h mail.Letterhead) notify.Verdict {
	if s.ended {
		return s.over()
	}
	to := distinct(m.To)
	rest := to[min(len(to), MaxRecipients):]
	to = to[:len(to)-len(rest)]
	body, met := request(m, h, to)
	if met != nil {
		return s.verdict(met)
	}
	ctx, cancel := context.WithTimeout(ctx, s.relay.patience(len(body)))
	defer cancel()
	found := s.ask(ctx, "email/send.json", body)
	found.answer.match(to)
	v := s.verdict(&found)
	v.Rejected = s.rejections(found.answer)
	if v.Outcome == notify.Accepted {
		for _, address := range rest {
			v.Rejected = append(v.Rejected, notify.Rejection{To: address, Reply: fmt.Sprintf("UniOne takes %d recipients of one mail; the others come next", MaxRecipients)})
		}
	}
	return v
}

// rejections are the recipients that UniOne did not take, where it took the
// mail for others or refused it for all.
func (s *Session) rejections(a answer) []notify.Rejection {
	var list []notify.Rejection
	for _, f := range a.failed {
		list = append(list, notify.Rejection{To: f.to, Reply: s.mask.Clean(f.reason), Permanent: f.forGood()})
	}
	return list
}

// Account is what UniOne says of the account that a key is for.
type Account struct {
	Email    string
	Project  string // its name, where the key is a project's
	Included int    // mails in the period that is paid for; 0: not told
	Sent     int    // of them
}

// Check asks whether the key is good, and sends no mail. The verdict is the
// zero one when it is, else Down.
func (s *Session) Check(ctx context.Context) (Account, notify.Verdict) {
	if s.ended {
		return Account{}, s.over()
	}
	ctx, cancel := context.WithTimeout(ctx, s.relay.patience(0))
	defer cancel()
	found := s.ask(ctx, "system/info.json", []byte("{}"))
	switch {
	case found.cause == "" && found.answer.read && found.answer.success:
		return s.account(found.answer.body), notify.Verdict{}
	case found.cause != "" && found.step != atDial && found.step != atTLS:
		found.step = atAuth // there is no mail that it could be about
	case found.cause == "" && (found.answer.status/100 == 2 || judge(found).outcome == accepted):
		found = finding{step: atAuth, cause: lost, err: errors.New("no answer that fits")}
	}
	v := s.verdict(&found)
	v.Outcome = notify.Down
	return Account{}, v
}

func (s *Session) account(body []byte) Account {
	var said struct {
		Email   string `json:"email"`
		Project string `json:"project_name"`
		Period  struct {
			Included int `json:"emails_included"`
			Sent     int `json:"emails_sent"`
		} `json:"accounting"`
	}
	// What is not told stays empty; the key is good all the same.
	_ = json.Unmarshal(body, &said)
	return Account{s.mask.Clean(said.Email), s.mask.Clean(said.Project), said.Period.Included, said.Period.Sent}
}

// over is the verdict on a mail for which there is no session any more.
func (s *Session) over() notify.Verdict {
	return s.verdict(&finding{step: atIdle, cause: lost, err: errors.New("the session is over")})
}
