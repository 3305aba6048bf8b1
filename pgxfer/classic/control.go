package classic

import (
	"context"
	"sync/atomic"

	"changeover/pgxfer"
	"changeover/pgxfer/meter"
	"changeover/pgxfer/pgtools"
)

// control carries out what is asked of a running tool until it ends. Pausing stops the leader process, which hands out the work:
// each worker finishes its item and then waits, as [pgxfer.Control] promises.
func control(ctx context.Context, c *pgxfer.Control, process *pgtools.Process, report *meter.Reporter, paused *atomic.Bool) {
	if c == nil {
		return
	}
	told := false
	for {
		pause, jobs, changed := c.State()
		if pause != paused.Load() {
			if pause {
				process.Pause()
				report.Info("paused: running items are finished, nothing new is started")
			} else {
				process.Resume()
				report.Info("resumed")
			}
			paused.Store(pause)
		}
		if jobs != 0 && !told {
			told = true
			report.Warn("the classic engine cannot change its number of workers while it runs")
		}
		select {
		case <-ctx.Done():
			return
		case <-process.Done():
			return
		case <-changed:
		}
	}
}
