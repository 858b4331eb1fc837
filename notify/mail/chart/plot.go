package chart

import (
	"image"
	"math"
	"time"
)

// The picture's size. On a phone of 320 pixels it is shown at less than half
// of it, and its figures are then as high as small print.
const (
	Width  = 720
	Height = 400

	marginTop    = 44
	marginRight  = 22
	marginBottom = 44
	thick        = 4.5 // of the line
	faint        = 0.35
	maxColumns   = 400 // steps drawn; more of them are drawn together
)

// plot is a chart on its way to a picture.
type plot struct {
	Chart
	Course
	canvas
	area   image.Rectangle // where readings are
	values scale
	curve  mask              // the line
	reach  mask              // from lowest to highest
	taken  []image.Rectangle // by labels
}

func newPlot(c Chart, course Course) *plot {
	p := &plot{Chart: c, Course: course, canvas: newCanvas(Width, Height)}
	p.values = c.scale(course)
	left := 14
	for _, tick := range p.values.ticks {
		left = max(left, min(textWidth(Number(tick))+22, Width/3))
	}
	p.area = image.Rect(left, marginTop, Width-marginRight, Height-marginBottom)
	p.curve, p.reach = newMask(p.area.Inset(-4)), newMask(p.area.Inset(-4))
	return p
}

// x is where an instant before the end is, y where a value is.
func (p *plot) x(ago time.Duration) float64 {
	return float64(p.area.Max.X) - float64(ago)/float64(p.Span)*float64(p.area.Dx())
}

func (p *plot) y(v float64) float64 {
	share := (v - p.values.from) / (p.values.to - p.values.from)
	return float64(p.area.Max.Y) - min(max(share, 0), 1)*float64(p.area.Dy())
}

func (p *plot) draw() {
	p.ground()
	p.valueAxis()
	p.timeAxis()
	p.trace()
	p.limitLine()
	p.readings()
	p.marks()
}

// ground shades the side of the limit where the alarm is.
func (p *plot) ground() {
	if p.limited() && p.Beyond != Neither {
		shaded, at := p.area, int(math.Round(p.y(p.Limit)))
		if p.Beyond == Above {
			shaded.Max.Y = at
		} else {
			shaded.Min.Y = at
		}
		p.fill(shaded, alarm)
	}
}

func (p *plot) valueAxis() {
	for _, v := range p.values.ticks {
		y := int(math.Round(p.y(v)))
		p.fill(image.Rect(p.area.Min.X, y, p.area.Max.X, y+1), grid)
		if s := Number(v); textWidth(s) <= p.area.Min.X-10 {
			p.write(s, p.area.Min.X-10-textWidth(s), y, soft)
		}
	}
	if p.Unit != "" {
		p.write(p.Unit, 10, marginTop/2-4, soft)
	}
}

func (p *plot) timeAxis() {
	y := p.area.Max.Y
	p.fill(image.Rect(p.area.Min.X, y, p.area.Max.X, y+2), soft)
	end := -12 // of the label before
	for _, t := range p.instants() {
		x := int(math.Round(p.x(t.ago)))
		if x <= p.area.Min.X || x > p.area.Max.X {
			continue
		}
		p.fill(image.Rect(x, p.area.Min.Y, x+1, y), grid)
		p.fill(image.Rect(x, y, x+2, y+7), soft)
		wide := textWidth(t.label)
		if from := min(x-wide/2, Width-6-wide); from > end+12 {
			p.write(t.label, from, y+26, soft)
			end = from + wide
		}
	}
}

// trace covers the readings: a line through their middle, and more faintly
// all between lowest and highest. Steps that follow each other are joined,
// others are not.
func (p *plot) trace() {
	var before *column
	for _, now := range p.columns() {
		if !now.known {
			before = nil
			continue
		}
		from := now // a reading alone is a dot
		if before != nil {
			from = *before
		}
		p.reach.stroke(point{now.x, p.y(now.high)}, point{now.x, p.y(now.low)}, thick)
		p.reach.band(from.x, now.x, [2]float64{p.y(from.high), p.y(from.low)}, [2]float64{p.y(now.high), p.y(now.low)})
		p.curve.stroke(point{from.x, p.y(from.middle())}, point{now.x, p.y(now.middle())}, thick)
		before = &now
	}
}

// column is a step, or some of them together.
type column struct {
	x         float64
	low, high float64
	known     bool
}

func (c column) middle() float64 { return c.low + (c.high-c.low)/2 }

func (p *plot) columns() (list []column) {
	n := p.steps()
	each := (n + maxColumns - 1) / maxColumns
	for from := 0; from < n; from += each {
		to := min(from+each, n)
		c := column{x: (p.x(p.ago(from)) + p.x(p.ago(to-1))) / 2}
		for i := from; i < to; i++ {
			if !p.known(i) {
				continue
			}
			low, high := float64(p.Low[i]), float64(p.High[i])
			if !c.known {
				c.low, c.high, c.known = low, high, true
			}
			c.low, c.high = min(c.low, low), max(c.high, high)
		}
		list = append(list, c)
	}
	return list
}

// readings puts the trace into the picture: what is beyond the limit is loud.
func (p *plot) readings() {
	wide := p.curve.rect.Dx()
	for i, line := range p.curve.part {
		if reach := p.reach.part[i]; line > 0 || reach > 0 {
			x, y := p.curve.rect.Min.X+i%wide, p.curve.rect.Min.Y+i/wide
			p.dab(x, y, p.inkAt(float64(y)+0.5), max(float64(line), faint*float64(reach))/255)
		}
	}
}

func (p *plot) inkAt(y float64) ink {
	if !p.limited() || p.Beyond == Neither {
		return calm
	}
	if at := p.y(p.Limit); p.Beyond == Above && y < at || p.Beyond == Below && y > at {
		return loud
	}
	return calm
}
