package format

import (
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestSizesKeepThreeDigits(t *testing.T) {
	for n, want := range map[int64]string{
		-1: "?", 0: "0 B", 999: "999 B", 1000: "1.00 kB", 999_499: "999 kB", 999_500: "1.00 MB",
		9_994_000: "9.99 MB", 9_995_000: "10.0 MB", 41_000_000: "41.0 MB", 118_000_000_000: "118 GB",
		math.MaxInt64: "9.22 EB",
	} {
		if got := Bytes(n); got != want {
			t.Errorf("Bytes(%d) = %q, want %q", n, got, want)
		}
	}
}

func TestDoneOfTotalNamesTheUnitOnce(t *testing.T) {
	got := []string{BytesOf(73_200_000_000, 120_000_000_000), BytesOf(900_000_000, 120_000_000_000), BytesOf(5, 0)}
	want := []string{"73.2 of 120 GB", "900 MB of 120 GB", "5 B"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestClocksRoundDownAndNeverGoNegative(t *testing.T) {
	got := []string{
		Clock(41*time.Minute + 22*time.Second + 999*time.Millisecond), Clock(-time.Second), Clock(126 * time.Hour),
		Short(72 * time.Second), Short(3723 * time.Second),
		Age(3 * time.Second), Age(4 * time.Minute), Age(3 * time.Hour), Age(72 * time.Hour),
	}
	want := []string{"00:41:22", "00:00:00", "126:00:00", "01:12", "1:02:03", "3 s", "4 min", "3 h", "3 d"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestEstimatesAreCoarseRangesOrAbsent(t *testing.T) {
	got := []string{Left(0, 0), Left(10, 40), Left(170, 190), Left(200, 330), Left(7000, 9000), Left(0, 300), Left(330, 200)}
	want := []string{"", "under 1 min", "~2–4 min", "~3–6 min", "~1.9–2.5 h", "~1–5 min", "~3–6 min"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestCountsPercentAndMoney(t *testing.T) {
	got := []string{
		Count(0), Count(999), Count(1000), Count(12204331), Count(-1234567),
		Percent(0.29), Percent(0.9999), Percent(1), Money(1240), Money(5), Money(-972), Plural(1, "table"), Plural(2000, "table"),
	}
	want := []string{
		"0", "999", "1 000", "12 204 331", "-1 234 567",
		"29 %", "99 %", "100 %", "$12.40", "$0.05", "-$9.72", "1 table", "2 000 tables",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestOutsideTextCannotMoveTheCursor(t *testing.T) {
	for in, want := range map[string]string{
		"public.events":               "public.events",
		"a\x1b[2J\x1b[Hb":             "ab",
		"10 %\r50 %\r90 %\r\n":        "90 %",
		"two\nlines\tand tab":         "two lines and tab",
		"bell\a\x00del\x7f":           "belldel",
		"rtl\u202egpj.exe":            "rtlgpj.exe",
		"\x1b]0;title\x07表":           "表",
		"\u0301\u200dmark first":      "mark first",
		"bad \xff utf8":               "bad  utf8",
		"c1 \u009b31m stays harmless": "c1 31m stays harmless",
	} {
		if got := Clean(in); got != want {
			t.Errorf("Clean(%q) = %q, want %q", in, got, want)
		}
	}
}
