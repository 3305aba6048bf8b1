package session

import (
	"errors"
	"fmt"
	"net/http"

	"changeover/steps"
)

// Why there is no contact with an engine.
var (
	// ErrNoEngine means that no engine process runs for this run: there is no socket.
	ErrNoEngine = errors.New("no engine is running for this run")
	// ErrNoRun means that there is nothing left to have an engine: the run's directory was removed. It is an ErrNoEngine, too.
	ErrNoRun = fmt.Errorf("the run is over, its directory was removed: %w", ErrNoEngine)
	// ErrRefused means that the socket is there but nobody listens: the engine died without tidying up.
	ErrRefused = errors.New("the engine has died: its socket refuses connections")
	// ErrSilent means that the engine process is there but does not answer.
	ErrSilent = errors.New("the engine does not answer")
	// ErrUnanswered means that a command was sent but no answer came back: the engine may or may not have taken it.
	ErrUnanswered = errors.New("no answer: the engine may or may not have taken the command")
	// ErrProtocol means that client and engine are too far apart in version for commands. Watching still works.
	ErrProtocol = errors.New("client and engine speak different protocols")
	// ErrStopping means that the engine is about to exit and takes nothing new.
	ErrStopping = errors.New("the engine is stopping")
	// ErrListening means that another engine already answers on the socket.
	ErrListening = errors.New("another engine answers on the socket")
)

var errBadRequest = errors.New("bad request")

// Refused is an answer that says no. It keeps the engine's own line, and errors.Is finds the sentinel behind it.
type Refused struct {
	Text string
	Err  error
}

func (r *Refused) Error() string { return r.Text }

// Unwrap is one of the sentinels of package steps or of this one.
func (r *Refused) Unwrap() error { return r.Err }

// wireErrors pairs each error that crosses the socket with its status and its code. The client goes by the code first,
// and by the status when an engine of another version sends a code it does not know.
var wireErrors = []struct {
	err    error
	status int
	code   string
}{
	{steps.ErrReadOnly, http.StatusForbidden, "read-only"},
	{steps.ErrNotAllowed, http.StatusConflict, "not-allowed"},
	{steps.ErrStale, http.StatusPreconditionFailed, "stale"},
	{steps.ErrConfirm, http.StatusUnprocessableEntity, "confirm"},
	{steps.ErrDriven, http.StatusLocked, "driven"},
	{ErrProtocol, http.StatusUpgradeRequired, "protocol"},
	{ErrStopping, http.StatusServiceUnavailable, "stopping"},
	{errBadRequest, http.StatusBadRequest, "bad-request"},
}

// errInternal is whatever the engine failed at by itself, a full disk for example.
var errInternal = errors.New("the engine failed")

// failureOf is how an error crosses the socket.
func failureOf(err error) (status int, body Failure) {
	for _, w := range wireErrors {
		if errors.Is(err, w.err) {
			return w.status, Failure{Error: err.Error(), Code: w.code}
		}
	}
	return http.StatusInternalServerError, Failure{Error: err.Error(), Code: "internal"}
}

// errorOf is the way back.
func errorOf(status int, body Failure) error {
	refused := &Refused{Text: body.Error, Err: errInternal}
	if refused.Text == "" {
		refused.Text = "the engine answered " + http.StatusText(status)
	}
	for _, w := range wireErrors {
		if w.code == body.Code {
			refused.Err = w.err
			return refused
		}
	}
	for _, w := range wireErrors {
		if w.status == status {
			refused.Err = w.err
		}
	}
	return refused
}
