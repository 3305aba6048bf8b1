package cli

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/gofrs/flock"

	"changeover/pgxfer/children"
	"changeover/pgxfer/localpg"
	"changeover/pgxfer/pgtools"
	"changeover/steps/rundir"
	"changeover/steps/session"
)

// finishRehearsal removes a rehearsal that is done, and leaves its report.
func (a *app) finishRehearsal(ctx context.Context, run rundir.Dir) error {
	// Several dashboards may be left at once; one of them cleans up.
	ending := flock.New(run.Config(), flock.SetFlag(os.O_RDONLY))
	if mine, err := ending.TryLock(); err != nil || !mine {
		fmt.Fprintln(a.out, "Another terminal removes the rehearsal, and says where its report is.")
		return nil
	}
	defer func() { _ = ending.Close() }()
	client, err := a.connectTo(ctx, run, true)
	if err != nil {
		return err
	}
	result, err := makeReport(ctx, client, run)
	_ = client.Close()
	if err != nil {
		return err
	}
	path, err := saveReport(run, result)
	if err != nil {
		return err
	}
	if err := endRehearsal(ctx, run); err != nil {
		return err
	}
	fmt.Fprintf(a.out, "Everything of the rehearsal has been removed. Report: %s\n", path)
	return nil
}

// stopRehearsals ends every rehearsal, whatever it is doing.
func (a *app) stopRehearsals(ctx context.Context) error {
	s, err := store()
	if err != nil {
		return err
	}
	runs, err := s.List()
	if err != nil {
		return err
	}
	stopped := 0
	for _, run := range runs {
		switch {
		case !isRehearsal(run):
			continue
		case stillUnattended(ctx, run):
			fmt.Fprintf(a.out, "%s runs unattended in another process; end it there\n", run.Name)
			continue
		}
		if err := endRehearsal(ctx, run); err != nil {
			return err
		}
		stopped++
		fmt.Fprintf(a.out, "%s ended; everything of it has been removed\n", run.Name)
	}
	orphans, err := endOrphans(ctx, s)
	if orphans > 0 {
		fmt.Fprintf(a.out, "%d simulators that belonged to no rehearsal have been removed\n", orphans)
	}
	if stopped+orphans == 0 {
		fmt.Fprintln(a.out, "no rehearsal is running")
	}
	return err
}

// endRehearsal stops the engine first, so that it does not see its databases vanish, then the simulator with its
// servers, then removes the directories.
func endRehearsal(ctx context.Context, run rundir.Dir) error {
	ctx, cancel := endContext(ctx)
	defer cancel()
	if err := stopEngine(ctx, run, true); err != nil {
		if err := killEngine(ctx, run); err != nil {
			return err
		}
	}
	// One that was killed has perhaps left a pg_dump or pg_restore.
	if _, err := children.EndOrphans(ctx, children.Owner{Run: run.Path}); err != nil {
		return err
	}
	if err := endSim(ctx, simDir(run)); err != nil {
		return err
	}
	pgtools.Sweep()
	// A simulator that was killed has left its servers behind.
	_, err := localpg.Sweep(ctx, "")
	return errors.Join(err, removeRehearsal(run))
}

// stopEngine asks the engine of a run to exit and waits until it has; no engine is fine.
func stopEngine(ctx context.Context, run rundir.Dir, force bool) error {
	client, err := session.Open(run.Path, session.Me(""))
	if err != nil {
		return err
	}
	defer client.Close()
	hello, err := client.Hello(ctx)
	if errors.Is(err, session.ErrNoEngine) || errors.Is(err, session.ErrRefused) {
		return nil
	}
	if err != nil {
		return err
	}
	if err := client.Stop(ctx, force); err != nil && !errors.Is(err, session.ErrNoEngine) && !errors.Is(err, session.ErrRefused) {
		return err
	}
	return awaitExit(ctx, hello.PID)
}
