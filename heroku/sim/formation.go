package sim

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// process is a process type of an app's formation.
type process struct {
	Process
	id               string
	created, updated time.Time
}

type processJSON struct {
	ID        string `json:"id"`
	Type      string `json:"type"`
	Quantity  int    `json:"quantity"`
	Size      string `json:"size"`
	Command   string `json:"command"`
	App       ref    `json:"app"`
	CreatedAt string `json:"created_at"`
	UpdatedAt string `json:"updated_at"`
}

func (a *app) processJSON(p *process) processJSON {
	return processJSON{
		ID: p.id, Type: p.Type, Quantity: p.Quantity, Size: p.Size, Command: p.Command, App: a.ref(),
		CreatedAt: stamp(p.created), UpdatedAt: stamp(p.updated),
	}
}

func (a *app) formationJSON() []processJSON {
	list := make([]processJSON, 0, len(a.formation))
	for _, p := range a.formation {
		list = append(list, a.processJSON(p))
	}
	return list
}

func (a *app) process(kind string) (*process, bool) {
	for _, p := range a.formation {
		if p.Type == kind || p.id == kind {
			return p, true
		}
	}
	return nil, false
}

// hasReleasePhase says whether releases of the app run a command first.
func (a *app) hasReleasePhase() bool {
	_, has := a.process(typeRelease)
	return has
}

// update is one change of a formation. The quantity may be a number or text, and text may be
// relative: 2, "2", "+1", "-1".
type update struct {
	Type     string          `json:"type"`
	Quantity json.RawMessage `json:"quantity"`
	Size     string          `json:"size"`
	// DynoSize is the newer spelling of size.
	DynoSize *struct {
		Name string `json:"name"`
	} `json:"dyno_size"`
}

// target is what the update makes of p. It refuses what Heroku refuses and changes nothing.
func (u update) target(p *process) (Process, error) {
	to := p.Process
	size := u.Size
	if u.DynoSize != nil {
		size = u.DynoSize.Name
	}
	if size != "" {
		known, is := knownDynoSize(size)
		if !is {
			return to, invalidParams("No such size as %s.", size)
		}
		to.Size = known
	}
	raw := strings.Trim(string(bytes.TrimSpace(u.Quantity)), `"`)
	if raw == "" || raw == "null" {
		return to, nil
	}
	n, err := strconv.Atoi(raw)
	if err != nil {
		return to, invalidParams("Invalid quantity %q: must be a number or a relative number.", raw)
	}
	if raw[0] == '+' || raw[0] == '-' {
		n += p.Quantity
	}
	if n < 0 || n > 100 {
		return to, &apiError{status: http.StatusUnprocessableEntity, id: "cannot_update_above_limit", message: fmt.Sprintf("Cannot scale %s to %d: quantity must be between 0 and 100.", p.Type, n)}
	}
	to.Quantity = n
	return to, nil
}

// scale applies updates all together or, if one is refused, not at all.
func (s *Server) scale(a *app, updates []update) error {
	targets := make([]Process, len(updates))
	for i, u := range updates {
		p, found := a.process(u.Type)
		if !found {
			return notFound("formation", "process type ("+u.Type+")")
		}
		to, err := u.target(p)
		if err != nil {
			return err
		}
		targets[i] = to
	}
	for i, u := range updates {
		p, _ := a.process(u.Type)
		if p.Process == targets[i] {
			continue
		}
		resized := p.Size != targets[i].Size
		s.opts.Log("app %s: %s %d:%s to %d:%s", a.name, p.Type, p.Quantity, p.Size, targets[i].Quantity, targets[i].Size)
		p.Process, p.updated = targets[i], s.now()
		if resized {
			s.restartDynos(a, func(d *dyno) bool { return d.kind == p.Type })
		}
	}
	s.reconcile(a)
	return nil
}

func (s *Server) listFormation(r *request) (reply, error) {
	a, err := s.appOf(r)
	if err != nil {
		return reply{}, err
	}
	return ok(a.formationJSON()), nil
}

func (s *Server) getProcess(r *request) (reply, error) {
	a, err := s.appOf(r)
	if err != nil {
		return reply{}, err
	}
	p, found := a.process(r.PathValue("type"))
	if !found {
		return reply{}, notFound("formation", "process type")
	}
	return ok(a.processJSON(p)), nil
}

// patchFormation answers with the whole formation.
func (s *Server) patchFormation(r *request) (reply, error) {
	a, err := s.appOf(r)
	if err != nil {
		return reply{}, err
	}
	var in struct {
		Updates []update `json:"updates"`
	}
	if err := r.decode(&in); err != nil {
		return reply{}, err
	}
	if err := s.scale(a, in.Updates); err != nil {
		return reply{}, err
	}
	return ok(a.formationJSON()), nil
}

func (s *Server) patchProcess(r *request) (reply, error) {
	a, err := s.appOf(r)
	if err != nil {
		return reply{}, err
	}
	in := update{}
	if err := r.decode(&in); err != nil {
		return reply{}, err
	}
	in.Type = r.PathValue("type")
	if err := s.scale(a, []update{in}); err != nil {
		return reply{}, err
	}
	p, _ := a.process(in.Type)
	return ok(a.processJSON(p)), nil
}
