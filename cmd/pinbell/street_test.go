package main

import (
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// TestStreetIsOneWay holds the imports to the direction in which data flows:
// each line names a stage, what it must not know, and why.
func TestStreetIsOneWay(t *testing.T) {
	rules := []struct{ stage, not, reason string }{
		{"sensors", "pinbell/notify", "what a value means is decided further down"},
		{"sensors", "pinbell/config", "a driver is told what to read, it does not look it up"},
		{"sensors", "net", "sensing never waits for the network"},
		{"notify", "pinbell/config", "stages get values; only cmd knows where they were written"},
		{"notify/rules", "pinbell/notify/outbox", "the engine hands over, and does not care how it is kept"},
		{"notify/rules", "pinbell/notify/smtp", "a decision does not depend on who can be told"},
		{"notify/smtp", "pinbell/notify/rules", "the relay carries bytes"},
		{"notify/smtp", "pinbell/notify/outbox", "a verdict is given upwards, not acted on"},
		{"notify/unione", "pinbell/notify/rules", "the relay carries a letter"},
		{"notify/unione", "pinbell/notify/outbox", "a verdict is given upwards, not acted on"},
		{"notify/unione", "pinbell/notify/clock", "what time it is, the relay is told"},
		{"notify/unione/unionetest", "pinbell/notify/unione", "a server of the API must not share the client's mistakes"},
		{"notify/peer", "pinbell", "what roads share knows none of them"},
		{"notify/peer", "net", "it connects to nothing"},
		{"notify/mail", "net", "writing a letter does no input or output"},
		{"notify/mail", "os", "writing a letter does no input or output"},
		{"notify/capture", "pinbell/notify/outbox", "a picture does not wait for the mail, the mail waits for the picture"},
		{"notify/capture", "pinbell/notify/rules", "what is wanted stands in the event"},
		{"notify/capture", "pinbell/notify/smtp", "a camera is asked whether or not mail can be sent"},
		{"notify/capture", "pinbell/notify/mail", "how a letter shows a picture is the letter's affair"},
		{"notify/rules", "pinbell/notify/capture", "a decision does not wait for a camera"},
		{"notify/clock", "pinbell/notify/outbox", "the time does not depend on what is told with it"},
		{"config", "pinbell/notify/outbox", "checking a file starts nothing"},
		{"", "periph.io/x/host/v3", "host.Init maps memory and closes descriptors; its I2C errors hide the errno"},
		{"", "net/smtp", "the mail street is emersion/go-smtp"},
		{"", "os/user", "a static binary has no NSS"},
	}
	fset := token.NewFileSet()
	err := filepath.WalkDir("../..", func(path string, entry fs.DirEntry, err error) error {
		if path == "../../scripts" {
			return filepath.SkipDir // what builds, tries and measures pinbell is not on the street
		}
		if err != nil || entry.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		file, err := parser.ParseFile(fset, path, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		dir, _ := filepath.Rel("../..", filepath.Dir(path))
		for _, spec := range file.Imports {
			name, _ := strconv.Unquote(spec.Path.Value)
			for _, rule := range rules {
				if (rule.stage == "" || within(dir, rule.stage)) && within(name, rule.not) && (rule.not != "net" || name == "net") {
					t.Errorf("%s imports %s: %s", path, name, rule.reason)
				}
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func within(path, parent string) bool {
	return path == parent || strings.HasPrefix(path, parent+"/")
}
