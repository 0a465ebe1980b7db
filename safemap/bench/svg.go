package main

import (
	"fmt"
	"slices"
	"strings"
)

// This file draws the chart: for each workload and key kind one bar per core, its length the ratio
// to the best library map, median over the numbers of goroutines.

// The chart's measures, in pixels.
const (
	labelWidth = 90
	barHeight  = 11
	rowGap     = 8
	unit       = 130 // length of the ratio 1
	maxRatio   = 3.0
	panelGap   = 70
	top        = 64
)

// cores are the bars of a row, with their colours (distinct for the colour-blind, too, and on dark pages).
var cores = []struct{ id, colour string }{{"FastSharded", "#2f7fc1"}, {"Sharded", "#e08a1e"}}

// chart returns the chart as SVG. It depends on nothing but the figures.
func (r *results) chart() string {
	var b strings.Builder
	names := r.names()
	n := r.conf.sizes[0]
	panel := labelWidth + int(unit*maxRatio) + 50
	rowHeight := len(cores)*barHeight + rowGap
	width, height := 2*panel+panelGap, top+len(names)*rowHeight+50
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" font-family="sans-serif" font-size="12">`+"\n", width, height, width, height)
	fmt.Fprintf(&b, `<rect width="%d" height="%d" fill="#fff"/>`+"\n", width, height)
	text(&b, 10, 20, "start", "#111", 15, fmt.Sprintf("Time of the best library map ÷ ours, %d keys (right of 1: ours is faster)", n))
	x := 10
	for _, core := range cores {
		if r.has(core.id) {
			fmt.Fprintf(&b, `<rect x="%d" y="32" width="11" height="11" fill="%s"/>`+"\n", x, core.colour)
			text(&b, x+16, 42, "start", "#333", 12, core.id)
			x += 120
		}
	}
	for i, kind := range strings.Fields(oneLevel) {
		r.panel(&b, i*(panel+panelGap), kind, n, names, rowHeight)
	}
	text(&b, 10, height-10, "start", "#555", 11, r.machine)
	b.WriteString("</svg>\n")
	return b.String()
}

// panel draws the rows of one key kind with its left edge at x.
func (r *results) panel(b *strings.Builder, x int, kind string, n int, names []string, rowHeight int) {
	left, bottom := x+labelWidth, top+len(names)*rowHeight
	for tick := 0.0; tick <= maxRatio; tick += 0.5 {
		at, colour := left+int(tick*unit), "#ddd"
		if tick == 1 {
			colour = "#444"
		}
		fmt.Fprintf(b, `<line x1="%d" y1="%d" x2="%d" y2="%d" stroke="%s"/>`+"\n", at, top, at, bottom, colour)
		text(b, at, bottom+14, "middle", "#555", 11, fmt.Sprintf("%g", tick))
	}
	text(b, left, top-6, "start", "#111", 13, kind+" keys")
	for i, name := range names {
		y := top + i*rowHeight + rowGap/2
		text(b, left-6, y+rowHeight/2, "end", "#111", 12, name)
		for j, core := range cores {
			var ratios []float64
			for _, c := range r.columns(kind, n) {
				if ratio, _ := r.ratio(core.id, library, kind, n, name, c.goroutines); ratio > 0 {
					ratios = append(ratios, ratio)
				}
			}
			if len(ratios) == 0 {
				continue
			}
			ratio := median(ratios)
			length := int(slices.Min([]float64{ratio, maxRatio}) * unit)
			fmt.Fprintf(b, `<rect x="%d" y="%d" width="%d" height="%d" fill="%s"/>`+"\n", left, y+j*barHeight, length, barHeight-1, core.colour)
			text(b, left+length+4, y+j*barHeight+barHeight-2, "start", "#333", 10, fmt.Sprintf("%.2f", ratio))
		}
	}
}

func text(b *strings.Builder, x, y int, anchor, colour string, size int, s string) {
	s = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(s)
	fmt.Fprintf(b, `<text x="%d" y="%d" text-anchor="%s" fill="%s" font-size="%d">%s</text>`+"\n", x, y, anchor, colour, size, s)
}
