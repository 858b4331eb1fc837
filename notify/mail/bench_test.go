package mail

import (
	"testing"

	"pinbell/notify"
)

// What a mail costs: go test -bench Render -run '^$' ./notify/mail
func BenchmarkRender(b *testing.B) {
	for _, c := range []struct {
		name string
		mail notify.Mail
	}{
		{"text-only", letterOf(freezer(notify.Raised))}, {"html", letterOf(freezer(notify.Raised))}, {"chart", letterOf(warming(notify.Raised))},
	} {
		if c.name == "text-only" {
			c.mail.Slim = notify.TextOnly
		}
		b.Run(c.name, func(b *testing.B) {
			var size int
			for b.Loop() {
				raw, err := Render(c.mail, head)
				if err != nil {
					b.Fatal(err)
				}
				size = len(raw)
			}
			b.ReportMetric(float64(size), "bytes/mail")
		})
	}
}
