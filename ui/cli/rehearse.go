package cli

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"changeover/heroku/sim"
	"changeover/pgxfer"
	"changeover/pgxfer/archive"
	"changeover/pgxfer/pgtools"
	"changeover/pgxfer/stream"
	"changeover/steps"
	"changeover/steps/preflight"
	"changeover/steps/rundir"
	"changeover/steps/session"
	"changeover/ui/format"
)

// rehearsal is what `changeover rehearse` was asked for.
type rehearsal struct {
	simFlags
	auto, json bool
	stop       bool
	app        string
	database   string
	jobs       int
	engine     string
	told       notifyFlags
}

func (a *app) rehearseCommand() *cobra.Command {
	var r rehearsal
	cmd := &cobra.Command{
		Use: "rehearse", Short: "The whole migration on this machine, against real PostgreSQL servers", Args: usageArgs(cobra.NoArgs),
		Long: `The whole migration on this machine: a simulated Heroku whose databases are real local PostgreSQL servers with real
streaming replication, an app that writes to them, and the same engine, steps and dashboard as in production.
Nothing in a rehearsal can touch a real account.

Leaving the dashboard leaves the rehearsal running; changeover comes back to it. When all twelve steps are done, leaving
removes everything but the report. --stop ends a rehearsal at any time.`,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.rehearse(cmd.Context(), r) },
	}
	r.add(cmd)
	cmd.Flags().BoolVar(&r.auto, "auto", false, "no dashboard: advance every step as soon as it can start")
	cmd.Flags().BoolVar(&r.json, "json", false, "with --auto: print the report as JSON, and nothing else, to standard output")
	cmd.Flags().BoolVar(&r.stop, "stop", false, "end the rehearsal that runs and remove everything of it")
	cmd.Flags().StringVar(&r.app, "app", "shop", "the app to migrate; the simulated Heroku has shop")
	cmd.Flags().StringVar(&r.database, "database", "DATABASE", "the database to migrate, by attachment or add-on name")
	cmd.Flags().IntVar(&r.jobs, "jobs", 2, "parallel workers of dump and restore")
	r.told.add(cmd.Flags())
	cmd.Flags().StringVar(&r.engine, "engine", stream.Name, "transfer engine: stream, or classic, which is pg_dump and pg_restore")
	return cmd
}

func (a *app) rehearse(ctx context.Context, r rehearsal) error {
	if err := r.told.resolve(); err != nil {
		return err
	}
	switch {
	case r.json && !r.auto:
		return usageError{errors.New("--json goes with --auto")}
	case r.stop:
		return a.stopRehearsals(ctx)
	case r.auto:
		return a.rehearseAuto(ctx, r)
	}
	// Before anything is started: it would stay behind without a screen.
	if err := a.needTerminal("add --auto for a rehearsal without one"); err != nil {
		return err
	}
	running, err := runningRehearsal(ctx)
	if err != nil {
		return err
	}
	if running == nil {
		if running, err = a.startRehearsal(ctx, r); err != nil {
			return err
		}
	}
	return a.show(ctx, *running, false)
}

// runningRehearsal finds a rehearsal whose simulator still lives, nil when there is none. What a killed one left is
// removed on the way.
func runningRehearsal(ctx context.Context) (*rundir.Dir, error) {
	s, err := store()
	if err != nil {
		return nil, err
	}
	runs, err := s.List()
	if err != nil {
		return nil, err
	}
	for _, run := range runs {
		if !isRehearsal(run) || stillUnattended(ctx, run) {
			continue
		}
		if _, err := readSimState(run); err == nil && simLives(simDir(run)) {
			return &run, nil
		}
		if err := endRehearsal(ctx, run); err != nil {
			return nil, err
		}
	}
	_, err = endOrphans(ctx, s)
	return nil, err
}

// runName is what the run of a rehearsal is called.
func (r rehearsal) runName(token4 string) string {
	if r.auto {
		return autoPrefix + token4
	}
	return rehearsalPrefix + token4
}

// stillUnattended says whether an unattended rehearsal is at work in a process of its own. Nobody else may end it.
func stillUnattended(ctx context.Context, run rundir.Dir) bool {
	if !strings.HasPrefix(run.Name, autoPrefix) {
		return false
	}
	client, err := session.Open(run.Path, session.Me(""))
	if err != nil {
		return false
	}
	defer client.Close()
	_, err = client.Hello(ctx)
	return err == nil
}

// newToken4 are the four digits that make the names of a run unique.
func newToken4() (string, error) {
	var b [2]byte
	if _, err := rand.Read(b[:]); err != nil {
		return "", err
	}
	return hex.EncodeToString(b[:]), nil
}

// checkRoom refuses a rehearsal that this machine has no room for, before anything is started: five copies of the
// database live at once, and an archive.
func (r rehearsal) checkRoom(bytes int64) error {
	s, err := store()
	if err != nil {
		return err
	}
	for dir, copies := range map[string]int64{os.TempDir(): 6, s.Base: 2} {
		free, err := freeSpace(dir)
		if err != nil {
			return err
		}
		if need := copies * bytes; free < need {
			return fmt.Errorf("%w: a rehearsal with %s needs %s in %s, which has %s free; use a smaller --size or another TMPDIR",
				pgxfer.ErrSpace, r.size, format.Bytes(need), dir, format.Bytes(free))
		}
	}
	return nil
}

// freeSpace is what may be written to the file system that holds, or would hold, a path.
func freeSpace(path string) (int64, error) { return archive.FreeSpace(existing(path)) }

// existing is the nearest directory above path that is there.
func existing(path string) string {
	for {
		if _, err := os.Stat(path); err == nil {
			return path
		}
		path = filepath.Dir(path)
	}
}

// setUp plans the run of a rehearsal against its simulator and creates its directory.
func (r rehearsal) setUp(ctx context.Context, token4 string, at simState, p pair) (rundir.Dir, steps.Config, error) {
	s, err := store()
	if err != nil {
		return rundir.Dir{}, steps.Config{}, err
	}
	client, err := newHeroku(at.URL, at.URL, at.Token)
	if err != nil {
		return rundir.Dir{}, steps.Config{}, err
	}
	defer client.Close()
	name := r.runName(token4)
	digits, err := hex.DecodeString(token4)
	if err != nil {
		return rundir.Dir{}, steps.Config{}, err
	}
	config, findings, err := preflight.Plan(ctx, client, preflight.Request{
		App: r.app, Database: r.database, ToMajor: p.to.Major, Offered: p.majors(),
		WorkDir: filepath.Join(s.Base, name, "space"), Engine: r.engine, Jobs: r.jobs,
		Budget: 15 * time.Minute, Soak: -1, Quiet: 2 * time.Second, Poll: 300 * time.Millisecond,
		NotifyURL: r.told.url, NotifyCommand: r.told.command,
		PlatformURL: at.URL, DataURL: at.URL, Rehearsal: true, Run: name, Random: bytes.NewReader(digits),
		Tools: data{anyTools: true}.Tools, Free: freeSpace,
	})
	if err == nil {
		err = preflight.Err(findings)
	}
	if err != nil {
		return rundir.Dir{}, config, err
	}
	run, err := s.Create(config)
	return run, config, err
}

// checkMachine refuses, before any server is started, what could only fail later.
func (r rehearsal) checkMachine(o sim.Options, p pair) error {
	if p.to.Major < p.from.Major {
		return fmt.Errorf("PostgreSQL %d is older than the source's %d; a migration goes to the same or a newer major: use --to %d", p.to.Major, p.from.Major, p.from.Major)
	}
	if _, err := pgtools.Find(p.from.Major, p.to.Major); err != nil {
		return err
	}
	if _, err := newTransfer(r.engine); err != nil {
		return err
	}
	return r.checkRoom(o.Size)
}
