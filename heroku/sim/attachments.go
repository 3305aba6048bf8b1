package sim

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"
)

// attachment gives an app the URL of an add-on under a name.
type attachment struct {
	id, name         string
	namespace        string // empty: the default credential
	addon            *addon
	app              *app
	created, updated time.Time
}

type attachmentJSON struct {
	ID          string          `json:"id"`
	Name        string          `json:"name"`
	Namespace   *string         `json:"namespace"`
	Addon       attachmentAddon `json:"addon"`
	App         ref             `json:"app"`
	ConfigVars  []string        `json:"config_vars,omitempty"`
	WebURL      string          `json:"web_url"`
	LogInputURL *string         `json:"log_input_url"`
	CreatedAt   string          `json:"created_at"`
	UpdatedAt   string          `json:"updated_at"`
}

type attachmentAddon struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	App  ref    `json:"app"`
	Plan *ref   `json:"plan,omitempty"`
}

// attachmentWithVars is attachmentJSON whose list of variables shows even when it is empty.
type attachmentWithVars struct {
	attachmentJSON
	ConfigVars []string `json:"config_vars"`
}

func (at *attachment) varName() string { return at.name + "_URL" }

// named says whether a caller's name means this attachment.
func (at *attachment) named(name string) bool { return name == at.name || name == at.varName() }

// url is the connection string with the attachment's credential.
func (at *attachment) url() (string, bool) {
	url, has := at.addon.url()
	name, credential := strings.CutPrefix(at.namespace, "credential:")
	if !has || !credential {
		return url, has
	}
	c, found := at.addon.credential(name)
	if !found {
		return "", false
	}
	return access{at.addon.access.database, c.user, c.password}.url(at.addon.port()), true
}

// liveVars are the variables the attachment gives its app: none before a release has set them.
func (at *attachment) liveVars() []string {
	if _, has := at.url(); has && at.app.vars[at.varName()] == at {
		return []string{at.varName()}
	}
	return []string{}
}

// attachmentJSON shows an attachment as r asked for it: plan and variables only by inclusion.
func (s *Server) attachmentJSON(r *request, at *attachment) any {
	j := attachmentJSON{
		ID: at.id, Name: at.name, App: at.app.ref(),
		Addon:     attachmentAddon{ID: at.addon.id, Name: at.addon.name, App: at.addon.app.ref()},
		WebURL:    "https://addons-sso.heroku.com/apps/" + at.app.id + "/addons/" + at.addon.id,
		CreatedAt: stamp(at.created), UpdatedAt: stamp(at.updated),
	}
	if at.namespace != "" {
		j.Namespace = &at.namespace
	}
	if r.included("plan") {
		j.Addon.Plan = &ref{at.addon.plan.id(), at.addon.plan.fullName()}
	}
	if r.included("config_vars") {
		return attachmentWithVars{j, at.liveVars()}
	}
	return j
}

func (s *Server) attachmentsOf(d *addon) []*attachment {
	return slices.DeleteFunc(slices.Clone(s.attachments), func(at *attachment) bool { return at.addon != d })
}

var validAttachmentName = regexp.MustCompile(`^[A-Z][A-Z0-9_]*$`)

// plannedAttachment makes the attachment asked for, or refuses. Nothing is registered yet. Without a name
// the first database of an app becomes DATABASE and every other gets a colour.
func (s *Server) plannedAttachment(a *app, d *addon, name, namespace, confirm string) (*attachment, error) {
	name = strings.ToUpper(name)
	taken := map[string]*attachment{}
	for _, at := range s.attachments {
		if at.app == a {
			taken[at.name] = at
		}
	}
	if name == "" {
		name = "DATABASE"
		if _, has := taken[name]; has {
			name = freeColour(s.turn, slices.Collect(maps.Keys(taken)))
		}
	}
	if !validAttachmentName.MatchString(name) {
		return nil, invalidParams("Attachment name %q must start with a letter and can only contain uppercase letters, digits and underscores.", name)
	}
	if _, set := a.config[name+"_URL"]; set {
		return nil, invalidParams("Config var %s_URL is already set on %s.", name, a.name)
	}
	if old := taken[name]; old != nil {
		if confirm != a.name {
			return nil, confirmationRequired(a.name, "%s is already attached to %s as %s. Confirm with %q to replace it.", old.addon.name, a.name, name, a.name)
		}
		if old.addon != d && s.lastBilling(old) {
			return nil, lastBillingRefusal(old)
		}
	}
	return &attachment{id: newID(), name: name, namespace: namespace, addon: d, app: a, created: s.now(), updated: s.now()}, nil
}

// lastBilling says whether at is all that ties its add-on to the app that pays for it.
func (s *Server) lastBilling(at *attachment) bool {
	for _, o := range s.attachments {
		if o != at && o.addon == at.addon && o.app == at.addon.app {
			return false
		}
	}
	return at.app == at.addon.app
}

func lastBillingRefusal(at *attachment) error {
	return unprocessable("Cannot remove attachment %s: %s is the last billing attachment to %s for %s.", at.name, at.name, at.app.name, at.addon.name)
}

// attach registers a planned attachment. Replacing one of the same name takes two releases, and so two
// restarts, between which the app has no such variable.
func (s *Server) attach(at *attachment) {
	s.turn++
	for _, old := range slices.Clone(s.attachments) {
		if old.app == at.app && old.name == at.name {
			s.detach(old)
		}
	}
	s.attachments = append(s.attachments, at)
	spec := releaseSpec{description: fmt.Sprintf("Attach %s (@ref:%s)", at.name, at.addon.name)}
	if at.addon.state == stateProvisioned {
		spec.changes = []varChange{{name: at.varName(), set: at}}
	}
	s.release(at.app, spec)
}

// detach removes an attachment with a release.
func (s *Server) detach(at *attachment) {
	s.attachments = slices.DeleteFunc(s.attachments, func(o *attachment) bool { return o == at })
	s.release(at.app, releaseSpec{
		description: fmt.Sprintf("Detach %s (@ref:%s)", at.name, at.addon.name),
		changes:     []varChange{{name: at.varName(), only: at}},
	})
}
