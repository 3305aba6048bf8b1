package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"changeover/steps"
)

// Exit codes. Scripts rely on them; they are decided here and nowhere else.
const (
	exitOK      = 0
	exitFailed  = 1 // something went wrong; the message says what to do
	exitUsage   = 2 // the command line cannot be understood
	exitRefused = 3 // the engine said no: not possible now, screen too old, wrong confirmation, somebody else drives
	exitStep    = 4 // a step of an unattended run failed
	exitSignal  = 130
)

// usageError is a command line that cannot be understood.
type usageError struct{ err error }

func (e usageError) Error() string { return e.err.Error() }
func (e usageError) Unwrap() error { return e.err }

// stepError is a step that stopped an unattended run.
type stepError struct {
	number int
	name   string
	state  steps.State
	reason string
}

func (e stepError) Error() string {
	return fmt.Sprintf("step %d (%s) is %s: %s", e.number, e.name, e.state, e.reason)
}

func exitCode(err error) int {
	var usage usageError
	var step stepError
	switch {
	case err == nil:
		return exitOK
	case errors.Is(err, context.Canceled):
		return exitSignal
	case errors.As(err, &usage):
		return exitUsage
	case errors.As(err, &step):
		return exitStep
	}
	for _, refusal := range []error{steps.ErrStale, steps.ErrNotAllowed, steps.ErrConfirm, steps.ErrReadOnly, steps.ErrDriven} {
		if errors.Is(err, refusal) {
			return exitRefused
		}
	}
	return exitFailed
}

// printError writes one line, whatever the error holds.
func printError(w io.Writer, err error) {
	fmt.Fprintf(w, "changeover: %s\n", strings.Join(strings.Fields(err.Error()), " "))
}
