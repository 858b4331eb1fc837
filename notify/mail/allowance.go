package mail

import (
	"errors"
	"fmt"
	"regexp"
	"text/template"
)

// allowance is how much text one run of a template may still make, in bytes.
// Without it, a variable that is doubled at each of fifty events would fill the
// memory, and no output would tell of it.
type allowance int

const (
	maxMade  = 1_000_000 // bytes that the functions of a run may take and give
	callCost = 100       // bytes that a call counts at least, and each of its arguments
)

// functions are text/template's own that make text, within the allowance.
func (a *allowance) functions() template.FuncMap {
	return template.FuncMap{
		"print":    a.bound(fmt.Sprint),
		"println":  a.bound(fmt.Sprintln),
		"html":     a.bound(template.HTMLEscaper),
		"js":       a.bound(template.JSEscaper),
		"urlquery": a.bound(template.URLQueryEscaper),
		"printf": func(format string, args ...any) (string, error) {
			if odd.MatchString(format) {
				return "", errors.New("printf with a width above 99, or with an argument's number or *")
			}
			printed := func(all ...any) string { return fmt.Sprintf(format, all[1:]...) }
			return a.bound(printed)(append([]any{format}, args...)...)
		},
	}
}

// odd are the formats that make much of little.
var odd = regexp.MustCompile(`%[^a-zA-Z%]*([0-9]{3}|[*\[])`)

// bound holds what goes into a function to the size of a body, which none of
// them makes more than a dozen times as long, and all of it to the allowance.
func (a *allowance) bound(f func(...any) string) func(...any) (string, error) {
	return func(args ...any) (string, error) {
		size := 0
		for _, arg := range args {
			switch arg := arg.(type) {
			case string:
				size += len(arg)
			case bool, int, float64:
			default:
				return "", fmt.Errorf("%T is neither a word nor a number", arg)
			}
		}
		if size > maxOutBody {
			return "", fmt.Errorf("a text of more than %d bytes", maxOutBody)
		}
		if err := a.spend(size + callCost*(1+len(args))); err != nil {
			return "", err
		}
		made := f(args...)
		return made, a.spend(len(made))
	}
}

func (a *allowance) spend(bytes int) error {
	if *a -= allowance(bytes); *a < 0 {
		return fmt.Errorf("its functions make more than %d bytes of text", maxMade)
	}
	return nil
}
