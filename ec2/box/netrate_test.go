package box

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"time"
)

// clock is moved by hand.
type clock struct{ at time.Time }

func (c *clock) now() time.Time { return c.at }

func TestTheNetworkRateIsWhatArrivedInTheTime(t *testing.T) {
	c := &clock{time.Unix(0, 0)}
	asked := ""
	rate, err := NetRate(t.Context(), func(_ context.Context, w io.Writer, sql string) error {
		asked = sql
		for range 4 {
			c.at = c.at.Add(time.Second)
			if _, err := w.Write(make([]byte, 1<<20)); err != nil {
				return err
			}
		}
		return nil
	}, 4<<20, time.Minute, c.now)
	if err != nil || rate != 1<<20 {
		t.Errorf("rate %d, %v", rate, err)
	}
	if !strings.Contains(asked, "generate_series(1, 64)") || !strings.Contains(asked, "65536") {
		t.Errorf("asked %q for 4 MiB", asked)
	}
}

func TestASlowNetworkIsMeasuredByWhatCameInTime(t *testing.T) {
	c := &clock{time.Unix(0, 0)}
	rate, err := NetRate(t.Context(), func(ctx context.Context, w io.Writer, _ string) error {
		c.at = c.at.Add(2 * time.Second)
		_, _ = w.Write(make([]byte, 1000))
		<-ctx.Done()
		return ctx.Err()
	}, 1<<30, 10*time.Millisecond, c.now)
	if err != nil || rate != 500 {
		t.Errorf("rate %d, %v", rate, err)
	}
}

func TestABrokenConnectionIsNoRate(t *testing.T) {
	broken := errors.New("broken pipe")
	_, err := NetRate(t.Context(), func(context.Context, io.Writer, string) error { return broken }, 1, time.Minute, time.Now)
	if !errors.Is(err, broken) {
		t.Errorf("NetRate = %v", err)
	}
}
