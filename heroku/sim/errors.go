package sim

import (
	"fmt"
	"net/http"
)

// apiError is an answer that refuses. The ids are Heroku's; clients act on them.
type apiError struct {
	status   int
	id       string
	message  string
	resource string
	header   http.Header
}

func (e *apiError) Error() string { return e.id + ": " + e.message }

// errorBody is the Platform API's shape of an error.
type errorBody struct {
	ID       string `json:"id"`
	Message  string `json:"message"`
	URL      string `json:"url,omitempty"`
	Resource string `json:"resource,omitempty"`
}

func (e *apiError) body() errorBody {
	b := errorBody{ID: e.id, Message: e.message, Resource: e.resource}
	if e.id == "rate_limit" {
		b.URL = "https://devcenter.heroku.com/articles/platform-api-reference#rate-limits"
	}
	return b
}

func notFound(resource, what string) *apiError {
	return &apiError{status: http.StatusNotFound, id: "not_found", message: "Couldn't find that " + what + ".", resource: resource}
}

func appNotFound() *apiError        { return notFound("app", "app") }
func addonNotFound() *apiError      { return notFound("add_on", "add-on") }
func attachmentNotFound() *apiError { return notFound("add_on attachment", "add on attachment") }

func badRequest(format string, args ...any) *apiError {
	return &apiError{status: http.StatusBadRequest, id: "bad_request", message: fmt.Sprintf(format, args...)}
}

func invalidParams(format string, args ...any) *apiError {
	return &apiError{status: http.StatusUnprocessableEntity, id: "invalid_params", message: fmt.Sprintf(format, args...)}
}

func unprocessable(format string, args ...any) *apiError {
	return &apiError{status: http.StatusUnprocessableEntity, id: "unprocessable_entity", message: fmt.Sprintf(format, args...)}
}

func unauthorized() *apiError {
	return &apiError{status: http.StatusUnauthorized, id: "unauthorized", message: "Invalid credentials provided."}
}

func rateLimited() *apiError {
	return &apiError{
		status: http.StatusTooManyRequests, id: "rate_limit",
		message: "Your account reached the API rate limit. Please wait a few minutes before making new requests",
	}
}

// confirmationRequired asks for "confirm" with the name of the app.
func confirmationRequired(app, format string, args ...any) *apiError {
	return &apiError{
		status: http.StatusLocked, id: "confirmation_required", message: fmt.Sprintf(format, args...),
		header: http.Header{"X-Confirmation-Required": {app}},
	}
}

// unknownDatabase is how the data host says 404. The official CLI takes this shape, and only this
// one, for "not yet provisioned" and keeps waiting.
type unknownDatabase struct{}

func (unknownDatabase) Error() string { return "not found" }
