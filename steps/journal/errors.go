package journal

import (
	"errors"
	"fmt"
)

var (
	// ErrLocked means that another process writes this journal.
	ErrLocked = errors.New("another process writes this journal")
	// ErrDamaged means that the journal cannot be trusted beyond some line; see [DamageError].
	ErrDamaged = errors.New("the journal is damaged")
	// ErrNewer means that a newer version of the program wrote the journal.
	ErrNewer = errors.New("the journal was written by a newer version")
	// ErrDead means that an earlier write failed. What is on disk is unknown until the journal is opened again:
	// after a failed fsync the kernel may drop the very pages it could not write, so a second fsync proves nothing.
	ErrDead = errors.New("the journal can no longer be written")
)

// LockedError says who holds the journal.
type LockedError struct {
	File string
	PID  int // 0 when the holder left no number
}

func (e *LockedError) Error() string {
	if e.PID == 0 {
		return fmt.Sprintf("%s is held by another process", e.File)
	}
	return fmt.Sprintf("%s is held by process %d", e.File, e.PID)
}

// Is makes a LockedError an ErrLocked.
func (e *LockedError) Is(target error) bool { return target == ErrLocked }

// DamageError says where a journal stops to make sense. Nothing may be appended behind that point; what stands
// before it can still be read with a [Reader].
type DamageError struct {
	File   string
	Line   int   // counted from 1
	Offset int64 // of the line, in bytes
	Why    string
}

func (e *DamageError) Error() string {
	return fmt.Sprintf("%s is damaged in line %d (byte %d): %s; keep the file as it is and look at the run by hand", e.File, e.Line, e.Offset, e.Why)
}

// Is makes a DamageError an ErrDamaged.
func (e *DamageError) Is(target error) bool { return target == ErrDamaged }

// NewerError names the version that is needed.
type NewerError struct {
	File   string
	Format int
	Tool   string
}

func (e *NewerError) Error() string {
	return fmt.Sprintf("%s has format %d, written by changeover %s; this program reads up to %d: use that version or a newer one", e.File, e.Format, e.Tool, Format)
}

// Is makes a NewerError an ErrNewer.
func (e *NewerError) Is(target error) bool { return target == ErrNewer }
