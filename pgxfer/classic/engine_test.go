package classic_test

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"changeover/pgxfer"
	"changeover/pgxfer/classic"
	"changeover/pgxfer/localpg/pgtest"
)

// fast samples often, so that short transfers are seen too.
var fast = classic.Engine{Interval: 10 * time.Millisecond, Grace: 3 * time.Second, Reserve: 1 << 20}

// TestEngine shares one source among its parts; each has targets, directories and tags of its own.
func TestEngine(t *testing.T) {
	w := newWorld(t)
	dir := filepath.Join(t.TempDir(), "archive")
	dumped, err := fast.Dump(t.Context(), w.dumpOptions(t, dir, "shared"), nil)
	if err != nil {
		t.Fatal(err)
	}
	w.archive, w.dumped = dir, dumped
	for _, part := range []struct {
		name string
		test func(*testing.T, *world)
	}{
		{"a whole database arrives without a difference", roundTrip},
		{"compression and serial dumps give the same rows", compressions},
		{"a dump shows what each worker does", dumpProgress},
		{"a restore shows what each worker does", restoreProgress},
		{"a pause finishes what runs and starts nothing", pauses},
		{"a changed archive is refused before anything is loaded", tampering},
		{"a target that is not empty is refused", nonEmpty},
		{"a cancelled dump leaves nothing", cancelDump},
		{"a cancelled restore leaves nothing", cancelRestore},
		{"a killed pg_dump leaves nothing", killedLeader},
		{"a source that dies is one line", sourceDies},
		{"a target that dies is one line", targetDies},
		{"a full disk stops the dump", diskFull},
		{"the password is nowhere to be seen", secrets},
		{"sessions of an earlier attempt are ended", orphans},
		{"a failing statement ends the restore and is named", failingStatement},
		{"extensions may be in another schema", movedExtension},
		{"a target can be reset", resets},
		{"a disk without room is refused", noRoom},
		{"missing client tools are named", noTools},
	} {
		t.Run(part.name, func(t *testing.T) { part.test(t, w) })
	}
}

func (w *world) dumpOptions(t *testing.T, dir, tag string) pgxfer.DumpOptions {
	return pgxfer.DumpOptions{
		Source: w.source(t), Leader: w.leaderEndpoint(t), Dir: dir, Jobs: 2, Compress: "none", Tag: tag,
		TargetMajor: w.other.Installation().Major,
	}
}

func (w *world) restoreOptions(t *testing.T, target pgtest.DB, tag string) pgxfer.RestoreOptions {
	return pgxfer.RestoreOptions{
		Target: endpoint(t, "fast-primary", target.URL), Dir: w.archive, Manifest: w.dumped.Manifest, Jobs: 2, Tag: tag,
	}
}

// onFollower is the source database on its follower.
func (w *world) onFollower(t *testing.T) pgtest.DB {
	db := w.db
	db.URL = onPort(t, db.URL, w.follower)
	return db
}

func cancelled(t *testing.T) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(cancel)
	return ctx, cancel
}
