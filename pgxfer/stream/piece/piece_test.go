package piece

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"changeover/pgxfer"
)

func written(t *testing.T, dir, item, compression, rows string) Entry {
	t.Helper()
	var live atomic.Int64
	suffix := ".copy" + suffixes[compression]
	e, err := Write(t.Context(), dir, item, item+suffix, compression, &live, func(w io.Writer) (int64, error) {
		for _, line := range strings.SplitAfter(rows, "\n") {
			if _, err := io.WriteString(w, line); err != nil {
				return 0, err
			}
		}
		return int64(strings.Count(rows, "\n")), nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if live.Load() != int64(len(rows)) {
		t.Errorf("counted %d of %d bytes", live.Load(), len(rows))
	}
	return e
}

// What was written is read again; what was changed in between, in whatever way, never passes the check.
func TestRoundTripAndDamage(t *testing.T) {
	rows := strings.Repeat("1\tone\n2\ttwo\n", 50_000)
	for _, compression := range Compressions {
		dir := t.TempDir()
		e := written(t, dir, "data/1/0", compression, rows)
		if e.Rows != 100_000 || e.Bytes != int64(len(rows)) {
			t.Errorf("%s: %+v", compression, e)
		}
		read := func() (string, error) {
			r, err := Open(dir, e, nil)
			if err != nil {
				return "", err
			}
			defer r.Close()
			got, err := io.ReadAll(r)
			return string(got), errors.Join(err, r.Check())
		}
		if got, err := read(); err != nil || got != rows {
			t.Errorf("%s: %d bytes, %v", compression, len(got), err)
		}
		name := filepath.Join(dir, e.File)
		whole, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for what, damaged := range map[string][]byte{
			"cut": whole[:len(whole)/2], "empty": nil, "longer": append(append([]byte(nil), whole...), '\n'),
			"changed": append(append(append([]byte(nil), whole[:len(whole)/2]...), whole[len(whole)/2]^1), whole[len(whole)/2+1:]...),
		} {
			if err := os.WriteFile(name, damaged, 0o600); err != nil {
				t.Fatal(err)
			}
			if _, err := read(); !errors.Is(err, pgxfer.ErrArchive) {
				t.Errorf("%s, %s: got %v", compression, what, err)
			}
			if err := CheckAll(t.Context(), dir, []Entry{e}, 2, nil); !errors.Is(err, pgxfer.ErrArchive) {
				t.Errorf("%s, %s: the check of all says %v", compression, what, err)
			}
		}
		if err := os.Remove(name); err != nil {
			t.Fatal(err)
		}
		if _, err := read(); !errors.Is(err, pgxfer.ErrArchive) {
			t.Errorf("%s, missing: got %v", compression, err)
		}
	}
}

// A piece that failed leaves nothing.
func TestFailedWriteLeavesNothing(t *testing.T) {
	dir := t.TempDir()
	broken := errors.New("broken")
	_, err := Write(t.Context(), dir, "data/1/0", "data/1/0.copy.zst", "zstd", nil, func(w io.Writer) (int64, error) {
		_, _ = io.WriteString(w, "1\n")
		return 1, broken
	})
	if !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
	if left, _ := os.ReadDir(filepath.Join(dir, "data", "1")); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
}

// A crash may cut the last line; the journal goes on without it. A line in the middle that is not what was written is an error.
func TestJournalAfterACrash(t *testing.T) {
	dir := t.TempDir()
	entry := Entry{Item: "data/1/0", File: "data/1/0.copy", Size: 3, SHA256: "x", Rows: 1, Bytes: 2}
	j, _, _, err := OpenJournal(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(j.Begin("plan"), j.Add(entry), j.Add(Entry{Item: "lost"}), j.Close()); err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(dir, JournalName)
	info, err := os.Stat(name)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(name, info.Size()-4); err != nil {
		t.Fatal(err)
	}
	j, entries, of, err := OpenJournal(dir)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]Entry{entry}, entries); diff != "" || of != "plan" {
		t.Errorf("plan %q (-want +got):\n%s", of, diff)
	}
	second := Entry{Item: "data/1/1"}
	if err := errors.Join(j.Add(second), j.Close()); err != nil {
		t.Fatal(err)
	}
	j, entries, _, err = OpenJournal(dir)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]Entry{entry, second}, entries); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	_ = j.Close()
	raw, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	raw[len(raw)/2] ^= 1
	if err := os.WriteFile(name, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, _, _, err := OpenJournal(dir); err == nil {
		t.Error("a changed line was accepted")
	}
}

// Who follows gets each entry once, and learns of the end, of a failure, and of a dump that just died.
func TestFollower(t *testing.T) {
	for _, ending := range []string{"complete", "failed", "died", "begun again"} {
		t.Run(ending, func(t *testing.T) {
			dir := t.TempDir()
			f := &Follower{Dir: dir, Patience: 10 * time.Second}
			if ending == "failed" || ending == "died" {
				f.Patience = 100 * time.Millisecond
			}
			lock, err := TakeLock(dir)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := TakeLock(dir); !errors.Is(err, ErrWriting) {
				t.Errorf("a second lock: %v", err)
			}
			j, _, _, err := OpenJournal(dir)
			if err != nil {
				t.Fatal(err)
			}
			defer j.Close()
			wrote := make(chan error, 1)
			go func() {
				err := errors.Join(j.Begin("plan"), j.Add(Entry{Item: "a"}), j.Add(Entry{Item: "b"}))
				switch ending {
				case "complete":
					err = errors.Join(err, j.End("sum"))
				case "failed":
					err = errors.Join(err, j.Fail("why"))
				case "begun again":
					time.Sleep(150 * time.Millisecond)
					err = errors.Join(err, j.Begin("another"))
				}
				wrote <- errors.Join(err, lock.Release())
			}()
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			defer cancel()
			defer f.Close()
			if of, err := f.Begin(ctx); err != nil || of != "plan" {
				t.Fatalf("began with %q, %v", of, err)
			}
			var items []string
			var end string
			for err == nil && end == "" {
				var list []Entry
				list, end, err = f.Next(ctx)
				for _, e := range list {
					items = append(items, e.Item)
				}
			}
			if got := strings.Join(items, " "); got != "a b" && ending != "begun again" {
				t.Errorf("entries %q", got)
			}
			if want := map[string]string{"failed": "why", "died": "never finished", "begun again": "begun again"}[ending]; ending == "complete" {
				if err != nil || end != "sum" {
					t.Errorf("ended with %q, %v", end, err)
				}
			} else if !errors.Is(err, pgxfer.ErrArchive) || !strings.Contains(err.Error(), want) {
				t.Errorf("got %v", err)
			}
			if err := <-wrote; err != nil {
				t.Error(err)
			}
		})
	}
}
