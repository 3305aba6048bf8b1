package sim

import (
	"context"
	"time"
)

// databaseServer makes the databases behind add-ons. PostgreSQL is one (see postgres.go); tests of
// pure state use another.
type databaseServer interface {
	// Versions are the majors a new database can have, the default first.
	Versions() []int
	// Create makes an empty database with an owner that is no superuser, dressed as Heroku does.
	Create(ctx context.Context, spec databaseSpec) (database, error)
	// Follow makes a streaming replica of leader.
	Follow(ctx context.Context, leader database, spec databaseSpec) (database, error)
	// Close destroys every database.
	Close(ctx context.Context) error
}

// databaseSpec describes a database to make.
type databaseSpec struct {
	name        string // the add-on's
	major       int    // ignored by Follow
	access      access
	connections int
}

// database is one server with one database.
type database interface {
	Port() int
	// Version is the full version of the server: 15.14.
	Version() string
	// Seed fills a database with sample data of about size bytes and with the table the dynos write to.
	Seed(ctx context.Context, size, seed int64) error
	// Facts looks at the server.
	Facts(ctx context.Context) (facts, error)
	// Promote ends following. It returns when the server accepts writes.
	Promote(ctx context.Context) error
	// HoldReplay stops a follower from applying what it receives, or lets it go on.
	HoldReplay(ctx context.Context, hold bool) error
	// ResetConnections ends every session that is not the superuser's.
	ResetConnections(ctx context.Context) error
	// LimitConnections caps the owner's sessions as Heroku does when WAL piles up; -1 lifts the cap.
	LimitConnections(ctx context.Context, n int) error
	// AddRole makes a further login role without rights of its own.
	AddRole(ctx context.Context, user string, password secret) error
	// SetPassword changes the password of a role.
	SetPassword(ctx context.Context, user string, password secret) error
	// Empty drops everything the owner made.
	Empty(ctx context.Context) error
	// Kill ends the server as a crash would; Restart brings it back.
	Kill(ctx context.Context) error
	Restart(ctx context.Context) error
	// Destroy stops the server and removes its files.
	Destroy(ctx context.Context) error
	// Process names the server's process and files.
	Process() processFacts
}

// facts are what can be seen of a server at one moment.
type facts struct {
	Transaction int64 // the next transaction id: equal on a leader and a follower that caught up
	Bytes       int64
	Tables      int
	Connections int // of roles other than the superuser
	Waiting     int
	InRecovery  bool
}

// processFacts are where a server is.
type processFacts struct {
	PID     int    `json:"pid"`
	DataDir string `json:"data_dir"`
	Running bool   `json:"running"`
}

// sample is a set of facts with their age. Database info serves samples, not facts, as Heroku does.
type sample struct {
	facts
	at time.Time
}
