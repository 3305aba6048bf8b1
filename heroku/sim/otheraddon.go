package sim

import "fmt"

// AddOther gives an app an add-on of another service than PostgreSQL, such as scheduler. It has a place in lists and
// a price, and does nothing: dynos that Scheduler would start are ordered with [Server.OrderDynos].
func (s *Server) AddOther(appName, service, planName string) (name string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a, found := s.findApp(appName)
	switch {
	case !found:
		return "", fmt.Errorf("there is no app %s", appName)
	case service == "" || service == serviceName:
		return "", fmt.Errorf("%q is no other service: create databases as Heroku does", service)
	case planName == "":
		return "", fmt.Errorf("add-on of %s: no plan given", service)
	}
	d := &addon{
		id: newID(), name: fmt.Sprintf("%s-%s", service, randomHex(5)), app: a, plan: plan{name: planName, service: service},
		state: stateProvisioned, created: s.now(), updated: s.now(), ready: make(chan struct{}), upkeep: newUpkeep(),
	}
	close(d.ready)
	s.addons = append(s.addons, d)
	s.opts.Log("app %s: add-on %s is there", a.name, d.name)
	return d.name, nil
}

func (s *Server) controlOther(r *request) (reply, error) {
	in := struct {
		App     string `json:"app"`
		Service string `json:"service"`
		Plan    string `json:"plan"`
	}{App: s.opts.App, Plan: "standard"}
	if err := r.decode(&in); err != nil {
		return reply{}, err
	}
	name, err := s.AddOther(in.App, in.Service, in.Plan)
	if err != nil {
		return reply{}, controlError(err)
	}
	return created(map[string]string{"name": name}), nil
}
