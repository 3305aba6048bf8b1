package sim

import (
	"fmt"
	"strconv"
	"time"
)

// infoRow is a line of pg:info. Values are text or numbers.
type infoRow struct {
	Name    string `json:"name"`
	Values  []any  `json:"values"`
	Resolve any    `json:"resolve_db_name,omitempty"`
}

func row(name string, values ...any) infoRow {
	if values == nil {
		values = []any{}
	}
	return infoRow{Name: name, Values: values}
}

// resolved is a row whose values are databases.
func resolved(name string, values ...any) infoRow {
	w := row(name, values...)
	w.Resolve = true
	return w
}

// status is the row Status.
func (d *addon) status() string {
	switch {
	case !d.available:
		return "Preparing"
	case d.down:
		return "Unavailable"
	default:
		return "Available"
	}
}

func (s *Server) productionRows(d *addon) []infoRow {
	forkFollow, rollback := "Available", "earliest from "+s.rollbackFrom(d).UTC().Format("2006-01-02 15:04 UTC")
	if !s.canFollow(d) {
		forkFollow = "Temporarily Unavailable"
	}
	if !d.available {
		rollback = "Temporarily Unavailable"
	}
	protection := "On"
	if d.follower() {
		forkFollow, protection = "Unavailable on followers", "On (on leader)"
	}
	rows := []infoRow{row("Plan", d.plan.human()), row("Status", d.status())}
	if d.plan.highlyAvailable() {
		ha := "Available"
		if !d.available || d.failingOver {
			ha = "Temporarily Unavailable"
		}
		rows = append(rows, row("HA Status", ha))
	}
	rows = append(rows,
		row("Data Size", humanBytes(d.sample.Bytes)),
		row("Tables", d.sample.Tables),
	)
	if d.db != nil {
		rows = append(rows, row("PG Version", d.db.Version()))
	}
	rows = append(rows,
		row("Connections", fmt.Sprintf("%d/%d", d.sample.Connections, d.plan.connections)),
		row("Connection Pooling", "Available"),
		row("Credentials", len(d.credentials)),
		row("Fork/Follow", forkFollow),
		row("Rollback", rollback),
		row("Created", d.created.UTC().Format("2006-01-02 15:04 ")),
		row("Region", "us"),
		row("Data Encryption", "In Use"),
		row("Continuous Protection", protection),
	)
	if d.follower() {
		rows = append(rows, resolved("Following", d.following))
		if d.available && d.leader != nil {
			rows = append(rows, row("Behind By", commits(s.behind(d))))
		}
	} else {
		rows = append(rows, resolved("Followers", s.followersOf(d)...), resolved("Forks"))
	}
	if d.forkedFrom != "" {
		if from, found := s.findAddon(d.forkedFrom); found {
			rows = append(rows, resolved("Forked From", from.access.publicURL(from.port())))
		}
	}
	return append(rows, row("Maintenance", d.upkeep.row()), row("Maintenance window", d.upkeep.windowText()))
}

func (s *Server) essentialRows(d *addon) []infoRow {
	version := ""
	if d.db != nil {
		version = d.db.Version()
	}
	share := float64(d.sample.Bytes) / float64(d.plan.disk) * 100
	return []infoRow{
		row("Plan", d.plan.human()),
		row("Status", d.status()),
		row("Connections", fmt.Sprintf("%d/%d", d.sample.Connections, d.plan.connections)),
		row("PG Version", version),
		row("Created", d.created.UTC().Format("2006-01-02 15:04 ")),
		row("Data Size", fmt.Sprintf("%s / %s (%.2f%%) (In compliance)", humanBytes(d.sample.Bytes), humanBytes(d.plan.disk), share)),
		row("Tables", fmt.Sprintf("%d/4000 (In compliance)", d.sample.Tables)),
		row("Fork/Follow", "Unsupported"),
		row("Rollback", "Unsupported"),
		row("Continuous Protection", "Off"),
	}
}

// rollbackFrom is how far back the database can go: not before it existed.
func (s *Server) rollbackFrom(d *addon) time.Time {
	earliest := s.now().AddDate(0, 0, -d.plan.rollback())
	if d.created.After(earliest) {
		return d.created
	}
	return earliest
}

func (s *Server) followersOf(d *addon) []any {
	list := []any{}
	for _, f := range s.addons {
		if f.leader == d && f.follower() && f.db != nil {
			list = append(list, f.access.publicURL(f.port()))
		}
	}
	return list
}

// commits words a distance as Heroku does.
func commits(n int64) string {
	if n == 1 {
		return "1 commit"
	}
	return strconv.FormatInt(n, 10) + " commits"
}

// humanBytes words a size as Heroku does, in binary units.
func humanBytes(n int64) string {
	units := []string{"KB", "MB", "GB", "TB"}
	v := float64(n)
	if v < 1024 {
		return fmt.Sprintf("%d Bytes", n)
	}
	unit := -1
	for v >= 1024 && unit < len(units)-1 {
		v /= 1024
		unit++
	}
	switch {
	case v >= 100:
		return fmt.Sprintf("%.0f %s", v, units[unit])
	case v >= 10:
		return fmt.Sprintf("%.1f %s", v, units[unit])
	default:
		return fmt.Sprintf("%.2f %s", v, units[unit])
	}
}
