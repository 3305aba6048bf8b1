package steps

import (
	"context"
	"fmt"

	"changeover/heroku"
)

// attachDatabase gives an add-on an attachment name on an app. When the name is taken it is moved, which Heroku does in
// two releases, Detach and Attach, with no config var in between.
type attachDatabase struct {
	heroku    Heroku
	app       string
	role      Role
	addonID   string
	addonName string
	name      string
	namespace *string // nil: the default credential
	guard     func(ctx context.Context) error
}

func (e attachDatabase) Key() string {
	return fmt.Sprintf("attach %s to %s as %s", e.addonName, e.app, e.name)
}
func (e attachDatabase) Class() Class { return Named }

func (e attachDatabase) Plan() Plan {
	command := fmt.Sprintf("heroku addons:attach %s --as %s -a %s --confirm %s", e.addonName, e.name, e.app, e.app)
	if e.name == heroku.DatabaseAttachment {
		command = fmt.Sprintf("heroku pg:promote %s -a %s", e.addonName, e.app)
	}
	return Plan{
		Action:     fmt.Sprintf("attach %s (%s) to %s as %s", e.role, e.addonName, e.app, e.name),
		Command:    command,
		Reversible: "yes, by attaching the former database again",
	}
}

func (e attachDatabase) Precheck(ctx context.Context) error {
	if e.guard == nil {
		return nil
	}
	return e.guard(ctx)
}

func (e attachDatabase) Do(ctx context.Context) error {
	_, err := e.heroku.CreateAttachment(ctx, heroku.AttachmentCreate{
		Addon: e.addonName, App: e.app, Name: e.name, Namespace: e.namespace, Confirm: e.app,
	})
	return err
}

func (e attachDatabase) Probe(ctx context.Context) (Observation, error) {
	attachments, err := e.heroku.AppAttachments(ctx, e.app)
	if err != nil {
		return Observation{}, fmt.Errorf("reading the attachments of %s: %w", e.app, err)
	}
	for _, a := range attachments {
		if a.Name != e.name {
			continue
		}
		if a.Addon.ID == e.addonID {
			return Observation{Present, fmt.Sprintf("%s of %s is %s", e.name, e.app, e.addonName)}, nil
		}
		return Observation{Absent, fmt.Sprintf("%s of %s is still %s", e.name, e.app, a.Addon.Name)}, nil
	}
	return Observation{Absent, fmt.Sprintf("%s has no attachment %s", e.app, e.name)}, nil
}
