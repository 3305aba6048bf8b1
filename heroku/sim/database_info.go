package sim

import (
	"strconv"
	"time"
)

// databaseOf is the database in a data-host call's path, by name or id. The data host does not know a new
// database during its first seconds.
func (s *Server) databaseOf(r *request) (*addon, error) {
	d, found := s.findAddon(r.PathValue("db"))
	if !found || d.plan.service != "" || s.now().Before(d.visibleAt) || d.state == stateDeprovisioning || d.state == stateDeprovisioned {
		return nil, unknownDatabase{}
	}
	return d, nil
}

// productionInfo is the answer for standard and premium databases.
type productionInfo struct {
	AddonID     string         `json:"addon_id"`
	Name        string         `json:"name"`
	ResourceID  string         `json:"heroku_resource_id"`
	Formation   map[string]any `json:"formation"`
	Source      string         `json:"metaas_source"`
	Following   *string        `json:"following"`
	Leader      *leaderJSON    `json:"leader"`
	ForkedFrom  *string        `json:"forked_from"`
	HotStandby  bool           `json:"hot_standby?"`
	Plan        map[string]any `json:"plan"`
	Version     *string        `json:"postgres_version"`
	Port        int            `json:"port"`
	Database    string         `json:"database_name"`
	User        string         `json:"database_user"`
	Password    string         `json:"database_password"`
	URL         *string        `json:"resource_url"`
	Credentials int            `json:"credentials"`
	Bytes       int64          `json:"num_bytes"`
	Tables      int            `json:"num_tables"`
	Connections int            `json:"num_connections"`
	ConnWaiting int            `json:"num_connections_waiting"`
	Current     any            `json:"current_transaction"`
	Target      any            `json:"target_transaction"`
	Ingress     bool           `json:"available_for_ingress"`
	Waiting     bool           `json:"waiting?"`
	StatusAt    *string        `json:"status_updated_at"`
	CreatedAt   string         `json:"created_at"`
	Info        []infoRow      `json:"info"`
}

type leaderJSON struct {
	AddonID string `json:"addon_id"`
	Name    string `json:"name"`
}

// essentialInfo is the shorter answer for Essential databases, where plan is text.
type essentialInfo struct {
	AddonID   string    `json:"addon_id"`
	Name      string    `json:"name"`
	Plan      string    `json:"plan"`
	CreatedAt string    `json:"created_at"`
	User      string    `json:"database_user"`
	Database  string    `json:"database_name"`
	URL       *string   `json:"resource_url"`
	Waiting   bool      `json:"waiting?"`
	Bytes     int64     `json:"num_bytes"`
	Info      []infoRow `json:"info"`
}

func (s *Server) getDatabase(r *request) (reply, error) {
	d, err := s.databaseOf(r)
	if err != nil {
		return reply{}, err
	}
	created := d.created.UTC().Format("2006-01-02T15:04:05.000+00:00")
	var url *string
	if d.db != nil && d.available {
		u := d.access.url(d.port())
		url = &u
	}
	if d.plan.essential() {
		return ok(essentialInfo{
			AddonID: d.id, Name: d.name, Plan: d.plan.name, CreatedAt: created, User: d.access.user, Database: d.access.database,
			URL: url, Waiting: !d.available, Bytes: d.sample.Bytes, Info: s.essentialRows(d),
		}), nil
	}
	return ok(s.productionInfo(d, created, url)), nil
}

func (s *Server) productionInfo(d *addon, created string, url *string) productionInfo {
	info := productionInfo{
		AddonID: d.id, Name: d.name, ResourceID: d.providerID(), Formation: map[string]any{"id": d.id, "primary": nil},
		Source: "app" + d.app.id[:8], HotStandby: true,
		Plan:        map[string]any{"id": 100 + d.plan.size, "name": d.plan.name, "tier": d.plan.tier, "service_slug": serviceName, "status": "production"},
		Port:        d.port(),
		Database:    d.access.database,
		User:        d.access.user,
		Password:    string(d.access.password),
		URL:         url,
		Credentials: len(d.credentials),
		Bytes:       d.sample.Bytes, Tables: d.sample.Tables, Connections: d.sample.Connections, ConnWaiting: d.sample.Waiting,
		Ingress: d.available, Waiting: s.waiting(d), CreatedAt: created, Info: s.productionRows(d),
	}
	if d.db != nil {
		v := d.db.Version()
		info.Version = &v
	}
	if !d.sample.at.IsZero() {
		at := d.sample.at.UTC().Format(time.RFC3339)
		info.StatusAt = &at
		info.Current = d.sample.Transaction
	}
	if d.forkedFrom != "" {
		info.ForkedFrom = &d.forkedFrom
	}
	if d.follower() {
		info.Following = &d.following
		// On followers the transaction ids have been seen as text.
		info.Current = strconv.FormatInt(d.sample.Transaction, 10)
		if d.leader != nil {
			info.Leader = &leaderJSON{d.leader.id, d.leader.name}
			info.Target = strconv.FormatInt(d.sample.Transaction+s.behind(d), 10)
		}
	}
	return info
}

// behind is the follower's distance to its leader in transactions, as of the last samples.
func (s *Server) behind(d *addon) int64 {
	var n int64
	if d.leader != nil {
		n = max(0, d.leader.sample.Transaction-d.sample.Transaction)
	}
	return max(n, s.faults.lag(d))
}

// canFollow says whether new followers of d are accepted now.
func (s *Server) canFollow(d *addon) bool {
	return d.available && !d.unfollowing && !s.now().Before(d.forkFollowAt)
}
