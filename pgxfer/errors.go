package pgxfer

import "errors"

var (
	// ErrArchive means the archive is incomplete or is not what was written: do not load it, dump again.
	ErrArchive = errors.New("archive is incomplete or damaged")
	// ErrDirNotEmpty means the archive directory holds something that cannot be gone on with: discard it, or name another.
	ErrDirNotEmpty = errors.New("archive directory is not empty")
	// ErrTargetNotEmpty means the target holds tables that this transfer did not put there.
	ErrTargetNotEmpty = errors.New("target database is not empty")
	// ErrSourceChanged means that the source is not what an earlier attempt has read: somebody wrote to it, or nobody can tell.
	ErrSourceChanged = errors.New("the source was changed")
	// ErrTools means pg_dump or pg_restore of the needed major version is missing.
	ErrTools = errors.New("PostgreSQL client tools are missing")
	// ErrSpace means the disk is or would become full.
	ErrSpace = errors.New("not enough disk space")
)
