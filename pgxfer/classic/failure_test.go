package classic_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"changeover/pgxfer"
	"changeover/pgxfer/archive"
	"changeover/pgxfer/classic"
	"changeover/pgxfer/localpg"
	"changeover/pgxfer/localpg/pgtest"
	"changeover/pgxfer/pgtools"
)

func tampering(t *testing.T, w *world) {
	m, _, err := archive.ReadManifest(w.archive)
	if err != nil {
		t.Fatal(err)
	}
	first, second := m.Tables[0].File, m.Tables[1].File
	target := w.target(t)
	for name, spoil := range map[string]func(t *testing.T, dir string){
		"missing file":      func(t *testing.T, dir string) { must(t, os.Remove(filepath.Join(dir, first))) },
		"missing manifest":  func(t *testing.T, dir string) { must(t, os.Remove(filepath.Join(dir, "manifest.json"))) },
		"cut at a line end": func(t *testing.T, dir string) { cutAtLine(t, filepath.Join(dir, first)) },
		"one bit changed":   func(t *testing.T, dir string) { change(t, filepath.Join(dir, first)) },
		"table of contents": func(t *testing.T, dir string) { change(t, filepath.Join(dir, "pgdump", "toc.dat")) },
		"manifest changed": func(t *testing.T, dir string) {
			replace(t, filepath.Join(dir, "manifest.json"), `"rows": `, `"rows": 1`)
		},
		"link in place of a file": func(t *testing.T, dir string) {
			must(t, os.Remove(filepath.Join(dir, first)))
			must(t, os.Symlink(filepath.Join(w.archive, first), filepath.Join(dir, first)))
		},
		"two files swapped": func(t *testing.T, dir string) {
			must(t, os.Rename(filepath.Join(dir, first), filepath.Join(dir, "x")))
			must(t, os.Rename(filepath.Join(dir, second), filepath.Join(dir, first)))
			must(t, os.Rename(filepath.Join(dir, "x"), filepath.Join(dir, second)))
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "archive")
			must(t, os.CopyFS(dir, os.DirFS(w.archive)))
			spoil(t, dir)
			options := w.restoreOptions(t, target, "tampered")
			options.Dir, options.Manifest = dir, ""
			_, err := fast.Restore(t.Context(), options, nil)
			if !errors.Is(err, pgxfer.ErrArchive) {
				t.Errorf("restored with %v", err)
			}
			oneLine(t, err)
		})
	}
	t.Run("another dump", func(t *testing.T) {
		options := w.restoreOptions(t, target, "tampered")
		options.Manifest = strings.Repeat("0", 64)
		if _, err := fast.Restore(t.Context(), options, nil); !errors.Is(err, pgxfer.ErrArchive) {
			t.Errorf("restored with %v", err)
		}
	})
	var tables int
	must(t, target.Connect(t).QueryRow(t.Context(), `SELECT count(*) FROM pg_tables WHERE schemaname = 'public'`).Scan(&tables))
	if tables != 0 {
		t.Errorf("%d tables were made all the same", tables)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func change(t *testing.T, file string) {
	t.Helper()
	raw, err := os.ReadFile(file)
	must(t, err)
	raw[len(raw)/2] ^= 1
	must(t, os.WriteFile(file, raw, 0o600))
}

func cutAtLine(t *testing.T, file string) {
	t.Helper()
	raw, err := os.ReadFile(file)
	must(t, err)
	half := raw[:strings.LastIndexByte(string(raw[:len(raw)/2]), '\n')+1]
	must(t, os.WriteFile(file, append(half, "\\.\n\n\n"...), 0o600))
}

func replace(t *testing.T, file, from, to string) {
	t.Helper()
	raw, err := os.ReadFile(file)
	must(t, err)
	must(t, os.WriteFile(file, []byte(strings.Replace(string(raw), from, to, 1)), 0o600))
}

func oneLine(t *testing.T, err error) {
	t.Helper()
	if err == nil || strings.ContainsAny(err.Error(), "\n\r\x1b") || len(err.Error()) > 1200 {
		t.Errorf("not one line for people: %q", err)
	}
}

func nonEmpty(t *testing.T, w *world) {
	for name, put := range map[string]string{
		"table":        `CREATE TABLE mine ()`,
		"function":     `CREATE FUNCTION mine() RETURNS int LANGUAGE sql AS 'SELECT 1'`,
		"large object": `SELECT lo_create(0)`,
		"sequence":     `CREATE SEQUENCE mine`,
	} {
		t.Run(name, func(t *testing.T) {
			target := w.target(t)
			pgtest.Exec(t, target.Config(t), put)
			_, err := fast.Restore(t.Context(), w.restoreOptions(t, target, "full"), nil)
			if !errors.Is(err, pgxfer.ErrTargetNotEmpty) {
				t.Errorf("restored with %v", err)
			}
		})
	}
}

// heldDump is a dump in the middle of its largest table.
func heldDump(t *testing.T, w *world, cluster *localpg.Cluster, tag string) (pgxfer.DumpOptions, *gate) {
	g := newGate(t, cluster, 4<<20)
	options := w.dumpOptions(t, filepath.Join(t.TempDir(), "archive"), tag)
	options.Source = endpoint(t, "fast-follower", g.through(t, w.db.URL))
	return options, g
}

func cancelDump(t *testing.T, w *world) {
	options, g := heldDump(t, w, w.follower, "cancels")
	ctx, cancel := cancelled(t)
	obs := &recorder{}
	err := midway(t, obs, working(pgxfer.KindData, "public.big"), func(obs *recorder) error {
		_, err := fast.Dump(ctx, options, obs)
		return err
	}, func(pgxfer.Progress) { cancel() })
	if !errors.Is(err, context.Canceled) {
		t.Errorf("it ended with %v", err)
	}
	g.Open()
	nothingLeft(t, options.Dir, "cancels", w.onFollower(t))
	if _, _, err := archive.ReadManifest(options.Dir); !errors.Is(err, pgxfer.ErrArchive) {
		t.Errorf("an interrupted dump reads as an archive: %v", err)
	}
	if _, err := fast.Dump(t.Context(), options, nil); err == nil || !strings.Contains(err.Error(), "not empty") {
		t.Errorf("dumping over an interrupted dump: %v", err)
	}
	must(t, archive.Discard(options.Dir))
	if _, err := os.Stat(options.Dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("after discarding: %v", err)
	}
}

func cancelRestore(t *testing.T, w *world) {
	target := w.target(t)
	release := hold(t, target, gateLoad)
	ctx, cancel := cancelled(t)
	obs := &recorder{}
	err := midway(t, obs, working(pgxfer.KindData, "public.big"), func(obs *recorder) error {
		_, err := fast.Restore(ctx, w.restoreOptions(t, target, "cancels"), obs)
		return err
	}, func(pgxfer.Progress) { cancel() })
	if !errors.Is(err, context.Canceled) {
		t.Errorf("it ended with %v", err)
	}
	nothingLeft(t, w.archive, "cancels", target)
	release()
	var rows int
	must(t, target.Connect(t).QueryRow(t.Context(), `SELECT count(*) FROM big`).Scan(&rows))
	if rows != 0 {
		t.Errorf("%d rows were committed after the end", rows)
	}
}

func killedLeader(t *testing.T, w *world) {
	options, _ := heldDump(t, w, w.follower, "killed")
	obs := &recorder{}
	err := midway(t, obs, working(pgxfer.KindData, "public.big"), func(obs *recorder) error {
		_, err := fast.Dump(t.Context(), options, obs)
		return err
	}, func(pgxfer.Progress) {
		for _, pid := range processesWith(t, options.Dir) {
			if group, err := syscall.Getpgid(pid); err == nil && group == pid { // the leader, not its workers
				must(t, syscall.Kill(pid, syscall.SIGKILL))
			}
		}
	})
	var exit *pgtools.ExitError
	if err == nil || !strings.Contains(err.Error(), "pg_dump") || errors.As(err, &exit) && exit.Signal != syscall.SIGKILL {
		t.Errorf("it ended with %v", err)
	}
	oneLine(t, err)
	nothingLeft(t, options.Dir, "killed", w.onFollower(t))
}

func sourceDies(t *testing.T, w *world) {
	follower := pgtest.Follower(t, w.leader)
	must(t, follower.CatchUp(t.Context()))
	options, _ := heldDump(t, w, follower, "dies")
	obs := &recorder{}
	err := midway(t, obs, working(pgxfer.KindData, "public.big"), func(obs *recorder) error {
		_, err := fast.Dump(t.Context(), options, obs)
		return err
	}, func(pgxfer.Progress) { must(t, follower.Kill(t.Context())) })
	if err == nil || !strings.Contains(err.Error(), "fast-follower") || !strings.Contains(err.Error(), "cannot be reached") {
		t.Errorf("it ended with %v", err)
	}
	oneLine(t, err)
	nothingLeft(t, options.Dir, "dies")
}

func targetDies(t *testing.T, w *world) {
	cluster := pgtest.Cluster(t)
	target := dressed(t, cluster)
	hold(t, target, gateLoad)
	obs := &recorder{}
	err := midway(t, obs, working(pgxfer.KindData, "public.big"), func(obs *recorder) error {
		_, err := fast.Restore(t.Context(), w.restoreOptions(t, target, "dies"), obs)
		return err
	}, func(pgxfer.Progress) { must(t, cluster.Kill(t.Context())) })
	if err == nil || !strings.Contains(err.Error(), "fast-primary") || !strings.Contains(err.Error(), "cannot be reached") {
		t.Errorf("it ended with %v", err)
	}
	oneLine(t, err)
	nothingLeft(t, w.archive, "dies")
}

func diskFull(t *testing.T, w *world) {
	for name, reserve := range map[string]int64{"the tool finds it full": -64 << 20, "we stop before": 6 << 20} {
		t.Run(name, func(t *testing.T) {
			disk := t.TempDir()
			if err := syscall.Mount("tmpfs", disk, "tmpfs", 0, "size=40m,mode=0700"); err != nil {
				t.Skipf("NOT TESTED: a small disk cannot be made here: %v", err)
			}
			t.Cleanup(func() { must(t, syscall.Unmount(disk, 0)) })
			options, g := heldDump(t, w, w.follower, "full")
			options.Dir = filepath.Join(disk, "archive")
			engine := fast
			engine.Reserve = reserve
			err := midway(t, &recorder{}, working(pgxfer.KindData, "public.big"), func(obs *recorder) error {
				_, err := engine.Dump(t.Context(), options, obs)
				return err
			}, func(pgxfer.Progress) {
				must(t, os.WriteFile(filepath.Join(disk, "somebody else's"), make([]byte, 31<<20), 0o600))
				g.Open()
			})
			if !errors.Is(err, pgxfer.ErrSpace) {
				t.Errorf("it ended with %v", err)
			}
			oneLine(t, err)
			nothingLeft(t, options.Dir, "full", w.onFollower(t))
		})
	}
}

func noRoom(t *testing.T, w *world) {
	engine := fast
	engine.Reserve = 1 << 60
	_, err := engine.Dump(t.Context(), w.dumpOptions(t, filepath.Join(t.TempDir(), "archive"), "room"), nil)
	if !errors.Is(err, pgxfer.ErrSpace) {
		t.Errorf("it ended with %v", err)
	}
	oneLine(t, err)
}

func noTools(t *testing.T, w *world) {
	engine := fast
	engine.Find = func(source, target int) (pgtools.Tools, error) { return pgtools.Choose(nil, source, target) }
	options := w.dumpOptions(t, filepath.Join(t.TempDir(), "archive"), "tools")
	_, err := engine.Dump(t.Context(), options, nil)
	if !errors.Is(err, pgxfer.ErrTools) || !strings.Contains(err.Error(), "apt-get install postgresql-client-") {
		t.Errorf("it ended with %v", err)
	}
	if _, err := os.Stat(options.Dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a directory was made all the same: %v", err)
	}
	target := w.target(t)
	if _, err := engine.Restore(t.Context(), w.restoreOptions(t, target, "tools"), nil); !errors.Is(err, pgxfer.ErrTools) {
		t.Errorf("the restore ended with %v", err)
	}
}

func orphans(t *testing.T, w *world) {
	target := w.target(t)
	config := target.Config(t)
	config.RuntimeParams["application_name"] = "orphans pg_restore"
	orphan := pgtest.Connect(t, config)
	other := target.Connect(t)
	if _, err := fast.Restore(t.Context(), w.restoreOptions(t, target, "orphans"), nil); err != nil {
		t.Fatal(err)
	}
	if err := orphan.Ping(t.Context()); err == nil {
		t.Error("the session of an earlier attempt lives on")
	}
	if err := other.Ping(t.Context()); err != nil {
		t.Errorf("somebody else's session was ended: %v", err)
	}
}

func failingStatement(t *testing.T, w *world) {
	target := w.target(t)
	obs := &recorder{}
	release := hold(t, target, gateLoad)
	// The name of an index that is still to be made is taken.
	err := midway(t, obs, working(pgxfer.KindData, "public.big"), func(obs *recorder) error {
		_, err := fast.Restore(t.Context(), w.restoreOptions(t, target, "fails"), obs)
		return err
	}, func(pgxfer.Progress) {
		pgtest.Exec(t, target.Config(t), `CREATE TABLE big_pkey ()`)
		release()
	})
	if err == nil || !strings.Contains(err.Error(), "big_pkey") || !strings.Contains(err.Error(), "already exists") {
		t.Errorf("it ended with %v", err)
	}
	oneLine(t, err)
	nothingLeft(t, w.archive, "fails", target)
}

func resets(t *testing.T, w *world) {
	target := w.target(t)
	to := endpoint(t, "fast-primary", target.URL)
	before := objects(t, target)
	if _, err := fast.Restore(t.Context(), w.restoreOptions(t, target, "resets"), nil); err != nil {
		t.Fatal(err)
	}
	other := target.Connect(t)
	if err := classic.ResetTarget(t.Context(), to, "resets"); !errors.Is(err, classic.ErrInUse) {
		t.Errorf("reset while somebody is connected: %v", err)
	}
	must(t, other.Close(t.Context()))
	left, err := to.Connect(t.Context(), "resets/restore stream restore")
	must(t, err)
	defer left.Close(t.Context())
	// The session is listed for a moment longer.
	deadline := time.Now().Add(patience)
	err = classic.ResetTarget(t.Context(), to, "resets")
	for errors.Is(err, classic.ErrInUse) && time.Now().Before(deadline) {
		time.Sleep(20 * time.Millisecond)
		err = classic.ResetTarget(t.Context(), to, "resets")
	}
	must(t, err)
	if err := left.Ping(t.Context()); err == nil {
		t.Error("a session that another engine's restore had left lives on")
	}
	if after := objects(t, target); after != before {
		t.Errorf("before the restore %s\nafter the reset %s", before, after)
	}
	if _, err := fast.Restore(t.Context(), w.restoreOptions(t, target, "resets"), nil); err != nil {
		t.Errorf("restoring again: %v", err)
	}
}

// objects lists all that is in a database beyond the system's.
func objects(t *testing.T, db pgtest.DB) (list string) {
	t.Helper()
	conn := db.Connect(t)
	must(t, conn.QueryRow(t.Context(), `SELECT string_agg(o, ', ' ORDER BY o) FROM (
		SELECT c.oid::regclass::text AS o FROM pg_class c WHERE relnamespace::regnamespace::text !~ '^(pg_|information_schema)'
		UNION ALL SELECT p.oid::regprocedure::text FROM pg_proc p WHERE pronamespace::regnamespace::text !~ '^(pg_|information_schema)'
		UNION ALL SELECT t.oid::regtype::text FROM pg_type t WHERE typnamespace::regnamespace::text !~ '^(pg_|information_schema)'
		UNION ALL SELECT nspname FROM pg_namespace WHERE nspname !~ '^pg_' UNION ALL SELECT extname FROM pg_extension
		UNION ALL SELECT oid::text FROM pg_largeobject_metadata) all_objects`).Scan(&list))
	must(t, conn.Close(t.Context()))
	return list
}

func movedExtension(t *testing.T, w *world) {
	target := w.target(t)
	// As Heroku made them from 2022 to 2023.
	pgtest.Exec(t, target.AdminConfig(w.other), `CREATE EXTENSION pg_trgm SCHEMA heroku_ext`, `CREATE EXTENSION citext SCHEMA heroku_ext`,
		`CREATE EXTENSION hstore SCHEMA heroku_ext`, `GRANT USAGE ON SCHEMA heroku_ext TO PUBLIC`)
	obs := &recorder{}
	if _, err := fast.Restore(t.Context(), w.restoreOptions(t, target, "moved"), obs); err != nil {
		t.Fatalf("%v\n%s", err, obs.text())
	}
	if !strings.Contains(obs.text(), "extension pg_trgm is in schema heroku_ext on the target and in public on the source") {
		t.Errorf("nothing was said of it:\n%s", obs.text())
	}
	var index string
	must(t, target.Connect(t).QueryRow(t.Context(), `SELECT pg_get_indexdef('customers_name'::regclass)`).Scan(&index))
	if !strings.Contains(index, "heroku_ext.gin_trgm_ops") {
		t.Errorf("the index is %s", index)
	}
	if left, _ := filepath.Glob(filepath.Join(w.archive, "view-*")); len(left) > 0 {
		t.Errorf("left in the archive: %v", left)
	}
}
