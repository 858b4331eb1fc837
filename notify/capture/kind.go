package capture

import (
	"mime"
	"net/http"
	"path"
	"strings"
	"unicode"
)

// typeOf is the media type that the bytes themselves speak for: cameras give
// any.
func typeOf(data []byte) string {
	kind, _, err := mime.ParseMediaType(http.DetectContentType(data))
	if err != nil {
		return "application/octet-stream"
	}
	return kind
}

// endings are the endings of names by media type, the usual one first. A type
// that is not here, and one that says little, leaves a name as it is.
var endings = map[string][]string{
	"image/jpeg":         {".jpg", ".jpeg", ".jpe"},
	"image/png":          {".png"},
	"image/gif":          {".gif"},
	"image/webp":         {".webp"},
	"image/bmp":          {".bmp"},
	"video/mp4":          {".mp4", ".m4v", ".mov"},
	"video/webm":         {".webm", ".mkv"},
	"video/avi":          {".avi"},
	"audio/mpeg":         {".mp3"},
	"audio/wave":         {".wav"},
	"application/pdf":    {".pdf"},
	"application/zip":    {".zip"},
	"text/html":          {".html", ".htm"},
	"application/ogg":    {".ogg", ".oga", ".ogv"},
	"application/x-gzip": {".gz", ".tgz"},
}

// pages are the endings of programs that make pictures in web servers.
var pages = []string{".php", ".cgi", ".fcgi", ".asp", ".aspx", ".jsp", ".pl", ".py", ".sh"}

// misleading are the endings that say something else than plain text or bytes.
var misleading = func() map[string]bool {
	all := map[string]bool{}
	for _, names := range endings {
		for _, name := range names {
			all[name] = true
		}
	}
	for _, name := range pages {
		all[name] = true
	}
	return all
}()

// nameFor gives a name the ending that its content calls for.
func nameFor(name, kind string) string {
	base, ending := parted(name)
	right, known := endings[kind]
	for _, r := range right {
		if strings.EqualFold(r, ending) {
			return name
		}
	}
	wrong := misleading[strings.ToLower(ending)]
	switch {
	case known && wrong:
		return base + right[0]
	case known:
		return name + right[0]
	case ending != "" && !wrong:
		return name
	case strings.HasPrefix(kind, "text/"):
		return base + ".txt"
	case ending == "":
		return name + ".bin"
	}
	return base + ".bin"
}

// parted cuts a name before its ending.
func parted(name string) (base, ending string) {
	ending = path.Ext(name)
	return strings.TrimSuffix(name, ending), ending
}

// tidy makes a name that any mail program and any file system takes; empty
// where nothing is left.
func tidy(name string) string {
	name = strings.Map(func(r rune) rune {
		switch {
		case r == '.', r == '-', r == '_', unicode.IsLetter(r), unicode.IsDigit(r):
			return r
		case unicode.IsSpace(r):
			return '-'
		}
		return -1
	}, name)
	name = strings.Trim(name, ".-")
	base, ending := parted(name)
	if runes := []rune(base); len(runes) > 60 {
		base = string(runes[:60])
	}
	if len(ending) > 12 {
		ending = ""
	}
	return base + ending
}
