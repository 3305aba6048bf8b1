package steps

import (
	"context"

	"changeover/heroku"
)

// Heroku is what the steps ask of the Heroku client; *heroku.Client is one.
type Heroku interface {
	App(ctx context.Context, app string) (heroku.App, error)
	SetMaintenance(ctx context.Context, app string, on bool) (heroku.App, error)
	Formation(ctx context.Context, app string) ([]heroku.Formation, error)
	Scale(ctx context.Context, app string, updates []heroku.ScaleUpdate) ([]heroku.Formation, error)
	Dynos(ctx context.Context, app string) ([]heroku.Dyno, error)
	Releases(ctx context.Context, app string, newest int) ([]heroku.Release, error)
	ConfigVars(ctx context.Context, app string) (heroku.ConfigVars, error)

	Plans(ctx context.Context, service string) ([]heroku.Plan, error)
	Addon(ctx context.Context, idOrName string) (heroku.Addon, error)
	Addons(ctx context.Context, app string) ([]heroku.Addon, error)
	VisibleAddons(ctx context.Context) ([]heroku.Addon, error)
	CreateAddon(ctx context.Context, app string, create heroku.AddonCreate) (heroku.Addon, error)
	DestroyAddon(ctx context.Context, appID, addonID string) (heroku.Addon, error)

	AppAttachments(ctx context.Context, app string) ([]heroku.Attachment, error)
	AddonAttachments(ctx context.Context, addon string) ([]heroku.Attachment, error)
	CreateAttachment(ctx context.Context, create heroku.AttachmentCreate) (heroku.Attachment, error)
	DeleteAttachment(ctx context.Context, id string) error

	Database(ctx context.Context, id string) (heroku.Database, error)
	Links(ctx context.Context, id string) ([]heroku.Link, error)
	WaitStatus(ctx context.Context, id string) (heroku.WaitStatus, error)
	Unfollow(ctx context.Context, id string) (heroku.UnfollowResult, error)
	ConnectionReset(ctx context.Context, id string) error
	Maintenance(ctx context.Context, addonID string) (heroku.Maintenance, error)
}

var _ Heroku = (*heroku.Client)(nil)
