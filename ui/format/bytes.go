package format

import (
	"fmt"
	"strconv"
)

// Units are decimal, as Heroku's plans and bills are.
var units = []string{"B", "kB", "MB", "GB", "TB", "PB", "EB"}

// Bytes writes a size with three significant digits: "0 B", "948 kB", "4.11 GB". A negative size is "?".
func Bytes(n int64) string {
	if n < 0 {
		return "?"
	}
	value, unit := float64(n), 0
	// 999.5 would print as "1000" with no decimals, so the next unit begins there.
	for value >= 999.5 && unit < len(units)-1 {
		value /= 1000
		unit++
	}
	if unit == 0 {
		return strconv.FormatInt(n, 10) + " B"
	}
	return threeDigits(value) + " " + units[unit]
}

// BytesOf writes work done out of a total, naming the unit once where both share it: "73.2 of 120 GB".
// A total of 0 or less is unknown and left out.
func BytesOf(done, total int64) string {
	if total <= 0 {
		return Bytes(done)
	}
	d, t := Bytes(done), Bytes(total)
	du, tu := d[lastSpace(d):], t[lastSpace(t):]
	if du == tu {
		return d[:lastSpace(d)] + " of " + t
	}
	return d + " of " + t
}

// Rate writes bytes per second: "41.0 MB/s". A negative rate is "?".
func Rate(perSecond int64) string {
	if perSecond < 0 {
		return "?"
	}
	return Bytes(perSecond) + "/s"
}

func threeDigits(v float64) string {
	switch {
	case v < 9.995:
		return fmt.Sprintf("%.2f", v)
	case v < 99.95:
		return fmt.Sprintf("%.1f", v)
	default:
		return fmt.Sprintf("%.0f", v)
	}
}

func lastSpace(s string) int {
	for i := len(s) - 1; i >= 0; i-- {
		if s[i] == ' ' {
			return i
		}
	}
	return 0
}
