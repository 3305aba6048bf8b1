package stream

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"slices"
	"time"

	"github.com/dustin/go-humanize"

	"changeover/pgxfer"
	"changeover/pgxfer/stream/piece"
	"changeover/pgxfer/stream/plan"
)

// auto asks for the compression with which rows get on the disk soonest.
const auto = "auto"

const (
	// sessionRate is how many bytes per second of rows one session of a server delivers at best: forming them takes a core of it.
	sessionRate = 150e6
	// worthMeasuring is the size from which the disk is measured: below, everything fits into the system's write cache.
	worthMeasuring = 256 << 20
	// sampleSize is how many bytes of rows compressions are tried with, probeSize how many the disk is.
	sampleSize = 1 << 20
	probeSize  = 32 << 20
	// typicalRatio is what zstd makes of rows, at most, when there are none to try it with.
	typicalRatio = 0.4
	// textRatio allows for rows that are larger as text than they are in their table.
	textRatio = 2
)

func knownCompression(name string) error {
	if name != "" && name != auto && !slices.Contains(piece.Compressions, name) {
		return fmt.Errorf("compression %q is not one of the streaming engine's: use auto, none, lz4 or zstd", name)
	}
	return nil
}

// medium is what decides about compression.
type medium struct {
	size, room int64 // bytes of the tables, and of the disk that may be used
	disk       float64
	jobs, cpus int
	tried      []piece.Tried
}

// rate is how many bytes of rows per second get on the disk: as many as the servers' sessions deliver, as the processors compress, and as the
// disk takes of what is left of them.
func (m medium) rate(t piece.Tried) float64 {
	rate := min(float64(m.jobs)*sessionRate, m.disk/t.Ratio)
	if t.Speed > 0 {
		rate = min(rate, float64(min(m.jobs, m.cpus))*t.Speed)
	}
	return rate
}

// best is the compression with the highest rate among those whose files surely fit; of nearly the same, the one that costs least CPU.
// Where the disk keeps up with the servers that is none.
func (m medium) best() string {
	name, rate := "", 0.0
	for _, t := range m.tried {
		if float64(m.size)*t.Ratio*textRatio > float64(m.room) {
			continue
		}
		if r := m.rate(t); r > 1.1*rate {
			name, rate = t.Name, r
		}
	}
	if name == "" {
		return "zstd" // the smallest; whether that fits is asked next
	}
	return name
}

// compression decides about the archive's files, and refuses when they will not fit.
func (d *dump) compression(ctx context.Context, room int64) (string, error) {
	m := medium{size: d.plan.Bytes(), room: room, jobs: d.opts.Jobs, cpus: runtime.GOMAXPROCS(0)}
	wanted := d.opts.Compress
	if wanted == "" || wanted == auto {
		var err error
		if wanted, err = d.chooseCompression(ctx, m); err != nil {
			return "", err
		}
	}
	need := m.size
	if wanted != "none" {
		need = m.size / 4 // typical rows compress better than that
	}
	if room < need {
		return "", fmt.Errorf("%w: the archive needs about %s and the disk has %s to spare; use a larger disk",
			pgxfer.ErrSpace, humanize.Bytes(uint64(need)), humanize.IBytes(uint64(max(room, 0))))
	}
	return wanted, nil
}

// chooseCompression measures the disk and tries all compressions with rows of the largest table.
func (d *dump) chooseCompression(ctx context.Context, m medium) (string, error) {
	m.tried = []piece.Tried{{Name: "none", Ratio: 1}, {Name: "zstd", Ratio: typicalRatio}}
	if m.size < worthMeasuring {
		m.disk = sessionRate * float64(m.jobs)
		return m.best(), nil
	}
	var err error
	if m.disk, err = writeRate(d.dir); err != nil {
		return "", err
	}
	sample, err := d.sampleRows(ctx)
	if err != nil {
		return "", err
	}
	if len(sample) >= sampleSize/4 {
		if m.tried, err = piece.Try(sample); err != nil {
			return "", err
		}
	}
	choice := m.best()
	for _, t := range m.tried {
		if t.Name == choice {
			d.report.Info("compression %s: the disk takes %s/s, and rows shrink to %.0f %%", choice, humanize.Bytes(uint64(m.disk)), 100*t.Ratio)
		}
	}
	return choice, nil
}

// writeRate is how many bytes per second the disk takes.
func writeRate(dir string) (rate float64, err error) {
	f, err := os.CreateTemp(dir, ".changeover-probe-")
	if err != nil {
		return 0, fmt.Errorf("measuring the archive's disk: %w", err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if err := os.Remove(f.Name()); err != nil { // without a name it cannot outlive us
		return 0, fmt.Errorf("measuring the archive's disk: %w", err)
	}
	buffer := make([]byte, 4<<20)
	_, _ = rand.NewChaCha8([32]byte{}).Read(buffer) // documented never to fail; a disk that compresses would be flattered by zeros
	began := time.Now()
	for written := 0; written < probeSize && err == nil; written += len(buffer) {
		_, err = f.Write(buffer)
	}
	if err = errors.Join(err, f.Sync()); err != nil {
		return 0, fmt.Errorf("measuring the archive's disk: %w", err)
	}
	return probeSize / max(time.Since(began).Seconds(), 1e-6), nil
}

// sampleRows reads some rows of the largest table. A table whose rows cannot be had just now is no reason to fail.
func (d *dump) sampleRows(ctx context.Context) ([]byte, error) {
	var largest *plan.Table
	for i := range d.plan.Tables {
		if t := &d.plan.Tables[i]; len(t.Columns) > 0 && (largest == nil || t.Bytes() > largest.Bytes()) {
			largest = t
		}
	}
	if largest == nil {
		return nil, nil
	}
	conn, err := d.keeper.opener.Open(ctx)
	if err != nil {
		return nil, err
	}
	// Without a word to the server, which may be in the middle of a row: it finds out.
	defer conn.PgConn().Conn().Close()
	rows := &beginning{limit: sampleSize}
	if _, err := conn.PgConn().CopyTo(ctx, rows, d.plan.Some(*largest)); err != nil && !errors.Is(err, errEnough) {
		d.report.Warn("could not read rows of %s.%s to try compressions with: %v", largest.Schema, largest.Name, err)
	}
	return rows.kept, ctx.Err()
}

var errEnough = errors.New("enough rows were read")

// beginning keeps the first bytes written to it.
type beginning struct {
	kept  []byte
	limit int
}

func (b *beginning) Write(p []byte) (int, error) {
	if len(b.kept) >= b.limit {
		return 0, errEnough
	}
	b.kept = append(b.kept, p[:min(len(p), b.limit-len(b.kept))]...)
	return len(p), nil
}
