package sim

import (
	"maps"
	"time"
)

// Status is everything the simulator knows about itself, without passwords.
type Status struct {
	URL      string            `json:"url"`
	Started  time.Time         `json:"started"`
	Uptime   Duration          `json:"uptime"`
	Apps     []AppStatus       `json:"apps"`
	Addons   []AddonStatus     `json:"addons"`
	Writers  map[string]Writes `json:"writers"`
	Faults   []Fault           `json:"faults"`
	Jobs     []string          `json:"jobs"`
	Requests int               `json:"requests_left"`
	// Problems are failures that no caller was told of.
	Problems []string `json:"problems"`
}

// AppStatus is an app.
type AppStatus struct {
	Name        string       `json:"name"`
	ID          string       `json:"id"`
	Maintenance bool         `json:"maintenance"`
	Release     int          `json:"release"`
	Formation   []Process    `json:"formation"`
	Dynos       []DynoStatus `json:"dynos"`
	// Attachments maps attachment names to add-on names.
	Attachments map[string]string `json:"attachments"`
}

// DynoStatus is a process. Lingering ones have got SIGTERM and may still write, also when Heroku lists a
// successor in their place.
type DynoStatus struct {
	Name      string `json:"name"`
	State     string `json:"state"`
	Release   int    `json:"release"`
	Lingering bool   `json:"lingering"`
}

// AddonStatus is an add-on and its server.
type AddonStatus struct {
	Name        string `json:"name"`
	ID          string `json:"id"`
	App         string `json:"app"`
	Plan        string `json:"plan"`
	State       string `json:"state"`
	Available   bool   `json:"available"`
	Following   string `json:"following,omitempty"` // the leader's add-on name, or "orphan"
	Unfollowing bool   `json:"unfollowing,omitempty"`
	Behind      int64  `json:"behind"`
	Version     string `json:"version,omitempty"`
	Port        int    `json:"port,omitempty"`
	Bytes       int64  `json:"bytes"`
	// Asked is what was done to a database that exists on paper only.
	Asked []string `json:"asked,omitempty"`
	processFacts
}

// Status looks at the simulator.
func (s *Server) Status() Status {
	s.mu.Lock()
	defer s.mu.Unlock()
	left, _ := s.limiter.take(s.now(), true)
	st := Status{
		URL: s.URL(), Started: s.started, Uptime: Duration(s.now().Sub(s.started).Round(time.Millisecond)),
		Apps: []AppStatus{}, Addons: []AddonStatus{}, Writers: s.ledger.snapshot(), Faults: s.faults.list(), Jobs: []string{},
		Requests: left, Problems: append([]string{}, s.problems...),
	}
	for _, a := range s.apps {
		st.Apps = append(st.Apps, s.appStatus(a))
	}
	for _, d := range s.addons {
		st.Addons = append(st.Addons, s.addonStatus(d))
	}
	for _, j := range s.jobs {
		st.Jobs = append(st.Jobs, j.name)
	}
	return st
}

func (s *Server) appStatus(a *app) AppStatus {
	st := AppStatus{Name: a.name, ID: a.id, Maintenance: a.maintenance, Release: a.version(), Formation: []Process{}, Dynos: []DynoStatus{}, Attachments: map[string]string{}}
	for _, p := range a.formation {
		st.Formation = append(st.Formation, p.Process)
	}
	for _, d := range a.dynos {
		st.Dynos = append(st.Dynos, DynoStatus{d.name, d.state, d.release, d.stopping})
	}
	for _, at := range s.attachments {
		if at.app == a {
			st.Attachments[at.name] = at.addon.name
		}
	}
	return st
}

func (s *Server) addonStatus(d *addon) AddonStatus {
	st := AddonStatus{
		Name: d.name, ID: d.id, App: d.app.name, Plan: d.plan.name, State: d.state, Available: d.available,
		Unfollowing: d.unfollowing, Behind: s.behind(d), Port: d.port(), Bytes: d.sample.Bytes,
	}
	if d.follower() {
		st.Following = "orphan"
		if d.leader != nil {
			st.Following = d.leader.name
		}
	}
	if d.db != nil {
		st.Version, st.processFacts = d.db.Version(), d.db.Process()
		if paper, is := d.db.(*paperDatabase); is {
			st.Asked = paper.Asked()
		}
	}
	return st
}

// Acknowledged is, for each writer, the highest row number whose COMMIT was acknowledged.
func (s *Server) Acknowledged() map[string]int64 {
	m := map[string]int64{}
	for name, w := range maps.All(s.ledger.snapshot()) {
		m[name] = w.Acknowledged
	}
	return m
}
