package sim

import (
	"fmt"
	"time"
)

// Upkeep announces a Heroku-initiated maintenance of a database: pending or ready, in a while.
type Upkeep struct {
	Addon string `json:"addon"`
	// Status is pending, preparing, ready, running, completed or none.
	Status string `json:"status"`
	// In is when it is due, from now.
	In Duration `json:"in"`
}

// AnnounceUpkeep changes the maintenance of a database.
func (s *Server) AnnounceUpkeep(u Upkeep) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	d, found := s.findAddon(u.Addon)
	if !found {
		return fmt.Errorf("there is no database %q", u.Addon)
	}
	switch u.Status {
	case "none", "completed":
		d.upkeep = upkeep{status: u.Status, day: d.upkeep.day, at: d.upkeep.at}
	case "pending", "preparing", "ready", "running":
		d.upkeep.status = u.Status
		d.upkeep.scheduled = s.now().Add(time.Duration(u.In))
		d.upkeep.required = d.upkeep.scheduled.AddDate(0, 0, 14)
	default:
		return fmt.Errorf("%q is no status of a maintenance", u.Status)
	}
	return nil
}

func (s *Server) controlMaintenance(r *request) (reply, error) {
	var u Upkeep
	if err := r.decode(&u); err != nil {
		return reply{}, err
	}
	if err := s.AnnounceUpkeep(u); err != nil {
		return reply{}, controlError(err)
	}
	return ok(u), nil
}

// controlSchedule gives a database a backup schedule.
func (s *Server) controlSchedule(r *request) (reply, error) {
	in := struct {
		Addon    string `json:"addon"`
		Hour     int    `json:"hour"`
		Timezone string `json:"timezone"`
	}{Timezone: "UTC"}
	if err := r.decode(&in); err != nil {
		return reply{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	d, found := s.findAddon(in.Addon)
	if !found {
		return reply{}, addonNotFound()
	}
	schedule := scheduleJSON{UUID: newID(), Name: "DATABASE_URL", Hour: in.Hour, Timezone: in.Timezone, RetainWeeks: 4}
	d.schedules = append(d.schedules, schedule)
	return created(schedule), nil
}

// controlMonitor gives a process type an autoscaler.
func (s *Server) controlMonitor(r *request) (reply, error) {
	in := struct {
		App  string `json:"app"`
		Type string `json:"type"`
		Min  int    `json:"min"`
		Max  int    `json:"max"`
	}{App: s.opts.App, Type: "web", Min: 1, Max: 10}
	if err := r.decode(&in); err != nil {
		return reply{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	a, found := s.findApp(in.App)
	if !found {
		return reply{}, appNotFound()
	}
	if _, found := a.process(in.Type); !found {
		return reply{}, notFound("formation", "process type")
	}
	m := &monitor{id: newID(), kind: in.Type, active: true, min: in.Min, max: in.Max}
	a.monitors = append(a.monitors, m)
	return created(m.json()), nil
}
