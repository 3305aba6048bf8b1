package cli

import (
	"context"
	"os"

	"changeover/steps/rundir"
	"changeover/steps/session"
)

// store is where the runs of this user live.
func store() (rundir.Store, error) {
	return rundir.Locate(os.Getenv, os.Getenv("HOME"))
}

// openRun finds the run that --run names, or the only one.
func (a *app) openRun() (rundir.Dir, error) {
	s, err := store()
	if err != nil {
		return rundir.Dir{}, err
	}
	return s.Open(a.run)
}

// connect opens a client to the engine of the run, and starts the engine when none is at work.
func (a *app) connect(ctx context.Context, readOnly bool) (*session.Client, rundir.Dir, error) {
	run, err := a.openRun()
	if err != nil {
		return nil, run, err
	}
	client, err := a.connectTo(ctx, run, readOnly)
	return client, run, err
}

func (a *app) connectTo(ctx context.Context, run rundir.Dir, readOnly bool) (*session.Client, error) {
	if err := ensureEngine(ctx, run); err != nil {
		return nil, err
	}
	return session.Open(run.Path, a.who(readOnly))
}

func ensureEngine(ctx context.Context, run rundir.Dir) error {
	service, err := serviceOf(run)
	if err != nil {
		return err
	}
	_, err = session.EnsureEngine(ctx, session.Spawn{
		Args: []string{"engine", "--dir", run.Path}, Dir: run.Path, LogFile: run.EngineLog(), Systemd: true, Service: service,
	})
	return err
}
