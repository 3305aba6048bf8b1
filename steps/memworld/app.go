package memworld

import (
	"context"
	"fmt"
	"slices"
	"time"

	"changeover/heroku"
)

const databaseName = heroku.DatabaseAttachment

// How long Heroku takes for things.
const (
	releaseTakes = 2 * time.Second
	dynoStarts   = 5 * time.Second
	dynoStops    = 3 * time.Second
)

// app is an app of the account.
type app struct {
	ID, Name    string
	Maintenance bool
	ByHand      bool // opened by somebody else while it was shut
	Formation   []process
	Releases    []release // oldest first
	// Stopping are processes that were told to end and do so in their own time; they still write.
	Stopping []dyno
	Started  time.Time // when the processes that run now were started
}

type process struct {
	Type     string
	Quantity int
	Size     string
}

type release struct {
	Version     int
	Description string
	At          time.Time
	Database    string // add-on id behind DATABASE, empty when there is none
}

// dyno is a group of processes that ends.
type dyno struct {
	Type     string
	Quantity int
	Until    time.Time
	Database string
}

// release makes a release, which starts every process anew with what DATABASE is now.
func (w *World) release(a *app, description string) {
	a.Releases = append(a.Releases, release{Version: len(a.Releases) + 1, Description: description, At: time.Now(), Database: w.serving(a.Name)})
	a.Started = time.Now()
}

// serving is the add-on behind DATABASE of an app.
func (w *World) serving(app string) string {
	for _, at := range w.s.Attachments {
		if at.App == app && at.Name == databaseName {
			return at.Addon
		}
	}
	return ""
}

// work is what the processes of all apps do whenever somebody looks: each group that is up writes a row, and the
// database acknowledges it or not. Maintenance mode keeps nobody from it.
func (w *World) work() {
	now := time.Now()
	for _, name := range w.appNames() {
		a := w.s.Apps[name]
		if n := len(a.Releases); n > 0 && a.running() > 0 && now.Sub(a.Started) >= dynoStarts {
			w.write(a.Releases[n-1].Database)
		}
		for _, d := range a.Stopping {
			if now.Before(d.Until) {
				w.write(d.Database)
			}
		}
		a.Stopping = slices.DeleteFunc(a.Stopping, func(d dyno) bool { return !now.Before(d.Until) })
	}
}

func (w *World) appNames() []string {
	var names []string
	for name := range w.s.Apps {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

func (a *app) running() (n int) {
	for _, p := range a.Formation {
		n += p.Quantity
	}
	return n
}

// App implements steps.Heroku.
func (w *World) App(ctx context.Context, name string) (heroku.App, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	a, err := w.app(ctx, name)
	if err != nil {
		return heroku.App{}, err
	}
	return heroku.App{ID: a.ID, Name: a.Name, Maintenance: a.Maintenance}, nil
}

func (w *World) app(ctx context.Context, name string) (*app, error) {
	if err := w.call(ctx); err != nil {
		return nil, err
	}
	for _, a := range w.s.Apps {
		if a.Name == name || a.ID == name {
			return a, nil
		}
	}
	return nil, fmt.Errorf("app %s: %w", name, heroku.ErrNotFound)
}

// SetMaintenance implements steps.Heroku.
func (w *World) SetMaintenance(ctx context.Context, name string, on bool) (heroku.App, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	a, err := w.app(ctx, name)
	if err == nil && a.Maintenance != on {
		err = w.change(fmt.Sprintf("maintenance %s %t", name, on), func() { a.Maintenance, a.ByHand = on, false })
	}
	if err != nil {
		return heroku.App{}, err
	}
	return heroku.App{ID: a.ID, Name: a.Name, Maintenance: a.Maintenance}, nil
}

// OpenByHand is what somebody does who cannot wait: an app that is shut serves its users again. Nobody would do so without
// a DATABASE. It is no change of the run.
func (w *World) OpenByHand(name string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	a := w.s.Apps[name]
	if !a.Maintenance || w.serving(name) == "" {
		return
	}
	want := slices.Clone(a.Formation)
	want[0].Quantity = 2
	w.scale(a, want)
	a.Maintenance, a.ByHand = false, true
}

// ShutByHand undoes OpenByHand.
func (w *World) ShutByHand(name string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	a := w.s.Apps[name]
	if !a.ByHand {
		return
	}
	want := slices.Clone(a.Formation)
	want[0].Quantity = 0
	w.scale(a, want)
	a.Maintenance, a.ByHand = true, false
}

// Formation implements steps.Heroku.
func (w *World) Formation(ctx context.Context, name string) ([]heroku.Formation, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	a, err := w.app(ctx, name)
	if err != nil {
		return nil, err
	}
	return a.formation(), nil
}

func (a *app) formation() (all []heroku.Formation) {
	for _, p := range a.Formation {
		all = append(all, heroku.Formation{Type: p.Type, Quantity: p.Quantity, Size: p.Size})
	}
	return all
}

// Scale implements steps.Heroku.
func (w *World) Scale(ctx context.Context, name string, updates []heroku.ScaleUpdate) ([]heroku.Formation, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	a, err := w.app(ctx, name)
	if err != nil {
		return nil, err
	}
	want := slices.Clone(a.Formation)
	for _, u := range updates {
		i := slices.IndexFunc(want, func(p process) bool { return p.Type == u.Type })
		if i < 0 {
			return nil, fmt.Errorf("no process type %s: %w", u.Type, heroku.ErrNotFound)
		}
		want[i].Quantity = u.Quantity
		if u.Size != "" {
			want[i].Size = u.Size
		}
	}
	if !slices.Equal(want, a.Formation) {
		total := 0
		for _, p := range want {
			total += p.Quantity
		}
		err = w.change(fmt.Sprintf("scale %s to %d", name, total), func() { w.scale(a, want) })
	}
	return a.formation(), err
}

func (w *World) scale(a *app, want []process) {
	if a.running() == 0 {
		a.Started = time.Now()
	}
	writes := ""
	if time.Since(a.Started) >= dynoStarts {
		writes = w.serving(a.Name)
	}
	for i, p := range want {
		if less := a.Formation[i].Quantity - p.Quantity; less > 0 {
			a.Stopping = append(a.Stopping, dyno{p.Type, less, time.Now().Add(dynoStops), writes})
		}
	}
	a.Formation = want
}

// Dynos implements steps.Heroku.
func (w *World) Dynos(ctx context.Context, name string) ([]heroku.Dyno, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	a, err := w.app(ctx, name)
	if err != nil {
		return nil, err
	}
	var all []heroku.Dyno
	add := func(kind, state string, n int) {
		for range n {
			all = append(all, heroku.Dyno{
				Name: fmt.Sprintf("%s.%d", kind, len(all)+1), Type: kind, State: state, Release: heroku.DynoRelease{Version: len(a.Releases)},
			})
		}
	}
	state := "starting"
	if time.Since(a.Started) >= dynoStarts {
		state = heroku.DynoUp
	}
	for _, p := range a.Formation {
		add(p.Type, state, p.Quantity)
	}
	for _, d := range a.Stopping {
		add(d.Type, "stopping", d.Quantity)
	}
	return all, nil
}

// Releases implements steps.Heroku.
func (w *World) Releases(ctx context.Context, name string, newest int) ([]heroku.Release, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	a, err := w.app(ctx, name)
	if err != nil {
		return nil, err
	}
	var all []heroku.Release
	for i := len(a.Releases) - 1; i >= max(0, len(a.Releases)-newest); i-- {
		r := a.Releases[i]
		status := heroku.ReleaseSucceeded
		if time.Since(r.At) < releaseTakes {
			status = heroku.ReleasePending
		}
		all = append(all, heroku.Release{Version: r.Version, Description: r.Description, Status: status, Current: i == len(a.Releases)-1})
	}
	return all, nil
}

// ConfigVars implements steps.Heroku.
func (w *World) ConfigVars(ctx context.Context, name string) (heroku.ConfigVars, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if _, err := w.app(ctx, name); err != nil {
		return nil, err
	}
	vars := heroku.ConfigVars{}
	for _, at := range w.s.Attachments {
		if a := w.byID(at.Addon); at.App == name && a != nil && a.provisioned() {
			vars[at.Name+"_URL"] = a.url()
		}
	}
	return vars, nil
}
