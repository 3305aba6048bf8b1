package report

import (
	"fmt"
	"strings"
	"time"
)

const (
	plotLeft   = 84
	plotRight  = 20
	plotTop    = 24
	plotHeight = 200
	plotLines  = 6 // different looks of curves
)

// plot is the throughput as a picture.
type plot struct {
	Width, Height, Left, Right, Top, Bottom float64

	Curves []curve
	Ticks  []tick // of time
	Levels []tick // of speed
	Cuts   []tick
	Desc   string
}

// curve is one transfer: how fast, as steps, and the area below.
type curve struct {
	Look       int // 1 to plotLines
	Line, Area string
	Words      string
}

// newPlot draws every transfer; nil when there was none.
func newPlot(r Report) *plot {
	var spans []span
	var top int64
	for _, t := range r.Throughput {
		spans = append(spans, span{from: t.Start, to: t.End})
		top = max(top, t.Peak)
	}
	if len(spans) == 0 {
		return nil
	}
	x := newAxis(spans, pictureWidth-plotLeft-plotRight)
	p := &plot{
		Width: pictureWidth, Height: plotTop + plotHeight + 34, Left: plotLeft, Right: pictureWidth - plotRight,
		Top: plotTop, Bottom: plotTop + plotHeight,
	}
	highest := roundUp(float64(top))
	y := func(bytes int64) float64 { return p.Bottom - float64(bytes)/highest*plotHeight }
	for i := range 5 {
		level := int64(highest * float64(i) / 4)
		p.Levels = append(p.Levels, tick{y(level), size(level) + "/s"})
	}
	var words []string
	for i, t := range r.Throughput {
		c := p.curve(t, x, y)
		c.Look = i%plotLines + 1
		words = append(words, c.Words)
		p.Curves = append(p.Curves, c)
	}
	p.Ticks, p.Cuts = timeTicks(x, plotLeft), cutTicks(x, plotLeft)
	p.Desc = strings.Join(words, ". ") + "."
	return p
}

// curve draws in steps: between two samples only the mean is known.
func (p *plot) curve(t Throughput, x axis, y func(int64) float64) curve {
	var line strings.Builder
	at := func(when time.Time) float64 { return plotLeft + x.place(when) }
	for i, rate := range t.Rates {
		end := t.End
		if i+1 < len(t.Rates) {
			end = t.Rates[i+1].At
		}
		verb := "L"
		if i == 0 {
			verb = "M"
		}
		fmt.Fprintf(&line, "%s%.1f %.1fH%.1f", verb, at(rate.At), y(rate.Bytes), at(end))
	}
	return curve{
		Line: line.String(), Area: fmt.Sprintf("%sV%.1fH%.1fZ", line.String(), p.Bottom, at(t.Start)),
		Words: t.words(),
	}
}

// words is a transfer in numbers.
func (t Throughput) words() string {
	return fmt.Sprintf("%s: %s in %s, %s/s on average, %s/s at most", t.Name, size(t.Bytes), clock(t.End.Sub(t.Start)), size(t.Mean), size(t.Peak))
}
