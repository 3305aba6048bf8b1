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

// TokenLife is how long a token will still be accepted.
type TokenLife struct {
	Known   bool          // false: Heroku does not list the token
	Forever bool          // no end
	Left    time.Duration // until the end
}

// TokenLife returns how long the client's token will still be accepted: one that dies in the middle of a long
// dump is worth finding out before.
func (c *Client) TokenLife(ctx context.Context) (TokenLife, error) {
	type authorization struct {
		AccessToken struct {
			Token     Secret `json:"token"`
			ExpiresIn *int64 `json:"expires_in"` // seconds; null: never
		} `json:"access_token"`
	}
	all, err := list[authorization](ctx, c, get(platformHost, "oauth", "authorizations"))
	if err != nil {
		return TokenLife{}, err
	}
	for _, a := range all {
		if a.AccessToken.Token != c.cfg.Token {
			continue
		}
		if a.AccessToken.ExpiresIn == nil {
			return TokenLife{Known: true, Forever: true}, nil
		}
		return TokenLife{Known: true, Left: time.Duration(*a.AccessToken.ExpiresIn) * time.Second}, nil
	}
	return TokenLife{}, nil
}
