package heroku

import (
	"context"
	"errors"
	"strings"
	"time"
)

// DatabaseAttachment is the attachment name whose config var DATABASE_URL an app uses by default.
const DatabaseAttachment = "DATABASE"

// PoolAttachment is the only pooling attachment that the official `pg:promote` moves along.
const PoolAttachment = "DATABASE_CONNECTION_POOL"

// Attachment makes an add-on available to an app under a name.
type Attachment struct {
	ID         string          `json:"id" heroku:"required"`
	Name       string          `json:"name" heroku:"required"`
	Namespace  *string         `json:"namespace"` // nil: default credential
	Addon      AttachmentAddon `json:"addon" heroku:"required"`
	App        Ref             `json:"app" heroku:"required"`
	ConfigVars []string        `json:"config_vars"` // only where included; may be empty while provisioning
	CreatedAt  time.Time       `json:"created_at"`
	UpdatedAt  time.Time       `json:"updated_at"`
}

// AttachmentAddon is the add-on of an attachment.
type AttachmentAddon struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	App  Ref    `json:"app"`  // the app that owns and pays for it
	Plan Ref    `json:"plan"` // only where included
}

// Credential returns the named credential of the attachment; "" is the default one.
func (a Attachment) Credential() string { return a.namespaced("credential:") }

// Pooling returns the credential behind a connection-pooling attachment; "" for any other attachment.
func (a Attachment) Pooling() string { return a.namespaced("connection-pooling:") }

func (a Attachment) namespaced(prefix string) string {
	if a.Namespace == nil {
		return ""
	}
	name, ok := strings.CutPrefix(*a.Namespace, prefix)
	if !ok {
		return ""
	}
	return name
}

// SameNamespace says whether two attachments use the same credential.
func (a Attachment) SameNamespace(b Attachment) bool {
	if a.Namespace == nil || b.Namespace == nil {
		return a.Namespace == b.Namespace
	}
	return *a.Namespace == *b.Namespace
}

// Postgres says whether the attachment belongs to a Heroku Postgres database, where the plan is included.
func (a Attachment) Postgres() bool {
	return strings.HasPrefix(a.Addon.Plan.Name, PostgresService+":")
}

// AttachmentCreate says what to attach. The CLI names add-ons by name in this call; an id works by the schema.
type AttachmentCreate struct {
	Addon     string  // name or id
	App       string  // name or id
	Name      string  // "": Heroku picks HEROKU_POSTGRESQL_<COLOUR>
	Namespace *string // nil: default credential
	Confirm   string  // the app's name: replace an attachment of that name. "": refuse with ErrConfirmationRequired
}

// AddonAttachments returns where an add-on is attached, in all apps the token can see.
func (c *Client) AddonAttachments(ctx context.Context, addon string) ([]Attachment, error) {
	return list[Attachment](ctx, c, get(platformHost, "addons", addon, "addon-attachments"))
}

// AppAttachments returns the attachments of an app with plans and config var names.
func (c *Client) AppAttachments(ctx context.Context, app string) ([]Attachment, error) {
	r := get(platformHost, "apps", app, "addon-attachments")
	r.sdk, r.inclusion = true, includePlanVars
	return list[Attachment](ctx, c, r)
}

// CreateAttachment attaches an add-on. Replacing an attachment makes two releases and restarts the dynos
// twice. After ErrUnknownOutcome read the attachments before asking again.
func (c *Client) CreateAttachment(ctx context.Context, create AttachmentCreate) (Attachment, error) {
	if create.Addon == "" || create.App == "" {
		return Attachment{}, errors.New("attach add-on: add-on and app must be given")
	}
	r := post(platformHost, "addon-attachments")
	r.body = struct {
		Addon     identity `json:"addon"`
		App       identity `json:"app"`
		Confirm   string   `json:"confirm,omitempty"`
		Name      string   `json:"name,omitempty"`
		Namespace *string  `json:"namespace"`
	}{identityOf(create.Addon), identityOf(create.App), create.Confirm, create.Name, create.Namespace}
	var a Attachment
	err := c.call(ctx, r, &a)
	return a, err
}

// DeleteAttachment removes an attachment by id. Heroku refuses the last one on the billed app.
func (c *Client) DeleteAttachment(ctx context.Context, id string) error {
	if !isUUID(id) {
		return errors.New("detach add-on: the attachment must be given by its id, not by a name")
	}
	return c.call(ctx, del(platformHost, "addon-attachments", id), nil)
}
