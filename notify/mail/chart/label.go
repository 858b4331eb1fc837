package chart

import (
	"image"
	"math"
)

// limitLine is dashed, and says what it is, where it is least in the way.
func (p *plot) limitLine() {
	if !p.limited() {
		return
	}
	y := int(math.Round(p.y(p.Limit)))
	for x := p.area.Min.X; x < p.area.Max.X; x += 16 {
		p.fill(image.Rect(x, y-1, min(x+10, p.area.Max.X), y+1), loud)
	}
}

// marks name the limit, the lowest and the highest reading.
func (p *plot) marks() {
	if p.limited() {
		p.nameLimit()
	}
	if p.Highest > p.Lowest {
		p.name(p.highestAt, p.Highest, -1)
	}
	p.name(p.lowestAt, p.Lowest, 1)
}

func (p *plot) nameLimit() {
	s := "limit " + Number(p.Limit)
	y := int(math.Round(p.y(p.Limit)))
	var places []image.Point
	for _, dy := range []int{-figure, figure} {
		if p.Beyond == Below {
			dy = -dy
		}
		for _, x := range []int{p.area.Min.X + 8, p.area.Max.X - 8 - textWidth(s), (p.area.Min.X + p.area.Max.X - textWidth(s)) / 2} {
			places = append(places, image.Pt(x, y+dy))
		}
	}
	p.label(s, places, loud)
}

// name marks a reading with a dot and its value, above it or below.
func (p *plot) name(step int, v float64, side int) {
	at := point{p.x(p.ago(step)), p.y(v)}
	p.dot(at)
	s := p.Number(v)
	wide, x, y := textWidth(s), int(at.x), int(at.y)
	var places []image.Point
	for _, dy := range []int{22 * side, -22 * side} {
		for _, dx := range []int{-wide / 2, 10, -wide - 10} {
			places = append(places, image.Pt(x+dx, y+dy))
		}
	}
	places = append(places, image.Pt(x+14, y), image.Pt(x-wide-14, y))
	p.label(s, places, dark)
}

func (p *plot) dot(at point) {
	spot := newMask(image.Rect(int(at.x)-9, int(at.y)-9, int(at.x)+10, int(at.y)+10))
	for _, round := range []struct {
		width float64
		with  ink
	}{{15, paper}, {10, p.inkAt(at.y)}} {
		clear(spot.part)
		spot.stroke(at, at, round.width)
		p.lay(spot, round.with)
	}
}

// label writes a text at the one of its places that covers least, or not at
// all where each would cover another label.
func (p *plot) label(s string, places []image.Point, with ink) {
	best, least := image.Point{}, math.Inf(1)
	for _, at := range places {
		at.X = min(max(at.X, p.area.Min.X+4), Width-6-textWidth(s))
		if cost := p.cost(box(s, at.X, at.Y)); cost < least {
			best, least = at, cost
		}
	}
	if math.IsInf(least, 1) {
		return
	}
	ground := paper
	if p.limited() && p.inkAt(float64(best.Y)) == loud {
		ground = alarm
	}
	p.writeClear(s, best.X, best.Y, with, ground)
	p.taken = append(p.taken, box(s, best.X, best.Y))
}

// cost is how much of the course a label at r would hide.
func (p *plot) cost(r image.Rectangle) (cost float64) {
	if r.Min.Y < 2 || r.Max.Y > p.area.Max.Y || r.Min.X < p.area.Min.X {
		return math.Inf(1)
	}
	for _, other := range p.taken {
		if r.Overlaps(other) {
			return math.Inf(1)
		}
	}
	for y := r.Min.Y; y < r.Max.Y; y++ {
		for x := r.Min.X; x < r.Max.X; x++ {
			cost += max(p.curve.at(x, y), p.reach.at(x, y)/2)
		}
	}
	if p.limited() {
		if at := int(p.y(p.Limit)); r.Min.Y < at && at < r.Max.Y {
			cost += 40
		}
	}
	return cost
}
