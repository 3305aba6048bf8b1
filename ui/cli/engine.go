package cli

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"changeover/heroku"
	"changeover/steps"
	"changeover/steps/engine"
	"changeover/steps/rundir"
	"changeover/steps/session"
	"changeover/ui/notify"
)

// engineCommand is the process that does the work. Nobody types it: the other commands start it when it is not there.
func (a *app) engineCommand() *cobra.Command {
	var dir string
	cmd := &cobra.Command{
		Use: "engine", Short: "The process that does the work of one run", Hidden: true, Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			run := rundir.Dir{Name: filepath.Base(dir), Path: dir}
			config, err := run.ReadConfig()
			if err != nil {
				return err
			}
			token, err := findToken(run, config)
			if err != nil {
				return err
			}
			return serveEngine(cmd.Context(), run, config, token, nil)
		},
	}
	cmd.Flags().StringVar(&dir, "dir", "", "run directory")
	return cmd
}

// remindEvery is how often the log says what is still billed while nobody works on the run.
const remindEvery = time.Hour

// closeTimeout bounds the orderly end of an engine: children are told to end, sessions are closed, the journal is closed.
const closeTimeout = 30 * time.Second

// serveEngine runs the engine of a run and serves its socket until ctx ends or somebody asks it to stop. ready, if not
// nil, is called when clients may connect.
func serveEngine(ctx context.Context, run rundir.Dir, config steps.Config, token heroku.Secret, ready func(*parts)) error {
	p, err := newParts(ctx, run, config, token)
	if err != nil {
		return err
	}
	e, err := p.open(ctx)
	if err != nil {
		return err
	}
	notifier := p.notifier(e) // before anybody can change the run
	server, err := session.Serve(session.Options{
		Dir: run.Path, Engine: e, Subscribe: session.Subscriber(e.Subscribe),
		Announce: e.Log, Build: Version, BootID: bootID(), Started: time.Now(),
	})
	if err != nil {
		end, cancel := endContext(ctx)
		defer cancel()
		return errors.Join(err, closeEngine(end, p, e))
	}
	if ready != nil {
		ready(p)
	}
	tending, stop := context.WithCancel(ctx)
	var tender sync.WaitGroup
	tender.Go(func() { tend(tending, p.box, e) })
	tender.Go(func() { p.samples.Run(tending, func(err error) { e.Log(steps.Warn, err.Error()) }) })
	if notifier != nil {
		tender.Go(func() { notifier.Run(tending, e) })
	}
	failed := awaitEnd(ctx, p, e, server)
	stop()
	tender.Wait()
	end, cancel := endContext(ctx)
	defer cancel()
	return errors.Join(failed, server.Close(end), closeEngine(end, p, e))
}

// awaitEnd returns when the engine is to end. When all steps are done it writes the report once more: the one that step 12
// wrote could not know that step 12 would succeed.
func awaitEnd(ctx context.Context, p *parts, e *engine.Engine, server *session.Server) error {
	done := e.Done()
	remind := time.NewTicker(remindEvery)
	defer remind.Stop()
	for {
		select {
		case <-remind.C:
			if text := notify.StillBilled(e.View()); text != "" {
				e.Log(steps.Warn, text)
			}
		case <-ctx.Done():
			return nil
		case <-server.StopAsked():
			return nil
		case err := <-server.Failed():
			return fmt.Errorf("the socket of the engine broke: %w", err)
		case <-done:
			done = nil
			finalReport(ctx, p, e)
		}
	}
}

// finalReport is written to its end even when the engine is asked to end meanwhile; without it, step 12's remains.
func finalReport(ctx context.Context, p *parts, e *engine.Engine) {
	ctx, cancel := endContext(ctx)
	defer cancel()
	if _, err := p.writeReport(ctx); err != nil {
		e.Log(steps.Error, "the report could not be written once more: "+err.Error())
	}
}

// endContext is time for cleaning up after ctx, which is usually over when cleaning begins.
func endContext(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), closeTimeout)
}

func closeEngine(ctx context.Context, p *parts, e *engine.Engine) error {
	err := e.Close(ctx)
	p.close(ctx)
	return err
}
