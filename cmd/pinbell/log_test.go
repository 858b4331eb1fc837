package main

import (
	"bytes"
	"log"
	"testing"
)

func TestLibrariesWriteNoLinesOfTheirOwn(t *testing.T) {
	before := log.Writer()
	t.Cleanup(func() { log.SetOutput(before) })
	var out bytes.Buffer
	log.SetOutput(&out)
	newLog(&out).Info("ours")
	log.Print("theirs")
	if text := out.String(); !bytes.Contains(out.Bytes(), []byte("ours")) || bytes.Contains(out.Bytes(), []byte("theirs")) {
		t.Errorf("the log has %q", text)
	}
}
