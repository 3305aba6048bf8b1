package memworld

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"changeover/heroku"
)

// How long Heroku takes for databases.
const (
	dataKnows      = 5 * time.Second // until the data API has heard of one
	provisionTakes = 3 * time.Minute
	followableIn   = 20 * time.Minute // after creation or unfollow
	destroyTakes   = 3 * time.Second
	recoveryEnds   = 3 * time.Second // after unfollow
)

// addon is a database.
type addon struct {
	ID, Name, App, Plan string
	Major               int
	Made                time.Time
	Gone                time.Time // zero while it lives
	Leader              string    // id; empty on a primary
	Unfollowed          time.Time
	// What is in it. A follower holds what it has replayed.
	Tables int
	Rows   rows
	Loaded bool   // restored to the end
	Xid    uint64 // the xid horizon
	System uint64
}

// add puts an add-on into the account that has been there for long.
func (w *World) add(a *addon) *addon {
	a.ID, a.System, a.Xid, a.Loaded = w.id(), uint64(1000+w.s.IDs), 700, true
	a.Made = time.Now().Add(-1000 * time.Hour)
	w.s.Addons = append(w.s.Addons, a)
	return a
}

// secretWord is the password of every database: it must turn up nowhere.
const secretWord = "c4nary"

// Secret is a password that no output of a run may contain.
const Secret = secretWord

func (a *addon) url() heroku.Secret {
	return heroku.Secret("postgres://u:" + secretWord + "@" + a.Name + ".example:5432/d")
}

func (a *addon) provisioned() bool { return a.Gone.IsZero() && time.Since(a.Made) >= provisionTakes }
func (a *addon) alive() bool       { return a.Gone.IsZero() }

func (a *addon) state() string {
	switch {
	case !a.Gone.IsZero():
		return heroku.AddonDeprovisioning
	case !a.provisioned():
		return heroku.AddonProvisioning
	}
	return heroku.AddonProvisioned
}

func (w *World) byID(id string) *addon {
	for _, a := range w.s.Addons {
		if a.ID == id && (a.alive() || time.Since(a.Gone) < destroyTakes) {
			return a
		}
	}
	return nil
}

// find is an add-on by id or name that Heroku still answers for.
func (w *World) find(ctx context.Context, idOrName string) (*addon, error) {
	if err := w.call(ctx); err != nil {
		return nil, err
	}
	for _, a := range w.s.Addons {
		if (a.ID == idOrName || a.Name == idOrName) && w.byID(a.ID) != nil {
			return a, nil
		}
	}
	return nil, fmt.Errorf("add-on %s: %w", idOrName, heroku.ErrNotFound)
}

func (w *World) describe(a *addon) heroku.Addon {
	return heroku.Addon{
		ID: a.ID, Name: a.Name, State: a.state(), App: heroku.Ref{ID: w.s.Apps[a.App].ID, Name: a.App},
		Service: heroku.Ref{Name: heroku.PostgresService}, Plan: heroku.Plan{Name: a.Plan}, BilledPrice: &heroku.Price{Cents: 72000, Unit: "month"},
	}
}

// Plans implements steps.Heroku.
func (w *World) Plans(ctx context.Context, _ string) ([]heroku.Plan, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return nil, w.call(ctx)
}

// Addon implements steps.Heroku.
func (w *World) Addon(ctx context.Context, idOrName string) (heroku.Addon, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	a, err := w.find(ctx, idOrName)
	if err != nil {
		return heroku.Addon{}, err
	}
	return w.describe(a), nil
}

// Addons implements steps.Heroku.
func (w *World) Addons(ctx context.Context, app string) ([]heroku.Addon, error) {
	all, err := w.VisibleAddons(ctx)
	return slices.DeleteFunc(all, func(a heroku.Addon) bool { return a.App.Name != app }), err
}

// VisibleAddons implements steps.Heroku.
func (w *World) VisibleAddons(ctx context.Context) ([]heroku.Addon, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := w.call(ctx); err != nil {
		return nil, err
	}
	var all []heroku.Addon
	for _, a := range w.s.Addons {
		if w.byID(a.ID) != nil {
			all = append(all, w.describe(a))
		}
	}
	return all, nil
}

// CreateAddon implements steps.Heroku. A name that was ever used is taken.
func (w *World) CreateAddon(ctx context.Context, app string, c heroku.AddonCreate) (heroku.Addon, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := w.call(ctx); err != nil {
		return heroku.Addon{}, err
	}
	if slices.ContainsFunc(w.s.Addons, func(a *addon) bool { return a.Name == c.Name }) {
		return heroku.Addon{}, fmt.Errorf("name %s is already taken: %w", c.Name, heroku.ErrInvalid)
	}
	a := &addon{Name: c.Name, App: app, Plan: c.Plan, Made: time.Now(), Xid: 700}
	if leader := c.Config["follow"]; leader != "" {
		l, err := w.find(ctx, leader)
		if err != nil {
			return heroku.Addon{}, err
		}
		if w.followable(l) != heroku.Available {
			return heroku.Addon{}, fmt.Errorf("%s cannot be followed: %w", leader, heroku.ErrInvalid)
		}
		a.Leader, a.Major, a.System = l.ID, l.Major, l.System
	} else {
		a.Major, _ = strconv.Atoi(c.Config["version"])
	}
	err := w.change("create "+c.Name, func() {
		a.ID = w.id()
		if a.System == 0 {
			a.System = uint64(1000 + w.s.IDs)
		}
		w.s.Addons = append(w.s.Addons, a)
		w.s.Attachments = append(w.s.Attachments, attachment{ID: w.id(), Name: c.AttachmentName, App: app, Addon: a.ID})
		w.release(w.s.Apps[app], "Attach "+c.AttachmentName+" (@ref:"+c.Name+")")
	})
	if err != nil {
		return heroku.Addon{}, err
	}
	return w.describe(a), nil
}

// DestroyAddon implements steps.Heroku. As Heroku does, it refuses only what other apps still use.
func (w *World) DestroyAddon(ctx context.Context, appID, id string) (heroku.Addon, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	a, err := w.find(ctx, id)
	if err != nil {
		return heroku.Addon{}, err
	}
	for _, at := range w.s.Attachments {
		if at.Addon == id && w.s.Apps[at.App].ID != appID {
			return heroku.Addon{}, fmt.Errorf("%s is attached to %s: %w", a.Name, at.App, heroku.ErrConfirmationRequired)
		}
	}
	if a.alive() {
		w.mayDestroy(a)
		err = w.change("destroy "+a.Name, func() {
			a.Gone = time.Now()
			w.s.Attachments = slices.DeleteFunc(w.s.Attachments, func(at attachment) bool { return at.Addon == id })
			w.release(w.s.Apps[a.App], "Detach "+a.Name)
		})
	}
	if err != nil {
		return heroku.Addon{}, err
	}
	return w.describe(a), nil
}

func (w *World) followable(a *addon) heroku.Availability {
	since := a.Made
	if a.Unfollowed.After(since) {
		since = a.Unfollowed
	}
	if a.Leader != "" || time.Since(since) < followableIn {
		return heroku.TemporarilyUnavailable
	}
	return heroku.Available
}
