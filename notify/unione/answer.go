package unione

import (
	"encoding/json"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"
)

// answer is what the API said.
type answer struct {
	status  int  // HTTP
	read    bool // it is the API's JSON, with a status of its own
	success bool
	code    int    // the API's; 0: none
	message string // raw: whoever shows it masks it first
	job     string
	failed  []failure // who does not get the mail
	nobody  bool      // of those asked for, nobody gets it
	forGood bool      // and nobody later
	after   time.Duration
	body    []byte
}

// failure is a recipient that was not taken.
type failure struct {
	to     string // as it was asked for
	reason string // UniOne's word
}

func (f failure) forGood() bool { return reasons[f.reason].forGood }

// gist is what the answer comes to, in a word of the table: success, nobody
// (for good), nobody-yet, the API's code, error (one without a code), or unread
// for what the API would not say. Some errors name the recipients that they
// are about; a code that the table knows says more.
func (a answer) gist() string {
	code := strconv.Itoa(a.code)
	switch {
	case !a.read:
		return "unread"
	case a.code != 0 && slices.ContainsFunc(table, func(r row) bool { return r.gist != "" && oneOf(r.gist, code) }):
		return code
	case a.nobody && a.forGood:
		return "nobody"
	case a.nobody:
		return "nobody-yet"
	case a.success:
		return "success"
	case a.code != 0:
		return code
	}
	return "error"
}

// maxOdd is how much is shown of an answer that is not the API's.
const maxOdd = 100

// readAnswer reads a body of maxAnswer bytes at most. An empty object and an
// empty list are alike to UniOne's language, and a number may come as a string.
func readAnswer(status int, body []byte) answer {
	a := answer{status: status, body: body}
	var said struct {
		Status  string          `json:"status"`
		Code    json.RawMessage `json:"code"`
		Message string          `json:"message"`
		Job     string          `json:"job_id"`
		Failed  json.RawMessage `json:"failed_emails"`
	}
	if len(body) > maxAnswer || json.Unmarshal(body, &said) != nil {
		a.message = string(body[:min(len(body), maxOdd)])
		return a
	}
	code, _ := strconv.ParseInt(strings.Trim(string(said.Code), `"`), 10, 32)
	failed, err := readFailed(said.Failed)
	a.code, a.message, a.job, a.failed = int(code), said.Message, said.Job, failed
	a.success = said.Status == "success" && code == 0 && status/100 == 2
	a.read = err == nil && (a.success || said.Status == "error" || code != 0)
	return a
}

// readFailed takes an object, a list of objects, or nothing.
func readFailed(raw json.RawMessage) ([]failure, error) {
	text := strings.TrimSpace(string(raw))
	if text == "" || text == "null" {
		return nil, nil
	}
	var list []map[string]string
	if text[0] != '[' {
		text = "[" + text + "]"
	}
	if err := json.Unmarshal([]byte(text), &list); err != nil {
		return nil, errors.New("failed_emails has no form that is known")
	}
	var failed []failure
	for _, object := range list {
		for to, reason := range object {
			failed = append(failed, failure{to, reason})
		}
	}
	return failed, nil
}

// match keeps of the failures those that were asked for, in that order and
// spelling. A duplicate is one that gets the mail once.
func (a *answer) match(asked []string) {
	told := make(map[string]string, len(a.failed))
	for _, f := range a.failed {
		told[strings.ToLower(f.to)] = f.reason
	}
	a.failed = nil
	for _, to := range asked {
		if reason, ok := told[strings.ToLower(to)]; ok && reason != "duplicate" {
			a.failed = append(a.failed, failure{to, reason})
		}
	}
	a.nobody = len(asked) > 0 && len(a.failed) == len(asked)
	a.forGood = a.nobody && !slices.ContainsFunc(a.failed, func(f failure) bool { return !f.forGood() })
}
