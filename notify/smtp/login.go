package smtp

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/emersion/go-sasl"

	"pinbell/notify"
)

// login proves who pinbell is. It only ever runs after handshake, and not at
// all for a relay without a user name.
func (s *Session) login(context.Context) *finding {
	password, err := s.password()
	if err != nil {
		return &finding{step: atAuth, cause: noSecret, err: err}
	}
	offered := strings.Fields(strings.ToUpper(s.ext["AUTH"]))
	if !slices.Contains(offered, sasl.Plain) && !slices.Contains(offered, sasl.Login) {
		return &finding{step: atAuth, cause: noAuth, err: noMechanism(offered)}
	}
	var met *finding
	for _, mechanism := range s.mechanisms(password) {
		name, _, _ := mechanism.Start()
		if !slices.Contains(offered, name) {
			continue
		}
		r, err := s.authenticate(mechanism)
		met = expect(atAuth, 2, r, err)
		// 504: offered, and not known after all. A refused password is never
		// tried again another way: that counts towards a lock.
		if met == nil || met.reply.code != 504 {
			break
		}
	}
	return met
}

func (s *Session) password() (notify.Secret, error) {
	if s.relay.Password == nil {
		return "", errors.New("none is configured")
	}
	password, err := s.relay.Password()
	if err != nil {
		return "", err
	}
	s.mask = masking(s.relay.Username, password)
	preset := wording{Relay: s.relay}.preset()
	s.odd = strings.TrimSpace(preset.CheckUsername(s.relay.Username) + " " + preset.CheckPassword(password))
	if password == "" || strings.ContainsAny(password.Reveal(), "\x00\r\n") {
		return "", errors.New("it is empty, or has a line break in it")
	}
	return password, nil
}

func noMechanism(offered []string) error {
	if len(offered) == 0 {
		return errors.New("none is offered")
	}
	return fmt.Errorf("it offers only %s", excerpt(strings.Join(offered, ", ")))
}

// mechanisms are those that pinbell speaks, in the order of preference.
func (s *Session) mechanisms(password notify.Secret) []sasl.Client {
	return []sasl.Client{
		sasl.NewPlainClient("", s.relay.Username, password.Reveal()),
		&loginAnswers{s.relay.Username, password.Reveal()},
	}
}

func (s *Session) authenticate(mechanism sasl.Client) (reply, error) {
	name, first, err := mechanism.Start()
	if err != nil {
		return reply{}, err
	}
	command := "AUTH " + name
	if first != nil {
		command += " " + base64.StdEncoding.EncodeToString(first)
	}
	r, err := s.ask(command)
	for err == nil && r.code == 334 { // each mechanism refuses to answer for ever
		challenge, _ := base64.StdEncoding.DecodeString(r.text()) // neither mechanism needs to understand it
		answer, refuse := mechanism.Next(challenge)
		if refuse != nil {
			return reply{}, garbage{"334 " + r.text()}
		}
		r, err = s.ask(base64.StdEncoding.EncodeToString(answer))
	}
	return r, err
}

// loginAnswers is the LOGIN mechanism: user name, then password, whatever the
// questions are called. Servers differ in them, and in whether they take the
// user name along with the command; go-sasl's client insists on one form.
type loginAnswers []string

func (l *loginAnswers) Start() (mechanism string, first []byte, err error) {
	return sasl.Login, nil, nil
}

func (l *loginAnswers) Next([]byte) ([]byte, error) {
	if len(*l) == 0 {
		return nil, sasl.ErrUnexpectedServerChallenge
	}
	answer := (*l)[0]
	*l = (*l)[1:]
	return []byte(answer), nil
}
