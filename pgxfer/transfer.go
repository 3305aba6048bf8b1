package pgxfer

import (
	"context"
	"fmt"
	"time"
)

// Transfer is an engine that moves one database through an archive directory.
//
// Dump and Restore return only when nothing of theirs is running any more: no child process, no goroutine and,
// as far as the server can still be asked, no backend. A cancelled context ends them early with ctx.Err().
type Transfer interface {
	// Name is what the operator types and reads: "stream" or "classic".
	Name() string
	// Pipelined says whether Restore may be started while Dump still writes the same directory.
	Pipelined() bool
	// Dump reads the source into the archive directory. The archive is complete only when Dump returned nil.
	Dump(ctx context.Context, opts DumpOptions, obs Observer) (DumpResult, error)
	// Restore loads an archive into the target and leaves it analyzed. It refuses an archive that is
	// incomplete or was changed ([ErrArchive]) and, unless the engine can resume, a target that is not empty ([ErrTargetNotEmpty]).
	Restore(ctx context.Context, opts RestoreOptions, obs Observer) (RestoreResult, error)
}

// DumpOptions says what to read and where to put it.
type DumpOptions struct {
	// Source is read; normally a follower.
	Source Endpoint
	// Leader, when set, is asked for sequence positions: WAL logs them 32 ahead, so a standby shows values
	// that were never handed out. Zero means Source.
	Leader Endpoint
	// Dir is the archive directory; its parent must exist. It must not exist or be empty ([ErrDirNotEmpty]), unless the engine
	// can go on with what an interrupted Dump left in it.
	Dir string
	// Jobs is the number of parallel readers, at least 1.
	Jobs int
	// Compress is "auto", "none", "lz4", "zstd" or, with the classic engine, "gzip"; empty means auto.
	Compress string
	// TargetMajor is the major version of the server the archive is for, which decides about the client tools; 0 means not known yet.
	TargetMajor int
	// Tag marks every session of ours (application_name), so that orphans can be found and ended.
	Tag string
	// Control adjusts a running transfer; nil means nobody will.
	Control *Control
	// Vouch is for the source, when an interrupted Dump goes on. An engine that cannot go on has no use for it.
	Vouch Vouch
}

// RestoreOptions says what to load into which database.
type RestoreOptions struct {
	Target Endpoint
	// Dir is an archive directory written by Dump of the same engine.
	Dir string
	// Manifest, when set, is the DumpResult.Manifest of the archive that must be in Dir.
	Manifest string
	// Jobs is the number of parallel loaders; IndexJobs the number of index builders, 0 meaning Jobs.
	Jobs, IndexJobs int
	// MaxWAL is how many bytes of WAL the target may have to keep before nothing new is loaded until it has less; 0 means any. A connection
	// limit that is cut, which is how Heroku asks for less WAL, is always heeded.
	MaxWAL int64
	// ToastCompression is how the target compresses values too large for a page: [ToastAuto], which empty means too, or [ToastServer].
	// The classic engine always leaves it to the server.
	ToastCompression string
	// Tag as in DumpOptions.
	Tag string
	// Control as in DumpOptions.
	Control *Control
}

// Choices for the compression of large values on the target.
const (
	ToastAuto   = "auto"   // lz4 where the server can and nobody has chosen otherwise: it is several times faster than pglz
	ToastServer = "server" // whatever is the default there
)

// KnownToast is an error unless the choice is one of those.
func KnownToast(choice string) error {
	switch choice {
	case "", ToastAuto, ToastServer:
		return nil
	}
	return fmt.Errorf("the compression of large values is %q; it must be %s or %s", choice, ToastAuto, ToastServer)
}

// DumpResult is what a finished dump measured. Sizes are bytes, never estimates.
type DumpResult struct {
	Engine       string        `json:"engine"`
	Tables       int           `json:"tables"`
	Rows         int64         `json:"rows"`
	Bytes        int64         `json:"bytes"`         // COPY bytes read from the source
	ArchiveBytes int64         `json:"archive_bytes"` // bytes on disk
	Manifest     string        `json:"manifest"`      // SHA-256 of the manifest, hex
	Skipped      []Skipped     `json:"skipped,omitempty"`
	Took         time.Duration `json:"took"`
}

// RestoreResult is what a finished restore measured.
type RestoreResult struct {
	Engine  string        `json:"engine"`
	Tables  int           `json:"tables"`
	Rows    int64         `json:"rows"`
	Bytes   int64         `json:"bytes"`
	Indexes int           `json:"indexes"`
	Skipped []Skipped     `json:"skipped,omitempty"`
	Took    time.Duration `json:"took"`
}

// Skipped is an object that was left out on purpose; such things are reported, never silent.
type Skipped struct {
	Kind   string `json:"kind"`
	Name   string `json:"name"`
	Reason string `json:"reason"`
}
