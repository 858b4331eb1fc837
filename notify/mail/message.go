package mail

import (
	"bytes"
	"encoding/base64"
	"mime"
	"mime/quotedprintable"
	"strings"

	"pinbell/notify"
)

// Render writes the whole message:
//
//	multipart/mixed              where files are attached
//	└ multipart/alternative      unless the mail is text only
//	  ├ text/plain
//	  └ multipart/related        where there are pictures
//	    ├ text/html
//	    └ image/png …            inline, by Content-ID
//
// It fails where Compose does.
func Render(m notify.Mail, h Letterhead) ([]byte, error) {
	composed, err := Compose(m, h)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	b.Grow(composed.size())
	writeFields(&b, letter{m, h}.header(composed))
	composed.body(m.ID).write(&b)
	return b.Bytes(), nil
}

// size is about what the message will have in bytes.
func (t Letter) size() int {
	n := 4096 + len(t.Text)*2 + len(t.HTML)*3/2
	for _, p := range append(t.Inline[:len(t.Inline):len(t.Inline)], t.Attached...) {
		n += len(p.Data)*7/5 + 1024
	}
	return n
}

// entity is a part of a message: its header and its body, or its parts.
type entity struct {
	header   []field
	body     func(*bytes.Buffer)
	boundary string
	parts    []entity
}

// body is the letter's structure. Boundaries are made of the mail's ID, equal
// at every attempt. They begin with "=_", which neither quoted-printable nor
// base64 can contain (RFC 2045, section 6.7), so that no text can end a part.
func (t Letter) body(id string) entity {
	text := written("text/plain", t.Text)
	if t.HTML == "" {
		return text
	}
	html := written("text/html", t.HTML)
	if len(t.Inline) > 0 {
		html = several("related", id, `; type="text/html"`, append([]entity{html}, enclosed("inline", t.Inline)...))
	}
	all := several("alternative", id, "", []entity{text, html})
	if len(t.Attached) > 0 {
		all = several("mixed", id, "", append([]entity{all}, enclosed("attachment", t.Attached)...))
	}
	return all
}

func several(kind, id, parameters string, parts []entity) entity {
	boundary := "=_" + kind + "." + id
	return entity{
		header:   []field{{"Content-Type", "multipart/" + kind + parameters + `; boundary="` + boundary + `"`}},
		boundary: boundary, parts: parts,
	}
}

// written is a part of text.
func written(kind, text string) entity {
	return entity{
		header: []field{{"Content-Type", kind + "; charset=utf-8"}, {"Content-Transfer-Encoding", "quoted-printable"}},
		body: func(b *bytes.Buffer) {
			w := quotedprintable.NewWriter(b)
			// Writing to a buffer does not fail.
			_, _ = w.Write([]byte(strings.ReplaceAll(text, "\n", "\r\n")))
			_ = w.Close()
		},
	}
}

// enclosed are parts of bytes.
func enclosed(disposition string, parts []Part) (list []entity) {
	for _, p := range parts {
		header := []field{
			{"Content-Type", p.Type},
			{"Content-Transfer-Encoding", "base64"},
			{"Content-Disposition", mime.FormatMediaType(disposition, map[string]string{"filename": p.Name})},
		}
		if p.ContentID != "" {
			header = append(header, field{"Content-ID", "<" + p.ContentID + ">"})
		}
		list = append(list, entity{header: header, body: func(b *bytes.Buffer) { writeBase64(b, p.Data) }})
	}
	return list
}

func (e entity) write(b *bytes.Buffer) {
	writeFields(b, e.header)
	b.WriteString("\r\n")
	if e.body != nil {
		e.body(b)
	}
	for _, part := range e.parts {
		b.WriteString("\r\n--" + e.boundary + "\r\n")
		part.write(b)
	}
	if e.boundary != "" {
		b.WriteString("\r\n--" + e.boundary + "--\r\n")
	}
}

func writeFields(b *bytes.Buffer, fields []field) {
	for _, f := range fields {
		b.WriteString(fold(f.name+": "+f.value) + "\r\n")
	}
}

// writeBase64 writes lines of 76 characters (RFC 2045, section 6.8).
func writeBase64(b *bytes.Buffer, data []byte) {
	const perLine = 57 // bytes in 76 characters
	line := make([]byte, 0, 78)
	for len(data) > 0 {
		n := min(len(data), perLine)
		line = base64.StdEncoding.AppendEncode(line[:0], data[:n])
		b.Write(append(line, "\r\n"...))
		data = data[n:]
	}
}
