package chart

import (
	"flag"
	"image"
	"image/draw"
	"os"
	"testing"

	"golang.org/x/image/font"
	"golang.org/x/image/font/gofont/gomedium"
	"golang.org/x/image/font/opentype"
	"golang.org/x/image/math/fixed"
)

var update = flag.Bool("update", false, "draw glyphs.bin again")

// The font in the program is what golang.org/x/image draws, so that nobody has
// to take a file of bytes on trust.
func TestGlyphsAreThoseOfTheFont(t *testing.T) {
	drawn := drawGlyphs(t)
	if *update {
		if err := os.WriteFile("glyphs.bin", []byte(drawn), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if len(drawn) != len(glyphs) {
		t.Fatalf("glyphs.bin has %d bytes, the font gives %d", len(glyphs), len(drawn))
	}
	for i := range drawn { // processors that fuse multiplication and addition may round a level otherwise
		if far(drawn[i]>>4, glyphs[i]>>4) || far(drawn[i]&15, glyphs[i]&15) {
			t.Fatalf("byte %d of glyphs.bin is %#x, the font gives %#x", i, glyphs[i], drawn[i])
		}
	}
}

func far(a, b byte) bool { return max(a, b)-min(a, b) > 1 }

func drawGlyphs(t *testing.T) string {
	t.Helper()
	parsed, err := opentype.Parse(gomedium.TTF)
	if err != nil {
		t.Fatal(err)
	}
	face, err := opentype.NewFace(parsed, &opentype.FaceOptions{Size: 25, DPI: 72, Hinting: font.HintingNone})
	if err != nil {
		t.Fatal(err)
	}
	var all []byte
	for _, r := range charset {
		advance, known := face.GlyphAdvance(r)
		if !known {
			t.Fatalf("the font has no %q", r)
		}
		width := advance.Round()
		cell := image.NewAlpha(image.Rect(0, 0, width, emHeight))
		d := font.Drawer{Dst: cell, Src: image.Opaque, Face: face, Dot: fixed.P(0, baseline)}
		d.DrawString(string(r))
		all = append(all, byte(width))
		all = append(all, pack(cell)...)
	}
	return string(all)
}

// pack makes four bits of each pixel.
func pack(cell draw.Image) (rows []byte) {
	b := cell.Bounds()
	for y := range b.Dy() {
		for x := 0; x < b.Dx(); x += 2 {
			rows = append(rows, level(cell, x, y)<<4|level(cell, x+1, y))
		}
	}
	return rows
}

func level(cell draw.Image, x, y int) byte {
	_, _, _, alpha := cell.At(x, y).RGBA()
	return byte((alpha*15 + 0x7fff) / 0xffff)
}
