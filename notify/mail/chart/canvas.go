package chart

import (
	"image"
	"math"
)

// ink is a colour of the palette that things are drawn with.
type ink uint8

// The inks. All of them but the pale ones have a contrast of 4.5 to paper.
const (
	paper ink = iota
	alarm     // the ground beyond the limit
	grid
	soft // the axes' labels
	dark
	calm // the readings
	loud // the readings beyond the limit, and the limit
	inks
)

// rgb is a colour.
type rgb struct{ r, g, b uint8 }

var colors = [inks]rgb{
	paper: {0xfb, 0xfb, 0xf9}, alarm: {0xfd, 0xe9, 0xe6}, grid: {0xdc, 0xdc, 0xd8},
	soft: {0x55, 0x55, 0x58}, dark: {0x1c, 0x1c, 0x1e},
	calm: {0x1f, 0x5f, 0x9e}, loud: {0xb8, 0x1f, 0x17},
}

// canvas is a picture of at most 256 colours: the inks, and the shades between
// them that smooth edges need, as they come to be needed.
type canvas struct {
	rect    image.Rectangle // from 0, 0
	pix     []uint8         // indexes of the palette, row by row
	palette *[]rgb
	// shades are colours of the palette, plus one, by what they are made of: a
	// colour of the palette, so many sixteenths of an ink over it. 0: not yet.
	shades  *[256][inks][16]uint16
	letters map[rune]*glyph // those that were needed
}

func newCanvas(width, height int) canvas {
	palette := append(make([]rgb, 0, 256), colors[:]...)
	return canvas{image.Rect(0, 0, width, height), make([]uint8, width*height), &palette, new([256][inks][16]uint16), map[rune]*glyph{}}
}

// dab puts ink on a pixel: none of it for part 0, all for 1.
func (c canvas) dab(x, y int, with ink, part float64) {
	if !(image.Point{x, y}).In(c.rect) || !(part > 0) {
		return
	}
	i := y*c.rect.Dx() + x
	c.pix[i] = c.mix(c.pix[i], with, int(min(part, 1)*16+0.5))
}

func (c canvas) mix(ground uint8, with ink, part int) uint8 {
	if part >= 16 {
		return uint8(with)
	}
	known := &c.shades[ground][with][part]
	if *known == 0 {
		*known = 1 + uint16(c.place(blend((*c.palette)[ground], colors[with], part)))
	}
	return uint8(*known - 1)
}

// place finds a colour in the palette, adds it while there is room, and else
// takes the nearest.
func (c canvas) place(wanted rgb) uint8 {
	nearest, far := 0, math.MaxInt32
	for i, have := range *c.palette {
		if d := distance(have, wanted); d < far {
			nearest, far = i, d
		}
	}
	if far <= 12 || len(*c.palette) == 256 { // 12: two levels of each colour, which nobody sees
		return uint8(nearest)
	}
	*c.palette = append(*c.palette, wanted)
	return uint8(len(*c.palette) - 1)
}

func distance(a, b rgb) int {
	red, green, blue := int(a.r)-int(b.r), int(a.g)-int(b.g), int(a.b)-int(b.b)
	return red*red + green*green + blue*blue
}

func blend(ground, over rgb, part int) rgb {
	mix := func(a, b uint8) uint8 { return uint8((int(a)*(16-part) + int(b)*part + 8) / 16) }
	return rgb{mix(ground.r, over.r), mix(ground.g, over.g), mix(ground.b, over.b)}
}

// fill paints whole pixels.
func (c canvas) fill(r image.Rectangle, with ink) {
	r = r.Intersect(c.rect)
	for y := r.Min.Y; y < r.Max.Y; y++ {
		for x := r.Min.X; x < r.Max.X; x++ {
			c.pix[y*c.rect.Dx()+x] = uint8(with)
		}
	}
}

// mask gathers how far pixels are covered, so that lines that meet do not
// darken each other's edges.
type mask struct {
	rect image.Rectangle
	part []uint8 // in 255ths
}

func newMask(r image.Rectangle) mask { return mask{r, make([]uint8, r.Dx()*r.Dy())} }

func (m mask) at(x, y int) float64 {
	if !(image.Point{x, y}).In(m.rect) {
		return 0
	}
	return float64(m.part[(y-m.rect.Min.Y)*m.rect.Dx()+x-m.rect.Min.X]) / 255
}

func (m mask) cover(x, y int, part float64) {
	if !(image.Point{x, y}).In(m.rect) || !(part > 0) {
		return
	}
	i := (y-m.rect.Min.Y)*m.rect.Dx() + x - m.rect.Min.X
	m.part[i] = max(m.part[i], uint8(min(part, 1)*255+0.5))
}

// lay puts ink on the canvas where the mask is covered.
func (c canvas) lay(m mask, with ink) {
	for i, part := range m.part {
		if part > 0 {
			c.dab(m.rect.Min.X+i%m.rect.Dx(), m.rect.Min.Y+i/m.rect.Dx(), with, float64(part)/255)
		}
	}
}

// point is a place in pixels.
type point struct{ x, y float64 }

// stroke draws a line with round ends.
func (m mask) stroke(a, b point, width float64) {
	reach := width/2 + 1
	box := image.Rect(int(math.Floor(min(a.x, b.x)-reach)), int(math.Floor(min(a.y, b.y)-reach)),
		int(math.Ceil(max(a.x, b.x)+reach)), int(math.Ceil(max(a.y, b.y)+reach))).Intersect(m.rect)
	for y := box.Min.Y; y < box.Max.Y; y++ {
		for x := box.Min.X; x < box.Max.X; x++ {
			m.cover(x, y, width/2+0.5-gap(point{float64(x) + 0.5, float64(y) + 0.5}, a, b))
		}
	}
}

// gap is how far p is from the line between a and b.
func gap(p, a, b point) float64 {
	dx, dy := b.x-a.x, b.y-a.y
	along := 0.0
	if length := dx*dx + dy*dy; length > 0 {
		along = min(max(((p.x-a.x)*dx+(p.y-a.y)*dy)/length, 0), 1)
	}
	return math.Hypot(p.x-a.x-along*dx, p.y-a.y-along*dy)
}

// band fills between two lines from x a to x b, each of which goes from one
// height to another.
func (m mask) band(ax, bx float64, atA, atB [2]float64) {
	for x := int(ax); x <= int(bx); x++ {
		share := 0.0
		if bx > ax {
			share = min(max((float64(x)+0.5-ax)/(bx-ax), 0), 1)
		}
		top, bottom := atA[0]+share*(atB[0]-atA[0]), atA[1]+share*(atB[1]-atA[1])
		for y := int(top); y <= int(bottom); y++ {
			m.cover(x, y, min(float64(y)+1, bottom)-max(float64(y), top))
		}
	}
}
