package mail

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"pinbell/notify"
)

type field struct{ name, value string }

// header is the message's, without what says how its body is made.
func (l letter) header(letter Letter) []field {
	fields := []field{
		{"From", sender(l.From)},
		{"To", "<" + strings.Join(l.recipients(), ">, <") + ">"},
		{"Subject", encode(letter.Subject)},
		// Not time.RFC1123, whose "UTC" is no zone in mail.
		{"Date", l.Sealed.In(l.location()).Format(time.RFC1123Z)},
		{"Message-ID", letter.MessageID},
	}
	if thread := letter.References; thread != "" {
		fields = append(fields, field{"In-Reply-To", thread}, field{"References", thread})
	}
	fields = append(fields,
		field{"Auto-Submitted", "auto-generated"}, // RFC 3834: no vacation notices, please
		field{"X-Pinbell-Events", serials(l.Events)},
	)
	if rules := l.rules(); rules != "" {
		fields = append(fields, field{"X-Pinbell-Rule", rules})
	}
	if road := encode(headerText(l.Road, maxTitle)); road != "" {
		fields = append(fields, field{"X-Pinbell-Road", road})
	}
	return append(fields, field{"MIME-Version", "1.0"})
}

// recipients are all whom the mail is for, also those who have it already: the
// header must not change when some servers took it for some of them.
func (l letter) recipients() []string {
	var list []string
	add := func(addresses []string) {
		for _, a := range addresses {
			if !slices.Contains(list, a) {
				list = append(list, a)
			}
		}
	}
	for _, e := range l.Events {
		add(e.To)
	}
	add(l.To)
	return list
}

// maxListed bounds the names in a header. Serials are not bounded: they prove
// what was told, and an outbox holds some hundreds of events at the most.
const maxListed = 20

func (l letter) rules() string {
	var names []string
	for _, e := range l.Events {
		if name := token(e.Rule); name != "" && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return strings.Join(names[:min(len(names), maxListed)], " ")
}

// serials lists the events' numbers, runs of them as "118-120".
func serials(events []notify.Event) string {
	var runs []string
	for i := 0; i < len(events); {
		j := i + 1
		for j < len(events) && events[j].Serial == events[j-1].Serial+1 {
			j++
		}
		run := fmt.Sprint(events[i].Serial)
		if j > i+1 {
			run = fmt.Sprintf("%d-%d", events[i].Serial, events[j-1].Serial)
		}
		runs, i = append(runs, run), j
	}
	return strings.Join(runs, " ")
}
