package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"changeover/ec2"
	"changeover/ec2/box"
	rehearsed "changeover/ec2/rehearsal"
	"changeover/steps"
	"changeover/steps/rundir"
)

// thisInstance is a box that `changeover box up` launched, or its like in a rehearsal: it fulfils steps.Box.
type thisInstance struct {
	instance *box.Instance
	// plain says that there is no disk to format: a rehearsal without root.
	plain bool
}

func (t thisInstance) metadata() *box.Metadata { return &t.instance.Metadata }

func (t thisInstance) Name() string                     { return t.instance.Name() }
func (t thisInstance) Adopted() bool                    { return false }
func (t thisInstance) Exists(path string) (bool, error) { return t.instance.Exists(path) }

func (t thisInstance) Prepare(ctx context.Context, dir string, bytes int64) (steps.BoxFacts, error) {
	prepare := t.instance.Prepare
	if t.plain {
		prepare = t.instance.Adopted.Prepare
	}
	f, err := prepare(ctx, dir, bytes)
	return steps.BoxFacts{
		Name: t.Name(), Dir: f.Dir, FreeBytes: f.FreeBytes, WriteRate: f.WriteRate, CPUs: f.CPUs, CentsHour: t.instance.ID.CentsHour,
	}, err
}

func (t thisInstance) Undo(ctx context.Context, dir string) error {
	if t.plain {
		return t.instance.Adopted.Undo(ctx, dir)
	}
	return t.instance.Undo(ctx, dir)
}

func (t thisInstance) OffCommand() string                    { return t.instance.OffCommand() }
func (t thisInstance) TurnOff(ctx context.Context) error     { return t.instance.TurnOff(ctx) }
func (t thisInstance) Off(ctx context.Context) (bool, error) { return t.instance.Off(ctx) }

// findBox finds out what machine this is: a box of ours, the box of a rehearsal, or any machine, which is adopted.
func findBox(ctx context.Context, run rundir.Dir, config steps.Config, log func(string, ...any)) (steps.Box, error) {
	if config.Rehearsal {
		return rehearsedBox(ctx, run)
	}
	adopted, err := box.Adopt()
	if err != nil {
		return nil, err
	}
	id, metadata, err := whoAmI(ctx)
	switch {
	case errors.Is(err, box.ErrNotEC2):
		return thisMachine{machine: adopted}, nil
	case err != nil:
		return nil, err
	case id.Run == "":
		// Launched by hand: not ours to format or to turn off, but AWS announces its end here too.
		return thisMachine{adopted, &metadata}, nil
	}
	note, _, err := box.ReadNote(box.NotePath)
	if err != nil {
		return nil, err
	}
	i := &box.Instance{
		Adopted: adopted, ID: id, Note: note, Metadata: metadata, Kernel: box.Kernel{}, DevDir: "/dev", Run: box.Commands{},
		Guard: box.Guard{Dir: box.GuardDir}, UID: os.Getuid(), GID: os.Getgid(), PowerOff: box.PowerOffNow(box.Commands{}),
		Clients: func(ctx context.Context) error {
			// Never older than either server, and not newer than needed.
			return box.Packages{Run: box.Commands{}, Log: log}.Ensure(ctx, max(config.FromMajor, config.ToMajor))
		},
		Exported: func(context.Context) error { return exported(run) },
	}
	// With credentials AWS itself is told, and is certain; without them the box powers itself off, which ends it.
	if cloud, err := ec2.Connect(ctx, ec2.Connection{Region: id.Region}); err == nil {
		i.End = func(ctx context.Context) error { return cloud.BeginTerminate(ctx, id.Instance, id.Run) }
		i.Ended = func(ctx context.Context) (bool, error) { return cloud.Ended(ctx, id.Instance) }
	}
	return thisInstance{instance: i}, nil
}

// rehearsedBox is the box of a rehearsal, or this machine in one that has none.
func rehearsedBox(ctx context.Context, run rundir.Dir) (steps.Box, error) {
	made, err := rehearsed.Open(boxDir(run))
	if errors.Is(err, os.ErrNotExist) {
		adopted, err := box.Adopt()
		return thisMachine{machine: adopted}, err
	}
	if err != nil {
		return nil, err
	}
	machine, err := made.Machine(ctx)
	return thisInstance{machine, !made.Disk()}, err
}

// boxDir is where the box of a rehearsal lies, beside its run.
func boxDir(run rundir.Dir) string { return filepath.Join(simDir(run), boxName) }

// boxName is the name of that directory.
const boxName = "box"

// whoAmI asks the metadata service; off EC2 nobody answers, and it takes a second to know.
func whoAmI(ctx context.Context) (box.Identity, box.Metadata, error) {
	metadata, ok := box.MetadataFromEnv(os.Getenv)
	if !ok {
		return box.Identity{}, metadata, box.ErrNotEC2
	}
	ask, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	id, err := metadata.Identity(ask)
	return id, metadata, err
}

// receipt is a file that says that report and journal have been fetched from the box.
func receipt(run rundir.Dir) string { return filepath.Join(run.Path, "fetched") }

// exported is why the box may not end yet: what only it has would be lost. The receipt must be younger than the report,
// or the laptop has an older one or none.
func exported(run rundir.Dir) error {
	reports, err := filepath.Glob(filepath.Join(filepath.Dir(run.Path), "reports", "changeover-"+run.Name+".*"))
	if err != nil {
		return err
	}
	got, err := os.Stat(receipt(run))
	for _, report := range reports {
		made, failed := os.Stat(report)
		if err == nil && (failed != nil || made.ModTime().After(got.ModTime())) {
			err = errors.New("the report is newer")
		}
	}
	if err != nil {
		return fmt.Errorf("report and journal of %s are on this machine only; on your laptop run: changeover box fetch NAME, then advance again", run.Name)
	}
	return nil
}

// tended is the engine as tend needs it.
type tended interface {
	View() steps.View
	Log(level steps.Level, text string)
	SetNotices(notices []string)
}

// tend keeps a box of ours on while a run is in progress, and shows what AWS announces for any instance, until ctx ends.
func tend(ctx context.Context, b steps.Box, e tended) {
	var work sync.WaitGroup
	defer work.Wait()
	if at, ok := b.(interface{ metadata() *box.Metadata }); ok && at.metadata() != nil {
		work.Go(func() { watchNotices(ctx, *at.metadata(), e) })
	}
	t, ok := b.(thisInstance)
	if !ok {
		return
	}
	tick := time.NewTicker(10 * time.Second)
	defer tick.Stop()
	for {
		if err := hold(t.instance.Guard, e.View()); err != nil {
			e.Log(steps.Warn, err.Error())
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// watchNotices makes what AWS announces alarms of the run.
func watchNotices(ctx context.Context, m box.Metadata, e tended) {
	m.Watch(ctx, box.WatchEvery, func(now []box.Notice) {
		var texts []string
		for _, n := range now {
			texts = append(texts, n.String())
		}
		e.SetNotices(texts)
	}, func(err error) {
		e.Log(steps.Warn, "AWS cannot be asked whether it takes this machine away: "+err.Error())
	})
}

// hold says to the guard whether the box is needed: from the first step that began to the last that is done. It is not
// let go when the engine ends, because a run goes on after that.
func hold(guard box.Guard, v steps.View) error {
	if v.Finished {
		return guard.Release()
	}
	if v.Outage.Active {
		return guard.Hold(v.Run.App + " is in maintenance mode")
	}
	for _, s := range v.Steps {
		if !s.Started.IsZero() {
			return guard.Hold("run " + v.Run.Name + " is in progress")
		}
	}
	return nil
}

// ready is what preflight may count on before step 2 has prepared this machine: on a box of ours the disk that is not
// mounted yet, and the client programs that are not installed yet. Anywhere else what is there is what there is.
func ready(ctx context.Context, free func(string) (int64, error), tools toolsFunc) (func(string) (int64, error), toolsFunc) {
	id, _, err := whoAmI(ctx)
	if err != nil || id.Run == "" {
		return free, tools
	}
	note, _, err := box.ReadNote(box.NotePath)
	if err != nil {
		return func(string) (int64, error) { return 0, err }, tools
	}
	i := &box.Instance{ID: id, Note: note, Kernel: box.Kernel{}}
	return i.Free, func(ctx context.Context, from, to int) (string, error) {
		if found, err := tools(ctx, from, to); err == nil {
			return found, nil
		}
		return fmt.Sprintf("pg_dump and pg_restore %d, which step 2 installs", max(from, to)), nil
	}
}

// toolsFunc says which pg_dump and pg_restore would be used.
type toolsFunc = func(ctx context.Context, from, to int) (string, error)
