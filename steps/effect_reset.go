package steps

import (
	"context"
	"fmt"
)

// resetConnections ends every session on a database that is not ours to end by SQL.
type resetConnections struct {
	heroku    Heroku
	app       string
	role      Role
	addonID   string
	addonName string
	// foreign lists the sessions that are neither ours nor Heroku's.
	foreign func(ctx context.Context) ([]string, error)
}

func (e resetConnections) Key() string                    { return "end sessions on " + e.addonName }
func (e resetConnections) Class() Class                   { return SetState }
func (e resetConnections) Precheck(context.Context) error { return nil }

func (e resetConnections) Plan() Plan {
	return Plan{
		Action:     fmt.Sprintf("end all sessions on %s (%s)", e.role, e.addonName),
		Command:    fmt.Sprintf("heroku pg:killall %s -a %s", e.addonName, e.app),
		Reversible: "yes, clients may connect again",
	}
}

func (e resetConnections) Do(ctx context.Context) error {
	return e.heroku.ConnectionReset(ctx, e.addonID)
}

func (e resetConnections) Probe(ctx context.Context) (Observation, error) {
	foreign, err := e.foreign(ctx)
	if err != nil {
		return Observation{}, err
	}
	if len(foreign) > 0 {
		return Observation{Absent, fmt.Sprintf("%s still has %s", e.role, foreign[0])}, nil
	}
	return Observation{Present, fmt.Sprintf("%s has no foreign session", e.role)}, nil
}
