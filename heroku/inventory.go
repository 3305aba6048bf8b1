package heroku

import "context"

// BackupSchedule is a daily logical backup. It belongs to one database and is not carried to a new one.
type BackupSchedule struct {
	UUID        string `json:"uuid"`
	Name        string `json:"name"` // config var of the database, such as DATABASE_URL
	Hour        int    `json:"hour"`
	Timezone    string `json:"timezone"`
	RetainWeeks int    `json:"retain_weeks"`
}

// BackupSchedules returns the backup schedules of a database.
func (c *Client) BackupSchedules(ctx context.Context, id string) ([]BackupSchedule, error) {
	return list[BackupSchedule](ctx, c, get(dataHost, "client", "v11", "databases", id, "transfer-schedules"))
}

// Setting is one server setting that Heroku lets customers change, such as log_lock_waits.
type Setting struct {
	Value       string `json:"value"`
	Default     string `json:"default"`
	Description string `json:"desc"`
}

// DatabaseSettings returns the settings of a database by name. Essential plans refuse it. A new database has
// the defaults.
func (c *Client) DatabaseSettings(ctx context.Context, id string) (map[string]Setting, error) {
	settings := map[string]Setting{}
	if err := c.call(ctx, get(dataHost, "postgres", "v0", "databases", id, "config"), &settings); err != nil {
		return nil, err
	}
	return settings, nil
}

// Link is a foreign data wrapper from a database to another one. Links are not carried over.
type Link struct {
	ID     string     `json:"id"`
	Name   string     `json:"name"`
	Remote LinkRemote `json:"remote"`
}

// LinkRemote is the other end of a link.
type LinkRemote struct {
	Name           string `json:"name"`
	AttachmentName string `json:"attachment_name"`
}

// Links returns the data links of a database.
func (c *Client) Links(ctx context.Context, id string) ([]Link, error) {
	return list[Link](ctx, c, get(dataHost, "client", "v11", "databases", id, "links"))
}

// Monitor is a rule of Heroku's metrics service. An active one that scales undoes a scale-down.
type Monitor struct {
	ID     string `json:"id"`
	Name   string `json:"name"`
	Action string `json:"action_type"` // scale, alert
	Active bool   `json:"is_active"`
}

// Autoscales says whether the monitor changes the number of dynos by itself.
func (m Monitor) Autoscales() bool { return m.Active && m.Action == "scale" }

// Monitors returns the monitors of an app's web dynos, by the app's id.
func (c *Client) Monitors(ctx context.Context, appID string) ([]Monitor, error) {
	return list[Monitor](ctx, c, get(metricsHost, "apps", appID, "formation", "web", "monitors"))
}
