package sim

import (
	"context"
	"fmt"
	"time"
)

// upkeep is Heroku's own maintenance of one database.
type upkeep struct {
	status    string // none, pending, preparing, ready, running, completed
	scheduled time.Time
	required  time.Time
	day       string
	at        string // HH:MM, UTC
}

func newUpkeep() upkeep { return upkeep{status: "none", day: "Sunday", at: "22:30"} }

type maintenanceJSON struct {
	Addon        map[string]any `json:"addon"`
	App          ref            `json:"app"`
	Status       string         `json:"status"`
	ScheduledFor *string        `json:"scheduled_for"`
	RequiredBy   *string        `json:"required_by"`
	Window       *string        `json:"window"`
	Reason       string         `json:"reason"`
	ServerCreate string         `json:"server_created_at"`
}

// row is the value of the row Maintenance of database info.
func (u upkeep) row() string {
	switch u.status {
	case "none", "completed":
		return "not required"
	case "running":
		return "running"
	default:
		return "required by " + u.required.UTC().Format("2006-01-02 15:04:05 +0000")
	}
}

// windowText is four hours from the beginning of the window.
func (u upkeep) windowText() string {
	start, err := time.Parse("Monday 15:04", u.day+" "+u.at)
	if err != nil {
		return ""
	}
	weekday := map[string]int{"Sunday": 0, "Monday": 1, "Tuesday": 2, "Wednesday": 3, "Thursday": 4, "Friday": 5, "Saturday": 6}[u.day]
	end := start.Add(4 * time.Hour)
	if end.Day() != start.Day() {
		weekday++
	}
	return fmt.Sprintf("%ss %s to %ss %s UTC", u.day, u.at, time.Weekday(weekday%7), end.Format("15:04"))
}

func (d *addon) maintenanceJSON() maintenanceJSON {
	window := d.upkeep.windowText()
	j := maintenanceJSON{
		Addon: map[string]any{"id": d.id, "name": d.name, "uuid": d.id, "kind": serviceName, "plan": d.plan.fullName()},
		App:   d.app.ref(), Status: d.upkeep.status, Window: &window, ServerCreate: stamp(d.created),
	}
	if !d.upkeep.scheduled.IsZero() {
		at, by := stamp(d.upkeep.scheduled), stamp(d.upkeep.required)
		j.ScheduledFor, j.RequiredBy, j.Reason = &at, &by, "required_os_upgrade"
	}
	return j
}

// maintainable is the add-on in the path.
func (s *Server) maintainable(r *request) (*addon, error) {
	d, found := s.findAddon(r.PathValue("addon"))
	if !found || d.plan.service != "" || d.state == stateDeprovisioning {
		return nil, unknownDatabase{}
	}
	return d, nil
}

func (s *Server) getMaintenance(r *request) (reply, error) {
	d, err := s.maintainable(r)
	if err != nil {
		return reply{}, err
	}
	return ok(d.maintenanceJSON()), nil
}

// getMaintenancePart serves apps/:app and :addon/window, which no router can tell apart.
func (s *Server) getMaintenancePart(r *request) (reply, error) {
	switch {
	case r.PathValue("addon") == "apps":
		return s.listMaintenances(r.PathValue("what"))
	case r.PathValue("what") == "window":
		return s.getWindow(r)
	default:
		return reply{}, unknownDatabase{}
	}
}

func (s *Server) listMaintenances(app string) (reply, error) {
	a, found := s.findApp(app)
	if !found {
		return reply{}, appNotFound()
	}
	list := []maintenanceJSON{}
	for _, d := range s.addons {
		if d.app == a && d.upkeep.status != "none" {
			list = append(list, d.maintenanceJSON())
		}
	}
	return ok(map[string]any{"maintenances": list}), nil
}

func (s *Server) getWindow(r *request) (reply, error) {
	d, err := s.maintainable(r)
	if err != nil {
		return reply{}, err
	}
	return ok(map[string]string{"window": d.upkeep.windowText(), "previous_window": ""}), nil
}

func (s *Server) setWindow(r *request) (reply, error) {
	d, err := s.maintainable(r)
	if err != nil {
		return reply{}, err
	}
	var in struct {
		Day  string `json:"day_of_week"`
		Time string `json:"time_of_day"`
	}
	if err := r.decode(&in); err != nil {
		return reply{}, err
	}
	to := upkeep{day: in.Day, at: in.Time}
	if to.windowText() == "" {
		return reply{}, unprocessable("day_of_week and time_of_day must look like Sunday and 22:30.")
	}
	previous := d.upkeep.windowText()
	d.upkeep.day, d.upkeep.at = in.Day, in.Time
	return ok(map[string]string{"window": d.upkeep.windowText(), "previous_window": previous}), nil
}

func (s *Server) scheduleMaintenance(r *request) (reply, error) {
	d, err := s.maintainable(r)
	if err != nil {
		return reply{}, err
	}
	var in struct {
		Weeks int `json:"delay_weeks"`
	}
	if err := r.decode(&in); err != nil {
		return reply{}, err
	}
	if d.upkeep.scheduled.IsZero() {
		return reply{}, unprocessable("%s has no pending maintenance.", d.name)
	}
	previous := stamp(d.upkeep.scheduled)
	d.upkeep.scheduled = d.upkeep.scheduled.AddDate(0, 0, 7*in.Weeks)
	return ok(map[string]string{"scheduled_for": stamp(d.upkeep.scheduled), "previously_scheduled_for": previous}), nil
}

// runMaintenance restarts the server, which is what an operator sees of a maintenance.
func (s *Server) runMaintenance(r *request) (reply, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	d, err := s.maintainable(r)
	if err != nil {
		return reply{}, err
	}
	if d.upkeep.scheduled.IsZero() || d.db == nil {
		return reply{}, unprocessable("%s has no pending maintenance.", d.name)
	}
	d.upkeep.status = "running"
	s.work.spawn(func(ctx context.Context) {
		_ = d.db.Kill(ctx)
		err := d.db.Restart(ctx)
		s.mu.Lock()
		defer s.mu.Unlock()
		d.upkeep = upkeep{status: "completed", day: d.upkeep.day, at: d.upkeep.at}
		if err != nil {
			s.problem("maintenance of %s: %v", d.name, err)
		}
	})
	return accepted(map[string]string{"message": "maintenance triggered"}), nil
}
