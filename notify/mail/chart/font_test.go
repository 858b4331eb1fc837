package chart

import (
	"image"
	"testing"
)

func TestFontHasTheCharactersOfNumbersUnitsAndTimes(t *testing.T) {
	for _, r := range "0123456789-+.,:eE limit °C %RH hPa ppm lx V A W µg/m³" {
		if got := substitute(r); got != r {
			t.Errorf("%q is shown as %q", r, got)
		}
	}
}

func TestCharactersThatTheFontLacksAreShownAsNearOnes(t *testing.T) {
	for r, want := range map[rune]rune{'\u2212': '-', '\u2011': '-', '\u202f': ' ', '\u2009': ' ', '雪': '?', '\u202e': '?', -1: '?', '\U0010ffff': '?'} {
		if got := substitute(r); got != want && got != r { // a newer font may have it
			t.Errorf("%U is shown as %q, want %q", r, got, want)
		}
	}
}

// What labels cover is reckoned with their boxes: ink outside of them would
// touch other labels.
func TestLettersStandInTheirBox(t *testing.T) {
	for _, r := range " !\"#$%&'()*+,-./:;<=>?@AQW[\\]^_`gjpqy{|}~°µ²³" {
		c := newCanvas(100, 100)
		s := "8" + string(r) + "8"
		c.each(s, 40, 50, func(x, y int, part float64) {
			if part > 0.5 && !(image.Point{x, y}).In(box(s, 40, 50)) {
				t.Errorf("%q has ink at %d,%d, outside of %v", r, x, y, box(s, 40, 50))
			}
		})
	}
}

// Figures have their middle where write was asked to put it, so that a label
// stands beside its line.
func TestFiguresStandAroundTheirMiddle(t *testing.T) {
	top, bottom := 100, 0
	newCanvas(100, 100).each("0123456789", 0, 50, func(_, y int, part float64) {
		if part > 0.5 {
			top, bottom = min(top, y), max(bottom, y)
		}
	})
	if middle := float64(top+bottom) / 2; middle < 49 || middle > 51 || bottom-top+1 < figure-1 || bottom-top > figure+1 {
		t.Errorf("figures reach from %d to %d around 50", top, bottom)
	}
}
