package preflight

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"changeover/heroku"
)

var (
	// ErrUnknownApp means that the token sees no app of that name.
	ErrUnknownApp = errors.New("no such app")
	// ErrUnknownDatabase means that the app has no PostgreSQL attachment or add-on of that name.
	ErrUnknownDatabase = errors.New("no such database")
)

// begin finds the apps and the database, without which there is nothing to look at.
func (s *survey) begin(ctx context.Context) error {
	var err error
	if s.app, err = s.findApp(ctx, s.request.App); err != nil {
		return err
	}
	// Heroku takes ids for names; from here on there is one spelling.
	s.request.App = s.app.Name
	s.request.AlsoApps = slices.Clone(s.request.AlsoApps)
	for i, name := range s.request.AlsoApps {
		app, err := s.findApp(ctx, name)
		if err != nil {
			return err
		}
		s.others, s.request.AlsoApps[i] = append(s.others, app), app.Name
	}
	if s.config, err = s.request.base(); err != nil {
		return err
	}
	s.config.AppID = s.app.ID
	if s.attachments, err = s.AppAttachments(ctx, s.app.Name); err != nil {
		return fmt.Errorf("reading the attachments of %s: %w", s.app.Name, err)
	}
	if s.database, err = s.findDatabase(); err != nil {
		return err
	}
	if s.addon, err = s.Addon(ctx, s.database.Addon.ID); err != nil {
		return fmt.Errorf("reading add-on %s: %w", s.database.Addon.Name, err)
	}
	s.config.OldPrimary.ID, s.config.OldPrimary.Name, s.config.OldPrimary.Plan = s.addon.ID, s.addon.Name, s.addon.Plan.Name
	if s.info, err = s.Database(ctx, s.addon.ID); err != nil {
		return fmt.Errorf("reading database %s: %w", s.addon.Name, err)
	}
	s.config.Bytes, s.config.FromMajor = s.info.NumBytes, s.info.Version()
	return nil
}

func (s *survey) findApp(ctx context.Context, name string) (heroku.App, error) {
	app, err := heroku.App{}, heroku.ErrNotFound
	if name != "" { // an empty name would ask for the list
		app, err = s.App(ctx, name)
	}
	if err == nil {
		return app, nil
	}
	// Heroku answers 403 for the names of other people's apps.
	if !errors.Is(err, heroku.ErrNotFound) && !errors.Is(err, heroku.ErrForbidden) {
		return heroku.App{}, fmt.Errorf("reading app %s: %w", name, err)
	}
	apps, listErr := s.Apps(ctx)
	if listErr != nil {
		return heroku.App{}, fmt.Errorf("listing apps: %w", listErr)
	}
	var names []string
	for _, a := range apps {
		names = append(names, a.Name)
	}
	what := fmt.Errorf("%w: %s", ErrUnknownApp, name)
	if name == "" {
		what = errors.New("no app is given")
	}
	if len(names) == 0 {
		return heroku.App{}, fmt.Errorf("%w; this token sees no app at all: check `heroku auth:whoami`", what)
	}
	return heroku.App{}, fmt.Errorf("%w; choose one with --app: %s", what, some(names))
}

// findDatabase finds what was asked for among the PostgreSQL attachments of the app.
func (s *survey) findDatabase() (heroku.Attachment, error) {
	want := strings.TrimSuffix(s.request.Database, "_URL")
	if want == "" {
		want = heroku.DatabaseAttachment
	}
	var names []string
	for _, a := range s.attachments {
		if !a.Postgres() {
			continue
		}
		if a.Name == want || a.Addon.Name == want || a.Addon.ID == want {
			return a, nil
		}
		if a.Pooling() == "" {
			names = append(names, fmt.Sprintf("%s (%s)", a.Name, a.Addon.Name))
		}
	}
	if len(names) == 0 {
		return heroku.Attachment{}, fmt.Errorf("%w: %s; app %s has no Heroku Postgres database", ErrUnknownDatabase, want, s.app.Name)
	}
	return heroku.Attachment{}, fmt.Errorf("%w: %s; choose one of %s with --database: %s", ErrUnknownDatabase, want, s.app.Name, some(names))
}

// some lists names within what fits a line.
func some(names []string) string {
	const most = 12
	names = slices.Sorted(slices.Values(names))
	if len(names) <= most {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
}
