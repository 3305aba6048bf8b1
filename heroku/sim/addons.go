package sim

import (
	"context"
	"fmt"
	"hash/crc32"
	"time"
)

// The states of an add-on.
const (
	stateProvisioning   = "provisioning"
	stateProvisioned    = "provisioned"
	stateDeprovisioning = "deprovisioning"
	stateDeprovisioned  = "deprovisioned"
)

// addon is a heroku-postgresql add-on.
type addon struct {
	id, name         string
	app              *app // owns and pays for it
	plan             plan
	state            string
	created, updated time.Time
	major            int
	access           access

	db     database // nil until the server runs
	ready  chan struct{}
	cancel context.CancelFunc // ends the provisioning

	// following is the leader's address, without credentials; empty on a leader. It outlives a leader
	// that was destroyed: such a follower is an orphan for ever.
	following   string
	leader      *addon
	forkedFrom  string
	unfollowing bool

	available    bool   // the server answers
	failure      string // why it never will
	visibleAt    time.Time
	forkFollowAt time.Time // zero until it is available
	sample       sample
	failingOver  bool // the hidden standby is taking over
	down         bool // the last look at the server failed

	credentials []*credential
	settings    map[string]any
	schedules   []scheduleJSON
	upkeep      upkeep
}

type addonJSON struct {
	ID               string         `json:"id"`
	Name             string         `json:"name"`
	State            string         `json:"state"`
	App              ref            `json:"app"`
	BillingEntity    billing        `json:"billing_entity"`
	AddonService     any            `json:"addon_service"`
	Plan             any            `json:"plan"`
	BilledPrice      map[string]any `json:"billed_price"`
	ConfigVars       []string       `json:"config_vars"`
	ProviderID       string         `json:"provider_id"`
	Actions          []any          `json:"actions"`
	WebURL           string         `json:"web_url"`
	ProvisionMessage *string        `json:"provision_message,omitempty"`
	CreatedAt        string         `json:"created_at"`
	UpdatedAt        string         `json:"updated_at"`
}

type billing struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	Type string `json:"type"`
}

// port is where the server listens, 0 while there is none.
func (d *addon) port() int {
	if d.db == nil {
		return 0
	}
	return d.db.Port()
}

// url is the default credential's connection string; there is none before the add-on is provisioned.
func (d *addon) url() (string, bool) {
	if d.db == nil || d.state != stateProvisioned {
		return "", false
	}
	return d.access.url(d.port()), true
}

// follower says whether the database follows another: following decides, not hot_standby.
func (d *addon) follower() bool { return d.following != "" }

// addonJSON shows the add-on as r asked for it.
func (s *Server) addonJSON(r *request, d *addon) addonJSON {
	j := addonJSON{
		ID: d.id, Name: d.name, State: d.state, App: d.app.ref(), BillingEntity: billing{d.app.id, d.app.name, "app"},
		AddonService: d.plan.serviceRef(), Plan: ref{d.plan.id(), d.plan.fullName()},
		BilledPrice: map[string]any{"cents": d.plan.cents, "contract": d.plan.inSpace(), "unit": "month"},
		ConfigVars:  []string{}, ProviderID: d.providerID(), Actions: []any{},
		WebURL:    "https://addons-sso.heroku.com/apps/" + d.app.id + "/addons/" + d.id,
		CreatedAt: stamp(d.created), UpdatedAt: stamp(d.updated),
	}
	for _, at := range s.attachments {
		if at.addon == d && at.app == d.app {
			j.ConfigVars = append(j.ConfigVars, at.liveVars()...)
		}
	}
	if r.expanded("plan") {
		j.Plan = d.plan.json()
	}
	if r.expanded("addon_service") && d.plan.service == "" {
		j.AddonService = map[string]any{"id": serviceID, "name": serviceName, "human_name": "Heroku Postgres", "state": "ga"}
	}
	return j
}

// providerID is the id the provider knows the add-on by: another one than Heroku's.
func (d *addon) providerID() string {
	return fmt.Sprintf("resource%d@heroku.com", crc32.ChecksumIEEE([]byte(d.id)))
}

// findAddon finds an add-on by name or id, whoever owns it.
func (s *Server) findAddon(name string) (*addon, bool) {
	for _, d := range s.addons {
		if d.name == name || d.id == name {
			return d, true
		}
	}
	return nil, false
}

// addonOf is the add-on in the call's path, which must belong to the app in the path, if there is one.
func (s *Server) addonOf(r *request) (*addon, error) {
	d, found := s.findAddon(r.PathValue("addon"))
	if r.PathValue("app") != "" {
		a, err := s.appOf(r)
		if err != nil {
			return nil, err
		}
		found = found && d.app == a
	}
	if !found {
		return nil, addonNotFound()
	}
	return d, nil
}

func (s *Server) getAddon(r *request) (reply, error) {
	d, err := s.addonOf(r)
	if err != nil {
		return reply{}, err
	}
	return ok(s.addonJSON(r, d)), nil
}

func (s *Server) listAddons(r *request) (reply, error) {
	return s.pagedAddons(r, func(*addon) bool { return true })
}

func (s *Server) listAppAddons(r *request) (reply, error) {
	a, err := s.appOf(r)
	if err != nil {
		return reply{}, err
	}
	return s.pagedAddons(r, func(d *addon) bool { return d.app == a })
}

func (s *Server) pagedAddons(r *request, match func(*addon) bool) (reply, error) {
	list := []addonJSON{}
	for _, d := range s.addons {
		if match(d) {
			list = append(list, s.addonJSON(r, d))
		}
	}
	return paged(s, r, list, keys[addonJSON]{
		"id": func(d addonJSON) string { return d.ID }, "name": func(d addonJSON) string { return d.Name },
	}, "")
}

// getAddonConfig lists what the provider set, which is nothing before it is done.
func (s *Server) getAddonConfig(r *request) (reply, error) {
	d, err := s.addonOf(r)
	if err != nil {
		return reply{}, err
	}
	list := []map[string]string{}
	if url, has := d.url(); has {
		list = append(list, map[string]string{"name": "URL", "value": url})
	}
	return ok(list), nil
}

// changePlan changes the plan at once. Heroku prepares a replacement for hours first; what the twelve
// steps need of this call is only that the plan is another afterwards.
func (s *Server) changePlan(r *request) (reply, error) {
	d, err := s.addonOf(r)
	if err != nil {
		return reply{}, err
	}
	var in struct {
		Plan planRef `json:"plan"`
	}
	if err := r.decode(&in); err != nil {
		return reply{}, err
	}
	to, err := in.Plan.find()
	if err != nil {
		return reply{}, err
	}
	if d.plan.service != "" {
		return reply{}, unprocessable("%s has no other plan.", d.name)
	}
	if to.essential() != d.plan.essential() {
		return reply{}, unprocessable("Cannot change between Essential and production plans.")
	}
	d.plan, d.updated = to, s.now()
	return ok(s.addonJSON(r, d)), nil
}
