package clock

import (
	"testing"
	"time"

	"pinbell/notify/clock/ntptest"
)

func TestAskReturnsWhenAllHaveSpoken(t *testing.T) {
	server, err := ntptest.Start("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	c := New(Config{Servers: []string{server.Addr()}, Kernel: func() (bool, time.Duration) { return false, 0 }})
	c.Ask(t.Context())
	st := c.Status()
	if st.Trust != Trusted || st.Servers[0].Asked == 0 || st.Servers[0].Err != "" || server.Asked() != 1 {
		t.Errorf("after Ask: %+v, the server was asked %d times", st, server.Asked())
	}
}

func TestAskTakesTheKernelsWordAndAsksNobodyElse(t *testing.T) {
	c := New(Config{Servers: []string{"192.0.2.1"}, Kernel: func() (bool, time.Duration) { return true, time.Millisecond }})
	c.Ask(t.Context())
	if st := c.Status(); st.Trust != Trusted || st.Source != "kernel" || st.Servers[0].Asked != 0 {
		t.Errorf("after Ask: %+v", st)
	}
}
