package replay

import (
	"bufio"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"strconv"
	"strings"
	"time"

	"pinbell/sensors"
)

// Mistake is what is wrong with a table, and where.
type Mistake struct {
	Line, Column int // from 1; a column is a byte of the line
	Sentence     string
}

func (m *Mistake) Error() string {
	return fmt.Sprintf("line %d, column %d: %s", m.Line, m.Column, m.Sentence)
}

// Load reads the scenario in a file.
func Load(path string) (*Scenario, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("open scenario: %w", err)
	}
	defer f.Close()
	s, err := Read(f)
	if err != nil {
		return nil, fmt.Errorf("read scenario %s: %w", path, err)
	}
	return s, nil
}

// Read reads a scenario. The error is a *Mistake unless reading failed.
func Read(r io.Reader) (*Scenario, error) {
	b := bufio.NewReader(r)
	if mark, _ := b.Peek(3); string(mark) == "\ufeff" { // spreadsheets begin with it
		b.Discard(3)
	}
	t := table{csv: csv.NewReader(b), scenario: &Scenario{sensors: map[string]columns{}}}
	t.csv.Comment = '#'
	t.csv.TrimLeadingSpace = true
	t.csv.ReuseRecord = true
	if err := t.header(); err != nil {
		return nil, err
	}
	for {
		switch err := t.row(); {
		case err == nil:
		case err != io.EOF:
			return nil, err
		case len(t.scenario.rows) == 0:
			line, _ := t.csv.FieldPos(0)
			return nil, &Mistake{line, 1, "the table has no row below its header"}
		default:
			return t.scenario, nil
		}
	}
}

// table is the state of reading one.
type table struct {
	csv        *csv.Reader
	scenario   *Scenario
	quantities []sensors.Quantity // of the columns after the first
	dated      bool               // the first column has dates
	zero       time.Time          // the first row's
}

// mistake tells of the given column of the record that was read last.
func (t *table) mistake(column int, format string, args ...any) error {
	line, at := t.csv.FieldPos(column)
	return &Mistake{line, at, fmt.Sprintf(format, args...)}
}

// record reads the next one; its last error is io.EOF.
func (t *table) record() ([]string, error) {
	fields, err := t.csv.Read()
	broken, isBroken := errors.AsType[*csv.ParseError](err)
	switch {
	case errors.Is(err, csv.ErrFieldCount):
		return nil, t.mistake(0, "the row has %d cells, the header %d", len(fields), t.csv.FieldsPerRecord)
	case isBroken:
		return nil, &Mistake{broken.Line, max(broken.Column, 1), "a quotation mark is where none can be, or its partner is missing"}
	case err != nil:
		return nil, err
	}
	for i := range fields {
		fields[i] = strings.TrimSpace(fields[i])
	}
	return fields, nil
}

func (t *table) header() error {
	fields, err := t.record()
	if err == io.EOF {
		return &Mistake{1, 1, "the table is empty: its first line is a header like time,door.level"}
	}
	if err != nil {
		return err
	}
	if fields[0] != "time" {
		return t.mistake(0, "the first column is called time, not %q", fields[0])
	}
	if len(fields) == 1 {
		return t.mistake(0, "the header names no sensor: add a column like door.level")
	}
	for i, field := range fields[1:] {
		if err := t.column(i, field); err != nil {
			return err
		}
	}
	return nil
}

// column takes the header of the cells in place i of a row.
func (t *table) column(i int, field string) error {
	name, quantity, dotted := strings.Cut(field, ".")
	if !dotted || !identifier(name) {
		return t.mistake(i+1, "a column is called by sensor and quantity, like door.level, not %q", field)
	}
	q, ok := sensors.ParseQuantity(quantity)
	if !ok {
		return t.mistake(i+1, "there is no quantity %q: it is one of %s", quantity, quantities())
	}
	c, known := t.scenario.sensors[name]
	if !known {
		t.scenario.names = append(t.scenario.names, name)
	}
	for _, other := range c.quantities {
		if other == q {
			return t.mistake(i+1, "%s is there twice", field)
		}
	}
	c.quantities, c.at = append(c.quantities, q), append(c.at, i)
	t.scenario.sensors[name] = c
	t.quantities = append(t.quantities, q)
	return nil
}

// identifier reports whether rules can use the name.
func identifier(name string) bool {
	for i, c := range name {
		letter := c == '_' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
		if !letter && (i == 0 || c < '0' || c > '9') {
			return false
		}
	}
	return name != ""
}

func quantities() string {
	var names []string
	for q := sensors.None + 1; q < sensors.Quantities; q++ {
		names = append(names, q.String())
	}
	return strings.Join(names, ", ")
}

func (t *table) row() error {
	fields, err := t.record()
	if err != nil {
		return err
	}
	from, err := t.time(fields[0])
	if err != nil {
		return err
	}
	cells := make([]float64, len(t.quantities))
	for i, field := range fields[1:] {
		if cells[i], err = t.cell(i, field); err != nil {
			return err
		}
	}
	for _, name := range t.scenario.names {
		if err := t.whole(name, cells); err != nil {
			return err
		}
	}
	t.scenario.rows = append(t.scenario.rows, row{from, cells})
	return nil
}

// time reads the first cell of a row, which decides for the whole table
// whether it has durations or dates.
func (t *table) time(field string) (time.Duration, error) {
	first := len(t.scenario.rows) == 0
	date, notDate := time.Parse(time.RFC3339, field)
	from, notDuration := time.ParseDuration(field)
	if first {
		t.dated, t.zero = notDate == nil, date
	}
	switch {
	case notDate != nil && notDuration != nil:
		return 0, t.mistake(0, `%q is no time: write how long after the start ("90s", "2.5h"), or a date ("2026-01-31T22:15:00Z")`, field)
	case t.dated != (notDate == nil):
		return 0, t.mistake(0, "%q: a table has dates or times since its start, not both", field)
	case t.dated:
		from = date.Sub(t.zero)
	}
	if from < 0 {
		return 0, t.mistake(0, "%s is before the start", field)
	}
	if !first && from <= t.scenario.Length() {
		return 0, t.mistake(0, "%s is not later than the row before", field)
	}
	return from, nil
}

// cell reads one number; an empty cell is NaN.
func (t *table) cell(i int, field string) (float64, error) {
	if field == "" {
		return math.NaN(), nil
	}
	v, err := strconv.ParseFloat(field, 64)
	if err != nil || math.IsNaN(v) || math.IsInf(v, 0) {
		return 0, t.mistake(i+1, "%q is no number; a cell is a number, or empty where the sensor does not answer", field)
	}
	if t.quantities[i] == sensors.Level && v != 0 && v != 1 {
		return 0, t.mistake(i+1, "a level is 0 or 1, not %s", field)
	}
	return v, nil
}

// whole refuses a sensor that answers in part: none does.
func (t *table) whole(name string, cells []float64) error {
	at := t.scenario.sensors[name].at
	for _, i := range at[1:] {
		if math.IsNaN(cells[i]) != math.IsNaN(cells[at[0]]) {
			return t.mistake(i+1, "%s has a value here and none there: fill all of its cells, or none", name)
		}
	}
	return nil
}
