package sim

import (
	"cmp"
	"errors"
	"fmt"
	"time"

	"changeover/pgxfer/localpg"
)

// Options tell Start what to simulate. The zero value, with one installation, is a small and fast
// simulator fit for tests.
type Options struct {
	// Listen is the address of both APIs; empty means 127.0.0.1:0. It must be loopback.
	Listen string
	// Base is the directory below which the clusters are kept; empty means the temporary directory.
	Base string
	// Token is the API key that callers must present; empty means a random one.
	Token string

	// App is the name of the app; empty means shop.
	App string
	// Plan is the plan of the old primary without its service: standard-4 (the default), essential-0.
	// With a private or shield plan the app is in a Private Space.
	Plan string
	// Region is where the app is; empty means us. A Private Space is in a region such as frankfurt.
	Region string
	// OldPrimary is the PostgreSQL the old primary runs on; zero means the first of Installations.
	OldPrimary localpg.Installation
	// Installations are the majors offered to new add-ons, the default version first.
	Installations []localpg.Installation
	// Size is about how many bytes of sample data the old primary gets: 0 means a small shop of about
	// 10 MB, a negative number no sample data at all.
	Size int64
	// Seed makes the sample data and the names repeatable.
	Seed int64
	// NoFsync runs the clusters without fsync. For tests only.
	NoFsync bool

	// Formation is what the app runs; nil means two web and two worker dynos.
	Formation []Process
	// ReleasePhase gives the app a release command, which every release then runs.
	ReleasePhase bool
	// Writers says what the dynos do to the database.
	Writers Writers

	// Delays make Heroku as slow as it is; zero means as fast as PostgreSQL allows.
	Delays Delays
	// SampleEvery is how old the numbers of database info can get; 0 means 3 s.
	SampleEvery time.Duration
	// PageSize is the number of elements on a page of a list; 0 means 200.
	PageSize int
	// RateLimit is the size of the account's bucket of requests; 0 means 4500.
	RateLimit int

	// Clock is the time; nil means the machine's.
	Clock Clock
	// Log, if not nil, gets one line for everything notable. It never gets a password.
	Log func(format string, args ...any)

	// Paper makes databases that exist in the books only: nobody listens on their ports, and Installations are
	// not needed. It is for tests of calls and states, which it makes quick. The dynos write nothing then.
	Paper bool
	// Record, if not nil, is called after every call that was answered, except those of the control API and
	// those that a fault cut off. It may be called concurrently and must not call back.
	Record func(Exchange)

	// databases replaces PostgreSQL in tests that look at the database themselves.
	databases databaseServer
}

// Process is one process type of a formation.
type Process struct {
	Type     string `json:"type"`
	Quantity int    `json:"quantity"`
	Size     string `json:"size"`
	Command  string `json:"command"`
}

// Writers say what the dynos do to the database.
type Writers struct {
	// Off leaves the dynos idle.
	Off bool
	// Every is the pause of one dyno between two transactions; 0 means 200 ms.
	Every time.Duration
}

// Delays are the times that Heroku takes.
type Delays struct {
	// Provision is the least time from the creation of an add-on until it is available.
	Provision time.Duration
	// NotFound404 is how long the data host does not know a new database.
	NotFound404 time.Duration
	// ForkFollowUnavailable is how long after creation and after unfollow a database cannot be followed.
	ForkFollowUnavailable time.Duration
	// Unfollow is the least time an unfollow takes.
	Unfollow time.Duration
	// AddonGone is how long a destroyed add-on is seen as deprovisioning.
	AddonGone time.Duration
	// DynoStart is how long a dyno is starting.
	DynoStart time.Duration
	// DynoStop is the longest a dyno lingers, and writes, after SIGTERM. Half of the dynos take half of it.
	DynoStop time.Duration
	// Preboot is how long web dynos of an app with preboot go on, unlisted, after they were replaced.
	Preboot time.Duration
	// WebDrain is how long web dynos go on with requests they accepted before maintenance mode.
	WebDrain time.Duration
	// ReleasePhase is how long a release command runs.
	ReleasePhase time.Duration
}

// RehearsalDelays are short enough for a rehearsal that somebody watches and long enough to see every
// state in between.
func RehearsalDelays() Delays {
	return Delays{
		Provision:             4 * time.Second,
		NotFound404:           time.Second,
		ForkFollowUnavailable: 6 * time.Second,
		Unfollow:              time.Second,
		AddonGone:             2 * time.Second,
		DynoStart:             500 * time.Millisecond,
		DynoStop:              2 * time.Second,
		Preboot:               3 * time.Second,
		WebDrain:              time.Second,
		ReleasePhase:          2 * time.Second,
	}
}

// withDefaults fills in what the caller left empty and refuses what cannot be simulated.
func (o Options) withDefaults() (Options, error) {
	o.Listen = cmp.Or(o.Listen, "127.0.0.1:0")
	o.App = cmp.Or(o.App, "shop")
	o.Plan = cmp.Or(o.Plan, "standard-4")
	o.Region = cmp.Or(o.Region, regions[0].Name)
	o.SampleEvery = cmp.Or(o.SampleEvery, 3*time.Second)
	o.PageSize = cmp.Or(o.PageSize, 200)
	o.RateLimit = cmp.Or(o.RateLimit, 4500)
	o.Writers.Every = cmp.Or(o.Writers.Every, 200*time.Millisecond)
	if o.Token == "" {
		o.Token = newToken()
	}
	if o.Clock == nil {
		o.Clock = systemClock{}
	}
	if o.Log == nil {
		o.Log = func(string, ...any) {}
	}
	if o.Formation == nil {
		o.Formation = []Process{
			{Type: "web", Quantity: 2, Size: "Standard-2X", Command: "bundle exec puma"},
			{Type: "worker", Quantity: 2, Size: "Standard-1X", Command: "bundle exec sidekiq"},
		}
	}
	if o.ReleasePhase {
		o.Formation = append(append([]Process(nil), o.Formation...),
			Process{Type: typeRelease, Size: "Standard-1X", Command: "rake db:migrate"})
	}
	if _, ok := planNamed(o.Plan); !ok {
		return o, fmt.Errorf("there is no plan %q of heroku-postgresql: use a name such as standard-4", o.Plan)
	}
	if _, ok := regionNamed(o.Region); !ok {
		return o, fmt.Errorf("there is no region %q: use us, eu or one of a Private Space such as frankfurt", o.Region)
	}
	if o.databases == nil && o.Paper {
		o.databases = &paperServer{}
		o.Writers.Off = true
	}
	if o.databases == nil && len(o.Installations) == 0 {
		return o, errors.New("no PostgreSQL to offer: install one and pass it in Installations")
	}
	if len(o.Installations) > 0 && o.OldPrimary == (localpg.Installation{}) {
		o.OldPrimary = o.Installations[0]
	}
	return o, nil
}
