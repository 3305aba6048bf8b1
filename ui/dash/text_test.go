package dash

import (
	"testing"

	"charm.land/lipgloss/v2"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestNamesAndOptionsAreNotBrokenAtHyphens(t *testing.T) {
	got := wrap("heroku addons:create --app shop --follow DATABASE", 27)
	if diff := cmp.Diff([]string{"heroku addons:create --app", "shop --follow DATABASE"}, got); diff != "" {
		t.Error(diff)
	}
}

func TestLongNamesKeepBothEnds(t *testing.T) {
	if got, want := fitName("a_schema.a_table_2026_11", 15), "a_schem…2026_11"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestFitIsExactForAnyText(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := clean(rapid.StringOf(rapid.SampledFrom([]rune("aZ-._ /é日本👩👧\u0301\u200d\x1b\t\u202e"))).Draw(t, "s"))
		w := rapid.IntRange(0, 40).Draw(t, "w")
		for name, f := range map[string]func(string, int) string{"fit": fit, "fitRight": fitRight, "fitName": fitName} {
			if got := lipgloss.Width(f(s, w)); got != w {
				t.Errorf("%s(%q, %d) is %d cells wide", name, s, w, got)
			}
		}
		for _, line := range wrap(s, max(w, 2)) {
			if got := lipgloss.Width(line); got > max(w, 2) {
				t.Errorf("wrap(%q, %d) has a line of %d cells", s, max(w, 2), got)
			}
		}
	})
}

func TestBarsFillOnlyWholeCellsAndOnlyAtTheEnd(t *testing.T) {
	got := []string{bar(4, 0), bar(4, 0.24), bar(4, 0.25), bar(4, 0.99), bar(4, 1), bar(4, 7), bar(4, -1), bar(0, 1)}
	want := []string{"░░░░", "░░░░", "█░░░", "███░", "████", "████", "░░░░", ""}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestSparklineTellsZeroFromNearlyZero(t *testing.T) {
	got := []string{
		sparkline([]int64{0, 1, 1000, 0}, 4), sparkline([]int64{5, 5}, 4), sparkline(nil, 3), sparkline([]int64{9, 0, 1}, 2), sparkline([]int64{1}, 0),
	}
	want := []string{"▁▂█▁", "  ██", "   ", "▁█", ""}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestTrendIgnoresSmallJumps(t *testing.T) {
	for _, test := range []struct {
		values []int64
		want   string
	}{
		{nil, " "},
		{[]int64{1, 2}, " "},
		{[]int64{0, 0, 0}, "="},
		{[]int64{100, 100, 104}, "="},
		{[]int64{100, 100, 300}, "↑"},
		{[]int64{300, 300, 100}, "↓"},
	} {
		if got := trend(test.values); got != test.want {
			t.Errorf("trend(%v) = %q, want %q", test.values, got, test.want)
		}
	}
}

func TestASCIITranslationKeepsTheWidth(t *testing.T) {
	for in, want := range map[string]string{
		"█░ ✓ ▶ ‖":       "#- + > =",
		"日本":             "????",
		"\x1b[1mé\x1b[m": "\x1b[1m?\x1b[m",
	} {
		if got := toASCII(in); got != want {
			t.Errorf("toASCII(%q) = %q, want %q", in, got, want)
		}
	}
}
