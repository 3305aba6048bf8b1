package format

import (
	"fmt"
	"strconv"
)

// Count writes a whole number in groups of three: "12 204 331".
func Count(n int64) string {
	s := strconv.FormatInt(n, 10)
	sign := ""
	if s[0] == '-' {
		sign, s = "-", s[1:]
	}
	out := s[:(len(s)-1)%3+1]
	for i := len(out); i < len(s); i += 3 {
		out += " " + s[i:i+3]
	}
	return sign + out
}

// Plural writes a count with its noun: "1 table", "320 tables".
func Plural(n int64, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return Count(n) + " " + noun + "s"
}

// Percent writes a fraction of 0 to 1 in whole percent, rounded down: work that is not finished is never "100 %".
func Percent(fraction float64) string {
	// The small addend undoes the error of binary fractions: 0.29*100 is 28.999…
	return strconv.Itoa(int(fraction*100+1e-9)) + " %"
}

// Money writes US cents: "$12.40".
func Money(cents int64) string {
	if cents < 0 {
		return "-" + Money(-cents)
	}
	return fmt.Sprintf("$%d.%02d", cents/100, cents%100)
}
