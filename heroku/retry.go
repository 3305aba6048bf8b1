package heroku

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/cenkalti/backoff/v5"
)

const (
	firstRetry     = 300 * time.Millisecond
	longestRetry   = 10 * time.Second
	firstRateRetry = 5 * time.Second // at 75 calls a minute this refills six
	longestRate    = time.Minute
	maxRetryAfter  = 2 * time.Minute
)

// do sends a request and, when Heroku wants a second factor, asks for it.
func (c *Client) do(ctx context.Context, r request) (*response, error) {
	resp, err := c.try(ctx, r)
	var wanted *TwoFactorError
	if c.cfg.SecondFactor == nil || r.twoFactor != "" || !errors.As(err, &wanted) {
		return resp, err
	}
	return c.withSecondFactor(ctx, r, wanted)
}

// try sends a request, repeating reads after transport errors, 5xx and 429. A write is sent exactly once.
func (c *Client) try(ctx context.Context, r request) (*response, error) {
	if r.pathErr != nil {
		return nil, r.pathErr
	}
	trouble, limited := spacing(firstRetry, longestRetry), spacing(firstRateRetry, longestRate)
	for n := 1; ; n++ {
		if err := c.pace(ctx, r); err != nil {
			return nil, fmt.Errorf("wait for the rate limit: %w", err)
		}
		resp, err := c.attempt(ctx, r, n)
		if err == nil {
			return resp, nil
		}
		if r.write() || n >= c.cfg.MaxTries || ctx.Err() != nil {
			return nil, err
		}
		var wait time.Duration
		switch {
		case errors.Is(err, ErrRateLimited):
			wait = max(limited.NextBackOff(), retryAfterOf(err))
		case errors.Is(err, ErrServer), errors.Is(err, ErrUnreachable):
			wait = max(trouble.NextBackOff(), retryAfterOf(err))
		default:
			return nil, err
		}
		if stopped := c.cfg.Sleep(ctx, wait); stopped != nil {
			return nil, fmt.Errorf("%w (not tried again: %w)", err, stopped)
		}
	}
}

// pace holds back ordinary reads while the account's budget is low.
func (c *Client) pace(ctx context.Context, r request) error {
	if c.urgent || r.write() || r.free || r.host != platformHost {
		return nil
	}
	if d := c.shared.readDelay(c.cfg.Now(), c.cfg.Reserve); d > 0 {
		return c.cfg.Sleep(ctx, d)
	}
	return nil
}

func spacing(first, longest time.Duration) *backoff.ExponentialBackOff {
	b := backoff.NewExponentialBackOff() // jitter: half the interval either way
	b.InitialInterval, b.MaxInterval, b.Multiplier = first, longest, 2
	return b
}

func retryAfterOf(err error) time.Duration {
	var api *APIError
	if errors.As(err, &api) {
		return api.retryAfter
	}
	return 0
}

// call sends a request and decodes the answer into out; a nil out discards it.
func (c *Client) call(ctx context.Context, r request, out any) error {
	resp, err := c.do(ctx, r)
	if err != nil {
		return err
	}
	if out == nil {
		return nil
	}
	if err := decode(resp.body, out); err != nil {
		return c.decodeError(r, resp, err)
	}
	return nil
}

func (c *Client) decodeError(r request, resp *response, err error) error {
	return &DecodeError{
		Method: r.method, Path: r.path, Status: resp.status, Write: r.write(),
		RequestID: resp.requestID, Err: err, text: oneLine(scrub(err.Error(), c.cfg.Token)),
	}
}
