package notify

import "fmt"

// Severity orders events by how much they matter.
type Severity uint8

// The severities, rising.
const (
	Info Severity = iota
	Warning
	Critical
)

var severities = [...]string{"info", "warning", "critical"}

func (s Severity) String() string { return severities[s%3] }

// MarshalText writes the name that the config uses.
func (s Severity) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads the name that the config uses.
func (s *Severity) UnmarshalText(text []byte) error {
	for i, name := range severities {
		if name == string(text) {
			*s = Severity(i)
			return nil
		}
	}
	return fmt.Errorf("severity is info, warning or critical, not %q", text)
}
