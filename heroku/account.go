package heroku

import (
	"context"
	"time"
)

// Account is the owner of the token.
type Account struct {
	ID           string    `json:"id"`
	Email        string    `json:"email" heroku:"required"`
	Name         string    `json:"name"`
	TwoFactor    bool      `json:"two_factor_authentication"`
	Verified     bool      `json:"verified"`      // has billing information
	DelinquentAt time.Time `json:"delinquent_at"` // zero: bills are paid
	SuspendedAt  time.Time `json:"suspended_at"`  // zero: in good standing
}

// Account returns the owner of the token.
func (c *Client) Account(ctx context.Context) (Account, error) {
	var a Account
	err := c.call(ctx, get(platformHost, "account"), &a)
	return a, err
}

// RateLimit asks how many calls the account has left. The call itself is free.
func (c *Client) RateLimit(ctx context.Context) (remaining int, err error) {
	r := get(platformHost, "account", "rate-limits")
	r.free = true
	var answer struct {
		Remaining int `json:"remaining" heroku:"required"`
	}
	if err := c.call(ctx, r, &answer); err != nil {
		return 0, err
	}
	c.shared.learn(answer.Remaining, "")
	return answer.Remaining, nil
}

// TokenLife returns how long the token will still be accepted; known is false when Heroku does not list it,
// as for a token that lists no authorizations, and forever is true for one without an end. A token that dies
// in the middle of a long dump is worth finding out before.
func (c *Client) TokenLife(ctx context.Context) (left time.Duration, forever, known bool, err error) {
	type authorization struct {
		AccessToken struct {
			Token     Secret `json:"token"`
			ExpiresIn *int64 `json:"expires_in"` // seconds; null: never
		} `json:"access_token"`
	}
	all, err := list[authorization](ctx, c, get(platformHost, "oauth", "authorizations"))
	if err != nil {
		return 0, false, false, err
	}
	for _, a := range all {
		if a.AccessToken.Token != c.cfg.Token {
			continue
		}
		if a.AccessToken.ExpiresIn == nil {
			return 0, true, true, nil
		}
		return time.Duration(*a.AccessToken.ExpiresIn) * time.Second, false, true, nil
	}
	return 0, false, false, nil
}
