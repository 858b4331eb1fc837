package notify

import (
	"fmt"
	"io"
	"log/slog"
)

// Secret is a password or a key. Whatever prints it (fmt, slog, JSON, TOML)
// shows *** instead. Keep it in a variable or an exported field: fmt cannot
// call the methods of a value in an unexported field, and would print what is
// in there. The verbs %p and %w, which make no sense here, are left to go vet.
type Secret string

const hidden = "***"

// Reveal is the secret itself, for the one place that hands it to a server.
func (s Secret) Reveal() string { return string(s) }

func (Secret) String() string   { return hidden }
func (Secret) GoString() string { return hidden }

// Format hides the secret from the verbs that ask no other method: %x, %d, %q.
func (Secret) Format(w fmt.State, _ rune) { io.WriteString(w, hidden) }

// LogValue hides the secret from slog.
func (Secret) LogValue() slog.Value { return slog.StringValue(hidden) }

// MarshalText hides the secret from JSON and TOML.
func (Secret) MarshalText() ([]byte, error) { return []byte(hidden), nil }
