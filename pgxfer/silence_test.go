package pgxfer_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/url"
	"strconv"
	"syscall"
	"testing"
	"time"

	"changeover/pgxfer"
	"changeover/pgxfer/localpg/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

const patience = 60 * time.Second

// sessionOf opens a session that takes a server for lost after a second, by way of another address where one is given.
func sessionOf(t *testing.T, db pgtest.DB, at string) (copyIn func(rows io.Reader) error, ask func(sql string) error) {
	t.Helper()
	address, err := url.Parse(db.URL)
	if err != nil {
		t.Fatal(err)
	}
	if at != "" {
		address.Host = at
	}
	e, err := pgxfer.ParseEndpoint("fast-primary", address.String())
	if err != nil {
		t.Fatal(err)
	}
	e.Silence = time.Second
	conn, err := e.Connect(t.Context(), "silence")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.WithoutCancel(t.Context())) })
	copyIn = func(rows io.Reader) error {
		tag, err := conn.PgConn().CopyFrom(t.Context(), rows, `COPY slow FROM STDIN`)
		if err == nil && tag.RowsAffected() != slowRows {
			t.Errorf("%d rows arrived", tag.RowsAffected())
		}
		return err
	}
	return copyIn, func(sql string) error {
		_, err := conn.Exec(t.Context(), sql)
		return err
	}
}

// slowRows are more than all buffers on the way hold.
const slowRows = 50000

// rowsOf are what COPY reads.
func rowsOf(t *testing.T) io.Reader {
	t.Helper()
	line := make([]byte, 1000)
	for i := range line {
		line[i] = 'v'
	}
	r, w := io.Pipe()
	t.Cleanup(func() { _ = r.Close() })
	go func() {
		for n := range slowRows {
			if _, err := w.Write(append(strconv.AppendInt(nil, int64(n), 10), "\t"+string(line)+"\n"...)); err != nil {
				return
			}
		}
		_ = w.Close()
	}()
	return r
}

// A server that has no room for minutes is alive. TCP_USER_TIMEOUT would end its session.
func TestServerThatDoesNotReadIsNotLost(t *testing.T) {
	server := pgtest.Shared(t)
	db := pgtest.Database(t, server)
	pgtest.Exec(t, db.Config(t), `CREATE FUNCTION gate(n int) RETURNS bool LANGUAGE plpgsql AS $$ BEGIN
		IF n = 10 THEN PERFORM pg_catalog.pg_advisory_xact_lock_shared(1); END IF; RETURN true; END $$`, `CREATE TABLE slow (n int CHECK (gate(n)), v text)`)
	holder := db.Connect(t)
	if _, err := holder.Exec(t.Context(), `SELECT pg_advisory_lock(1)`); err != nil {
		t.Fatal(err)
	}
	copyIn, _ := sessionOf(t, db, "")
	done := make(chan error, 1)
	go func() { done <- copyIn(rowsOf(t)) }()
	select {
	case err := <-done:
		t.Fatalf("it ended after some seconds in which the server did not read: %v", err)
	case <-time.After(5 * time.Second): // several times what a lost server gets
	}
	if _, err := holder.Exec(t.Context(), `SELECT pg_advisory_unlock(1)`); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-done:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(patience):
		t.Fatal("it did not go on")
	}
}

// Whatever a session does when the network begins to swallow packets, it notices: with rows on their way, and with an answer awaited.
func TestSwallowedPacketsAreNoticed(t *testing.T) {
	server := pgtest.Shared(t)
	db := pgtest.Database(t, server)
	pgtest.Exec(t, db.Config(t), `CREATE TABLE slow (n int, v text)`)
	n := pgtest.NewNetwork(t, net.JoinHostPort(server.Host(), strconv.Itoa(server.Port())))
	copyIn, _ := sessionOf(t, db, n.Addr)
	_, ask := sessionOf(t, db, n.Addr)
	_, never := sessionOf(t, db, n.Addr)
	ended := make(chan error, 2)
	go func() { ended <- ask(`SELECT pg_catalog.pg_sleep(600)`) }()
	swallowed := n.SwallowAfter(8 << 20)
	go func() { ended <- copyIn(rowsOf(t)) }()
	select {
	case <-swallowed:
	case <-time.After(patience):
		t.Fatal("the rows never got so far")
	}
	for range 2 {
		select {
		case err := <-ended:
			if !errors.Is(err, syscall.ETIMEDOUT) {
				t.Errorf("got %v", err)
			}
		case <-time.After(patience):
			t.Fatal("a session did not notice")
		}
	}
	if err := never(`SELECT 1`); !errors.Is(err, syscall.ETIMEDOUT) {
		t.Errorf("the idle one: %v", err)
	}
}
