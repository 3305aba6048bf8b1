package heroku

import "fmt"

// TransportError is a request without a complete answer. It matches ErrUnreachable, and ErrUnknownOutcome
// when it was a write that may have reached Heroku.
type TransportError struct {
	Method, Host, Path string
	RequestID          string // ours
	Write              bool
	Sent               bool // false: certainly not sent
	Err                error

	text string
}

// Error implements error.
func (e *TransportError) Error() string {
	next := "check the network, then try again"
	if e.Is(ErrUnknownOutcome) {
		next = "it may have been done all the same: look at the state before doing it again"
	}
	return fmt.Sprintf("heroku %s %s: no answer from %s: %s; %s (request %s)", e.Method, e.Path, e.Host, e.text, next, e.RequestID)
}

// Unwrap gives access to the cause, such as context.Canceled.
func (e *TransportError) Unwrap() error { return e.Err }

// Is implements the errors.Is protocol.
func (e *TransportError) Is(target error) bool {
	return target == ErrUnreachable || target == ErrUnknownOutcome && e.Write && e.Sent
}

// DecodeError is a successful answer that makes no sense to us. After a write it matches ErrUnknownOutcome:
// something was done, and only reading the state tells what.
type DecodeError struct {
	Method, Path string
	Status       int
	RequestID    string
	Write        bool
	Err          error

	text string
}

// Error implements error.
func (e *DecodeError) Error() string {
	next := "try again, and report it if it stays"
	if e.Write {
		next = "look at the state before doing it again"
	}
	return fmt.Sprintf("heroku %s %s: answer %d cannot be understood: %s; %s (request %s)", e.Method, e.Path, e.Status, e.text, next, e.RequestID)
}

// Unwrap gives access to the cause.
func (e *DecodeError) Unwrap() error { return e.Err }

// Is implements the errors.Is protocol.
func (e *DecodeError) Is(target error) bool { return target == ErrUnknownOutcome && e.Write }
