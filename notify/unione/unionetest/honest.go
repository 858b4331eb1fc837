package unionetest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// Message is the part of a request that a test may want to look at.
type Message struct {
	Recipients []struct {
		Email string `json:"email"`
	} `json:"recipients"`
	Subject  string `json:"subject"`
	From     string `json:"from_email"`
	FromName string `json:"from_name"`
	Body     struct {
		HTML string `json:"html"`
		Text string `json:"plaintext"`
	} `json:"body"`
	Headers  map[string]string `json:"headers"`
	Attached []File            `json:"attachments"`
	Inline   []File            `json:"inline_attachments"`
	Key      string            `json:"idempotence_key"`
	NoFooter int               `json:"skip_unsubscribe"`
}

// File is an attachment.
type File struct {
	Type    string `json:"type"`
	Name    string `json:"name"`
	Content []byte `json:"content"`
}

const (
	prefix     = "/en/transactional/api/v1/"
	largest    = 10_000_000 // bytes of a request
	recipients = 500
	window     = time.Minute // in which an idempotence key counts
)

// honest does what UniOne's reference says. Where that has several codes for a
// request that is wrong in itself, one of them stands for all.
func (s *Server) honest(w http.ResponseWriter, r *http.Request, asked Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case asked.Key == "" || asked.Key != s.key && asked.Key != s.options.ForeignKey:
		refuse(w, http.StatusUnauthorized, 102, "User or project API key not found: "+asked.Key)
	case asked.Key == s.options.ForeignKey:
		refuse(w, http.StatusUnauthorized, 114, "The user is registered in another data centre")
	case len(asked.Body) > largest:
		refuse(w, http.StatusRequestEntityTooLarge, 199, "Too large")
	case r.Method != http.MethodPost || !strings.HasPrefix(asked.Path, prefix):
		refuse(w, http.StatusNotFound, 0, "No such method")
	case asked.Path == prefix+"system/info.json":
		write(w, http.StatusOK, map[string]any{
			"status": "success", "user_id": 11344, "email": "alex@" + s.options.Domain,
			"accounting": map[string]any{"emails_included": 6000, "emails_sent": len(s.mails)},
		})
	case asked.Path == prefix+"email/send.json":
		s.take(w, asked)
	default:
		refuse(w, http.StatusNotFound, 0, "No such method")
	}
}

func (s *Server) take(w http.ResponseWriter, asked Request) {
	var in struct {
		Message Message `json:"message"`
	}
	var raw struct {
		Message map[string]any `json:"message"`
	}
	if json.Unmarshal(asked.Body, &in) != nil || json.Unmarshal(asked.Body, &raw) != nil {
		refuse(w, http.StatusBadRequest, 1103, "Not a message")
		return
	}
	m := in.Message
	switch n := len(m.Recipients); {
	case n == 0 || n > recipients || len(m.Key) > 64 || m.NoFooter != 0 || m.Subject == "" || m.Body.Text+m.Body.HTML == "":
		refuse(w, http.StatusBadRequest, 1103, "A parameter is wrong")
		return
	case !strings.HasSuffix(m.From, "@"+s.options.Domain):
		refuse(w, http.StatusBadRequest, 1574, "The domain of "+m.From+" is not verified")
		return
	case m.Key != "" && time.Since(s.seen[m.Key]) < window:
		refuse(w, http.StatusBadRequest, 1573, "A request with this key came a moment ago")
		return
	}
	s.seen[m.Key] = time.Now()
	mail := Mail{Message: m, Fields: raw.Message, Job: fmt.Sprintf("1ZymBc-%05dN-9X", len(s.mails)), Connection: asked.Connection}
	failed := make(map[string]string)
	for _, r := range m.Recipients {
		if why, ok := s.options.Failed[r.Email]; ok {
			failed[r.Email] = why
			continue
		}
		mail.To = append(mail.To, r.Email)
	}
	reply := map[string]any{"status": "success", "job_id": mail.Job, "emails": mail.To, "failed_emails": failed}
	if len(failed) == 0 {
		reply["failed_emails"] = []string{} // PHP's empty object
	}
	if len(mail.To) > 0 {
		s.mails = append(s.mails, mail)
	}
	write(w, http.StatusOK, reply)
}

func refuse(w http.ResponseWriter, status, code int, message string) {
	write(w, status, map[string]any{"status": "error", "code": code, "message": message})
}

func write(w http.ResponseWriter, status int, reply map[string]any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(reply) // the client may have gone
}
