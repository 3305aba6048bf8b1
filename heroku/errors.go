package heroku

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// Sentinels for errors.Is. One error can match several: a 404 of the data host is both ErrNotFound and
// ErrNotYetKnown, a write answered with 500 both ErrServer and ErrUnknownOutcome.
var (
	ErrUnauthorized         = errors.New("token not accepted by Heroku")
	ErrForbidden            = errors.New("not allowed by Heroku")
	ErrPaymentRequired      = errors.New("billing information wanted by Heroku")
	ErrNotFound             = errors.New("not found at Heroku")
	ErrConfirmationRequired = errors.New("confirmation wanted by Heroku")
	ErrInvalid              = errors.New("request not accepted by Heroku")
	ErrConflict             = errors.New("conflict reported by Heroku")
	ErrRateLimited          = errors.New("the rate limit of the account is used up")
	ErrServer               = errors.New("internal problem of Heroku")
	// ErrNotYetKnown is the data host's 404 without a reason: for some seconds after its creation a database
	// is not known there. An identifier that never existed looks the same, so callers bound their wait.
	ErrNotYetKnown = errors.New("the database is not known yet")
	// ErrUnreachable means that no complete answer came.
	ErrUnreachable = errors.New("no answer from Heroku")
	// ErrUnknownOutcome means that a write may or may not have been carried out. Read the state before
	// doing it again; each repeated creation is another bill.
	ErrUnknownOutcome = errors.New("it is not known whether Heroku did it")
)

// APIError is an answer of Heroku that is not a success. Its text is one line and says what to do next.
type APIError struct {
	Status    int
	ID        string // Heroku's word for the problem, such as "invalid_params"; "" when the body has none
	Message   string // as the server worded it, on one line, secrets removed
	Resource  string // what was not found: "app", "add_on", "add_on attachment"
	App       string // name or id of the app a second factor is wanted for
	RequestID string // the server's list of ids, else ours
	Method    string
	Path      string
	Write     bool // the request meant to change something
	Data      bool // the data host answered, not the Platform API

	retryAfter time.Duration
}

// Error implements error.
func (e *APIError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "heroku %s %s: %d", e.Method, e.Path, e.Status)
	if e.ID != "" {
		fmt.Fprintf(&b, " %s", e.ID)
	}
	message := e.Message
	if message == "" {
		message = http.StatusText(e.Status)
	}
	if message != "" {
		fmt.Fprintf(&b, ": %s", strings.TrimRight(message, ". "))
	}
	if advice := e.advice(); advice != "" {
		fmt.Fprintf(&b, "; %s", advice)
	}
	if e.RequestID != "" {
		fmt.Fprintf(&b, " (request %s)", e.RequestID)
	}
	return b.String()
}

// advice says what the operator does next. 404 of the data host comes first: it usually needs only patience.
func (e *APIError) advice() string {
	switch {
	case e.Is(ErrUnknownOutcome):
		return "it may have been done all the same: look at the state before doing it again"
	case e.ID == "two_factor":
		return "enter the code of your second factor"
	case e.Is(ErrConfirmationRequired):
		return "the name is taken or the change needs a confirmation: look at what it replaces, then confirm with the app's name"
	case e.Is(ErrUnauthorized):
		return "set HEROKU_API_KEY to a valid token or run `heroku login`"
	case e.Is(ErrPaymentRequired):
		return "verify the account's billing at https://dashboard.heroku.com/account/billing, then try again"
	case e.ID == "suspended":
		return "the account or app is suspended: ask Heroku support"
	case e.Is(ErrForbidden):
		return "use a token of a member who may manage this app, with scope global"
	case e.Is(ErrNotYetKnown):
		return "wait a moment if the database is new, else check its name and that the token may see it"
	case e.Is(ErrNotFound):
		return "check the name and that the token may see it"
	case e.Is(ErrConflict):
		return "something else is changing it: wait and look again"
	case e.Is(ErrInvalid):
		return "change the request as the message says"
	case e.Is(ErrRateLimited):
		return "wait a few minutes; other programs with this account share the limit"
	case e.Is(ErrServer):
		return "try again in a moment and look at https://status.heroku.com"
	case e.Status >= 300 && e.Status < 400:
		return "the answer is a redirect that is not followed: check the base URLs"
	}
	return ""
}

// Is implements the errors.Is protocol for the sentinels of this package.
func (e *APIError) Is(target error) bool {
	confirm := e.ID == "confirmation_required" || e.Status == http.StatusLocked
	switch target {
	case ErrUnauthorized:
		return e.Status == http.StatusUnauthorized
	case ErrForbidden:
		return e.Status == http.StatusForbidden
	case ErrPaymentRequired:
		return e.Status == http.StatusPaymentRequired
	case ErrNotFound:
		return e.Status == http.StatusNotFound || e.Status == http.StatusGone
	case ErrNotYetKnown:
		return e.Data && e.Status == http.StatusNotFound && e.ID == ""
	case ErrConfirmationRequired:
		return confirm // a test of the CLI has it with status 400, so the id decides
	case ErrInvalid:
		return !confirm && (e.Status == http.StatusBadRequest || e.Status == http.StatusNotAcceptable ||
			e.Status == http.StatusRequestedRangeNotSatisfiable || e.Status == http.StatusUnprocessableEntity)
	case ErrConflict:
		return e.Status == http.StatusConflict
	case ErrRateLimited:
		return e.Status == http.StatusTooManyRequests
	case ErrServer:
		return e.Status >= 500
	case ErrUnknownOutcome:
		return e.Write && (e.Status >= 500 || e.Status == http.StatusRequestTimeout)
	}
	return false
}
