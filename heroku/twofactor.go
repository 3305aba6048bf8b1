package heroku

import (
	"context"
	"errors"
	"fmt"
	"regexp"
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

// secondFactorTries is how often a code may be mistyped, or come too late, for one request.
const secondFactorTries = 3

var sixDigits = regexp.MustCompile(`^[0-9]{6}$`)

// ErrBadCode means that what was typed cannot be the code of a second factor.
var ErrBadCode = errors.New("a second factor is six digits")

// withSecondFactor repeats a request that was refused for want of a second factor. That is safe for a write too: the
// refusal says that nothing was done. The way is the official CLI's: an app is opened for a few minutes, and what
// the account itself wants travels with the request.
func (c *Client) withSecondFactor(ctx context.Context, r request, wanted *TwoFactorError) (*response, error) {
	c.shared.asking.Lock()
	defer c.shared.asking.Unlock()
	// Another request may have opened the app, or got a code, while this one waited.
	for n := range secondFactorTries {
		if n > 0 || c.shared.asked == 0 {
			if err := c.ask(ctx, wanted.App); err != nil {
				return nil, fmt.Errorf("%w (%w)", wanted, err)
			}
		}
		again := r
		if wanted.App == "" {
			again.twoFactor = c.shared.code
		}
		resp, err := c.try(ctx, again)
		var still *TwoFactorError
		if !errors.As(err, &still) {
			return resp, err
		}
		wanted = still
	}
	return nil, wanted
}

// ask gets a code and, for an app, opens it.
func (c *Client) ask(ctx context.Context, app string) error {
	code, err := c.cfg.SecondFactor(ctx, app)
	if err != nil {
		return err
	}
	if !sixDigits.MatchString(code) {
		return ErrBadCode
	}
	c.shared.asked++
	if app == "" {
		c.shared.code = code
		return nil
	}
	err = c.PreAuthorize(ctx, app, code)
	var refused *TwoFactorError
	if errors.As(err, &refused) {
		return nil // the repeated request will be refused, and the operator asked again
	}
	return err
}
