package sim

import (
	"regexp"
	"time"
)

// app is a simulated app.
type app struct {
	id, name    string
	maintenance bool
	// maintenanceSince is when maintenance mode was switched on; web dynos drain from then.
	maintenanceSince           time.Time
	created, updated, released time.Time

	formation []*process
	dynos     []*dyno
	releases  []*release
	pending   []*release // wait for a release command, oldest first
	config    map[string]string
	// vars are the variables that attachments own, as the last successful releases left them.
	vars     map[string]*attachment
	features map[string]bool
	monitors []*monitor
	oneOffs  int // counts one-off dynos, for their names
	space    *space
	region   regionJSON
	// prebooted counts web dynos that started beside the one they replaced.
	prebooted int
}

// space is a Private Space. Its routing proxy lives on the web dynos.
type space struct {
	ID     string `json:"id"`
	Name   string `json:"name"`
	Shield bool   `json:"shield"`
}

type appJSON struct {
	ID           string  `json:"id"`
	Name         string  `json:"name"`
	Maintenance  bool    `json:"maintenance"`
	Owner        email   `json:"owner"`
	Team         *ref    `json:"team"`
	Organization *ref    `json:"organization"`
	Region       ref     `json:"region"`
	Stack        ref     `json:"stack"`
	BuildStack   ref     `json:"build_stack"`
	Generation   ref     `json:"generation"`
	Space        *space  `json:"space"`
	Internal     bool    `json:"internal_routing"`
	ACM          bool    `json:"acm"`
	ArchivedAt   *string `json:"archived_at"`
	Buildpack    string  `json:"buildpack_provided_description"`
	CreatedAt    string  `json:"created_at"`
	ReleasedAt   string  `json:"released_at"`
	UpdatedAt    string  `json:"updated_at"`
	RepoSize     int     `json:"repo_size"`
	SlugSize     int     `json:"slug_size"`
	GitURL       string  `json:"git_url"`
	WebURL       string  `json:"web_url"`
}

type email struct {
	ID    string `json:"id"`
	Email string `json:"email"`
}

func (a *app) ref() ref { return ref{a.id, a.name} }

func (s *Server) appJSON(a *app) appJSON {
	stack := ref{"69e1ae4e-34c4-4c65-b0d0-5a9a25ff1f4b", "heroku-24"}
	return appJSON{
		ID: a.id, Name: a.name, Maintenance: a.maintenance, Owner: email{s.accountID, accountEmail},
		Region: ref{a.region.ID, a.region.Name}, Stack: stack, BuildStack: stack,
		Generation: ref{"b7a2b0a8-0b0e-4f8b-8e0b-7a6f6f1f3c11", "cedar"}, Buildpack: "Ruby",
		CreatedAt: stamp(a.created), ReleasedAt: stamp(a.released), UpdatedAt: stamp(a.updated), SlugSize: 91234567,
		Space:  a.space,
		GitURL: "https://git.heroku.com/" + a.name + ".git", WebURL: "https://" + a.name + ".herokuapp.com/",
	}
}

// findApp finds an app by name or id.
func (s *Server) findApp(name string) (*app, bool) {
	for _, a := range s.apps {
		if a.name == name || a.id == name {
			return a, true
		}
	}
	return nil, false
}

// appOf is the app in the call's path.
func (s *Server) appOf(r *request) (*app, error) {
	a, found := s.findApp(r.PathValue("app"))
	if !found {
		return nil, appNotFound()
	}
	return a, nil
}

var validAppName = regexp.MustCompile(`^[a-z][a-z0-9-]{1,28}[a-z0-9]$`)

// newApp adds an app with its first release and its dynos.
func (s *Server) newApp(name string, formation []Process) (*app, error) {
	if !validAppName.MatchString(name) {
		return nil, invalidParams("Name must start with a letter, end with a letter or digit and can only contain lowercase letters, digits, and dashes.")
	}
	if _, taken := s.findApp(name); taken {
		return nil, invalidParams("Name %s is already taken", name)
	}
	now := s.now()
	region, _ := regionNamed(s.opts.Region)
	a := &app{
		id: newID(), name: name, region: region, created: now, updated: now, released: now,
		config: map[string]string{"LANG": "en_US.UTF-8"}, vars: map[string]*attachment{}, features: map[string]bool{"preboot": false},
	}
	for _, p := range formation {
		a.formation = append(a.formation, &process{id: newID(), Process: p, created: now, updated: now})
	}
	s.apps = append(s.apps, a)
	s.release(a, releaseSpec{description: "Initial release", skipCommand: true})
	return a, nil
}

func (s *Server) listApps(r *request) (reply, error) {
	list := make([]appJSON, 0, len(s.apps))
	for _, a := range s.apps {
		list = append(list, s.appJSON(a))
	}
	return paged(s, r, list, keys[appJSON]{
		"id": func(a appJSON) string { return a.ID }, "name": func(a appJSON) string { return a.Name },
		"updated_at": func(a appJSON) string { return a.UpdatedAt },
	}, "name")
}

func (s *Server) createApp(r *request) (reply, error) {
	var in struct {
		Name string `json:"name"`
	}
	if err := r.decode(&in); err != nil {
		return reply{}, err
	}
	if in.Name == "" {
		in.Name = "app-" + randomHex(10)
	}
	a, err := s.newApp(in.Name, nil)
	if err != nil {
		return reply{}, err
	}
	return created(s.appJSON(a)), nil
}

func (s *Server) getApp(r *request) (reply, error) {
	a, err := s.appOf(r)
	if err != nil {
		return reply{}, err
	}
	return ok(s.appJSON(a)), nil
}

// patchApp switches maintenance mode. That stops the router and nothing else: no release, no
// restart, every dyno stays up.
func (s *Server) patchApp(r *request) (reply, error) {
	a, err := s.appOf(r)
	if err != nil {
		return reply{}, err
	}
	var in struct {
		Maintenance *bool `json:"maintenance"`
	}
	if err := r.decode(&in); err != nil {
		return reply{}, err
	}
	if in.Maintenance != nil && *in.Maintenance != a.maintenance {
		a.maintenance, a.maintenanceSince, a.updated = *in.Maintenance, s.now(), s.now()
		s.opts.Log("app %s: maintenance %v", a.name, a.maintenance)
	}
	return ok(s.appJSON(a)), nil
}

func (s *Server) listCollaborators(r *request) (reply, error) {
	a, err := s.appOf(r)
	if err != nil {
		return reply{}, err
	}
	return ok([]map[string]any{{
		"id": newID(), "app": a.ref(), "user": email{s.accountID, accountEmail}, "role": "owner",
		"permissions": []any{}, "created_at": stamp(a.created), "updated_at": stamp(a.created),
	}}), nil
}

func (s *Server) getPipelineCoupling(r *request) (reply, error) {
	if _, err := s.appOf(r); err != nil {
		return reply{}, err
	}
	return reply{}, notFound("pipeline_coupling", "pipeline coupling")
}
