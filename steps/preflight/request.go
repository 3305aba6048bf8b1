package preflight

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"time"

	"changeover/heroku"
	"changeover/steps"
	"changeover/steps/rundir"
)

// Request is what somebody wants to migrate, and how. Only App, WorkDir, Random and the two URLs are needed.
type Request struct {
	// Run names the run; "" makes a name of the app's and four hex digits.
	Run string
	App string
	// AlsoApps are other apps whose DATABASE is the same database.
	AlsoApps []string
	// Database is an attachment ("DATABASE", also with _URL behind it) or an add-on; "" is DATABASE.
	Database string
	// ToMajor is the PostgreSQL to go to; 0 is the newest offered.
	ToMajor int
	// Offered are the majors that Heroku makes new databases of, when the caller knows better than Heroku's last
	// announcement, such as in a rehearsal.
	Offered []int
	// FastPlan and FinalPlan, with or without "heroku-postgresql:"; "" proposes one.
	FastPlan, FinalPlan string

	WorkDir  string
	Engine   string // "stream" or "classic"; "" is stream
	Jobs     int    // 0 is 4
	Compress string
	// ToastCompression is as in [steps.Config].
	ToastCompression string

	// Durations: 0 is the default (2 h, 24 h, 5 s, 5 s), a negative one is none.
	Budget, Soak, Quiet, Poll time.Duration

	// NotifyURL and NotifyCommand are as in [steps.Config].
	NotifyURL     string
	NotifyCommand []string

	PlatformURL, DataURL         string
	Rehearsal, DestroyOldPrimary bool

	// Random is crypto/rand.Reader; a fixed one makes the run's token, and so all names on Heroku, predictable.
	Random io.Reader
	// Now is time.Now when nil.
	Now func() time.Time
	// Tools says which pg_dump and pg_restore would be used between two majors. Nil leaves the check out.
	Tools func(ctx context.Context, fromMajor, toMajor int) (string, error)
	// Inspect looks into the database, normally [Inspect]. Nil leaves those checks out.
	Inspect func(ctx context.Context, url heroku.Secret) (Inside, error)
	// Free says how many bytes may be written to the file system that holds, or would hold, a directory. Nil leaves
	// the check out.
	Free func(dir string) (int64, error)
}

// Defaults of a Request.
const (
	DefaultJobs   = 4
	DefaultBudget = 2 * time.Hour
	DefaultSoak   = 24 * time.Hour
	DefaultQuiet  = 5 * time.Second
	DefaultPoll   = 5 * time.Second
)

// published are the majors of Heroku Postgres for new databases as last announced: 15 was deprecated in 2026 and
// takes no new databases, 18 is newest (devcenter changelog 2722, state of Nov 2026). There is no API that says so.
var published = []int{16, 17, 18}

// base is the config as far as the request alone decides it.
func (r Request) base() (steps.Config, error) {
	if r.WorkDir == "" {
		return steps.Config{}, errors.New("no work directory is given; name one on a large disk with --work-dir")
	}
	dir, err := filepath.Abs(r.WorkDir)
	if err != nil {
		return steps.Config{}, fmt.Errorf("finding the work directory: %w", err)
	}
	token := make([]byte, 2)
	if _, err := io.ReadFull(r.Random, token); err != nil {
		return steps.Config{}, fmt.Errorf("choosing a token for the run: %w", err)
	}
	c := steps.Config{
		Run: r.Run, Token4: hex.EncodeToString(token), Created: r.now().UTC().Truncate(time.Second),
		App: r.App, AlsoApps: slices.Clone(r.AlsoApps), ToMajor: r.ToMajor,
		WorkDir: dir, Engine: r.Engine, Jobs: r.Jobs, Compress: r.Compress, ToastCompression: r.ToastCompression,
		Budget: orDefault(r.Budget, DefaultBudget), Soak: orDefault(r.Soak, DefaultSoak),
		Quiet: orDefault(r.Quiet, DefaultQuiet), Poll: orDefault(r.Poll, DefaultPoll),
		DestroyOldPrimary: r.DestroyOldPrimary, NotifyURL: r.NotifyURL, NotifyCommand: slices.Clone(r.NotifyCommand),
		PlatformURL: r.PlatformURL, DataURL: r.DataURL, Rehearsal: r.Rehearsal,
	}
	if c.Poll <= 0 {
		c.Poll = steps.Duration(DefaultPoll) // there is no such thing as no pause
	}
	if c.Engine == "" {
		c.Engine = "stream"
	}
	if c.Jobs == 0 {
		c.Jobs = DefaultJobs
	}
	if c.ToMajor == 0 {
		c.ToMajor = slices.Max(r.offered())
	}
	if c.Run == "" {
		c.Run = fmt.Sprintf("%s-%s", r.App, c.Token4)
	}
	return c, rundir.CheckName(c.Run)
}

func (r Request) now() time.Time {
	if r.Now == nil {
		return time.Now()
	}
	return r.Now()
}

// Majors are the versions of PostgreSQL that a run can go to.
func (r Request) Majors() []int { return slices.Clone(r.offered()) }

func (r Request) offered() []int {
	if len(r.Offered) > 0 {
		return r.Offered
	}
	return published
}

func orDefault(d, fallback time.Duration) steps.Duration {
	if d == 0 {
		d = fallback
	}
	return steps.Duration(max(d, 0))
}
