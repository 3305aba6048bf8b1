package dash

import "strings"

var sparks = []rune("▁▂▃▄▅▆▇█")

// sparkline draws the newest w values, oldest first, scaled to the largest of them. Zero is always the lowest mark and
// anything above zero is higher than it, so that "caught up" can be told from "nearly".
func sparkline(values []int64, w int) string {
	if w <= 0 {
		return ""
	}
	if len(values) > w {
		values = values[len(values)-w:]
	}
	var top int64
	for _, v := range values {
		top = max(top, v)
	}
	var b strings.Builder
	b.WriteString(strings.Repeat(" ", w-len(values)))
	for _, v := range values {
		i := 0
		if v > 0 {
			i = 1 + int(float64(v)/float64(top)*float64(len(sparks)-2)+0.5)
		}
		b.WriteRune(sparks[min(i, len(sparks)-1)])
	}
	return b.String()
}

// trend says where a history goes: up, down, or level within a tenth of its largest value. It compares the newest
// value with the mean of the quarter before, because single samples jump.
func trend(values []int64) string {
	if len(values) < 3 {
		return " "
	}
	last := values[len(values)-1]
	before := values[:len(values)-1]
	before = before[len(before)-max(len(before)/4, 2):]
	var sum, top int64
	for _, v := range before {
		sum += v
		top = max(top, v)
	}
	mean := sum / int64(len(before))
	margin := max(top, last) / 10
	switch {
	case last > mean+margin:
		return "↑"
	case last < mean-margin:
		return "↓"
	default:
		return "="
	}
}
