package stream_test

import (
	"context"
	"os"
	"strings"
	"testing"

	"changeover/pgxfer/localpg/pgtest"
	"changeover/pgxfer/stream"
)

func TestMain(m *testing.M) {
	if raw := os.Getenv(childEnv); raw != "" {
		os.Exit(child(raw))
	}
	pgtest.Main(m)
}

// What arrives is what was there, whether the archive is complete before it is loaded or still grows.
func TestTransfer(t *testing.T) {
	w := newWorld(t)
	t.Run("dump, then restore", func(t *testing.T) { roundTrip(t, w) })
	t.Run("pipelined", func(t *testing.T) { pipelined(t, w) })
	t.Run("straight from one to the other", func(t *testing.T) { copied(t, w) })
	t.Run("through an archive", func(t *testing.T) { teed(t, w) })
	t.Run("killed again and again", func(t *testing.T) { killed(t, w) })
	t.Run("a copy killed again and again", func(t *testing.T) { killedCopy(t, w) })
	t.Run("a copy through an archive killed again and again", func(t *testing.T) { killedTee(t, w) })
	t.Run("lost replies", func(t *testing.T) { lostReplies(t, w) })
	t.Run("sessions ended by the servers", func(t *testing.T) { endedSessions(t, w) })
	t.Run("damaged archives", func(t *testing.T) { damaged(t, w) })
	t.Run("standard tools alone", func(t *testing.T) { script(t, w) })
	t.Run("targets that are refused", func(t *testing.T) { refused(t, w) })
	t.Run("run again when all is done", func(t *testing.T) { again(t, w) })
	t.Run("pause", func(t *testing.T) { pause(t, w) })
}

func roundTrip(t *testing.T, w *world) {
	options := w.dumpOptions(t, "round")
	obs := &recorder{}
	dumped, err := fast.Dump(t.Context(), options, obs)
	if err != nil {
		t.Fatalf("%v\n%s", err, obs.text())
	}
	target := w.target(t)
	restore := restoreOptions(t, options.Dir, target, "round")
	restore.Manifest = dumped.Manifest
	restored, err := fast.Restore(t.Context(), restore, obs)
	if err != nil {
		t.Fatalf("%v\n%s", err, obs.text())
	}
	if restored.Rows != dumped.Rows || restored.Bytes != dumped.Bytes || restored.Tables != dumped.Tables {
		t.Errorf("dumped %+v, restored %+v", dumped, restored)
	}
	w.mustEqual(t, target)
	ledgerGone(t, target)
	sessionsGone(t, target, "round")
	sessionsGone(t, w.db.On(t, w.follower), "round")
	var unanalyzed string
	err = target.Connect(t).QueryRow(t.Context(), `SELECT COALESCE(string_agg(oid::regclass::text, ', '), '') FROM pg_class
		WHERE relkind IN ('r', 'p', 'm') AND relispopulated AND relpersistence <> 'u' AND relnamespace = 'public'::regnamespace AND reltuples < 0`).Scan(&unanalyzed)
	if err != nil {
		t.Fatal(err)
	}
	if unanalyzed != "" {
		t.Errorf("never analyzed: %s", unanalyzed)
	}
	var skipped []string
	for _, s := range append(dumped.Skipped, restored.Skipped...) {
		skipped = append(skipped, s.Kind+" "+s.Name)
		if s.Reason == "" {
			t.Errorf("%s %s was skipped without a reason", s.Kind, s.Name)
		}
	}
	for _, want := range []string{
		"SCHEMA _heroku", "TABLE DATA public.scratch", "EVENT TRIGGER validate_extension", "EXTENSION plpgsql", "COMMENT EXTENSION plpgsql", "PUBLICATION everybody",
	} {
		if !strings.Contains(strings.Join(skipped, "\n"), want) {
			t.Errorf("%q is not reported as skipped in\n%s", want, strings.Join(skipped, "\n"))
		}
	}
}

func pipelined(t *testing.T, w *world) {
	options := w.dumpOptions(t, "pipe")
	target := w.target(t)
	obs := &recorder{}
	wait, _ := background(t, func(ctx context.Context) error {
		_, err := fast.Restore(ctx, restoreOptions(t, options.Dir, target, "pipe"), obs)
		return err
	})
	if _, err := fast.Dump(t.Context(), options, nil); err != nil {
		t.Fatal(err)
	}
	if err := wait(); err != nil {
		t.Fatalf("%v\n%s", err, obs.text())
	}
	w.mustEqual(t, target)
	ledgerGone(t, target)
}

func copied(t *testing.T, w *world) {
	target := w.target(t)
	obs := &recorder{}
	result, err := fast.Copy(t.Context(), stream.CopyOptions{
		Source: w.source(t), Leader: w.leaderEndpoint(t), Target: endpoint(t, "fast-primary", target.URL), Jobs: 2, Tag: "copy",
	}, obs)
	if err != nil {
		t.Fatalf("%v\n%s", err, obs.text())
	}
	v := w.mustEqual(t, target)
	if result.Tables == 0 || result.Rows == 0 || result.Rows > v.Rows {
		t.Errorf("copied %+v, verified %+v", result, v)
	}
	ledgerGone(t, target)
	sessionsGone(t, target, "copy")
	sessionsGone(t, w.db.On(t, w.follower), "copy")
}
