package main

import (
	"bytes"
	"io"
	"net"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// Whatever passes takes its share of time behind what passed before, and an idle link saves nothing up but one breath.
func TestBucketLetsNoMoreThanItsRatePass(t *testing.T) {
	start := time.Unix(1000, 0)
	b := &bucket{rate: 1000}
	b.pass(20, start) // spends the breath
	for i, step := range []struct {
		at   time.Duration
		n    int
		want time.Duration
	}{
		{0, 500, 500 * time.Millisecond},
		{0, 500, time.Second},                                   // behind the first
		{600 * time.Millisecond, 100, 500 * time.Millisecond},   // the queue has moved on
		{time.Hour, 1000, time.Second - late},                   // an hour of silence is worth no more than the breath
		{time.Hour + 10*time.Second, 10, 0},                     // within it
		{time.Hour + 10*time.Second, 30, 20 * time.Millisecond}, // and beyond
	} {
		if got := b.pass(step.n, start.Add(step.at)); got != step.want {
			t.Errorf("step %d: %d bytes wait %v, want %v", i, step.n, got, step.want)
		}
	}
}

// Bytes come out as they went in, both ways, and an end that is said on one side is heard on the other while the way back stays open.
func TestProxyCarriesBothWays(t *testing.T) {
	server, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	answered := make(chan error, 1)
	go func() {
		answered <- func() error {
			conn, err := server.Accept()
			if err != nil {
				return err
			}
			defer conn.Close()
			asked, err := io.ReadAll(conn)
			if err != nil {
				return err
			}
			_, err = conn.Write(append([]byte("heard "), asked...))
			return err
		}()
	}()
	p, err := newProxy(t.Context(), server.Addr().String(), 1e9, 1e9)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := net.Dial("tcp", p.address().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	question := bytes.Repeat([]byte("abcdefgh"), 100_000)
	if _, err := conn.Write(question); err != nil {
		t.Fatal(err)
	}
	if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	answer, err := io.ReadAll(conn)
	if err != nil {
		t.Fatal(err)
	}
	if want := append([]byte("heard "), question...); !bytes.Equal(answer, want) {
		t.Errorf("%d bytes came back, want %d equal ones", len(answer), len(want))
	}
	if err := <-answered; err != nil {
		t.Error(err)
	}
	if err := p.Close(); err != nil {
		t.Error(err)
	}
}

// Closing ends connections that wait for their turn.
func TestProxyCloses(t *testing.T) {
	server, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	p, err := newProxy(t.Context(), server.Addr().String(), 1, 1) // a byte a second
	if err != nil {
		t.Fatal(err)
	}
	conn, err := net.Dial("tcp", p.address().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.Write(make([]byte, 1000)); err != nil {
		t.Fatal(err)
	}
	if err := p.Close(); err != nil { // returns when nothing of it runs any more
		t.Error(err)
	}
	if _, err := io.ReadAll(conn); err == nil {
		return // an end, or a reset: both are one
	}
}
