package sim

import "net/http"

// The control API: what a rehearsal, a scenario or a test does to the simulator from outside.

// controlError says what was wrong with a call of the control API.
func controlError(err error) error {
	return &apiError{status: http.StatusUnprocessableEntity, id: "invalid_params", message: err.Error()}
}

func (s *Server) controlStatus(*request) (reply, error) { return ok(s.Status()), nil }

func (s *Server) controlListFaults(*request) (reply, error) { return ok(s.Faults()), nil }

func (s *Server) controlAddFault(r *request) (reply, error) {
	var f Fault
	if err := r.decode(&f); err != nil {
		return reply{}, err
	}
	f, err := s.AddFault(r.Context(), f)
	if err != nil {
		return reply{}, controlError(err)
	}
	return created(f), nil
}

func (s *Server) controlClearFaults(r *request) (reply, error) {
	removed, err := s.RemoveFault(r.Context(), "")
	if err != nil {
		return reply{}, controlError(err)
	}
	return ok(append([]Fault{}, removed...)), nil
}

func (s *Server) controlRemoveFault(r *request) (reply, error) {
	removed, err := s.RemoveFault(r.Context(), r.PathValue("id"))
	if err != nil {
		return reply{}, controlError(err)
	}
	if len(removed) == 0 {
		return reply{}, notFound("fault", "fault")
	}
	return ok(removed[0]), nil
}

func (s *Server) controlDynos(r *request) (reply, error) {
	var o DynoOrder
	if err := r.decode(&o); err != nil {
		return reply{}, err
	}
	names, err := s.OrderDynos(o)
	if err != nil {
		return reply{}, controlError(err)
	}
	return accepted(map[string][]string{"names": names}), nil
}

// AddApp adds a further app, without a database: attach one to it.
func (s *Server) AddApp(name string, formation []Process) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, err := s.newApp(name, formation)
	return err
}

func (s *Server) controlAddApp(r *request) (reply, error) {
	var in struct {
		Name      string    `json:"name"`
		Formation []Process `json:"formation"`
	}
	if err := r.decode(&in); err != nil {
		return reply{}, err
	}
	if err := s.AddApp(in.Name, in.Formation); err != nil {
		return reply{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	a, _ := s.findApp(in.Name)
	return created(s.appJSON(a)), nil
}

func (s *Server) controlRateLimit(r *request) (reply, error) {
	var in struct {
		Remaining int `json:"remaining"`
	}
	if err := r.decode(&in); err != nil {
		return reply{}, err
	}
	s.limiter.set(s.now(), in.Remaining)
	return ok(in), nil
}

func (s *Server) controlShutdown(*request) (reply, error) {
	s.askShutdown()
	return accepted(map[string]string{"message": "shutting down"}), nil
}
