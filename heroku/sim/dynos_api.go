package sim

import (
	"cmp"
	"slices"
)

type dynoJSON struct {
	ID        string         `json:"id"`
	Name      string         `json:"name"`
	Type      string         `json:"type"`
	State     string         `json:"state"`
	Size      string         `json:"size"`
	Command   string         `json:"command"`
	Release   map[string]any `json:"release"`
	App       ref            `json:"app"`
	AttachURL *string        `json:"attach_url"`
	CreatedAt string         `json:"created_at"`
	UpdatedAt string         `json:"updated_at"`
}

func (d *dyno) json() dynoJSON {
	release := map[string]any{"id": "", "version": d.release}
	for _, r := range d.app.releases {
		if r.version == d.release {
			release["id"] = r.id
		}
	}
	return dynoJSON{
		ID: d.id, Name: d.name, Type: d.kind, State: d.state, Size: d.size, Command: d.command, Release: release,
		App: d.app.ref(), CreatedAt: stamp(d.created), UpdatedAt: stamp(d.updated),
	}
}

// listed are the dynos that Heroku shows, ordered by name.
func (a *app) listed() []*dyno {
	list := slices.DeleteFunc(slices.Clone(a.dynos), func(d *dyno) bool { return d.replaced })
	slices.SortFunc(list, func(x, y *dyno) int { return cmp.Compare(x.name, y.name) })
	return list
}

func (s *Server) listDynos(r *request) (reply, error) {
	a, err := s.appOf(r)
	if err != nil {
		return reply{}, err
	}
	list := []dynoJSON{}
	for _, d := range a.listed() {
		list = append(list, d.json())
	}
	return paged(s, r, list, keys[dynoJSON]{
		"id": func(d dynoJSON) string { return d.ID }, "name": func(d dynoJSON) string { return d.Name },
	}, "name")
}

// dynoOf is the dyno in the call's path, by name or id.
func (s *Server) dynoOf(r *request) (*dyno, error) {
	a, err := s.appOf(r)
	if err != nil {
		return nil, err
	}
	for _, d := range a.listed() {
		if want := r.PathValue("dyno"); d.name == want || d.id == want {
			return d, nil
		}
	}
	return nil, notFound("dyno", "dyno")
}

func (s *Server) getDyno(r *request) (reply, error) {
	d, err := s.dynoOf(r)
	if err != nil {
		return reply{}, err
	}
	return ok(d.json()), nil
}

// runOneOff is `heroku run`. The process writes like every other until it is stopped.
func (s *Server) runOneOff(r *request) (reply, error) {
	a, err := s.appOf(r)
	if err != nil {
		return reply{}, err
	}
	in := struct {
		Command string `json:"command"`
		Size    string `json:"size"`
		Type    string `json:"type"`
	}{Size: "Standard-1X", Type: typeRun}
	if err := r.decode(&in); err != nil {
		return reply{}, err
	}
	if in.Command == "" {
		return reply{}, invalidParams("Require params: command.")
	}
	return created(s.oneOff(a, in.Type, in.Size, in.Command).json()), nil
}

func (s *Server) restartAll(r *request) (reply, error) {
	a, err := s.appOf(r)
	if err != nil {
		return reply{}, err
	}
	s.restartDynos(a, func(*dyno) bool { return true })
	return accepted(struct{}{}), nil
}

func (s *Server) restartDyno(r *request) (reply, error) {
	d, err := s.dynoOf(r)
	if err != nil {
		return reply{}, err
	}
	if !d.scaled() {
		s.stopProcess(d)
	}
	s.restartDynos(d.app, func(o *dyno) bool { return o == d })
	return accepted(struct{}{}), nil
}

// stopDyno ends a process. One that the formation wants comes back, as on Heroku, where stop is for
// one-off dynos.
func (s *Server) stopDyno(r *request) (reply, error) {
	d, err := s.dynoOf(r)
	if err != nil {
		return reply{}, err
	}
	s.stopOrRestart(d)
	return accepted(struct{}{}), nil
}

func (s *Server) stopType(r *request) (reply, error) {
	a, err := s.appOf(r)
	if err != nil {
		return reply{}, err
	}
	for _, d := range a.listed() {
		if d.kind == r.PathValue("type") {
			s.stopOrRestart(d)
		}
	}
	return accepted(struct{}{}), nil
}

func (s *Server) stopOrRestart(d *dyno) {
	if d.scaled() && d.app.wants(d) {
		s.restartDynos(d.app, func(o *dyno) bool { return o == d })
		return
	}
	s.stopProcess(d)
}
