package piece

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"changeover/pgxfer"
)

// Follower reads the journal while it grows.
type Follower struct {
	// Dir is the archive.
	Dir string
	// Patience is how long to wait for a dump that is not running: it may be about to start.
	Patience time.Duration

	file  *os.File
	at    int64
	lines reader
	given int
}

// poll is the time between two looks at a growing journal.
const poll = 50 * time.Millisecond

// Begin waits for the plan, and returns its hash.
func (f *Follower) Begin(ctx context.Context) (string, error) {
	if err := f.await(ctx, func() bool { return f.lines.plan != "" }); err != nil {
		return "", err
	}
	return f.lines.plan, nil
}

// Next waits for the next entries. At the end it returns none, and the SHA-256 of the manifest.
func (f *Follower) Next(ctx context.Context) (list []Entry, manifest string, err error) {
	began := f.lines.plan
	err = f.await(ctx, func() bool { return len(f.lines.entries) > f.given || f.lines.end != "" || f.lines.plan != began })
	if err != nil {
		return nil, "", err
	}
	if f.lines.plan != began {
		return nil, "", fmt.Errorf("%w: its dump was begun again while it was being loaded; reset the target, then restore again", pgxfer.ErrArchive)
	}
	list = f.lines.entries[f.given:]
	f.given = len(f.lines.entries)
	return list, f.lines.end, nil
}

// Close lets go of the journal.
func (f *Follower) Close() error {
	if f.file == nil {
		return nil
	}
	return f.file.Close()
}

// await looks again and again until something has come, or nothing will.
func (f *Follower) await(ctx context.Context, come func() bool) error {
	var silent time.Time // since when nobody has been writing
	for {
		writing := Writing(f.Dir) // asked before looking: what a dump that ended has written is then all there
		if err := f.look(); err != nil {
			return err
		}
		if come() {
			return nil
		}
		switch now := time.Now(); {
		case writing:
			silent = time.Time{}
		case silent.IsZero():
			silent = now
		case now.Sub(silent) >= f.Patience:
			if f.lines.failed != "" {
				return fmt.Errorf("%w: its dump failed (%s); dump again", pgxfer.ErrArchive, f.lines.failed)
			}
			return fmt.Errorf("%w: its dump was never finished; dump again", pgxfer.ErrArchive)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(poll):
		}
	}
}

func (f *Follower) look() error {
	if f.file == nil {
		file, err := os.Open(filepath.Join(f.Dir, JournalName))
		if errors.Is(err, os.ErrNotExist) {
			return nil
		}
		if err != nil {
			return wrap("reading the journal of the archive", err)
		}
		f.file = file
	}
	raw, err := io.ReadAll(io.NewSectionReader(f.file, f.at, 1<<62))
	if err != nil {
		return wrap("reading the journal of the archive", err)
	}
	whole, err := f.lines.feed(raw)
	f.at += int64(whole)
	if err != nil {
		return fmt.Errorf("%w: its journal cannot be read (%w); dump again", pgxfer.ErrArchive, err)
	}
	return nil
}
