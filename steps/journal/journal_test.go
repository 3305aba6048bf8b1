package journal_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"changeover/steps/journal"
	"changeover/steps/journal/crashfs"
)

const path = "/run/journal.jsonl"

func options(files journal.FS) journal.Options {
	return journal.Options{FS: files, Run: "shop-1", Boot: "boot-1", Tool: "1.2.3"}
}

func open(t *testing.T, files journal.FS) (*journal.Journal, journal.Replay) {
	t.Helper()
	j, replay, err := journal.Open(path, options(files))
	if err != nil {
		t.Fatalf("opening the journal: %v", err)
	}
	t.Cleanup(func() { j.Close() })
	return j, replay
}

func note(n int) journal.Record {
	return journal.Record{Kind: "note", Step: n, Data: json.RawMessage(fmt.Sprintf(`{"n":%d}`, n))}
}

func add(t *testing.T, j *journal.Journal, n int) journal.Record {
	t.Helper()
	r, err := j.Append(note(n))
	if err != nil {
		t.Fatalf("appending note %d: %v", n, err)
	}
	return r
}

// written is a journal of three notes behind the opening record, as bytes.
func written(t *testing.T) (*crashfs.FS, []byte) {
	t.Helper()
	files := crashfs.New()
	j, _ := open(t, files)
	for n := range 3 {
		add(t, j, n+1)
	}
	return files, files.Read(path)
}

func TestWhatWasAppendedIsReplayedExactly(t *testing.T) {
	files := crashfs.New()
	j, first := open(t, files)
	want := first.Records
	for n := range 3 {
		want = append(want, add(t, j, n+1))
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	_, replay := open(t, files)
	if diff := cmp.Diff(want, replay.Records); diff != "" {
		t.Errorf("replay differs from what Append returned (-appended +replayed):\n%s", diff)
	}
	if replay.Cut != nil {
		t.Errorf("a journal closed in order has a torn record: %v", replay.Cut)
	}
}

func TestRecordIsOnDiskWhenAppendReturns(t *testing.T) {
	files := crashfs.New()
	j, _ := open(t, files)
	add(t, j, 1)
	_, replay := open(t, files.Reboot(crashfs.Lost))
	if got := len(replay.Records); got != 2 {
		t.Errorf("after a crash that loses everything unsynced the journal has %d records, want 2", got)
	}
}

func TestCrashDuringAppend(t *testing.T) {
	for _, test := range []struct {
		fate    crashfs.Fate
		records int
		cut     bool
	}{{crashfs.Lost, 2, false}, {crashfs.Torn, 2, true}, {crashfs.Kept, 3, false}} {
		t.Run(test.fate.String(), func(t *testing.T) {
			files := crashfs.New()
			j, _ := open(t, files)
			add(t, j, 1)
			files.Hook(func(op crashfs.Op) error {
				if op.Kind == "sync" {
					return crashfs.ErrCrashed
				}
				return nil
			})
			if _, err := j.Append(note(2)); !errors.Is(err, journal.ErrDead) {
				t.Fatalf("append into a crash: %v, want ErrDead", err)
			}
			after := files.Reboot(test.fate)
			again, replay := open(t, after)
			if len(replay.Records) != test.records || (replay.Cut != nil) != test.cut {
				t.Fatalf("%d records, cut %v; want %d, %v", len(replay.Records), replay.Cut, test.records, test.cut)
			}
			r := add(t, again, 9)
			if r.Seq != uint64(test.records)+1 {
				t.Errorf("the next record has number %d, want %d", r.Seq, test.records+1)
			}
			if _, replay := open(t, after); len(replay.Records) != test.records+1 {
				t.Errorf("behind a repaired tail the journal has %d records, want %d", len(replay.Records), test.records+1)
			}
		})
	}
}

func TestCrashWhileTheJournalIsMade(t *testing.T) {
	for n, kind := range []string{"write", "sync", "syncdir"} {
		for _, fate := range []crashfs.Fate{crashfs.Lost, crashfs.Torn, crashfs.Kept} {
			t.Run(fmt.Sprint(n, kind, fate), func(t *testing.T) {
				files := crashfs.New()
				files.Hook(func(op crashfs.Op) error {
					if op.Kind == kind {
						return crashfs.ErrCrashed
					}
					return nil
				})
				if _, _, err := journal.Open(path, options(files)); err == nil {
					t.Fatal("opening survived the crash")
				}
				j, _ := open(t, files.Reboot(fate))
				add(t, j, 1)
			})
		}
	}
}

func TestFailedWriteKillsTheJournal(t *testing.T) {
	for _, kind := range []string{"write", "sync"} {
		t.Run(kind, func(t *testing.T) {
			files := crashfs.New()
			j, _ := open(t, files)
			add(t, j, 1)
			fail := true
			files.Hook(func(op crashfs.Op) error {
				if fail && op.Kind == kind {
					return syscall.ENOSPC
				}
				return nil
			})
			if _, err := j.Append(note(2)); !errors.Is(err, journal.ErrDead) || !errors.Is(err, syscall.ENOSPC) {
				t.Fatalf("append on a full disk: %v, want ErrDead and the cause", err)
			}
			fail = false // the disk has room again: too late for this journal
			if _, err := j.Append(note(3)); !errors.Is(err, journal.ErrDead) {
				t.Fatalf("append after a failed one: %v, want ErrDead", err)
			}
			_, replay := open(t, files)
			if n := len(replay.Records); n != 2 && (kind == "write" || n != 3) {
				t.Errorf("a new start finds %d records", n)
			}
		})
	}
}

func TestDamage(t *testing.T) {
	_, whole := written(t)
	lines := bytes.SplitAfter(whole, []byte("\n"))
	lines = lines[:len(lines)-1]
	join := func(parts ...[]byte) []byte { return bytes.Join(parts, nil) }
	flip := func(line []byte) []byte {
		out := bytes.Clone(line)
		out[len(out)/2] ^= 1
		return out
	}
	for name, test := range map[string]struct {
		data    []byte
		damaged int // line, 0 for none
		records int
	}{
		"whole":                                {whole, 0, 4},
		"last line half":                       {whole[:len(whole)-20], 0, 3},
		"last line without its newline":        {whole[:len(whole)-1], 0, 3},
		"last line flipped":                    {join(lines[0], lines[1], lines[2], flip(lines[3])), 0, 3},
		"zeros behind the end":                 {append(bytes.Clone(whole), make([]byte, 700)...), 0, 4},
		"bit flipped in the middle":            {join(lines[0], flip(lines[1]), lines[2], lines[3]), 2, 0},
		"line missing":                         {join(lines[0], lines[2], lines[3]), 2, 0},
		"line twice":                           {join(lines[0], lines[1], lines[1], lines[2], lines[3]), 3, 0},
		"beginning missing":                    {join(lines[1], lines[2], lines[3]), 1, 0},
		"two lines swapped":                    {join(lines[0], lines[2], lines[1], lines[3]), 2, 0},
		"foreign line put in":                  {join(lines[0], []byte("hello\n"), lines[1]), 2, 0},
		"empty line put in":                    {join(lines[0], []byte("\n"), lines[1]), 2, 0},
		"bit flipped in the middle, torn tail": {join(lines[0], flip(lines[1]), lines[2], lines[3][:10]), 2, 0},
	} {
		t.Run(name, func(t *testing.T) {
			files := crashfs.New()
			files.Write(path, test.data)
			_, replay, err := journal.Open(path, options(files))
			if test.damaged == 0 {
				if err != nil || len(replay.Records) != test.records {
					t.Fatalf("%d records, %v; want %d", len(replay.Records), err, test.records)
				}
				return
			}
			var damage *journal.DamageError
			if !errors.As(err, &damage) || !errors.Is(err, journal.ErrDamaged) || damage.Line != test.damaged {
				t.Fatalf("opened with %v, want damage in line %d", err, test.damaged)
			}
			if got := files.Read(path); !bytes.Equal(got, test.data) {
				t.Error("a damaged journal was changed")
			}
		})
	}
}

func TestSpliceOfAnotherJournalIsSeen(t *testing.T) {
	_, one := written(t)
	two := crashfs.New()
	j, _ := open(t, two)
	for n := range 3 {
		add(t, j, n+10)
	}
	a, b := bytes.SplitAfter(one, []byte("\n")), bytes.SplitAfter(two.Read(path), []byte("\n"))
	files := crashfs.New()
	files.Write(path, bytes.Join([][]byte{a[0], a[1], b[2], b[3]}, nil))
	if _, _, err := journal.Open(path, options(files)); !errors.Is(err, journal.ErrDamaged) {
		t.Errorf("a journal whose end comes from another one opens with %v, want ErrDamaged", err)
	}
}

func TestNewerFormatIsRefusedByName(t *testing.T) {
	files := crashfs.New()
	files.Write(path, []byte(`{"seq":1,"format":99,"kind":"journal","tool":"v9.9.0","checksum":"of another kind"}`+"\n"))
	_, _, err := journal.Open(path, options(files))
	if !errors.Is(err, journal.ErrNewer) || !strings.Contains(err.Error(), "v9.9.0") {
		t.Errorf("a journal from the future opens with %v, want ErrNewer with the version", err)
	}
}

func TestJournalOfAnotherRunIsRefused(t *testing.T) {
	files, _ := written(t)
	opts := options(files)
	opts.Run = "other"
	if _, _, err := journal.Open(path, opts); err == nil || !strings.Contains(err.Error(), "shop-1") {
		t.Errorf("the journal of shop-1 opens as other: %v", err)
	}
}

func TestReaderFollowsAGrowingJournal(t *testing.T) {
	_, whole := written(t)
	name := filepath.Join(t.TempDir(), "journal.jsonl")
	grow := func(data []byte) {
		t.Helper()
		f, err := os.OpenFile(name, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Write(data); err != nil {
			t.Fatal(err)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
	}
	grow(nil)
	r, err := journal.NewReader(nil, name)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	count := 0
	for at := 0; at < len(whole); at += 7 {
		grow(whole[at:min(at+7, len(whole))])
		for {
			record, err := r.Next()
			if err != nil {
				break
			}
			if count++; record.Seq != uint64(count) {
				t.Fatalf("record %d read in place %d", record.Seq, count)
			}
		}
	}
	if count != 4 {
		t.Errorf("%d records were read while the journal grew, want 4", count)
	}
}

func TestRecordsStopAtDamage(t *testing.T) {
	files, whole := written(t)
	lines := bytes.SplitAfter(whole, []byte("\n"))
	lines[2] = []byte("rubbish\n")
	files.Write(path, bytes.Join(lines, nil))
	var seqs []uint64
	var last error
	for r, err := range journal.Records(files, path) {
		if last = err; err == nil {
			seqs = append(seqs, r.Seq)
		}
	}
	if diff := cmp.Diff([]uint64{1, 2}, seqs); diff != "" || !errors.Is(last, journal.ErrDamaged) {
		t.Errorf("read %v, then %v; want 1 and 2, then damage", seqs, last)
	}
}

func TestSecretsNeverReachTheFile(t *testing.T) {
	files := crashfs.New()
	opts := options(files)
	opts.Redact = func(s string) string { return strings.ReplaceAll(s, "kn0wn<&>", "***") }
	j, _, err := journal.Open(path, opts)
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	payload, err := json.Marshal(map[string]any{ // json.Marshal escapes < & > on purpose
		"url":    "connecting to postgres://u:c4nary@host:5432/db failed",
		"known":  []any{"the password is kn0wn<&>"},
		"key":    "HRKU-c4naryc4nary-1234",
		"big":    int64(1<<53 + 1),
		"aws":    "AKIAC4NARYC4NARYC4NA",
		"dsn":    "host=x password='c4nary'",
		"header": "Authorization: Bearer c4naryc4naryc4nary",
	})
	if err != nil {
		t.Fatal(err)
	}
	r, err := j.Append(journal.Record{Kind: "note", Actor: "https://me:c4nary@x", Data: payload})
	if err != nil {
		t.Fatal(err)
	}
	text := string(files.Read(path))
	for _, secret := range []string{"c4nary", "C4NARY", "kn0wn"} {
		if strings.Contains(text, secret) {
			t.Errorf("the journal holds %q:\n%s", secret, text)
		}
	}
	var back struct{ Big int64 }
	if err := json.Unmarshal(r.Data, &back); err != nil || back.Big != 1<<53+1 {
		t.Errorf("redaction changed a number: %d, %v", back.Big, err)
	}
}

func TestRealFiles(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := (journal.OS{}).MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	opts := options(nil)
	clock := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	opts.Now = func() time.Time { clock = clock.Add(time.Second); return clock }
	name := filepath.Join(dir, "journal.jsonl")
	j, _, err := journal.Open(name, opts)
	if err != nil {
		t.Fatal(err)
	}
	if r := add(t, j, 1); r.Mono != 2*time.Second {
		t.Errorf("the second record is %s from the opening, want 2s", r.Mono)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	for of, want := range map[string]fs.FileMode{dir: 0o700, name: 0o600} {
		info, err := os.Stat(of)
		if err != nil || info.Mode().Perm() != want {
			t.Errorf("%s has mode %v, %v; want %v", of, info.Mode().Perm(), err, want)
		}
	}
	if _, replay, err := journal.Open(name, opts); err != nil || len(replay.Records) != 2 {
		t.Errorf("reopened with %d records, %v; want 2", len(replay.Records), err)
	}
}

func TestLockNamesItsHolder(t *testing.T) {
	name := filepath.Join(t.TempDir(), "engine.lock")
	lock, err := (journal.OS{}).Lock(name)
	if err != nil {
		t.Fatal(err)
	}
	_, err = (journal.OS{}).Lock(name)
	var held *journal.LockedError
	if !errors.As(err, &held) || !errors.Is(err, journal.ErrLocked) || held.PID != os.Getpid() {
		t.Errorf("a second lock: %v, want ErrLocked naming process %d", err, os.Getpid())
	}
	if err := lock.Close(); err != nil {
		t.Fatal(err)
	}
	again, err := (journal.OS{}).Lock(name)
	if err != nil {
		t.Fatalf("locking after the holder let go: %v", err)
	}
	if err := again.Close(); err != nil {
		t.Fatal(err)
	}
}
