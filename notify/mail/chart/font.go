package chart

import (
	"image"
	"strings"

	"golang.org/x/image/font/basicfont"
	"golang.org/x/image/font/inconsolata"
	"golang.org/x/image/math/fixed"
)

// face is the font: small glyphs of one width, drawn twice as large.
var face = inconsolata.Bold8x16

const (
	cellWidth  = 2 * 10       // of a glyph, which reaches over its neighbours
	cellHeight = 2 * (14 + 3) // ascent and descent
	baseline   = 2 * 14       // below the cell's top
	figure     = 2 * 10       // how high figures stand
)

// spacing is from a character to the next, in pixels: a little less than the
// font's, which is for columns of text, and less yet where there is little ink.
func spacing(r rune) int {
	switch r {
	case ' ', '\u00a0', '\u2009', '\u202f':
		return 9
	case '.', ',', ':':
		return 11
	}
	return 15
}

// glyph is how far each pixel of a character is covered, in 255ths.
type glyph [cellHeight][cellWidth]uint8

// glyphOf is a character's picture. What the font does not have is a question
// mark; spaces and dashes that it does not have are plain ones.
func (c canvas) glyphOf(r rune) *glyph {
	if g, drawn := c.letters[r]; drawn {
		return g
	}
	g := enlarged(face, substitute(r))
	c.letters[r] = g
	return g
}

func substitute(r rune) rune {
	if _, known := face.GlyphAdvance(r); known {
		return r
	}
	switch {
	case strings.ContainsRune("\u2009\u202f", r):
		return ' '
	case strings.ContainsRune("\u2010\u2011\u2012\u2013\u2212", r):
		return '-'
	}
	return '?'
}

// enlarged draws a glyph of the font twice as large: the values between its
// pixels are mixed, and then made steeper, so that edges are smooth and sharp.
func enlarged(face *basicfont.Face, r rune) *glyph {
	from, mask, at, _, _ := face.Glyph(fixed.Point26_6{}, r)
	source := func(x, y int) int {
		if !(image.Point{x, y}).In(image.Rect(0, 0, from.Dx(), from.Dy())) {
			return 0
		}
		_, _, _, part := mask.At(at.X+x, at.Y+y).RGBA()
		return int(part >> 8)
	}
	var g glyph
	for y := range g {
		for x := range g[y] {
			nearX, nearY := x/2, y/2
			nextX, nextY := nearX+x%2*2-1, nearY+y%2*2-1
			sum := 9*source(nearX, nearY) + 3*source(nextX, nearY) + 3*source(nearX, nextY) + source(nextX, nextY)
			g[y][x] = uint8(min(max((sum/16-128)*7/4+128, 0), 255))
		}
	}
	return &g
}

func textWidth(s string) (n int) {
	for _, r := range s {
		n += spacing(r)
	}
	return n
}

// write draws a text whose figures have their middle at y.
func (c canvas) write(s string, x, y int, with ink) {
	c.each(s, x, y, func(x, y int, part float64) { c.dab(x, y, with, part) })
}

// each calls f for every pixel of a text that is covered.
func (c canvas) each(s string, x, y int, f func(x, y int, part float64)) {
	top := y + figure/2 - baseline
	for _, r := range s {
		left := x + spacing(r)/2 - cellWidth/2
		for row, parts := range c.glyphOf(r) {
			for column, part := range parts {
				if part > 0 {
					f(left+column, top+row, float64(part)/255)
				}
			}
		}
		x += spacing(r)
	}
}

// seam is how far the ground around a text reaches that keeps it legible on a
// line, in pixels.
const seam = 3

// writeClear is write with a seam around it.
func (c canvas) writeClear(s string, x, y int, with, ground ink) {
	around := newMask(box(s, x, y).Intersect(c.rect))
	c.each(s, x, y, func(x, y int, part float64) {
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
