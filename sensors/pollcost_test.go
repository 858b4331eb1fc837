package sensors_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"pinbell/sensors"
	"pinbell/sensors/sysfs"
)

// tenFiles runs a Poll of ten files, as in the budget of idle time.
func tenFiles(b *testing.B, every time.Duration) (out chan []sensors.Reading, stop func()) {
	var all []sensors.Polled
	for i := range 10 {
		path := filepath.Join(b.TempDir(), "temp")
		if err := os.WriteFile(path, []byte("41500\n"), 0o644); err != nil {
			b.Fatal(err)
		}
		all = append(all, sensors.Polled{ID: i, Every: every,
			Sensor: sysfs.New(sysfs.Config{Path: path, Scale: 0.001, Quantity: sensors.Temperature})})
	}
	ctx, cancel := context.WithCancel(b.Context())
	out, done := make(chan []sensors.Reading), make(chan error)
	go func() { done <- sensors.Poll(ctx, all, out) }()
	return out, func() {
		cancel()
		if err := <-done; err != nil {
			b.Error(err)
		}
	}
}

// BenchmarkPollTenFiles is one beat of ten file sensors, from the timer to the
// receiver. Its processor time and voluntary switches are those of ten files
// once a second, by the minute and by the second; the budget is 0.035 s and 10.
func BenchmarkPollTenFiles(b *testing.B) {
	out, stop := tenFiles(b, 2*time.Millisecond)
	<-out
	b.ReportAllocs()
	before := usage(b)
	for b.Loop() {
		if got := <-out; len(got) != 10 || got[9].Fault != nil {
			b.Fatalf("got %+v", got)
		}
	}
	after := usage(b)
	seconds := time.Duration(after.Utime.Nano() + after.Stime.Nano() - before.Utime.Nano() - before.Stime.Nano()).Seconds()
	b.ReportMetric(60*seconds/float64(b.N), "cpu-s/minute")
	b.ReportMetric(float64(after.Nvcsw-before.Nvcsw)/float64(b.N), "switches/s")
	stop()
}

func usage(b *testing.B) (u unix.Rusage) {
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return u
}

func TestSteadyPollAllocatesItsBatchOnly(t *testing.T) {
	if r := testing.Benchmark(BenchmarkPollTenFiles); r.N == 0 || r.AllocsPerOp() > 1 {
		t.Errorf("%d allocations in each of %d beats, want the batch alone", r.AllocsPerOp(), r.N)
	}
}
