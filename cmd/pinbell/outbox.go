package main

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"pinbell/notify"
	"pinbell/notify/clock"
	"pinbell/notify/outbox"
)

func outboxCommand() *cobra.Command {
	var p places
	var asJSON bool
	c := p.addState(&cobra.Command{
		Use: "outbox", Short: "Tell what waits to be told, for how long, why, and when it is tried next",
		Long: "Tells what is decided and not yet told: mails on their way, by their IDs, and events\n" +
			"in no mail yet, by their numbers; the oldest first.",
		RunE: func(c *cobra.Command, _ []string) error {
			all, err := waitingIn(p.stateDir(), c.ErrOrStderr())
			if err != nil {
				return err
			}
			if asJSON {
				return printJSON(c.OutOrStdout(), all)
			}
			writeWaiting(c.OutOrStdout(), all)
			return nil
		},
	})
	c.Flags().BoolVar(&asJSON, "json", false, "for programs")
	c.AddCommand(retryCommand(), dropCommand())
	return c
}

func retryCommand() *cobra.Command {
	var p places
	return p.addState(&cobra.Command{
		Use: "retry [ID|all]", Short: "Try what waits now, and a mail server that failed too",
		Args: argument("the ID of one mail, or all", 0),
		RunE: func(c *cobra.Command, args []string) error {
			r := request{Command: "retry", ID: "all"}
			if len(args) > 0 {
				r.ID = args[0]
			}
			var did string
			err := ask(p.stateDir(), r, &did)
			if _, absent := errors.AsType[noDaemon](err); absent {
				return errors.New("no pinbell is running with the state directory " + p.stateDir() + ": when it starts (systemctl start pinbell), it tries what waits")
			}
			if err == nil {
				_, err = fmt.Fprintln(c.OutOrStdout(), did)
			}
			return err
		},
	})
}

func dropCommand() *cobra.Command {
	var p places
	return p.addState(&cobra.Command{
		Use: "drop ID", Short: "Give up a mail or an event that waits; the log keeps that",
		Long: "Gives up one mail that waits, by its whole ID, or one event in no mail yet, by its\n" +
			"number, as `pinbell outbox` lists them. It asks nothing, and nobody is told what was\n" +
			"in it. `pinbell log` keeps that it was dropped.",
		Args: argument("the ID of what is to be dropped, as `pinbell outbox` lists it", 1),
		RunE: func(c *cobra.Command, args []string) error {
			record, err := drop(p.stateDir(), args[0])
			if err != nil {
				return err
			}
			fmt.Fprintln(c.OutOrStdout(), "Dropped, and never told:")
			writeRecord(c.OutOrStdout(), record)
			return nil
		},
	})
}

// argument lets a command take one argument, and wants at least so many.
func argument(what string, least int) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		switch {
		case len(args) > 1:
			return fmt.Errorf("%s takes %s, and no more: what is %q?", c.CommandPath(), what, args[1])
		case len(args) < least || len(args) == 1 && args[0] == "":
			return fmt.Errorf("%s wants %s", c.CommandPath(), what)
		}
		return nil
	}
}

// waits is one thing that waits, and for how long.
type waits struct {
	outbox.Waiting
	Age time.Duration `json:"age,omitempty"` // ns since it happened; 0: nobody knows any more
	// Stopped says that no daemon is there to try it.
	Stopped bool `json:"stopped,omitempty"`
}

// waiting answers "outbox".
func (d *desk) waiting() []waits {
	all := aged(d.box.Waiting(), d.clock)
	hold := time.Until(d.courier.NextSession())
	for i := range all {
		if w := &all[i]; w.Mail && !w.Sending {
			w.NextIn = max(w.NextIn, hold)
		}
	}
	return all
}

// aged adds ages, by the time that is known now.
func aged(list []outbox.Waiting, clk *clock.Clock) []waits {
	now, _ := clk.Time()
	all := make([]waits, len(list))
	for i, w := range list {
		all[i].Waiting = w
		if m := clk.Date(w.Since); !m.Undated {
			all[i].Age = max(now.Sub(m.Wall), 0)
		}
	}
	return all
}

// retry answers "retry".
func (d *desk) retry(id string) any {
	if id == "all" {
		n := len(d.box.Waiting())
		d.box.Retry("")
		if n == 0 {
			return "Nothing waits."
		}
		return fmt.Sprintf("What waits is tried now: %s. `pinbell outbox` shows what comes of it.", count(n, "mail or event"))
	}
	w := find(d.box.Waiting(), id)
	switch {
	case w == nil:
		return unknownID(id)
	case !w.Mail:
		return refusal{Exit: exitFailed, Error: "event " + id + " is in no mail yet, so there is none to try: " + w.Why}
	case w.Sending:
		return "Mail " + id + " is on the line just now."
	}
	d.box.Retry(id)
	return "Mail " + id + " is tried now. `pinbell outbox` shows what comes of it."
}

// dropped answers "drop".
func (d *desk) dropped(id string) any {
	if find(d.box.Waiting(), id) == nil {
		return unknownID(id)
	}
	record, err := d.box.Drop(id)
	if err != nil {
		return refusal{Error: err.Error()}
	}
	return record
}

func unknownID(id string) refusal {
	return refusal{Exit: exitUsage, Error: fmt.Sprintf("nothing waits under %q: `pinbell outbox` lists what does", id)}
}

// find gives what waits under exactly this ID.
func find(all []outbox.Waiting, id string) *outbox.Waiting {
	for i := range all {
		if all[i].ID == id {
			return &all[i]
		}
	}
	return nil
}

// waitingIn asks the daemon what waits, and the store where none runs.
func waitingIn(dir string, note io.Writer) (all []waits, err error) {
	err = ask(dir, request{Command: "outbox"}, &all)
	if _, absent := errors.AsType[noDaemon](err); !absent {
		return all, err
	}
	box, err := peek(dir)
	if err != nil {
		return nil, err
	}
	fmt.Fprintln(note, "pinbell: "+onlyStore)
	all = aged(box.Waiting(), box.Clock)
	for i := range all {
		w := &all[i]
		if len(w.Attempts) == 0 {
			w.Why = "no pinbell is running"
		}
		w.NextIn, w.Sending = 0, false
		w.Stopped = true
	}
	return all, nil
}

// drop has the daemon drop something, or does it itself where none runs.
func drop(dir, id string) (record outbox.Record, err error) {
	err = ask(dir, request{Command: "drop", ID: id}, &record)
	if _, absent := errors.AsType[noDaemon](err); !absent {
		return record, err
	}
	// A look first: to open a store for writing makes one where there is none.
	box, err := peek(dir)
	if err != nil {
		return record, err
	}
	if find(box.Waiting(), id) == nil {
		no := unknownID(id)
		return record, exit{no.Exit, errors.New(no.Error)}
	}
	troubles := &notify.Troubles{}
	box, err = outbox.Open(outbox.Config{Dir: dir, Clock: box.Clock, Troubles: troubles})
	if err != nil {
		return record, fmt.Errorf("open the store in %s: %w", dir, err)
	}
	record, err = box.Drop(id)
	saved := !box.Status().Memory
	if err = errors.Join(err, box.Close()); err == nil && !saved {
		err = errors.New("nothing was dropped: " + troubles.List()[0].Sentence)
	}
	return record, err
}

// writeWaiting shows what waits as people read it.
func writeWaiting(out io.Writer, all []waits) {
	if len(all) == 0 {
		fmt.Fprintln(out, "Nothing waits.")
		return
	}
	for _, w := range all {
		writeWaits(out, w)
		fmt.Fprintln(out)
	}
	fmt.Fprintf(out, "%s. %s\n", howMany(all), byAge(all))
}

// howMany says "2 mails and 1 event wait".
func howMany(all []waits) string {
	mails := 0
	for _, w := range all {
		if w.Mail {
			mails++
		}
	}
	var parts []string
	if mails > 0 {
		parts = append(parts, count(mails, "mail"))
	}
	if events := len(all) - mails; events > 0 {
		parts = append(parts, count(events, "event"))
	}
	verb := " wait"
	if len(all) == 1 {
		verb = " waits"
	}
	return strings.Join(parts, " and ") + verb
}

func writeWaits(out io.Writer, w waits) {
	line := func(what, format string, args ...any) {
		fmt.Fprintf(out, "  %-9s %s\n", what, fmt.Sprintf(format, args...))
	}
	kind := "event"
	if w.Mail {
		kind = "mail"
	}
	if w.Severity == notify.Critical {
		kind = "critical " + kind
	}
	age := "since before the last start of the board"
	if w.Age > 0 {
		age = "for " + notify.Span(w.Age)
	}
	fmt.Fprintf(out, "%s %s waits %s\n", kind, w.ID, age)
	line("why", "%s", w.Why)
	line("next", "%s", w.next())
	for _, ev := range w.Events {
		line(ev.Kind.String(), "%s  %s", momentTime(ev.At), eventName(ev))
	}
	line("to", "%s", strings.Join(w.To, ", "))
	if len(w.Attempts) > 1 || w.Tries > 1 { // a single one is why it waits
		writeAttempts(line, w.Attempts)
	}
}

// next says when it is tried.
func (w waits) next() string {
	switch {
	case w.Stopped:
		return "when pinbell starts"
	case w.Sending:
		return "on the line now"
	case w.NextIn > 0:
		return "in " + notify.Span(w.NextIn)
	case !w.Mail:
		return "as soon as a mail may go"
	}
	return "now"
}

// ages are the steps in which a queue is looked at.
var ages = []struct {
	below time.Duration
	name  string
}{
	{10 * time.Minute, "under 10 min"}, {time.Hour, "under 1 h"}, {6 * time.Hour, "under 6 h"}, {24 * time.Hour, "under a day"},
}

// byAge counts what waits by how long it does.
func byAge(all []waits) string {
	counts := make([]int, len(ages)+1)
	for _, w := range all {
		i := 0
		for i < len(ages) && (w.Age == 0 || w.Age >= ages[i].below) {
			i++
		}
		counts[i]++
	}
	var parts []string
	for i, n := range counts {
		name := "a day or longer"
		if i < len(ages) {
			name = ages[i].name
		}
		if n > 0 {
			parts = append(parts, fmt.Sprintf("%s: %d", name, n))
		}
	}
	return "By age: " + strings.Join(parts, " · ") + "."
}
