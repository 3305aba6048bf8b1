package preflight

import (
	"context"

	"changeover/heroku"
)

// Heroku is what preflight asks; *heroku.Client is one.
type Heroku interface {
	Account(ctx context.Context) (heroku.Account, error)
	RateLimit(ctx context.Context) (remaining int, err error)
	Scopes() []string
	TokenLife(ctx context.Context) (heroku.TokenLife, error)

	App(ctx context.Context, app string) (heroku.App, error)
	Apps(ctx context.Context) ([]heroku.App, error)
	ConfigVars(ctx context.Context, app string) (heroku.ConfigVars, error)
	Dynos(ctx context.Context, app string) ([]heroku.Dyno, error)
	Formation(ctx context.Context, app string) ([]heroku.Formation, error)
	Feature(ctx context.Context, app, name string) (heroku.Feature, error)
	Monitors(ctx context.Context, appID string) ([]heroku.Monitor, error)

	Addon(ctx context.Context, idOrName string) (heroku.Addon, error)
	Addons(ctx context.Context, app string) ([]heroku.Addon, error)
	AppAttachments(ctx context.Context, app string) ([]heroku.Attachment, error)
	AddonAttachments(ctx context.Context, addon string) ([]heroku.Attachment, error)
	Plans(ctx context.Context, service string) ([]heroku.Plan, error)

	Database(ctx context.Context, id string) (heroku.Database, error)
	Maintenance(ctx context.Context, addonID string) (heroku.Maintenance, error)
	Credentials(ctx context.Context, db string) ([]heroku.Credential, error)
	BackupSchedules(ctx context.Context, id string) ([]heroku.BackupSchedule, error)
	DatabaseSettings(ctx context.Context, id string) (map[string]heroku.Setting, error)
	Links(ctx context.Context, id string) ([]heroku.Link, error)
}

var _ Heroku = (*heroku.Client)(nil)
