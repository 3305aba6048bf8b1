package dash

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// sketch draws a layout on a grid of 1/scaleX by 1/scaleY: every region as its letter, and what no region covers as a
// space. A cell that two regions cover is a '#', which no drawing has.
func sketch(l layout, w, h, scaleX, scaleY int) string {
	grid := make([][]byte, h)
	for y := range grid {
		grid[y] = []byte(strings.Repeat(" ", w))
	}
	for letter, r := range map[byte]rect{
		'H': l.header, 'A': l.alarm, 'S': l.steps, 'D': l.detail, 'F': l.followers, 'L': l.logs, 'h': l.hint, 'k': l.keys,
	} {
		for y := r.y; y < r.y+r.h; y++ {
			for x := r.x; x < r.x+r.w; x++ {
				if grid[y][x] != ' ' {
					letter = '#'
				}
				grid[y][x] = letter
			}
		}
	}
	var lines []string
	for y := 0; y < h; y += scaleY {
		var line []byte
		for x := 0; x < w; x += scaleX {
			line = append(line, grid[y][x])
		}
		lines = append(lines, strings.TrimRight(string(line), " "))
	}
	return strings.Join(lines, "\n")
}

func TestLayoutDrawings(t *testing.T) {
	for _, test := range []struct {
		w, h           int
		shape          shape
		scaleX, scaleY int
		want           string
	}{
		{120, 36, shape{followers: 3}, 5, 1, `
			HHHHHHHHHHHHHHHHHHHHHHHH
			SSSSSSSSSDDDDDDDDDDDDDDD ×19
			SSSSSSSSSFFFFFFFFFFFFFFF ×4
			SSSSSSSSSLLLLLLLLLLLLLLL ×10
			hhhhhhhhhhhhhhhhhhhhhhhh
			kkkkkkkkkkkkkkkkkkkkkkkk`},
		{120, 36, shape{followers: 1, alarm: true}, 5, 1, `
			HHHHHHHHHHHHHHHHHHHHHHHH
			AAAAAAAAAAAAAAAAAAAAAAAA
			SSSSSSSSSDDDDDDDDDDDDDDD ×20
			SSSSSSSSSFFFFFFFFFFFFFFF ×2
			SSSSSSSSSLLLLLLLLLLLLLLL ×10
			hhhhhhhhhhhhhhhhhhhhhhhh
			kkkkkkkkkkkkkkkkkkkkkkkk`},
		{120, 40, shape{followers: 9}, 5, 1, `
			HHHHHHHHHHHHHHHHHHHHHHHH
			SSSSSSSSSDDDDDDDDDDDDDDD ×21
			SSSSSSSSSFFFFFFFFFFFFFFF ×5
			SSSSSSSSSLLLLLLLLLLLLLLL ×11
			hhhhhhhhhhhhhhhhhhhhhhhh
			kkkkkkkkkkkkkkkkkkkkkkkk`},
		{200, 60, shape{followers: 2}, 5, 1, `
			HHHHHHHHHHHHHHHHHHHHHHHHHHHHHHHHHHHHHHHH
			SSSSSSSSSDDDDDDDDDDDDDDDDDDDDDDDDDDDDDDD ×37
			SSSSSSSSSFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF ×3
			SSSSSSSSSLLLLLLLLLLLLLLLLLLLLLLLLLLLLLLL ×17
			hhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhh
			kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk`},
		{120, 36, shape{followers: 2, expanded: logPane}, 5, 1, `
			HHHHHHHHHHHHHHHHHHHHHHHH
			SSSSSSSSSLLLLLLLLLLLLLLL ×33
			hhhhhhhhhhhhhhhhhhhhhhhh
			kkkkkkkkkkkkkkkkkkkkkkkk`},
		{80, 24, shape{followers: 2}, 5, 1, `
			HHHHHHHHHHHHHHHH
			SSSSSSSSSFFFFFFF ×6
			DDDDDDDDDDDDDDDD ×8
			LLLLLLLLLLLLLLLL ×7
			hhhhhhhhhhhhhhhh
			kkkkkkkkkkkkkkkk`},
		{80, 24, shape{alarm: true}, 5, 1, `
			HHHHHHHHHHHHHHHH
			AAAAAAAAAAAAAAAA
			SSSSSSSSSFFFFFFF ×6
			DDDDDDDDDDDDDDDD ×7
			LLLLLLLLLLLLLLLL ×7
			hhhhhhhhhhhhhhhh
			kkkkkkkkkkkkkkkk`},
		{80, 24, shape{expanded: detailPane}, 5, 1, `
			HHHHHHHHHHHHHHHH
			DDDDDDDDDDDDDDDD ×21
			hhhhhhhhhhhhhhhh
			kkkkkkkkkkkkkkkk`},
		{100, 30, shape{followers: 2}, 5, 1, `
			HHHHHHHHHHHHHHHHHHHH
			SSSSSSSSSFFFFFFFFFFF ×8
			DDDDDDDDDDDDDDDDDDDD ×10
			LLLLLLLLLLLLLLLLLLLL ×9
			hhhhhhhhhhhhhhhhhhhh
			kkkkkkkkkkkkkkkkkkkk`},
		{79, 23, shape{followers: 2}, 79, 23, ""},
		{40, 10, shape{}, 40, 10, ""},
		{0, 0, shape{alarm: true}, 1, 1, ""},
	} {
		t.Run(fmt.Sprintf("%dx%d %+v", test.w, test.h, test.shape), func(t *testing.T) {
			got := sketch(arrange(test.w, test.h, test.shape), test.w, test.h, test.scaleX, test.scaleY)
			if diff := cmp.Diff(drawing(test.want), got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// drawing expands "SSDD ×3" into three lines.
func drawing(s string) string {
	var lines []string
	for _, line := range strings.Split(strings.TrimSpace(s), "\n") {
		line, times, _ := strings.Cut(strings.TrimSpace(line), " ×")
		n := 1
		if times != "" {
			fmt.Sscan(times, &n)
		}
		for range n {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, "\n")
}

func TestModesBeginAtTheirSizes(t *testing.T) {
	for _, test := range []struct {
		w, h int
		want mode
	}{
		{0, 0, tiny},
		{79, 24, tiny},
		{80, 23, tiny},
		{80, 24, compact},
		{119, 60, compact},
		{200, 35, compact},
		{120, 36, full},
	} {
		if got := arrange(test.w, test.h, shape{}).mode; got != test.want {
			t.Errorf("%d×%d: mode %d, want %d", test.w, test.h, got, test.want)
		}
	}
}

func TestSmallestScreensKeepTheirPromises(t *testing.T) {
	l := arrange(compactWidth, compactHeight, shape{alarm: true})
	if rows := l.logs.h - 2; rows < 5 {
		t.Errorf("the log has %d lines, want at least 5", rows)
	}
	if rows := l.steps.h - 1; rows < 5 {
		t.Errorf("the steps have %d lines, want the current one and two on each side", rows)
	}
	if rows := l.detail.h - 1; rows < transferHead+4 {
		t.Errorf("the detail has %d lines, want the head of a transfer and four workers", rows)
	}
}
