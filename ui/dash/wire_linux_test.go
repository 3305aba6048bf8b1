package dash

import (
	"fmt"
	"io"
	"os"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/sys/unix"

	"changeover/pgxfer"
	"changeover/steps"
	"changeover/steps/session"
)

// wireBytes is how much a second of a transfer may put on the operator's line.
const wireBytes = 1500

// pseudoTerminal is a real terminal of w by h cells, as the program inside sees it.
func pseudoTerminal(t *testing.T, w, h uint16) (outside, inside *os.File) {
	t.Helper()
	fd, err := unix.Open("/dev/ptmx", unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	outside = os.NewFile(uintptr(fd), "ptmx")
	t.Cleanup(func() { _ = outside.Close() })
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &unix.Winsize{Row: h, Col: w}); err != nil {
		t.Fatal(err)
	}
	inside, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = inside.Close() })
	return outside, inside
}

// moving is the dump of dumping, i quarters of a second later: every worker has gone on, and rates waver as real ones do.
func moving(i int) *steps.View {
	v := dumping()
	since := time.Duration(i) * 250 * time.Millisecond
	v.Seq, v.Now = 100+uint64(i), now.Add(since)
	v.Outage.Total += since
	s := &v.Steps[3]
	s.Active += since
	p := s.Transfer
	p.At, p.Rate = v.Now, p.Rate+int64(i*i%37)*1_000_000
	p.Bytes.Done += int64(i) * 103_000_000
	p.Rows.Done += int64(i) * 571_313
	p.Items.Done += int64(i / 8)
	for n := range p.Workers {
		w := &p.Workers[n]
		*w = pgxfer.Worker{
			ID: n + 1, Kind: pgxfer.KindData, Object: "public.events", Part: 14 + n + i/40, Parts: 61, Started: now, Moved: v.Now,
			Bytes: pgxfer.Count{Done: (int64(n+1)*240_000_000 + int64(i)*9_500_000) % 2_000_000_000, Total: 2_000_000_000},
			Rate:  38_000_000 + int64((i*7+n*3)%41)*300_000,
		}
	}
	f := &v.Followers[0]
	f.SampledAt = v.Now.Add(-time.Duration(i%12) * 250 * time.Millisecond)
	f.Bytes = ptr(int64(i/12%5) * 61_440)
	f.History = append(f.History, *f.Bytes)
	return v
}

// TestADashboardIsLightOnTheWireAndOnTheProcessor runs the real program on a real terminal of 120×40, while eight workers
// move and a line is logged every second, and counts what comes out. A slow machine draws less, so the bound on
// bytes holds there, too. Processor time is printed, not judged: it depends on the machine and on the race detector.
func TestADashboardIsLightOnTheWireAndOnTheProcessor(t *testing.T) {
	outside, inside := pseudoTerminal(t, 120, 40)
	var bytes, writes atomic.Int64
	drained := make(chan struct{})
	go func() {
		defer close(drained)
		buf := make([]byte, 64<<10)
		for {
			n, err := outside.Read(buf)
			bytes.Add(int64(n))
			writes.Add(1)
			if err != nil {
				return
			}
		}
	}()
	e := &fakeEngine{events: make(chan session.Event)}
	ended := make(chan error, 1)
	go func() {
		_, err := Run(t.Context(), Options{Engine: e, Who: "ana", Input: inside, Output: inside, Env: []string{"TERM=xterm-256color", "LANG=C.UTF-8", "SSH_TTY=/dev/pts/1"}})
		ended <- err
	}()
	e.tell(moving(0))
	e.events <- session.Event{Kind: session.KindLog, Lines: someLines(1, 30)}
	until(t, "the first frame is drawn", func() bool { return bytes.Load() > 4000 })
	// What is still to come of it counts as well, to our disadvantage.
	const updates = 32 // eight seconds
	first, drawn, cpu, start := bytes.Load(), writes.Load(), processorTime(t), time.Now()
	next := time.NewTicker(250 * time.Millisecond)
	defer next.Stop()
	for i := 1; i <= updates; i++ {
		<-next.C
		e.events <- session.Event{Kind: session.KindView, View: moving(i)}
		if i%4 == 0 {
			e.events <- session.Event{Kind: session.KindLog, Lines: []steps.LogLine{{
				At: now.Add(time.Duration(i) * 250 * time.Millisecond), Level: steps.Info, Step: 4, Text: fmt.Sprintf("public.orders_2026_%02d done, %d rows, 41.2 MB", i, i*73_311),
			}}}
		}
	}
	took, sent, used := time.Since(start), bytes.Load()-first, processorTime(t)-cpu
	t.Logf("120×40, 8 workers, 4 views and 1 log line a second: %.0f B/s in %.1f writes/s; %.1f %% of one core; first screen %d B",
		float64(sent)/took.Seconds(), float64(writes.Load()-drawn)/took.Seconds(), 100*used.Seconds()/took.Seconds(), first)
	if limit := wireBytes * took.Seconds(); float64(sent) > limit {
		t.Errorf("%d bytes in %s, want at most %.0f", sent, took, limit)
	}
	if sent < 1000 {
		t.Errorf("%d bytes in %s: nothing was drawn, so nothing was measured", sent, took)
	}
	if _, err := io.WriteString(outside, "q"); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
	_ = inside.Close()
	<-drained
	// The library lets the last tick of the clock run out on its own.
	until(t, "the clock of the screen has stopped", func() bool { return goleak.Find() == nil })
}

// processorTime is what this process has used, drawing and feeding together.
func processorTime(t *testing.T) time.Duration {
	t.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		t.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
