package sim

// monitor is an autoscaler of a process type. While it is active it undoes a manual scale: it brings
// the type back to its minimum.
type monitor struct {
	id     string
	kind   string
	active bool
	min    int
	max    int
}

type monitorJSON struct {
	ID          string `json:"id"`
	ActionType  string `json:"action_type"`
	IsActive    bool   `json:"is_active"`
	Name        string `json:"name"`
	MinQuantity int    `json:"min_quantity"`
	MaxQuantity int    `json:"max_quantity"`
	ProcessType string `json:"process_type"`
}

func (m *monitor) json() monitorJSON {
	return monitorJSON{
		ID: m.id, ActionType: "scale", IsActive: m.active, Name: "LATENCY_SCALE",
		MinQuantity: m.min, MaxQuantity: m.max, ProcessType: m.kind,
	}
}

// listMonitors is a call of api.metrics.heroku.com, served here for clients that can be pointed at it.
func (s *Server) listMonitors(r *request) (reply, error) {
	a, err := s.appOf(r)
	if err != nil {
		return reply{}, err
	}
	list := []monitorJSON{}
	for _, m := range a.monitors {
		if m.kind == r.PathValue("type") {
			list = append(list, m.json())
		}
	}
	return ok(list), nil
}

func (s *Server) patchMonitor(r *request) (reply, error) {
	a, err := s.appOf(r)
	if err != nil {
		return reply{}, err
	}
	for _, m := range a.monitors {
		if m.id != r.PathValue("m") || m.kind != r.PathValue("type") {
			continue
		}
		in := struct {
			IsActive    *bool `json:"is_active"`
			MinQuantity *int  `json:"min_quantity"`
			MaxQuantity *int  `json:"max_quantity"`
		}{&m.active, &m.min, &m.max}
		if err := r.decode(&in); err != nil {
			return reply{}, err
		}
		return accepted(m.json()), nil
	}
	return reply{}, notFound("monitor", "monitor")
}

// autoscale lets active monitors act. It runs with the sampler.
func (s *Server) autoscale() {
	for _, a := range s.apps {
		for _, m := range a.monitors {
			p, found := a.process(m.kind)
			if !m.active || !found || p.Quantity >= m.min {
				continue
			}
			s.opts.Log("app %s: the autoscaler scales %s from %d to %d", a.name, p.Type, p.Quantity, m.min)
			p.Quantity, p.updated = m.min, s.now()
			s.reconcile(a)
		}
	}
}
