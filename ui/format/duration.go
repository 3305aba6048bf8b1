package format

import (
	"fmt"
	"time"
)

// Clock writes hours, minutes and seconds: "00:41:22", "126:00:03". It rounds down, so that a clock never runs ahead;
// a negative duration, which two clocks can produce, is "00:00:00".
func Clock(d time.Duration) string {
	s := seconds(d)
	return fmt.Sprintf("%02d:%02d:%02d", s/3600, s/60%60, s%60)
}

// Short writes minutes and seconds, with hours only when there are some: "01:12", "1:02:03".
func Short(d time.Duration) string {
	s := seconds(d)
	if s < 3600 {
		return fmt.Sprintf("%02d:%02d", s/60, s%60)
	}
	return fmt.Sprintf("%d:%02d:%02d", s/3600, s/60%60, s%60)
}

// Age writes how old something is in one unit: "3 s", "4 min", "2 h", "5 d".
func Age(d time.Duration) string {
	s := seconds(d)
	switch {
	case s < 120:
		return fmt.Sprintf("%d s", s)
	case s < 2*3600:
		return fmt.Sprintf("%d min", s/60)
	case s < 48*3600:
		return fmt.Sprintf("%d h", s/3600)
	default:
		return fmt.Sprintf("%d d", s/86400)
	}
}

// Left writes an estimate of low to high seconds as a range, coarse on purpose: "~4 min", "~4–6 min", "under 1 min".
// It is empty when both are 0, which means that there is no honest estimate.
func Left(low, high int64) string {
	if low <= 0 && high <= 0 {
		return ""
	}
	low, high = min(low, high), max(low, high)
	if high < 60 {
		return "under 1 min"
	}
	if high < 2*3600 {
		return "~" + span(low/60, (high+59)/60) + " min"
	}
	return "~" + spanTenths(low, high) + " h"
}

func span(low, high int64) string {
	low = max(low, 1)
	if low >= high {
		return fmt.Sprint(high)
	}
	return fmt.Sprintf("%d–%d", low, high)
}

func spanTenths(low, high int64) string {
	l, h := fmt.Sprintf("%.1f", float64(low)/3600), fmt.Sprintf("%.1f", float64(high)/3600)
	if l == h {
		return h
	}
	return l + "–" + h
}

func seconds(d time.Duration) int64 { return max(int64(d/time.Second), 0) }
