package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"changeover/heroku"
	"changeover/heroku/sim"
	"changeover/steps/report"
	"changeover/steps/rundir"
	"changeover/steps/session"
)

// rehearseAuto runs a whole rehearsal unattended, in this one process, so that nothing outlives it. Whatever happens,
// servers and directories are gone when it returns.
func (a *app) rehearseAuto(ctx context.Context, r rehearsal) (err error) {
	say := func(format string, args ...any) { fmt.Fprintf(a.err, format+"\n", args...) }
	options, p, err := r.options(say)
	if err != nil {
		return err
	}
	if err := r.checkMachine(options, p); err != nil {
		return err
	}
	token4, err := newToken4()
	if err != nil {
		return err
	}
	server, err := sim.Start(ctx, options)
	if err != nil {
		return err
	}
	defer func() {
		end, cancel := endContext(ctx)
		defer cancel()
		err = errors.Join(err, server.Close(end))
	}()
	at := simState{URL: server.URL(), Token: heroku.Secret(server.Token()), PID: os.Getpid()}
	run, config, err := r.setUp(ctx, token4, at, p)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, removeRehearsal(run), removeReport(run)) }()
	if err := os.MkdirAll(simDir(run), 0o700); err != nil {
		return fmt.Errorf("making a directory for the box: %w", err)
	}
	endBox, err := startBox(ctx, boxDir(run), options.Size)
	if err != nil {
		return err
	}
	defer func() {
		end, cancel := endContext(ctx)
		defer cancel()
		err = errors.Join(err, endBox(end))
	}()

	var result report.Report
	work, stop := context.WithCancel(ctx)
	ready, served := make(chan *parts, 1), make(chan error, 1)
	go func() { served <- serveEngine(work, run, config, at.Token, func(p *parts) { ready <- p }) }()
	select {
	case parts := <-ready:
		if err = a.driveAll(ctx, run); err == nil {
			result, err = parts.report(ctx)
		}
	case err = <-served:
		served <- nil
	}
	stop()
	if err = errors.Join(err, <-served); err != nil {
		return err
	}
	return a.printReport(result, r.json)
}

// driveAll follows the run and advances whatever is recommended, giving every confirmation, until all steps are done.
// Only a rehearsal may be driven like this.
func (a *app) driveAll(ctx context.Context, run rundir.Dir) error {
	client, err := session.Open(run.Path, a.who(false))
	if err != nil {
		return err
	}
	defer client.Close()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	return drive(ctx, client, a.newWatcher(a.err))
}

// removeRehearsal deletes what a rehearsal keeps on disk; its servers have been stopped or are swept later. It is the
// only place that deletes a run, and never one that is not a rehearsal's.
func removeRehearsal(run rundir.Dir) error {
	if !isRehearsal(run) {
		return fmt.Errorf("%s is not a rehearsal", run.Path)
	}
	if err := removeBox(boxDir(run)); err != nil {
		return err
	}
	return errors.Join(os.RemoveAll(run.Path), os.RemoveAll(simDir(run)), removeCard(run))
}

// removeReport deletes the report of a run that was printed instead, and the directories that held nothing else.
func removeReport(run rundir.Dir) error {
	base := filepath.Dir(run.Path)
	reports := filepath.Join(base, "reports")
	files, err := filepath.Glob(filepath.Join(reports, "changeover-"+run.Name+".*"))
	if err != nil {
		return err
	}
	for _, file := range files {
		err = errors.Join(err, os.Remove(file))
	}
	// Refused while something of another run is in there, which is right.
	_ = os.Remove(reports)
	_ = os.Remove(base)
	return err
}
