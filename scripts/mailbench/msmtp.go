package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

func msmtpMissing() error {
	if _, err := exec.LookPath("msmtp"); err != nil {
		return errors.New("msmtp is not installed (apt-get install msmtp)")
	}
	return nil
}

// msmtpLoop is what a script around msmtp is: a process a mail.
const msmtpLoop = `
echo ready
read go
for letter in "$1"/*; do
	msmtp --file="$2" --read-recipients <"$letter" || exit 1
done
echo done
read end
`

func msmtp(ctx context.Context, s *stage) (*held, error) {
	letters, err := s.own(ctx, "write")
	if err != nil {
		return nil, err
	}
	conf := filepath.Join(s.dir, "msmtprc")
	text := fmt.Sprintf("account default\nhost localhost\nport %d\ntls on\ntls_starttls on\ntls_trust_file %s\nauth plain\nuser %s\npassword %s\nfrom %s\n",
		s.at.Near, s.at.CA, account, password, account)
	if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
		return nil, err
	}
	c, err := start(ctx, "sh", "-c", msmtpLoop, "sh", letters, conf)
	if err != nil {
		return nil, err
	}
	return hold(c)
}
