package notify

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/BurntSushi/toml"
)

const plain = "abcd-efgh-ijkl-mnop"

func TestNoVerbPrintsASecret(t *testing.T) {
	type login struct {
		User     string
		Password Secret
	}
	for verb := '!'; verb <= '~'; verb++ {
		if verb == 'w' || verb == 'p' { // fmt asks no method there; go vet refuses such calls for a string
			continue
		}
		for _, flag := range []string{"", "+", "#", "-20", "020", " ", "[1]", "#+.3"} {
			format := "%" + flag + string(verb)
			for _, v := range []any{
				Secret(plain), ptr(Secret(plain)), []Secret{plain},
				login{"alex", plain}, &login{"alex", plain}, map[Secret]Secret{plain: plain},
			} {
				mustHide(t, format, fmt.Sprintf(format, v))
			}
		}
	}
}

func TestNoEncodingPrintsASecret(t *testing.T) {
	value := struct{ Password Secret }{plain}
	asJSON, err := json.Marshal(map[string]any{"a": value, "b": []Secret{plain}})
	if err != nil {
		t.Fatal(err)
	}
	mustHide(t, "json", string(asJSON))
	var out bytes.Buffer
	if err := toml.NewEncoder(&out).Encode(value); err != nil {
		t.Fatal(err)
	}
	mustHide(t, "toml", out.String())
}

func TestNoLogPrintsASecret(t *testing.T) {
	var out bytes.Buffer
	for _, h := range []slog.Handler{slog.NewTextHandler(&out, nil), slog.NewJSONHandler(&out, nil)} {
		slog.New(h).Info("login", "password", Secret(plain), "all", struct{ P Secret }{plain}, slog.Group("g", "p", Secret(plain)))
	}
	mustHide(t, "slog", out.String())
	mustHide(t, "error", errors.Join(fmt.Errorf("login with %v", Secret(plain))).Error())
}

func TestASecretIsRevealedOnlyOnRequest(t *testing.T) {
	if got := Secret(plain).Reveal(); got != plain {
		t.Errorf("Reveal() = %q", got)
	}
	if got := fmt.Sprint(Secret(plain)); got != "***" {
		t.Errorf("printed as %q", got)
	}
}

// mustHide looks for the secret as text and as hexadecimal.
func mustHide(t *testing.T, how, printed string) {
	t.Helper()
	for _, piece := range []string{"abcd", "mnop", fmt.Sprintf("%x", "abcd"), fmt.Sprintf("%X", "mnop"), "97 98"} {
		if strings.Contains(printed, piece) {
			t.Errorf("%s shows the secret: %s", how, printed)
		}
	}
}

func ptr[T any](v T) *T { return &v }
