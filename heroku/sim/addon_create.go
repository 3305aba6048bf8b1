package sim

import (
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
)

// planRef names a plan: an object with name or id, or the bare name.
type planRef string

func (p *planRef) UnmarshalJSON(raw []byte) error {
	var name string
	if json.Unmarshal(raw, &name) == nil {
		*p = planRef(name)
		return nil
	}
	var o ref
	if err := json.Unmarshal(raw, &o); err != nil {
		return err
	}
	*p = planRef(o.Name)
	if o.Name == "" {
		*p = planRef(o.ID)
	}
	return nil
}

func (p planRef) find() (plan, error) {
	for _, known := range plans {
		if string(p) == known.fullName() || string(p) == known.id() {
			return known, nil
		}
	}
	if string(p) == serviceName {
		def, _ := planNamed("essential-0")
		return def, nil
	}
	return plan{}, &apiError{
		status: 422, id: "invalid_params",
		message: fmt.Sprintf("Couldn't find either the add-on service or the add-on plan of %q.", string(p)),
	}
}

// creation is the body of POST addons. A key outside config that belongs inside is ignored, as Heroku
// does: a misplaced follow makes an empty, unrelated database.
type creation struct {
	Plan       planRef `json:"plan"`
	Name       string  `json:"name"`
	Confirm    string  `json:"confirm"`
	Attachment struct {
		Name string `json:"name"`
	} `json:"attachment"`
	Config map[string]any `json:"config"`
}

// option is a value of config, where the official CLI sends true as well as text.
func (c creation) option(name string) string {
	switch v := c.Config[name].(type) {
	case nil:
		return ""
	case string:
		return v
	default:
		return fmt.Sprint(v)
	}
}

var validAddonName = regexp.MustCompile(`^[a-zA-Z][A-Za-z0-9_-]+$`)

// createAddon checks everything, then registers the add-on and its attachment, and lets the database
// come up behind the caller's back.
func (s *Server) createAddon(r *request) (reply, error) {
	a, err := s.appOf(r)
	if err != nil {
		return reply{}, err
	}
	var in creation
	if err := r.decode(&in); err != nil {
		return reply{}, err
	}
	d, err := s.plannedAddon(a, in)
	if err != nil {
		return reply{}, err
	}
	at, err := s.plannedAttachment(a, d, in.Attachment.Name, "", in.Confirm)
	if err != nil {
		return reply{}, err
	}
	s.addons = append(s.addons, d)
	s.attach(at)
	s.opts.Log("app %s: add-on %s (%s) is being provisioned", a.name, d.name, d.plan.name)
	s.startProvisioning(d)
	j := s.addonJSON(r, d)
	if strings.EqualFold(r.Header.Get("X-Heroku-Legacy-Provider-Messages"), "true") {
		text := "The database should be available in 3-5 minutes.\n ! The database will be empty. If upgrading, you can transfer\n ! data from another database with pg:copy\nUse `heroku pg:wait` to track status."
		if d.leader != nil {
			text = "The database should be available in 3-5 minutes.\nUse `heroku pg:wait` to track status."
		}
		j.ProvisionMessage = &text
	}
	p := created(j)
	if a.hasReleasePhase() {
		p = p.with("X-Heroku-Warning", "Release command executing: config vars set by this add-on will not be available until the command succeeds. Use `heroku releases:output` to view the log.")
	}
	return p, nil
}

// plannedAddon makes the add-on that in asks for, or refuses. Nothing is registered yet.
func (s *Server) plannedAddon(a *app, in creation) (*addon, error) {
	p, err := in.Plan.find()
	if err != nil {
		return nil, err
	}
	name := in.Name
	if name == "" {
		name = newAddonName()
	}
	if !validAddonName.MatchString(name) || len(name) > 256 {
		return nil, invalidParams("Name must start with a letter and can only contain letters, digits, underscores and dashes.")
	}
	if p.inSpace() && a.space == nil {
		return nil, unprocessable("The %s plan is available to apps in a Private Space only.", p.name)
	}
	if _, taken := s.findAddon(name); taken {
		return nil, invalidParams("Name has already been taken.")
	}
	major, err := s.offered(in.option("version"))
	if err != nil {
		return nil, err
	}
	d := &addon{
		id: newID(), name: name, app: a, plan: p, state: stateProvisioning, created: s.now(), updated: s.now(),
		major: major, access: newAccess(), ready: make(chan struct{}),
		visibleAt: s.now().Add(s.opts.Delays.NotFound404), settings: newSettings(), upkeep: newUpkeep(),
	}
	follow, fork := in.option("follow"), in.option("fork")
	switch {
	case in.option("rollback") != "":
		return nil, unprocessable("Rollback is not available on this simulated account.")
	case follow != "" && fork != "":
		return nil, unprocessable("Cannot fork and follow at the same time.")
	case follow != "":
		err = s.planFollower(d, follow, in.option("version"))
	case fork != "":
		if err = s.planFollower(d, fork, in.option("version")); err == nil {
			d.forkedFrom = d.leader.id
		}
	}
	return d, err
}

// offered is the major for a version asked for: 16, "16", "16.4"; empty means the default.
func (s *Server) offered(version string) (int, error) {
	versions := s.databases.Versions()
	if version == "" {
		return versions[0], nil
	}
	var names []string
	for _, v := range versions {
		if major, _, _ := strings.Cut(version, "."); major == fmt.Sprint(v) {
			return v, nil
		}
		names = append(names, fmt.Sprint(v))
	}
	return 0, unprocessable("Version %s is not available. Please choose one of: %s.", version, strings.Join(names, ", "))
}

// startProvisioning brings the database up in the background.
func (s *Server) startProvisioning(d *addon) {
	started := s.work.spawn(func(ctx context.Context) {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		s.mu.Lock()
		d.cancel = cancel
		gone := d.state == stateDeprovisioning
		s.mu.Unlock()
		if !gone {
			s.provision(ctx, d)
		}
		close(d.ready)
	})
	if !started {
		close(d.ready)
	}
}
