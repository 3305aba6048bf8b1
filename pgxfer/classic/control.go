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
	told, toldHard := false, false
	for {
		wanted, changed := c.State()
		pause := wanted.Hold != pgxfer.Going
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
		if wanted.Hold == pgxfer.Hard && !toldHard {
			toldHard = true
			report.Warn("the classic engine cannot break off what runs: it finishes that and then waits")
		}
		if wanted.Workers != (pgxfer.Workers{}) && !told {
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
