package mail

import (
	"bytes"
	"cmp"
	"fmt"
	"mime"
	"strings"
	"unicode/utf8"

	"pinbell/notify"
)

// maxFiles bounds how many files a mail shows and carries.
const maxFiles = 20

// enclosures says what goes with the mail, what was left out, and what could
// not be had.
func (l letter) enclosures() (nodes []node) {
	var missing, attached, left []string
	for i, f := range l.files() {
		switch {
		case len(f.Data) == 0:
			missing = append(missing, lacking(f))
		case l.Slim != notify.Whole:
			left = append(left, l.label(i, f))
		case isPicture(f):
			words := "Picture: " + l.label(i, f) + "."
			nodes = append(nodes, picture{contentID: l.pictureID(i), alt: words, caption: l.label(i, f), width: 544})
		default:
			attached = append(attached, l.label(i, f))
		}
	}
	if l.Slim != notify.Whole && len(l.Files) == 0 {
		left = l.wanted()
	}
	if len(attached) > 0 {
		nodes = append(nodes, para("Attached: "+strings.Join(attached, " · ")))
	}
	if len(left) > 0 {
		nodes = append(nodes, para("Left out: "+strings.Join(left, " · ")+". The server takes no mail of that size."))
	}
	if len(missing) > 0 {
		nodes = append(nodes, para(strings.Join(missing, "\n")))
	}
	return nodes
}

// files are those that the mail deals with.
func (l letter) files() []notify.Attachment { return l.Files[:min(len(l.Files), maxFiles)] }

// wanted names what the rules ask for, when it was not even fetched.
func (l letter) wanted() (list []string) {
	for _, e := range l.Events {
		for _, source := range e.Attach {
			if s := origin(source); len(list) < maxFiles && s != "" {
				list = append(list, s)
			}
		}
	}
	return list
}

func lacking(f notify.Attachment) string {
	what := "file"
	if f.Type == "" || strings.HasPrefix(f.Type, "image/") {
		what = "picture"
	}
	fault := strings.TrimSuffix(cmp.Or(oneLine(f.Fault, maxText), "it was empty"), ".")
	return fmt.Sprintf("The %s from %s could not be taken: %s.", what, cmp.Or(origin(f.Source), "its source"), fault)
}

// origin is a source as a mail may show it. An address can hold a password
// before its @ and in its query, and a command in its arguments.
func origin(source string) string {
	kind, rest, _ := strings.Cut(oneLine(source, maxText), ":")
	switch kind {
	case "file":
		return oneLine(rest, maxTitle)
	case "exec":
		command, _, _ := strings.Cut(strings.TrimSpace(rest), " ")
		return oneLine(command, maxTitle)
	}
	rest = rest[:min(len(rest), strings.IndexAny(rest+"?", "?#"))]
	rest = rest[strings.LastIndexByte(rest, '@')+1:] // a password may hold any of : / @
	return oneLine(kind+"://"+strings.TrimPrefix(rest, "//"), maxTitle)
}

// label names a file, and says when it was taken and how large it is.
func (l letter) label(i int, f notify.Attachment) string {
	s := fileName(i, f) + ", "
	if !f.Taken.IsZero() {
		s += "taken " + l.clock(notify.Moment{Wall: f.Taken, Trusted: true}) + ", "
	}
	return s + size(len(f.Data))
}

func size(n int) string {
	switch {
	case n < 1000:
		return count(n, "byte")
	case n < 999_500:
		return fmt.Sprintf("%d kB", (n+500)/1000)
	}
	return fmt.Sprintf("%.1f MB", float64(n)/1e6)
}

// parts are the files that go along: pictures that HTML shows, and the rest.
func (l letter) parts() (pictures, others []Part) {
	if l.Slim != notify.Whole {
		return nil, nil
	}
	for i, f := range l.files() {
		p := Part{Name: fileName(i, f), Type: mediaType(f.Type), Data: f.Data}
		switch {
		case len(f.Data) == 0:
		case isPicture(f):
			p.ContentID = l.pictureID(i)
			pictures = append(pictures, p)
		default:
			others = append(others, p)
		}
	}
	return pictures, others
}

func (l letter) pictureID(i int) string { return fmt.Sprintf("picture%d.%s", i+1, l.id(l.ID)) }

// signatures are how pictures begin that every mail program shows.
var signatures = map[string]string{
	"image/jpeg": "\xff\xd8\xff", "image/png": "\x89PNG\r\n\x1a\n", "image/gif": "GIF8",
}

// isPicture reports whether a file can be shown in HTML. What says that it is
// a picture, and is not, is attached: its reader may know better.
func isPicture(f notify.Attachment) bool {
	sign := signatures[mediaType(f.Type)]
	return sign != "" && bytes.HasPrefix(f.Data, []byte(sign))
}

// mediaType is a file's type without parameters. What is not one, or would be
// taken for a part of our own structure, is bytes.
func mediaType(s string) string {
	t, _, err := mime.ParseMediaType(s)
	main, sub, found := strings.Cut(t, "/")
	if err != nil || !found || sub == "" || main == "multipart" || main == "message" || len(t) > 100 {
		return "application/octet-stream"
	}
	return t
}

// fileName is a name without a path that no system takes for another thing.
func fileName(i int, f notify.Attachment) string {
	name := strings.Map(func(r rune) rune {
		if strings.ContainsRune(`/\:*?"<>|`, r) {
			return '-'
		}
		return r
	}, oneLine(f.Name, 1000))
	name = strings.TrimLeft(name, ". -")
	if name == "" {
		return fmt.Sprintf("file-%d", i+1)
	}
	return shortened(name)
}

// shortened keeps a long name's beginning and its extension.
func shortened(name string) string {
	n := utf8.RuneCountInString(name)
	if n <= maxName {
		return name
	}
	extension := ""
	if i := strings.LastIndexByte(name, '.'); i > 0 && len(name)-i <= 8 {
		extension = name[i:]
	}
	return string([]rune(name)[:maxName-utf8.RuneCountInString(extension)]) + extension
}
