package sim

import (
	"context"
	"strconv"
	"time"
)

// release is one version of an app's code and config.
type release struct {
	id               string
	version          int
	description      string
	status           string // pending, succeeded, failed
	created, updated time.Time
	plans            []string
	changes          []varChange
	environment      map[string]string // what the app's dynos got with it; nil unless it succeeded
}

// varChange is what a release does to the variables that attachments own: set is nil to unset.
type varChange struct {
	name string
	set  *attachment
	// only limits an unset to the attachment that is detached; another may own the name by then.
	only *attachment
}

// releaseSpec describes a release to make.
type releaseSpec struct {
	description string
	changes     []varChange
	skipCommand bool
}

type releaseJSON struct {
	ID          string   `json:"id"`
	Version     int      `json:"version"`
	Description string   `json:"description"`
	Status      string   `json:"status"`
	Current     bool     `json:"current"`
	User        email    `json:"user"`
	Slug        *ref     `json:"slug"`
	PlanNames   []string `json:"addon_plan_names"`
	Output      *string  `json:"output_stream_url"`
	App         ref      `json:"app"`
	CreatedAt   string   `json:"created_at"`
	UpdatedAt   string   `json:"updated_at"`
}

// version is the version of the current release.
func (a *app) version() int {
	for i := len(a.releases) - 1; i >= 0; i-- {
		if a.releases[i].status == "succeeded" {
			return a.releases[i].version
		}
	}
	return 0
}

// release makes a new release. Without a release command it takes effect at once and every dyno
// restarts; with one it takes effect when the command succeeds, and never if it fails.
func (s *Server) release(a *app, spec releaseSpec) {
	r := &release{
		id: newID(), version: len(a.releases) + 1, description: spec.description, status: "pending",
		created: s.now(), updated: s.now(), changes: spec.changes,
	}
	for _, d := range s.addons {
		if d.app == a && d.state != stateDeprovisioning {
			r.plans = append(r.plans, d.plan.fullName())
		}
	}
	a.releases = append(a.releases, r)
	if spec.skipCommand || !a.hasReleasePhase() {
		s.finishRelease(a, r, true)
		return
	}
	a.pending = append(a.pending, r)
	if len(a.pending) == 1 {
		s.work.spawn(func(ctx context.Context) { s.runReleaseCommands(ctx, a) })
	}
}

// runReleaseCommands runs the commands of pending releases one after the other.
func (s *Server) runReleaseCommands(ctx context.Context, a *app) {
	for {
		s.mu.Lock()
		if len(a.pending) == 0 || ctx.Err() != nil {
			s.mu.Unlock()
			return
		}
		r := a.pending[0]
		command := s.oneOff(a, typeRelease, "Standard-1X", "rake db:migrate")
		s.mu.Unlock()

		_ = s.opts.Clock.Sleep(ctx, s.opts.Delays.ReleasePhase)

		s.mu.Lock()
		s.stopProcess(command)
		s.finishRelease(a, r, !s.faults.releaseFails(a.name, r.description))
		a.pending = a.pending[1:]
		s.mu.Unlock()
	}
}

// finishRelease puts a release into effect or drops it.
func (s *Server) finishRelease(a *app, r *release, succeeded bool) {
	r.updated = s.now()
	if !succeeded {
		r.status = "failed"
		s.opts.Log("app %s: release v%d failed: %s", a.name, r.version, r.description)
		return
	}
	r.status = "succeeded"
	a.released, a.updated = r.updated, r.updated
	for _, c := range r.changes {
		switch {
		case c.set != nil:
			a.vars[c.name] = c.set
		case c.only == nil || a.vars[c.name] == c.only:
			delete(a.vars, c.name)
		}
	}
	r.environment = a.environment()
	s.opts.Log("app %s: release v%d: %s", a.name, r.version, r.description)
	s.restartDynos(a, func(*dyno) bool { return true })
	s.reconcile(a)
}

func (s *Server) releaseJSON(a *app, r *release) releaseJSON {
	j := releaseJSON{
		ID: r.id, Version: r.version, Description: r.description, Status: r.status, Current: r.status == "succeeded" && r.version == a.version(),
		User: email{s.accountID, accountEmail}, PlanNames: append([]string{}, r.plans...), App: a.ref(),
		CreatedAt: stamp(r.created), UpdatedAt: stamp(r.updated),
	}
	if a.hasReleasePhase() {
		url := s.URL() + "/streams/" + r.id
		j.Output = &url
	}
	return j
}

func (s *Server) listReleases(r *request) (reply, error) {
	a, err := s.appOf(r)
	if err != nil {
		return reply{}, err
	}
	list := make([]releaseJSON, 0, len(a.releases))
	for _, l := range a.releases {
		list = append(list, s.releaseJSON(a, l))
	}
	return paged(s, r, list, keys[releaseJSON]{
		"id": func(l releaseJSON) string { return l.ID }, "version": func(l releaseJSON) string { return padded(l.Version) },
	}, "version")
}

// releaseOf is the release in the call's path, by version or id.
func (s *Server) releaseOf(r *request) (*app, *release, error) {
	a, err := s.appOf(r)
	if err != nil {
		return nil, nil, err
	}
	want := r.PathValue("release")
	for _, l := range a.releases {
		if l.id == want || strconv.Itoa(l.version) == want {
			return a, l, nil
		}
	}
	return nil, nil, notFound("release", "release")
}

func (s *Server) getRelease(r *request) (reply, error) {
	a, l, err := s.releaseOf(r)
	if err != nil {
		return reply{}, err
	}
	return ok(s.releaseJSON(a, l)), nil
}

// getReleaseVars are the config vars as a release left them; none where it failed.
func (s *Server) getReleaseVars(r *request) (reply, error) {
	_, l, err := s.releaseOf(r)
	if err != nil {
		return reply{}, err
	}
	if l.environment == nil {
		return ok(map[string]string{}), nil
	}
	return ok(l.environment), nil
}
