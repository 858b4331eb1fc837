package chart

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"math"
	"slices"
	"testing"
	"time"
	_ "time/tzdata"
)

var (
	gone    = math.NaN()
	evening = time.Date(2026, 11, 14, 22, 41, 7, 0, time.UTC)
)

// of is a chart of readings of a minute each; NaN is none.
func of(values ...float64) Chart {
	c := Chart{
		Step: time.Minute, End: evening, Limit: gone, Unit: "V",
		Number: func(v float64) string { return fmt.Sprintf("%.1f", v) },
	}
	for _, v := range values {
		low, high := float32(v), float32(v)
		if math.IsNaN(v) {
			low, high = 1, -1
		}
		c.Low, c.High = append(c.Low, low), append(c.High, high)
	}
	return c
}

func mustDraw(t *testing.T, c Chart) image.Image {
	t.Helper()
	picture, err := png.Decode(bytes.NewReader(c.PNG()))
	if err != nil {
		t.Fatal(err)
	}
	if got, want := picture.Bounds(), image.Rect(0, 0, Width, Height); got != want {
		t.Fatalf("the picture is %v, want %v", got, want)
	}
	if colors := len(picture.ColorModel().(color.Palette)); colors > 256 {
		t.Fatalf("%d colours", colors)
	}
	return picture
}

// area is where the readings of a chart are.
func area(t *testing.T, c Chart) (*plot, image.Rectangle) {
	t.Helper()
	course, some := c.Course()
	if !some {
		t.Fatal("nothing to draw")
	}
	p := newPlot(c, course)
	return p, p.area
}

// inkOf is which of the inks a pixel has; inks where it has none of them.
func inkOf(c color.Color) ink {
	r, g, b, _ := c.RGBA()
	return ink(slices.Index(append(colors[:], rgb{uint8(r), uint8(g), uint8(b)}), rgb{uint8(r), uint8(g), uint8(b)}))
}

// count is how many pixels of a rectangle have an ink.
func count(picture image.Image, r image.Rectangle, of ink) (n int) {
	for y := r.Min.Y; y < r.Max.Y; y++ {
		for x := r.Min.X; x < r.Max.X; x++ {
			if inkOf(picture.At(x, y)) == of {
				n++
			}
		}
	}
	return n
}

func TestGapInTheReadingsStaysAGap(t *testing.T) {
	c := of(5, 5, 5, 5, gone, gone, gone, gone, 5, 5, 5, 5)
	picture := mustDraw(t, c)
	_, r := area(t, c)
	third := r.Dx() / 3
	parts := []image.Rectangle{
		image.Rect(r.Min.X+4, r.Min.Y, r.Min.X+third-20, r.Max.Y),
		image.Rect(r.Min.X+third+4, r.Min.Y, r.Min.X+2*third-8, r.Max.Y),
		image.Rect(r.Min.X+2*third+20, r.Min.Y, r.Max.X-4, r.Max.Y),
	}
	if n := count(picture, parts[1], calm); n != 0 {
		t.Errorf("%d pixels of readings in the gap", n)
	}
	for _, part := range []int{0, 2} {
		if n := count(picture, parts[part], calm); n < parts[part].Dx()*2 {
			t.Errorf("part %d has %d pixels of readings", part, n)
		}
	}
}

func TestReadingAloneIsADot(t *testing.T) {
	for name, c := range map[string]Chart{"among gaps": of(gone, gone, 5, gone, gone), "the only step": of(5)} {
		p, r := area(t, c)
		at := image.Pt(int(p.x(c.ago(len(c.Low)/2))), int(p.y(5)))
		near := image.Rect(at.X-8, at.Y-8, at.X+8, at.Y+8)
		picture := mustDraw(t, c)
		if n, all := count(picture, near, calm), count(picture, r, calm); n < 20 || n != all {
			t.Errorf("%s: %d pixels of readings at the dot, %d in all", name, n, all)
		}
	}
}

func TestReadingsBeyondTheLimitAreLoud(t *testing.T) {
	for _, side := range []struct {
		side       Side
		calm, loud bool // is there any of it above the limit
	}{{Above, false, true}, {Below, true, false}, {Neither, true, false}} {
		c := of(1, 2, 3, 4, 5, 6, 7, 8, 9)
		c.Limit, c.Beyond = 5, side.side
		p, r := area(t, c)
		above := image.Rect(r.Min.X+r.Dx()*2/3, r.Min.Y, r.Max.X-60, int(p.y(5))-30)
		picture := mustDraw(t, c)
		if got := count(picture, above, calm) > 0; got != side.calm {
			t.Errorf("side %d: calm readings above the limit: %v", side.side, got)
		}
		if got := count(picture, above, loud) > 0; got != side.loud {
			t.Errorf("side %d: loud readings above the limit: %v", side.side, got)
		}
	}
}

func TestLimitIsDrawnAcrossAndNamed(t *testing.T) {
	c := of(1, 1, 1, 1)
	c.Limit, c.Beyond = 9, Above
	p, r := area(t, c)
	picture := mustDraw(t, c)
	y := int(math.Round(p.y(9)))
	if n := count(picture, image.Rect(r.Min.X, y, r.Max.X, y+1), loud); n < r.Dx()/2 || n > r.Dx()*9/10 {
		t.Errorf("%d of %d pixels of the limit's line are drawn; it is dashed", n, r.Dx())
	}
	if n := count(picture, image.Rect(r.Min.X, y+3, r.Max.X, y+30), loud) + count(picture, image.Rect(r.Min.X, y-30, r.Max.X, y-3), loud); n < 50 {
		t.Errorf("%d pixels name the limit", n)
	}
}

func TestFlatLineLiesInTheMiddle(t *testing.T) {
	for _, v := range []float64{0, -1e-20, 1013.25, -273.15, 1e29} {
		c := of(v, v, v)
		p, r := area(t, c)
		if y, middle := p.y(float64(float32(v))), float64(r.Min.Y+r.Max.Y)/2; math.Abs(y-middle) > float64(r.Dy())/4 {
			t.Errorf("%v lies at %v of %v", v, y, r)
		}
		if n := count(mustDraw(t, c), r, calm); n < r.Dx() {
			t.Errorf("%v: %d pixels of readings", v, n)
		}
	}
}

func TestNumbersThatAreNoneNeverCrash(t *testing.T) {
	odd := []float32{float32(math.NaN()), float32(math.Inf(1)), float32(math.Inf(-1)), math.MaxFloat32, -math.MaxFloat32, math.SmallestNonzeroFloat32, 0, 1}
	c := of()
	c.Beyond = Above
	for _, low := range odd {
		for _, high := range odd {
			c.Low, c.High = append(c.Low, low), append(c.High, high)
		}
	}
	for _, c.Limit = range []float64{gone, math.Inf(1), math.Inf(-1), math.MaxFloat64, 1e-300, 1e30} {
		mustDraw(t, c)
	}
	for _, c.Step = range []time.Duration{0, -time.Hour, 1, math.MaxInt64, math.MinInt64} {
		mustDraw(t, c)
	}
}

func TestChartOfNothingIsNone(t *testing.T) {
	for name, c := range map[string]Chart{"no steps": of(), "no readings": of(gone, gone), "half a chart": {Low: []float32{1}}} {
		if c.PNG() != nil {
			t.Errorf("%s: there is a picture", name)
		}
		if _, some := c.Course(); some {
			t.Errorf("%s: there is a course", name)
		}
	}
}

func TestCourseSaysExtremesAndGaps(t *testing.T) {
	c := of(3, gone, 1, 1, 7, gone)
	c.High[2] = 9
	got, _ := c.Course()
	want := Course{
		Lowest: 1, Highest: 9, LowestAgo: 150 * time.Second, HighestAgo: 210 * time.Second,
		Span: 6 * time.Minute, Missing: 2 * time.Minute, lowestAt: 3, highestAt: 2,
	}
	if got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestManyStepsAreDrawnTogether(t *testing.T) {
	values := make([]float64, 100_000)
	values[77_777] = 50
	c := of(values...)
	p, r := area(t, c)
	if n := len(p.columns()); n > maxColumns {
		t.Errorf("%d columns", n)
	}
	top := image.Rect(r.Min.X, r.Min.Y, r.Max.X, r.Min.Y+r.Dy()/2)
	if picture := mustDraw(t, c); count(picture, top, calm) == 0 {
		t.Error("the one high reading cannot be seen")
	}
}

func TestSameChartGivesTheSameBytes(t *testing.T) {
	c := of(1, 5, 2, gone, 8, 3)
	c.Limit, c.Beyond = 4, Below
	if !bytes.Equal(c.PNG(), c.PNG()) {
		t.Error("two pictures of one chart differ")
	}
}

// Small text needs a contrast of 4.5 (WCAG 2.2, 1.4.3), lines one of 3.
func TestInksCanBeReadOnTheirGround(t *testing.T) {
	for _, ground := range []ink{paper, alarm} {
		for _, with := range []ink{soft, dark, calm, loud} {
			if got := contrast(colors[ground], colors[with]); got < 4.5 {
				t.Errorf("ink %d on ground %d: contrast %.2f", with, ground, got)
			}
		}
	}
}

func contrast(a, b rgb) float64 {
	x, y := luminance(a), luminance(b)
	return (max(x, y) + 0.05) / (min(x, y) + 0.05)
}

func luminance(c rgb) float64 {
	linear := func(v uint8) float64 {
		if s := float64(v) / 255; s > 0.04045 {
			return math.Pow((s+0.055)/1.055, 2.4)
		}
		return float64(v) / 255 / 12.92
	}
	return 0.2126*linear(c.r) + 0.7152*linear(c.g) + 0.0722*linear(c.b)
}
