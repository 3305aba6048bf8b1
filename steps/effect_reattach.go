package steps

import (
	"context"
	"fmt"
)

// reattachDatabase attaches a database once more under the name it has already, because the release that attached it
// failed and left the app without its config var.
type reattachDatabase struct {
	attachDatabase
	failed int // version of that release
}

func (e reattachDatabase) Key() string {
	return fmt.Sprintf("%s, again after v%d", e.attachDatabase.Key(), e.failed)
}

func (e reattachDatabase) Plan() Plan {
	p := e.attachDatabase.Plan()
	p.Action += fmt.Sprintf(", again because release v%d failed", e.failed)
	return p
}

// Probe finds the new release; whether that one succeeds is waited for afterwards.
func (e reattachDatabase) Probe(ctx context.Context) (Observation, error) {
	last, ok, err := lastAttach(ctx, e.heroku, e.app)
	switch {
	case err != nil:
		return Observation{}, err
	case !ok || last.Version <= e.failed:
		return Observation{Absent, fmt.Sprintf("v%d is still the last release that attached %s", e.failed, e.name)}, nil
	}
	return Observation{Present, fmt.Sprintf("v%d attaches %s", last.Version, e.name)}, nil
}
