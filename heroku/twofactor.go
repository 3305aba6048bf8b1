package heroku

import (
	"context"
	"fmt"
)

// TwoFactorError asks for the operator's second factor. With an App, PreAuthorize it and repeat the request;
// without one, repeat the request with a context from WithTwoFactorCode. Nothing was changed at Heroku.
type TwoFactorError struct {
	App string // name or id; "" when the account, not an app, wants the code
	Err *APIError
}

// Error implements error.
func (e *TwoFactorError) Error() string {
	if e.App != "" {
		return fmt.Sprintf("app %s wants a second factor: %s", e.App, e.Err)
	}
	return fmt.Sprintf("the account wants a second factor: %s", e.Err)
}

// Unwrap gives access to the answer, so that ErrForbidden matches.
func (e *TwoFactorError) Unwrap() error { return e.Err }

type twoFactorKey struct{}

// WithTwoFactorCode returns a context whose requests carry the six digits of a second factor.
func WithTwoFactorCode(ctx context.Context, code string) context.Context {
	return context.WithValue(ctx, twoFactorKey{}, code)
}

// PreAuthorize opens an app that wants a second factor for a few minutes, as the official CLI does after a
// TwoFactorError with an app. The code is the operator's six digits.
func (c *Client) PreAuthorize(ctx context.Context, app, code string) error {
	r := put(platformHost, "apps", app, "pre-authorizations")
	r.twoFactor = code
	return c.call(ctx, r, nil)
}
