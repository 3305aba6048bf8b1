package stream

import (
	"bytes"
	"strings"
	"testing"

	"changeover/pgxfer/stream/piece"
)

// What costs CPU is chosen only where the disk would be waited for otherwise, or where there is no room.
func TestCompressionByDiskAndProcessor(t *testing.T) {
	const mb, gb = 1 << 20, 1 << 30
	usual := []piece.Tried{{Name: "none", Ratio: 1}, {Name: "lz4", Ratio: 0.5, Speed: 500 * mb}, {Name: "zstd", Ratio: 0.3, Speed: 250 * mb}}
	noise := []piece.Tried{{Name: "none", Ratio: 1}, {Name: "lz4", Ratio: 1, Speed: 500 * mb}, {Name: "zstd", Ratio: 1, Speed: 250 * mb}}
	for _, c := range []struct {
		name       string
		disk       float64
		room       int64
		jobs, cpus int
		tried      []piece.Tried
		want       string
	}{
		{"a disk faster than the servers", 2000 * mb, 1000 * gb, 8, 8, usual, "none"},
		{"a disk a little too slow", 400 * mb, 1000 * gb, 4, 4, usual, "lz4"},
		{"a slow disk", 100 * mb, 1000 * gb, 8, 8, usual, "zstd"},
		{"a slow disk, and rows that do not shrink", 100 * mb, 1000 * gb, 8, 8, noise, "none"},
		{"one reader", 200 * mb, 1000 * gb, 1, 8, usual, "none"},
		{"room for shrunk rows only", 2000 * mb, 150 * gb, 8, 8, usual, "lz4"},
		{"little room", 2000 * mb, 70 * gb, 8, 8, usual, "zstd"},
		{"no room at all", 2000 * mb, 1 * gb, 8, 8, usual, "zstd"},
	} {
		m := medium{size: 100 * gb, room: c.room, disk: c.disk, jobs: c.jobs, cpus: c.cpus, tried: c.tried}
		if got := m.best(); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

func TestTryMeasuresWhatRowsAre(t *testing.T) {
	tried, err := piece.Try([]byte(strings.Repeat("1\tthe same row again and again\n", 30_000)))
	if err != nil {
		t.Fatal(err)
	}
	for i, name := range piece.Compressions {
		if got := tried[i]; got.Name != name || (name == "none") != (got.Ratio == 1) || name != "none" && (got.Ratio > 0.2 || got.Speed <= 0) {
			t.Errorf("%s: %+v", name, got)
		}
	}
	if _, err := writeRate(t.TempDir()); err != nil {
		t.Error(err)
	}
	b := &beginning{limit: 10}
	if _, err := bytes.NewBufferString("a row longer than that").WriteTo(b); err != nil || string(b.kept) != "a row long" {
		t.Errorf("%q, %v", b.kept, err)
	}
	if _, err := b.Write([]byte("more")); err == nil {
		t.Error("the rest is read too")
	}
}
