package mail

import (
	"encoding/xml"
	"errors"
	"io"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// tags and attributes are all that our HTML may be made of. What a text could
// smuggle in would show as another one.
var (
	tags = []string{
		"html", "head", "meta", "title", "body", "table", "tr", "td", "div", "p", "b", "br", "span", "ul", "li", "img",
	}
	attributes = []string{
		"lang", "charset", "name", "content", "style", "role", "width", "cellpadding", "cellspacing", "border", "align", "bgcolor", "src", "alt",
	}
)

// mustBeSafeHTML reads the HTML with a strict parser, and checks that it
// fetches nothing and holds nothing but what we wrote.
func mustBeSafeHTML(t *testing.T, c Letter) {
	t.Helper()
	if c.HTML == "" {
		return
	}
	var pictures []string
	open := 0
	d := xml.NewDecoder(strings.NewReader(c.HTML))

	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatalf("%v in\n%s", err, c.HTML)
		}
		switch e := token.(type) {
		case xml.StartElement:
			open++
			if !slices.Contains(tags, e.Name.Local) {
				t.Fatalf("element %q in\n%s", e.Name.Local, c.HTML)
			}
			pictures = append(pictures, mustHaveOurs(t, e)...)
		case xml.EndElement:
			open--
		case xml.Comment, xml.ProcInst:
			t.Fatalf("%T in\n%s", token, c.HTML)
		}
	}
	if open != 0 {
		t.Fatalf("%d elements are not closed in\n%s", open, c.HTML)
	}
	var inline []string
	for _, p := range c.Inline {
		inline = append(inline, "cid:"+p.ContentID)
	}
	slices.Sort(inline)
	slices.Sort(pictures)
	if !slices.Equal(inline, pictures) {
		t.Fatalf("the HTML shows %q, the mail has %q", pictures, inline)
	}
}

func mustHaveOurs(t *testing.T, e xml.StartElement) (pictures []string) {
	t.Helper()
	for _, a := range e.Attr {
		if !slices.Contains(attributes, a.Name.Local) {
			t.Fatalf("attribute %q", a.Name.Local)
		}
		if a.Name.Local == "src" {
			pictures = append(pictures, a.Value)
		}
		if a.Name.Local == "style" && strings.Contains(a.Value, "url") {
			t.Fatalf("style %q", a.Value)
		}
	}
	return pictures
}

func TestBandsCanBeRead(t *testing.T) {
	for i, p := range paints {
		if c := contrast(p.ground, p.ink); c < 4.5 {
			t.Errorf("tone %d: contrast %.1f", i, c)
		}
		for _, page := range []string{"#ffffff", "#1c1c1e"} {
			if c := contrast(p.line, page); c < 2.2 {
				t.Errorf("tone %d: the line beside a section has a contrast of %.1f on %s", i, c, page)
			}
		}
	}
}

// A program in dark mode shows its own colours where a mail sets none. One that
// is set alone, ink without ground, could vanish.
func TestInkComesWithItsGround(t *testing.T) {
	for name, c := range all() {
		html := mustCompose(t, c).HTML
		for _, style := range regexp.MustCompile(`style="([^"]*)"`).FindAllStringSubmatch(html, -1) {
			alone := regexp.MustCompile(`(^|;)color:(#[0-9a-f]+)`).FindStringSubmatch(style[1])
			if alone != nil && !strings.Contains(style[1], "background-color") && !isBandInk(alone[2]) {
				t.Errorf("%s: %s", name, style[1])
			}
		}
		if n := strings.Count(html, "background-color"); html != "" && n != 1 {
			t.Errorf("%s: %d grounds, and only the band has one", name, n)
		}
	}
}

func isBandInk(ink string) bool {
	return slices.ContainsFunc(paints[:], func(p paint) bool { return p.ink == ink })
}

// contrast is that of WCAG 2.2.
func contrast(a, b string) float64 {
	x, y := luminance(a), luminance(b)
	return (max(x, y) + 0.05) / (min(x, y) + 0.05)
}

func luminance(rgb string) float64 {
	sum := 0.0
	for i, weight := range []float64{0.2126, 0.7152, 0.0722} {
		v, _ := strconv.ParseUint(rgb[1+2*i:3+2*i], 16, 8)
		c := float64(v) / 255
		if c <= 0.04045 {
			c /= 12.92
		} else {
			c = math.Pow((c+0.055)/1.055, 2.4)
		}
		sum += weight * c
	}
	return sum
}

func mustCompose(t *testing.T, c stationery) Letter {
	t.Helper()
	composed, err := Compose(c.mail, c.head)
	if err != nil {
		t.Fatal(err)
	}
	return composed
}
