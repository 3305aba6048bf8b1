package stream_test

import (
	"bytes"
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"changeover/pgxfer"
	"changeover/pgxfer/localpg/pgtest"
	"changeover/pgxfer/stream"
)

// proxy stands between the tool and a server. Every so many COMMITs it lets through, it loses the reply and the connection.
type proxy struct {
	listener net.Listener
	to       string
	every    int64
	mute     atomic.Bool // instead, the connection stays without another word, once, after the COMMIT of a note in the ledger
	commits  atomic.Int64
	lost     atomic.Int64
	work     sync.WaitGroup
}

func newProxy(t *testing.T, to string, every int64) *proxy {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{listener: l, to: to, every: every}
	p.work.Go(p.accept)
	t.Cleanup(func() {
		_ = l.Close()
		p.work.Wait()
	})
	return p
}

func (p *proxy) accept() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		p.work.Go(func() { p.serve(client) })
	}
}

func (p *proxy) serve(client net.Conn) {
	defer client.Close()
	server, err := net.Dial("tcp", p.to) //nolint:noctx // ends with the test's servers
	if err != nil {
		return
	}
	defer server.Close()
	var deaf atomic.Bool // from now on replies get lost
	var both sync.WaitGroup
	both.Go(func() {
		defer server.(*net.TCPConn).CloseWrite()
		buffer := make([]byte, 64<<10)
		noted := !p.mute.Load()
		for {
			n, err := client.Read(buffer)
			noted = noted || bytes.Contains(buffer[:n], []byte("INSERT INTO changeover_ledger.done"))
			if noted && bytes.Contains(buffer[:n], []byte("COMMIT\x00")) && p.commits.Add(1)%p.every == 0 {
				deaf.Store(!p.mute.Load() || p.commits.Load() == p.every)
			}
			if _, writeErr := server.Write(buffer[:n]); writeErr != nil || err != nil {
				return
			}
		}
	})
	both.Go(func() {
		defer client.Close()
		buffer := make([]byte, 64<<10)
		for {
			n, err := server.Read(buffer)
			if deaf.Load() && n > 0 {
				p.lost.Add(1)
				if !p.mute.Load() {
					return
				}
				n = 0
			}
			if _, writeErr := client.Write(buffer[:n]); writeErr != nil || err != nil {
				return
			}
		}
	})
	both.Wait()
}

// A COMMIT whose reply was lost was done: nothing is loaded twice.
func lostReplies(t *testing.T, w *world) {
	target := w.target(t)
	p := newProxy(t, net.JoinHostPort(w.other.Host(), strconv.Itoa(w.other.Port())), 4)
	obs := &recorder{}
	_, err := fast.Copy(t.Context(), stream.CopyOptions{
		Source: w.source(t), Leader: w.leaderEndpoint(t), Jobs: 2, Tag: "lost",
		Target: endpoint(t, "fast-primary", through(t, target.URL, p.listener.Addr().String())),
	}, obs)
	if err != nil {
		t.Fatalf("%v\n%s", err, obs.text())
	}
	if p.lost.Load() < 3 {
		t.Errorf("only %d replies were lost", p.lost.Load())
	}
	w.mustEqual(t, target)
	ledgerGone(t, target)
}

// Servers that end our sessions, the one that keeps the snapshot included, do not end the transfer.
func endedSessions(t *testing.T, w *world) {
	target := w.target(t)
	follower := pgtest.Connect(t, w.follower.AdminConfig())
	other := pgtest.Connect(t, w.other.AdminConfig())
	stop := make(chan struct{})
	var killer sync.WaitGroup
	ended := 0
	killer.Go(func() {
		for {
			select {
			case <-stop:
				return
			case <-time.After(120 * time.Millisecond):
			}
			var n int
			_ = follower.QueryRow(context.Background(), `SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = 'ended stream dump'
				AND query NOT LIKE '%pg_catalog.pg_class%'`).Scan(&n)
			ended += n
			_ = other.QueryRow(context.Background(), `SELECT count(pg_terminate_backend(pid)) FROM (SELECT pid FROM pg_stat_activity
				WHERE application_name = 'ended stream restore' AND query NOT LIKE '%pg_catalog.pg_class%' LIMIT 1) one`).Scan(&n)
			ended += n
			if ended > 12 {
				return
			}
		}
	})
	obs := &recorder{}
	var err error
	for range 20 { // where pg_dump or pg_restore were hit, or the very first steps, the operator runs it again
		_, err = fast.Copy(t.Context(), stream.CopyOptions{
			Source: w.source(t), Leader: w.leaderEndpoint(t), Target: endpoint(t, "fast-primary", target.URL), Jobs: 2, Tag: "ended",
		}, obs)
		if err == nil {
			break
		}
	}
	close(stop)
	killer.Wait()
	if err != nil {
		t.Fatalf("%v\n%s", err, obs.text())
	}
	if ended == 0 {
		t.Error("no session was ended: the test shows nothing")
	}
	w.mustEqual(t, target)
	ledgerGone(t, target)
}

// An archive that is not what was written is refused before a row is loaded.
func damaged(t *testing.T, w *world) {
	options := w.dumpOptions(t, "damaged")
	options.Compress = "zstd"
	if _, err := fast.Dump(t.Context(), options, nil); err != nil {
		t.Fatal(err)
	}
	pieces, err := filepath.Glob(filepath.Join(options.Dir, "data", "*", "*.zst"))
	if err != nil || len(pieces) < 10 {
		t.Fatalf("%d pieces, %v", len(pieces), err)
	}
	var one, two string // of one size
	sizes := map[int64]string{}
	for _, p := range pieces {
		info, err := os.Stat(p)
		if err != nil {
			t.Fatal(err)
		}
		if other, ok := sizes[info.Size()]; ok && !sameContent(t, other, p) {
			one, two = other, p
		}
		sizes[info.Size()] = p
	}
	target := w.target(t)
	for _, c := range []struct {
		name string
		do   func() error
	}{
		{"cut", func() error { return os.Truncate(pieces[0], 10) }},
		{"missing", func() error { return os.Remove(pieces[1]) }},
		{"changed", func() error { return flip(pieces[2]) }},
		{"swapped", func() error {
			return errors.Join(os.Rename(one, one+".x"), os.Rename(two, one), os.Rename(one+".x", two))
		}},
		{"changed schema", func() error { return flip(filepath.Join(options.Dir, "schema", "toc.dat")) }},
		{"changed plan", func() error { return flip(filepath.Join(options.Dir, "plan.json")) }},
		{"no manifest", func() error { return os.Remove(filepath.Join(options.Dir, "manifest.json")) }},
	} {
		if c.name == "swapped" && one == "" {
			t.Error("no two pieces of one size: the test shows nothing")
			continue
		}
		undo := backup(t, options.Dir)
		if err := c.do(); err != nil {
			t.Fatal(err)
		}
		quick := fast
		quick.Patience = 50 * time.Millisecond
		_, err := quick.Restore(t.Context(), restoreOptions(t, options.Dir, target, "damaged"), nil)
		if !errors.Is(err, pgxfer.ErrArchive) {
			t.Errorf("%s: got %v", c.name, err)
		}
		undo()
	}
	var tables int
	if err := target.Connect(t).QueryRow(t.Context(), `SELECT count(*) FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace`).Scan(&tables); err != nil {
		t.Fatal(err)
	}
	if tables > 0 {
		t.Errorf("%d tables were made from a damaged archive", tables)
	}
	if _, err := fast.Restore(t.Context(), restoreOptions(t, options.Dir, target, "damaged"), nil); err != nil {
		t.Errorf("undamaged: %v", err)
	}
	w.mustEqual(t, target)
}

func flip(name string) error {
	raw, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	raw[len(raw)/2] ^= 1
	return os.WriteFile(name, raw, 0o600)
}

func sameContent(t *testing.T, a, b string) bool {
	t.Helper()
	x, err := os.ReadFile(a)
	if err != nil {
		t.Fatal(err)
	}
	y, err := os.ReadFile(b)
	if err != nil {
		t.Fatal(err)
	}
	return bytes.Equal(x, y)
}

// backup keeps a directory as it is until the returned function is called.
func backup(t *testing.T, dir string) (undo func()) {
	t.Helper()
	kept := filepath.Join(t.TempDir(), "kept")
	if err := os.CopyFS(kept, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	return func() {
		if err := errors.Join(os.RemoveAll(dir), os.Rename(kept, dir)); err != nil {
			t.Fatal(err)
		}
	}
}

// A target that holds something else, or that somebody else restores into, is left alone.
func refused(t *testing.T, w *world) {
	options := w.dumpOptions(t, "refused")
	if _, err := fast.Dump(t.Context(), options, nil); err != nil {
		t.Fatal(err)
	}
	if _, err := fast.Dump(t.Context(), options, nil); err == nil || !strings.Contains(err.Error(), "holds a finished dump") {
		t.Errorf("a second dump into the same directory: %v", err)
	}
	target := w.target(t)
	conn := target.Connect(t)
	if _, err := conn.Exec(t.Context(), `CREATE TABLE somebody_elses (a int)`); err != nil {
		t.Fatal(err)
	}
	if _, err := fast.Restore(t.Context(), restoreOptions(t, options.Dir, target, "refused"), nil); !errors.Is(err, pgxfer.ErrTargetNotEmpty) {
		t.Errorf("a target with a table: %v", err)
	}
	if _, err := conn.Exec(t.Context(), `DROP TABLE somebody_elses`); err != nil {
		t.Fatal(err)
	}
	wrong := restoreOptions(t, options.Dir, target, "refused")
	wrong.Manifest = strings.Repeat("0", 64)
	if _, err := fast.Restore(t.Context(), wrong, nil); !errors.Is(err, pgxfer.ErrArchive) {
		t.Errorf("another archive than the one expected: %v", err)
	}
	if _, err := fast.Restore(t.Context(), pgxfer.RestoreOptions{Target: w.source(t), Dir: options.Dir, Jobs: 1}, nil); err == nil ||
		!strings.Contains(err.Error(), "is a follower") {
		t.Errorf("a follower as target: %v", err)
	}
}

// idle says that nobody is at work.
func idle(p pgxfer.Progress) bool {
	for _, w := range p.Workers {
		if w.Kind != "" {
			return false
		}
	}
	return true
}

// A pause lets what runs finish and starts nothing more until it is taken back.
func pause(t *testing.T, w *world) {
	options := w.dumpOptions(t, "pause")
	options.Control = &pgxfer.Control{}
	options.Control.Hold(pgxfer.Soft)
	obs := &recorder{}
	wait, _ := background(t, func(ctx context.Context) error {
		_, err := fast.Dump(ctx, options, obs)
		return err
	})
	seen := func() (p pgxfer.Progress) {
		obs.mu.Lock()
		defer obs.mu.Unlock()
		if n := len(obs.samples); n > 0 {
			p = obs.samples[n-1]
		}
		return p
	}
	within(t, "the dump is paused, with nobody at work", func() bool {
		p := seen()
		return p.Paused && idle(p)
	})
	if limits := seen().Limits; limits != (pgxfer.Workers{Read: options.Jobs}) {
		t.Errorf("the numbers of workers that can be changed are %+v", limits)
	}
	if done := seen().Items.Done; done > 60 {
		t.Errorf("%d tables were read before the pause", done)
	}
	options.Control.SetWorkers(pgxfer.Workers{Read: 3})
	options.Control.Hold(pgxfer.Going)
	options.Control.Hold(pgxfer.Hard)
	within(t, "everything is broken off, or done", func() bool {
		p := seen()
		return p.Paused && idle(p) || p.Items.Done == p.Items.Total && p.Items.Total > 0
	})
	if parts, err := filepath.Glob(filepath.Join(options.Dir, "data", "*", "*.part")); err != nil || len(parts) > 0 {
		t.Errorf("half a file is left: %v, %v", parts, err)
	}
	options.Control.Hold(pgxfer.Going)
	if err := wait(); err != nil {
		t.Fatalf("%v\n%s", err, obs.text())
	}
	if !strings.Contains(obs.text(), "now up to 3 workers") {
		t.Errorf("the number of workers did not change:\n%s", obs.text())
	}
	for _, p := range obs.samples[:len(obs.samples)-1] {
		if f, ok := p.Bytes.Fraction(); ok && f == 1 && p.Items.Done < p.Items.Total {
			t.Errorf("everything is said to be read at %+v", p)
		}
	}
}
