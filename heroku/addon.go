package heroku

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"
)

// States of an add-on. Heroku knows no others, but an unknown one must be survivable.
const (
	AddonProvisioning   = "provisioning"
	AddonProvisioned    = "provisioned"
	AddonDeprovisioning = "deprovisioning"
	AddonDeprovisioned  = "deprovisioned" // of a new add-on: creation failed
)

// PostgresService is the add-on service of Heroku Postgres.
const PostgresService = "heroku-postgresql"

// Addon is an add-on: for us a database as the Platform API sees and bills it.
type Addon struct {
	ID            string        `json:"id" heroku:"required"`
	Name          string        `json:"name" heroku:"required"` // globally unique
	State         string        `json:"state" heroku:"required"`
	App           Ref           `json:"app"` // the owning, billed app
	BillingEntity BillingEntity `json:"billing_entity"`
	Service       Ref           `json:"addon_service"`
	Plan          Plan          `json:"plan"` // with a price only where expanded
	BilledPrice   *Price        `json:"billed_price"`
	ConfigVars    []string      `json:"config_vars"` // empty while provisioning
	ProviderID    string        `json:"provider_id"`
	Message       string        `json:"provision_message"` // what the provider says about a creation
	CreatedAt     time.Time     `json:"created_at"`
	UpdatedAt     time.Time     `json:"updated_at"`
}

// BillingEntity is who pays for an add-on; its name is what Heroku wants as a confirmation.
type BillingEntity struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	Type string `json:"type"`
}

// Postgres says whether the add-on is a Heroku Postgres database.
func (a Addon) Postgres() bool {
	return a.Service.Name == PostgresService || strings.HasPrefix(a.Plan.Name, PostgresService+":")
}

// Price returns what the add-on costs: what is billed, else the plan's price; ok is false when neither is known.
func (a Addon) Price() (p Price, ok bool) {
	if a.BilledPrice != nil {
		return *a.BilledPrice, true
	}
	if a.Plan.Price != nil {
		return *a.Plan.Price, true
	}
	return Price{}, false
}

// AddonCreate says what to create. Plan and Name are required: the name is ours to choose and globally
// unique, which makes it the only way to find out afterwards whether a lost request created something.
type AddonCreate struct {
	Plan           string // heroku-postgresql:standard-5
	Name           string
	AttachmentName string            // config var <NAME>_URL; "": Heroku picks a colour, or DATABASE for the first
	Config         map[string]string // provider options: follow, version. A follow anywhere else is ignored and yields an empty, billed database.
	Confirm        string            // name of the billing entity; only after ErrConfirmationRequired
}

// addonName is the pattern of the Platform API schema.
var addonName = regexp.MustCompile(`^[a-zA-Z][A-Za-z0-9_-]{1,255}$`)

// Addons returns the add-ons of an app, with prices.
func (c *Client) Addons(ctx context.Context, app string) ([]Addon, error) {
	r := get(platformHost, "apps", app, "addons")
	r.sdk, r.expansion = true, expandServicePlan
	return list[Addon](ctx, c, r)
}

// VisibleAddons returns every add-on the token can see, on all apps.
func (c *Client) VisibleAddons(ctx context.Context) ([]Addon, error) {
	r := get(platformHost, "addons")
	r.sdk, r.expansion = true, expandServicePlan
	return list[Addon](ctx, c, r)
}

// Addon returns one add-on by id or globally unique name. ErrNotFound for a name of ours means: not created.
func (c *Client) Addon(ctx context.Context, idOrName string) (Addon, error) {
	r := get(platformHost, "addons", idOrName)
	r.expansion = expandServicePlan
	return c.addon(ctx, r)
}

// AppAddon returns one add-on of an app, the call the official CLI polls while an add-on is provisioned.
func (c *Client) AppAddon(ctx context.Context, app, idOrName string) (Addon, error) {
	r := get(platformHost, "apps", app, "addons", idOrName)
	r.expansion = expandServicePlan
	return c.addon(ctx, r)
}

// CreateAddon creates an add-on and returns it, normally still provisioning. After ErrUnknownOutcome look for
// the name before asking again. Of a follower check the leader afterwards; of any database the plan and app.
func (c *Client) CreateAddon(ctx context.Context, app string, create AddonCreate) (Addon, error) {
	if create.Plan == "" {
		return Addon{}, errors.New("create add-on: no plan given")
	}
	if !addonName.MatchString(create.Name) {
		return Addon{}, fmt.Errorf("create add-on: %q cannot be an add-on name; use letters, digits, _ and -, beginning with a letter", scrub(create.Name, c.cfg.Token))
	}
	body := struct {
		Attachment identity          `json:"attachment"`
		Config     map[string]string `json:"config"`
		Confirm    string            `json:"confirm,omitempty"`
		Name       string            `json:"name"`
		Plan       identity          `json:"plan"`
	}{identity{Name: create.AttachmentName}, create.Config, create.Confirm, create.Name, identity{Name: create.Plan}}
	if body.Config == nil {
		body.Config = map[string]string{}
	}
	r := post(platformHost, "apps", app, "addons")
	r.expansion, r.legacy, r.body = expandPlan, true, body
	return c.addon(ctx, r)
}

// DestroyAddon destroys an add-on, data and all, and returns it as deprovisioned or deprovisioning; after that
// reads give ErrNotFound. The server asks nothing and refuses little: not the app's DATABASE, not a leader
// with followers. Guards are the caller's. Only an id is taken, never a name that could mean another database,
// and there is no force: an add-on attached to other apps must be detached there first.
func (c *Client) DestroyAddon(ctx context.Context, appID, addonID string) (Addon, error) {
	if !isUUID(addonID) {
		return Addon{}, errors.New("destroy add-on: the add-on must be given by its id, not by a name")
	}
	r := del(platformHost, "apps", appID, "addons", addonID)
	r.expansion = expandPlan
	r.body = struct {
		Force bool `json:"force"`
	}{false}
	return c.addon(ctx, r)
}

func (c *Client) addon(ctx context.Context, r request) (Addon, error) {
	var a Addon
	err := c.call(ctx, r, &a)
	return a, err
}

// AddonConfig returns the values an add-on's provider has set, such as URL, once it has. It is the way to a
// database URL that needs no config var and no release.
func (c *Client) AddonConfig(ctx context.Context, idOrName string) (ConfigVars, error) {
	type entry struct {
		Name  string `json:"name"`
		Value Secret `json:"value"`
	}
	entries, err := list[entry](ctx, c, get(platformHost, "addons", idOrName, "config"))
	if err != nil {
		return nil, err
	}
	vars := ConfigVars{}
	for _, e := range entries {
		vars[e.Name] = e.Value
	}
	return vars, nil
}
