package stream

import (
	"context"
	"errors"
	"io"
	"testing"
	"testing/synctest"
)

// What is read ahead is given when all of it is in, or no more fits in: until then whoever reads leaves the processor to the writer.
func TestReadAheadIsGivenWhenTheWriterHasFinished(t *testing.T) {
	for _, c := range []struct {
		name    string
		written int // bytes, before the writer ends
		begins  bool
	}{
		{"a row, and more to come", 100, false},
		{"almost full", pipeBuffer * aheadBuffers, false},
		{"full", pipeBuffer * (aheadBuffers + 1), true},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				p := newAhead(ctx)
				began, more := make(chan struct{}), make(chan struct{})
				go func() {
					if _, err := p.Write(make([]byte, c.written)); err != nil {
						t.Error(err)
					}
					<-more
					p.end(nil)
				}()
				got := make(chan int64, 1)
				go func() {
					one := make([]byte, 1)
					if _, err := io.ReadFull(p, one); err != nil {
						t.Error(err)
					}
					close(began)
					n, err := io.Copy(io.Discard, p)
					if err != nil {
						t.Error(err)
					}
					got <- n + 1
				}()
				synctest.Wait()
				select {
				case <-began:
					if !c.begins {
						t.Error("rows were given before all were in")
					}
				default:
					if c.begins {
						t.Error("nothing was given although no more fits in")
					}
				}
				close(more)
				if n := <-got; n != int64(c.written) {
					t.Errorf("%d bytes came out of %d", n, c.written)
				}
				cancel()
			})
		})
	}
}

// A reader that waits for what is read ahead is let go when the context ends, and hears why the writer failed.
func TestReadAheadEnds(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	p := newAhead(ctx)
	cancel()
	if _, err := p.Read(make([]byte, 1)); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v from a pipe whose context has ended", err)
	}
	broken := errors.New("broken")
	p = newAhead(t.Context())
	p.end(broken)
	if _, err := p.Read(make([]byte, 1)); !errors.Is(err, broken) {
		t.Errorf("got %v, want why the writer failed", err)
	}
}
