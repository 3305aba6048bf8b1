package dash

import "strings"

// bar draws a fraction of 0 to 1 in w cells. Only whole cells are filled, rounded down: a full bar means finished.
func bar(w int, fraction float64) string {
	if w <= 0 {
		return ""
	}
	n := min(max(int(fraction*float64(w)+1e-9), 0), w)
	return strings.Repeat("█", n) + strings.Repeat("░", w-n)
}
