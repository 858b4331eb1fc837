package peer

import (
	"crypto/x509"
	"os"
	"os/exec"
	"testing"
)

const bareImage = "PINBELL_TEST_BARE_IMAGE"

// TestImageWithoutCertificatesTrustsTheBuiltInOnes runs itself again where the
// system has none, as the system's are read once in a process.
func TestImageWithoutCertificatesTrustsTheBuiltInOnes(t *testing.T) {
	if os.Getenv(bareImage) != "" {
		pool := Roots(nil)
		if pool == nil || pool.Equal(x509.NewCertPool()) {
			t.Fatal("nobody is trusted")
		}
		return
	}
	for name, file := range map[string]string{"none": t.TempDir() + "/absent.pem", "an empty file": os.DevNull} {
		again := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$")
		again.Env = append(os.Environ(), bareImage+"=1", "SSL_CERT_FILE="+file, "SSL_CERT_DIR="+t.TempDir())
		if out, err := again.CombinedOutput(); err != nil {
			t.Errorf("with %s: %v\n%s", name, err, out)
		}
	}
}

func TestOwnAuthorityIsTheOnlyOneTrusted(t *testing.T) {
	own := x509.NewCertPool()
	if Roots(own) != own {
		t.Error("where the owner names an authority, others are trusted too")
	}
}
