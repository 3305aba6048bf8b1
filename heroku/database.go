package heroku

import (
	"context"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Database is what the data API knows about a database. Numbers are samples that Heroku takes now and then.
type Database struct {
	AddonID            string       `json:"addon_id" heroku:"required"`
	Name               string       `json:"name"`
	FollowingURL       Secret       `json:"following"` // URL of the leader, without credentials; "" on a leader
	Leader             Leader       `json:"leader"`
	ForkedFrom         Secret       `json:"forked_from"`  // a UUID or a URL
	HotStandby         bool         `json:"hot_standby?"` // was true on a leader: does not mean "is a follower"
	Plan               DatabasePlan `json:"plan"`
	PostgresVersion    string       `json:"postgres_version" heroku:"alt=postgresql_version"`
	Port               int          `json:"port" heroku:"alt=service_port"`
	ResourceURL        Secret       `json:"resource_url"` // the database URL
	NumBytes           int64        `json:"num_bytes"`
	NumTables          int          `json:"num_tables"`
	NumConnections     int          `json:"num_connections"`
	CurrentTransaction *int64       `json:"current_transaction"` // nil: not said
	TargetTransaction  *int64       `json:"target_transaction"`
	InRecovery         *bool        `json:"is_in_recovery?" heroku:"alt=is_in_recovery"`
	Waiting            bool         `json:"waiting?"`
	CreatedAt          time.Time    `json:"created_at"`
	StatusUpdatedAt    time.Time    `json:"status_updated_at"` // when the sample was taken; often absent
	Info               []Row        `json:"info"`
}

// Leader is the database that another one follows. A bare string in the answer becomes the id or the name.
type Leader struct {
	AddonID string `json:"addon_id"`
	Name    string `json:"name"`
}

// DatabasePlan is a plan as the data API writes it: without the service's name.
type DatabasePlan struct {
	Name   string `json:"name"` // standard-4
	Tier   string `json:"tier"`
	Status string `json:"status"`
}

// Row is one line of `pg:info`. Values may be empty. A URL in a value has no user and no password.
type Row struct {
	Name          string   `json:"name"`
	Values        []string `json:"values"`
	ResolveDBName bool     `json:"resolve_db_name"` // values are URLs of other databases
}

// Availability is what the row Fork/Follow says.
type Availability string

// Values of Availability. Temporarily unavailable lasts minutes to hours after a creation, fork or unfollow:
// wait. Unavailable means that this database is a follower, unsupported that its plan cannot be followed.
const (
	Available              Availability = "available"
	TemporarilyUnavailable Availability = "temporarily unavailable"
	Unavailable            Availability = "unavailable"
	Unsupported            Availability = "unsupported"
	AvailabilityUnknown    Availability = "unknown"
)

// Database returns what the data API knows, by add-on id or name. For some seconds after its creation the
// answer is ErrNotYetKnown.
func (c *Client) Database(ctx context.Context, id string) (Database, error) {
	var d Database
	err := c.call(ctx, get(dataHost, "client", "v11", "databases", id), &d)
	return d, err
}

// Following says whether the database is a follower.
func (d Database) Following() bool { return d.FollowingURL != "" }

// Row returns a line of `pg:info` by name; ok is false when it is absent.
func (d Database) Row(name string) (row Row, ok bool) {
	i := slices.IndexFunc(d.Info, func(r Row) bool { return strings.EqualFold(r.Name, name) })
	if i < 0 {
		return Row{}, false
	}
	return d.Info[i], true
}

// Value returns the first value of a line, without surrounding blanks; "" when there is none.
func (d Database) Value(name string) string {
	if row, ok := d.Row(name); ok && len(row.Values) > 0 {
		return strings.TrimSpace(row.Values[0])
	}
	return ""
}

var behindBy = regexp.MustCompile(`^([0-9][0-9,_]*)(?:\s+commits?)?$`)

// BehindBy returns how many commits a follower was behind when Heroku last looked. known is false on leaders,
// while a follower is prepared, and for wordings we do not know. Zero is no proof of having caught up.
func (d Database) BehindBy() (commits int64, known bool) {
	m := behindBy.FindStringSubmatch(d.Value("Behind By"))
	if m == nil {
		return 0, false
	}
	n, err := strconv.ParseInt(strings.NewReplacer(",", "", "_", "").Replace(m[1]), 10, 64)
	if err != nil {
		return 0, false
	}
	return n, true
}

// ForkFollow says whether a follower of this database can be created now.
func (d Database) ForkFollow() Availability {
	text := strings.ToLower(d.Value("Fork/Follow"))
	switch {
	case text == "available":
		return Available
	case strings.HasPrefix(text, "temporarily"):
		return TemporarilyUnavailable
	case strings.HasPrefix(text, "unavailable"):
		return Unavailable
	case strings.HasPrefix(text, "unsupported"):
		return Unsupported
	}
	return AvailabilityUnknown
}

// Status returns the row Status: Available, Preparing or another word of Heroku's; "" when absent.
func (d Database) Status() string { return d.Value("Status") }

// Essential says whether the plan is of the class without followers, formerly dev, basic, mini and hobby.
func (d Database) Essential() bool { return d.Spec().Tier == TierEssential }

// Advanced says whether the plan is of the new generation, which has pools instead of followers and another API.
func (d Database) Advanced() bool { return d.Spec().Tier == TierAdvanced }

// Spec returns what the plan's name says about it: the field plan, else the row Plan.
func (d Database) Spec() PlanSpec {
	if d.Plan.Name != "" {
		return ParsePlan(d.Plan.Name)
	}
	return ParsePlan(d.Value("Plan"))
}

var leadingNumber = regexp.MustCompile(`[0-9]+`)

// Version returns the major version of PostgreSQL, 9 for every 9.x; 0 when not known.
func (d Database) Version() (major int) {
	n, err := strconv.Atoi(leadingNumber.FindString(d.FullVersion()))
	if err != nil {
		return 0
	}
	return n
}

// FullVersion returns the version as Heroku writes it, such as 16.8; "" when not known.
func (d Database) FullVersion() string {
	if v := strings.TrimSpace(d.PostgresVersion); v != "" {
		return v
	}
	return d.Value("PG Version")
}
