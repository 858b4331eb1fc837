package chart

import (
	_ "embed"
	"image"
	"strings"
)

// glyphs.bin has the printable characters of ASCII and the degree sign in Go
// Medium at 25 pixels, drawn once from golang.org/x/image/font/gofont; a test
// draws them again and compares. FONT-LICENSE has the font's terms. Each glyph
// is its width in a byte and then its rows, four bits to a pixel.
//
//go:embed glyphs.bin
var glyphs string

const (
	charset = " !\"#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`abcdefghijklmnopqrstuvwxyz{|}~°"
	// emHeight is a glyph's height in pixels, ascent and descent together, and
	// baseline how far down it stands. Figures are figure high.
	emHeight = 30
	baseline = 23
	figure   = 18
)

type glyph struct {
	width int
	rows  string
}

func (g glyph) row(y int) string {
	stride := (g.width + 1) / 2
	return g.rows[y*stride : (y+1)*stride]
}

// part is how far a pixel is covered, in fifteenths.
func part(row string, x int) int { return int(row[x/2]>>(4*(1-x%2))) & 15 }

var letters = readFont(glyphs)

func readFont(data string) map[rune]glyph {
	all := map[rune]glyph{}
	for _, r := range charset {
		width := int(data[0])
		size := (width + 1) / 2 * emHeight
		all[r] = glyph{width, data[1 : 1+size]}
		data = data[1+size:]
	}
	return all
}

// glyphOf is a character's picture. What the font does not have is a question
// mark; spaces and dashes that it does not have are plain ones.
func glyphOf(r rune) glyph {
	if g, known := letters[r]; known {
		return g
	}
	switch {
	case strings.ContainsRune("\u00a0\u2009\u202f", r):
		return letters[' ']
	case strings.ContainsRune("\u2010\u2011\u2012\u2013\u2212", r):
		return letters['-']
	}
	return letters['?']
}

func textWidth(s string) (n int) {
	for _, r := range s {
		n += glyphOf(r).width
	}
	return n
}

// write draws a text whose figures have their middle at y.
func (c canvas) write(s string, x, y int, with ink) {
	each(s, x, y, func(x, y int, part float64) { c.dab(x, y, with, part) })
}

// each calls f for every pixel of a text that is covered.
func each(s string, x, y int, f func(x, y int, part float64)) {
	top := y + figure/2 - baseline
	for _, r := range s {
		g := glyphOf(r)
		for row := range emHeight {
			bits := g.row(row)
			for column := range g.width {
				if part := part(bits, column); part > 0 {
					f(x+column, top+row, float64(part)/15)
				}
			}
		}
		x += g.width
	}
}

// seam is how far the ground around a text reaches that keeps it legible on a
// line, in pixels.
const seam = 3

// writeClear is write with a seam around it.
func (c canvas) writeClear(s string, x, y int, with, ground ink) {
	around := newMask(box(s, x, y).Intersect(c.rect))
	each(s, x, y, func(x, y int, part float64) {
		for dy := -seam; dy <= seam; dy++ {
			for dx := -seam; dx <= seam; dx++ {
				if dx*dx+dy*dy <= seam*seam+1 {
					around.cover(x+dx, y+dy, part)
				}
			}
		}
	})
	c.lay(around, ground)
	c.write(s, x, y, with)
}

// box is the place that a text takes.
func box(s string, x, y int) image.Rectangle {
	return image.Rect(x-seam, y-figure/2-4, x+textWidth(s)+seam, y+figure/2+7)
}
