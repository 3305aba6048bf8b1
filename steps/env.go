package steps

import (
	"context"
	"time"

	"changeover/pgxfer"
)

// Env is everything a step works with. The engine makes one per step and attempt.
type Env struct {
	Look
	Recorder

	// Step and Attempt say for whom this Env is; Attempt counts from 1 and grows with every fresh start.
	Step, Attempt int

	Heroku   Heroku
	Transfer pgxfer.Transfer
	// Control holds transfers at work, and changes their numbers of workers.
	Control *pgxfer.Control
	Data    Data
	Box     Box
	// Databases finds the current endpoint of a role: URLs are fetched fresh, because Heroku may rotate them.
	Databases Databases
	// Report writes the report of the run outside the run directory and says where.
	Report func(ctx context.Context) (path string, err error)
	Now    func() time.Time
}

// Recorder is the engine's side of a running step.
type Recorder interface {
	// Do brings an effect about exactly once: probe, precheck, intent on disk, send, probe until seen, done on disk.
	// It holds here while the run is paused.
	Do(ctx context.Context, effect Effect) error
	// Put writes a fact to the journal. It is on disk when Put returns.
	Put(name string, value any) error
	// Wait asks again and again until done is true or err is not nil, showing people what is waited for.
	Wait(ctx context.Context, waiting Waiting, every time.Duration, ask func(ctx context.Context) (done bool, detail string, err error)) error
	// Log writes one line to the run's log.
	Log(level Level, format string, args ...any)
	// Progress shows a sample of a transfer; it is never journaled.
	Progress(pgxfer.Progress)
}

// Waiting says what a step waits for and who can end it.
type Waiting struct {
	For string `json:"for"` // "fast-follower to be provisioned"
	Who string `json:"who"` // "Heroku", "you", "PostgreSQL"
}

// Data is what the steps ask of package pgxfer beside the transfer itself.
type Data interface {
	// Verify compares two databases.
	Verify(ctx context.Context, opts pgxfer.VerifyOptions, obs pgxfer.Observer) (pgxfer.Verification, error)
	// ResetTarget empties a database of everything its owner put there. It refuses while others are connected.
	ResetTarget(ctx context.Context, target pgxfer.Endpoint, tag string) error
	// Tools says which pg_dump and pg_restore would be used between two majors; the error names what to install.
	Tools(ctx context.Context, fromMajor, toMajor int) (string, error)
	// Discard deletes an archive directory of ours, finished or not; one that is not ours is refused, a missing one is fine.
	Discard(dir string) error
}

// Databases finds databases by role.
type Databases interface {
	// Endpoint asks Heroku for the URL of the role's add-on as it is now.
	Endpoint(ctx context.Context, role Role) (pgxfer.Endpoint, error)
	// Open opens a session to the role's database, at the address that it has now.
	Open(ctx context.Context, role Role) (Server, error)
}

// Box is the machine that does the work.
type Box interface {
	// Name is what is typed to turn it off: an instance id, or the host name.
	Name() string
	// Adopted says that the machine is not ours to turn off.
	Adopted() bool
	// Prepare makes the work directory usable and measures it; bytes is what must fit.
	Prepare(ctx context.Context, dir string, bytes int64) (BoxFacts, error)
	// Undo gives the machine back as it was; data in dir stays.
	Undo(ctx context.Context, dir string) error
	// OffCommand is the raw command that would do what TurnOff does; empty when that does nothing.
	OffCommand() string
	// TurnOff ends the machine. An adopted one is left running.
	TurnOff(ctx context.Context) error
	// Off says whether there is nothing left to turn off; an adopted machine is always off in this sense.
	Off(ctx context.Context) (bool, error)
	// Exists says whether a file or directory is there.
	Exists(path string) (bool, error)
}

// BoxFacts is what step 2 measured.
type BoxFacts struct {
	Name      string `json:"name"`
	Dir       string `json:"dir"`
	FreeBytes int64  `json:"free_bytes"`
	WriteRate int64  `json:"write_rate"` // bytes per second, fsynced
	CPUs      int    `json:"cpus"`
	CentsHour int64  `json:"cents_hour"` // 0 when we do not pay for it
}

// Level is how loud a log line is.
type Level string

// The levels.
const (
	Info  Level = "info"
	Warn  Level = "warn"
	Error Level = "error"
)
