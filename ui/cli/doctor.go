package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"changeover/heroku"
	"changeover/pgxfer/localpg"
	"changeover/steps"
	"changeover/steps/rundir"
	"changeover/steps/session"
	"changeover/ui/format"
)

func (a *app) doctorCommand() *cobra.Command {
	return &cobra.Command{
		Use: "doctor", Short: "Look at this machine: what is here, what is missing, what survives a logout", Args: usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			d := doctor{w: a.out}
			d.line("ok", "changeover", Version)
			d.postgres()
			d.space()
			d.token()
			s, err := store()
			if err != nil {
				return err
			}
			runs, err := s.List()
			if err != nil {
				return err
			}
			if len(runs) == 0 {
				d.line("ok", "runs", "none; set one up with changeover init, or try changeover rehearse")
			}
			for _, run := range runs {
				d.run(cmd.Context(), run)
				d.receivers(run)
			}
			return nil
		},
	}
}

// doctor prints one line for each thing looked at.
type doctor struct{ w io.Writer }

func (d doctor) line(verdict, subject, text string) {
	fmt.Fprintf(d.w, "%-7s %s: %s\n", verdict, subject, text)
}

func (d doctor) postgres() {
	all, err := localpg.Installations()
	if err != nil {
		d.line("missing", "PostgreSQL", err.Error())
		return
	}
	for _, i := range all {
		what := "client only"
		if i.Server {
			what = "server and client: can rehearse"
		}
		d.line("ok", "PostgreSQL "+i.Version, what+", in "+i.BinDir)
	}
}

func (d doctor) space() {
	for _, dir := range []string{os.TempDir(), "/mnt/space"} {
		if _, err := os.Stat(dir); err != nil {
			continue
		}
		if free, err := freeSpace(dir); err != nil {
			d.line("unknown", "disk", err.Error())
		} else {
			d.line("ok", "disk", format.Bytes(free)+" free in "+dir)
		}
	}
}

func (d doctor) token() {
	if _, err := findToken(rundir.Dir{}, steps.Config{PlatformURL: heroku.DefaultPlatformURL}); err != nil {
		d.line("missing", "Heroku token", err.Error())
		return
	}
	d.line("ok", "Heroku token", "found")
}

// run looks at the engine of a run without starting one.
func (d doctor) run(ctx context.Context, run rundir.Dir) {
	if s, err := serviceOf(run); err == nil {
		back := s.AfterReboot(ctx)
		d.line(back.Answer, run.Name, "comes back after a restart of the machine: "+back.Why)
	}
	client, err := session.Open(run.Path, session.Me(""))
	if err != nil {
		d.line("unknown", run.Name, err.Error())
		return
	}
	defer client.Close()
	hello, err := client.Hello(ctx)
	switch {
	case errors.Is(err, session.ErrNoEngine):
		d.line("ok", run.Name, "no engine is running; any command on it starts one")
		return
	case err != nil:
		d.line("bad", run.Name, err.Error())
		return
	}
	survival := session.Host{}.Survives(ctx, hello.PID)
	d.line("ok", run.Name, fmt.Sprintf("engine %s, process %d", hello.Build, hello.PID))
	d.line(survival.Answer, run.Name, "survives your logout: "+survival.Why)
}

// receivers says who is notified of a run.
func (d doctor) receivers(run rundir.Dir) {
	config, err := run.ReadConfig()
	var lines []receiver
	if err == nil {
		lines, err = receivers(notifyOptions(run, config), time.Now())
	}
	if err != nil {
		d.line("bad", run.Name, err.Error())
		return
	}
	for _, l := range lines {
		d.line(l.verdict, run.Name, "notifies: "+l.text)
	}
	if len(lines) == 0 {
		d.line("ok", run.Name, "notifies nobody; see changeover notify --help")
	}
}
