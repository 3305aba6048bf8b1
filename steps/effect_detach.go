package steps

import (
	"context"
	"errors"
	"fmt"

	"changeover/heroku"
)

// detachDatabase takes an attachment name of ours off an app again. It never detaches DATABASE.
type detachDatabase struct {
	heroku  Heroku
	app     string
	addonID string
	name    string
}

func (e detachDatabase) Key() string  { return fmt.Sprintf("detach %s from %s", e.name, e.app) }
func (e detachDatabase) Class() Class { return SetState }

func (e detachDatabase) Plan() Plan {
	return Plan{
		Action:     fmt.Sprintf("detach %s from %s", e.name, e.app),
		Command:    fmt.Sprintf("heroku addons:detach %s -a %s", e.name, e.app),
		Reversible: "yes",
	}
}

func (e detachDatabase) Precheck(context.Context) error {
	if e.name == heroku.DatabaseAttachment {
		return errors.New("DATABASE is never detached")
	}
	return nil
}

func (e detachDatabase) find(ctx context.Context) (id string, err error) {
	attachments, err := e.heroku.AppAttachments(ctx, e.app)
	if err != nil {
		return "", fmt.Errorf("reading the attachments of %s: %w", e.app, err)
	}
	for _, a := range attachments {
		if a.Name == e.name && a.Addon.ID == e.addonID {
			return a.ID, nil
		}
	}
	return "", nil
}

func (e detachDatabase) Do(ctx context.Context) error {
	id, err := e.find(ctx)
	if err != nil || id == "" {
		return err
	}
	if err := e.heroku.DeleteAttachment(ctx, id); !errors.Is(err, heroku.ErrNotFound) {
		return err
	}
	return nil
}

func (e detachDatabase) Probe(ctx context.Context) (Observation, error) {
	id, err := e.find(ctx)
	if err != nil {
		return Observation{}, err
	}
	if id != "" {
		return Observation{Absent, fmt.Sprintf("%s still has %s", e.app, e.name)}, nil
	}
	return Observation{Present, fmt.Sprintf("%s has no %s", e.app, e.name)}, nil
}
