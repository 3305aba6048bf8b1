package steps

import (
	"fmt"
	"strings"
	"time"
)

// Config is what a run was set up with. It is written once by init, never holds a secret, and does not change.
type Config struct {
	// Run names the run; it is also the name of its directory.
	Run string `toml:"run" json:"run"`
	// Token4 is four hex digits, unique to the run, that stand in every name we choose on Heroku.
	Token4  string    `toml:"token" json:"token"`
	Created time.Time `toml:"created" json:"created"`

	// App is the Heroku app whose DATABASE moves; AppID pins it, so that a renamed app is never mistaken.
	App   string `toml:"app" json:"app"`
	AppID string `toml:"app_id" json:"app_id"`
	// AlsoApps are other apps on the same database, which go through maintenance and promotion together with App.
	AlsoApps []string `toml:"also_apps" json:"also_apps,omitempty"`

	// OldPrimary is the add-on behind DATABASE when the run was set up.
	OldPrimary AddonRef `toml:"old_primary" json:"old_primary"`
	// FromMajor and ToMajor are PostgreSQL major versions.
	FromMajor int `toml:"from_major" json:"from_major"`
	ToMajor   int `toml:"to_major" json:"to_major"`
	// FastPlan is for fast-follower and fast-primary, FinalPlan for final-primary and final-follower,
	// as Heroku writes them: "heroku-postgresql:standard-7".
	FastPlan  string `toml:"fast_plan" json:"fast_plan"`
	FinalPlan string `toml:"final_plan" json:"final_plan"`
	// Bytes is the size of old-primary when the run was set up.
	Bytes int64 `toml:"bytes" json:"bytes"`

	// WorkDir takes the archive. It must be on a big, fast disk.
	WorkDir string `toml:"work_dir" json:"work_dir"`
	// Engine is "stream" or "classic".
	Engine   string `toml:"engine" json:"engine"`
	Jobs     int    `toml:"jobs" json:"jobs"`
	Compress string `toml:"compress" json:"compress,omitempty"`
	// ToastCompression is how large values are compressed on fast-primary: "auto" (as empty), which is lz4 where it can, or "server".
	ToastCompression string `toml:"toast_compression,omitempty" json:"toast_compression,omitempty"`

	// Budget is how long production may be down in all; the outage clock is shown against it.
	Budget Duration `toml:"budget" json:"budget"`
	// Soak is how long final-primary must have served before the temporary databases may be deleted.
	Soak Duration `toml:"soak" json:"soak"`
	// Quiet is how long a database must show no transaction before it counts as fenced.
	Quiet Duration `toml:"quiet" json:"quiet"`
	// Idle is how long nobody may have used the temporary databases before they are deleted; see IdleFor.
	Idle Duration `toml:"idle,omitempty" json:"idle,omitempty"`
	// Poll is the pause between two questions to Heroku.
	Poll Duration `toml:"poll" json:"poll"`
	// DestroyOldPrimary asks step 10 to delete old-primary too. Default: it stays.
	DestroyOldPrimary bool `toml:"destroy_old_primary" json:"destroy_old_primary,omitempty"`

	// NotifyURL says where the URL of a webhook is found, which is a secret itself: "file:/home/ana/hook" or "env:NAME".
	// NotifyCommand is a program with its arguments. Both hear what happens in the run; empty means nobody does.
	NotifyURL     string   `toml:"notify_url,omitempty" json:"notify_url,omitempty"`
	NotifyCommand []string `toml:"notify_command,omitempty" json:"notify_command,omitempty"`

	// PlatformURL and DataURL are Heroku's two APIs, or the simulator's. Never one of each.
	PlatformURL string `toml:"platform_url" json:"platform_url"`
	DataURL     string `toml:"data_url" json:"data_url"`
	// Rehearsal says that everything is simulated: nothing is billed and no machine is turned off.
	Rehearsal bool `toml:"rehearsal" json:"rehearsal,omitempty"`
}

// AddonRef names an add-on by the id that cannot move and the name that people read.
type AddonRef struct {
	ID   string `toml:"id" json:"id"`
	Name string `toml:"name" json:"name"`
	Plan string `toml:"plan" json:"plan"`
}

// Apps are all apps of the run, App first.
func (c Config) Apps() []string { return append([]string{c.App}, c.AlsoApps...) }

// AddonName is the globally unique name we give the add-on of a role. Try counts from 1 and grows after a destroy,
// because Heroku does not hand a used name out again.
func (c Config) AddonName(role Role, try int) string {
	name := fmt.Sprintf("%s-mig-%s-%s", c.App, c.Token4, role)
	if try > 1 {
		name = fmt.Sprintf("%s-%d", name, try)
	}
	return name
}

// AttachmentName is the attachment we give the add-on of a role; Heroku derives the config var <name>_URL.
func (c Config) AttachmentName(role Role, try int) string {
	name := c.attachmentPrefix() + strings.ToUpper(strings.ReplaceAll(string(role), "-", "_"))
	if try > 1 {
		name = fmt.Sprintf("%s_%d", name, try)
	}
	return name
}

// idleDefault is long enough for a job that runs every quarter of an hour to show itself.
const idleDefault = 30 * time.Minute

// IdleFor is Idle, and when that is not set half an hour; a rehearsal is not held up by it.
func (c Config) IdleFor() time.Duration {
	switch {
	case c.Idle > 0:
		return c.Idle.D()
	case c.Rehearsal:
		return c.Quiet.D()
	default:
		return idleDefault
	}
}

// attachmentPrefix begins the attachment names of this run and of no other.
func (c Config) attachmentPrefix() string { return "MIG_" + strings.ToUpper(c.Token4) + "_" }

// Tag is the application_name of every database session of this run.
func (c Config) Tag() string { return "changeover/" + c.Run }

// Duration is a time.Duration that reads and writes as text ("90s", "24h").
type Duration time.Duration

// D is the plain duration.
func (d Duration) D() time.Duration { return time.Duration(d) }

// MarshalText writes "1h30m0s".
func (d Duration) MarshalText() ([]byte, error) { return []byte(time.Duration(d).String()), nil }

// UnmarshalText reads what MarshalText writes.
func (d *Duration) UnmarshalText(text []byte) error {
	v, err := time.ParseDuration(string(text))
	*d = Duration(v)
	return err
}
