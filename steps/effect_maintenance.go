package steps

import (
	"context"
	"fmt"
)

// setMaintenance turns maintenance mode of an app on or off. It stops the router and nothing else.
type setMaintenance struct {
	heroku Heroku
	app    string
	on     bool
}

func (e setMaintenance) word() string {
	if e.on {
		return "on"
	}
	return "off"
}

func (e setMaintenance) Key() string                    { return "maintenance " + e.word() + " " + e.app }
func (e setMaintenance) Class() Class                   { return SetState }
func (e setMaintenance) Precheck(context.Context) error { return nil }

func (e setMaintenance) Plan() Plan {
	return Plan{
		Action:     fmt.Sprintf("turn maintenance mode of %s %s", e.app, e.word()),
		Command:    fmt.Sprintf("heroku maintenance:%s -a %s", e.word(), e.app),
		Reversible: "yes",
	}
}

func (e setMaintenance) Do(ctx context.Context) error {
	_, err := e.heroku.SetMaintenance(ctx, e.app, e.on)
	return err
}

func (e setMaintenance) Probe(ctx context.Context) (Observation, error) {
	app, err := e.heroku.App(ctx, e.app)
	if err != nil {
		return Observation{}, fmt.Errorf("reading app %s: %w", e.app, err)
	}
	if app.Maintenance != e.on {
		return Observation{Absent, fmt.Sprintf("maintenance mode of %s is not %s", e.app, e.word())}, nil
	}
	return Observation{Present, fmt.Sprintf("maintenance mode of %s is %s", e.app, e.word())}, nil
}
