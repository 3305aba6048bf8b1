package memworld

import (
	"context"
	"fmt"
	"time"

	"changeover/heroku"
)

// Database implements steps.Heroku: the data API, which for a while has not heard of a new database.
func (w *World) Database(ctx context.Context, id string) (heroku.Database, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	a, err := w.known(ctx, id)
	if err != nil {
		return heroku.Database{}, err
	}
	d := heroku.Database{
		AddonID: a.ID, Name: a.Name, PostgresVersion: fmt.Sprintf("%d.2", a.Major), NumBytes: 1 << 30, Waiting: !a.provisioned(),
		Info: []heroku.Row{
			{Name: "Status", Values: []string{"Available"}},
			{Name: "Fork/Follow", Values: []string{forkFollow[w.followable(a)]}},
			{Name: "Continuous Protection", Values: []string{"On"}},
		},
	}
	if a.provisioned() {
		d.ResourceURL = a.url()
	}
	if leader := w.byID(a.Leader); leader != nil {
		d.FollowingURL, d.Leader = leader.url(), heroku.Leader{AddonID: leader.ID, Name: leader.Name}
	}
	return d, nil
}

var forkFollow = map[heroku.Availability]string{heroku.Available: "Available", heroku.TemporarilyUnavailable: "Temporarily Unavailable"}

func (w *World) known(ctx context.Context, id string) (*addon, error) {
	a, err := w.find(ctx, id)
	switch {
	case err != nil:
		return nil, err
	case !a.alive():
		return nil, fmt.Errorf("database %s: %w", a.Name, heroku.ErrNotFound)
	case time.Since(a.Made) < dataKnows:
		return nil, fmt.Errorf("database %s: %w", a.Name, heroku.ErrNotYetKnown)
	}
	return a, nil
}

// Links implements steps.Heroku; there are none.
func (w *World) Links(ctx context.Context, id string) ([]heroku.Link, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	_, err := w.known(ctx, id)
	return nil, err
}

// WaitStatus implements steps.Heroku.
func (w *World) WaitStatus(ctx context.Context, id string) (heroku.WaitStatus, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	a, err := w.known(ctx, id)
	if err != nil {
		return heroku.WaitStatus{}, err
	}
	return heroku.WaitStatus{Waiting: !a.provisioned(), Message: "available"}, nil
}

// Unfollow implements steps.Heroku. Nothing checks that the follower has caught up; for a moment it stays in recovery.
func (w *World) Unfollow(ctx context.Context, id string) (heroku.UnfollowResult, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	a, err := w.known(ctx, id)
	if err != nil {
		return heroku.UnfollowResult{}, err
	}
	if a.Leader == "" {
		return heroku.UnfollowResult{}, fmt.Errorf("%s follows nobody: %w", a.Name, heroku.ErrInvalid)
	}
	return heroku.UnfollowResult{}, w.change("unfollow "+a.Name, func() { a.Leader, a.Unfollowed = "", time.Now() })
}

// ConnectionReset implements steps.Heroku; nobody is connected who would not come back at once.
func (w *World) ConnectionReset(ctx context.Context, id string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	_, err := w.known(ctx, id)
	return err
}

// Maintenance implements steps.Heroku; none is due.
func (w *World) Maintenance(ctx context.Context, id string) (heroku.Maintenance, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	_, err := w.find(ctx, id)
	return heroku.Maintenance{Status: "none"}, err
}
