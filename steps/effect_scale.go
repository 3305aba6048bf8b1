package steps

import (
	"context"
	"fmt"
	"strings"

	"changeover/heroku"
)

// scaleTo sets the formation of an app to absolute numbers, all types in one call, so that it is atomic and repeatable.
type scaleTo struct {
	heroku Heroku
	app    string
	want   []FormationProcess
	why    string // part of the key: an app is scaled down and up again within one step
}

func (e scaleTo) Key() string                    { return e.why + " " + e.app }
func (e scaleTo) Class() Class                   { return SetState }
func (e scaleTo) Precheck(context.Context) error { return nil }

func (e scaleTo) list() string {
	var parts []string
	for _, p := range e.want {
		parts = append(parts, fmt.Sprintf("%s=%d", p.Type, p.Quantity))
	}
	return strings.Join(parts, " ")
}

func (e scaleTo) Plan() Plan {
	return Plan{
		Action:     fmt.Sprintf("scale %s to %s", e.app, e.list()),
		Command:    fmt.Sprintf("heroku ps:scale %s -a %s", e.list(), e.app),
		Reversible: "yes",
	}
}

func (e scaleTo) Do(ctx context.Context) error {
	var updates []heroku.ScaleUpdate
	for _, p := range e.want {
		updates = append(updates, heroku.ScaleUpdate{Type: p.Type, Quantity: p.Quantity, Size: p.Size})
	}
	if len(updates) == 0 {
		return nil
	}
	_, err := e.heroku.Scale(ctx, e.app, updates)
	return err
}

func (e scaleTo) Probe(ctx context.Context) (Observation, error) {
	have, err := e.heroku.Formation(ctx, e.app)
	if err != nil {
		return Observation{}, fmt.Errorf("reading the formation of %s: %w", e.app, err)
	}
	quantity := map[string]int{}
	for _, p := range have {
		quantity[p.Type] = p.Quantity
	}
	for _, p := range e.want {
		if quantity[p.Type] != p.Quantity {
			return Observation{Absent, fmt.Sprintf("%s of %s is %d, not %d", p.Type, e.app, quantity[p.Type], p.Quantity)}, nil
		}
	}
	return Observation{Present, fmt.Sprintf("%s is scaled to %s", e.app, e.list())}, nil
}
