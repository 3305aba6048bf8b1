package session

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/google/uuid"

	"changeover/steps"
)

// Command asks the engine for something and returns when it is accepted or refused, not when it is done. It fills in
// ID and Operator when they are empty.
//
// A refusal satisfies errors.Is with one of the errors of package steps and keeps the engine's line. A connection that
// breaks is tried again with the same ID, which the engine carries out once; when no answer comes at all the error is
// ErrUnanswered, because the command may have arrived.
func (c *Client) Command(ctx context.Context, cmd steps.Command) error {
	if cmd.ID == "" {
		cmd.ID = uuid.NewString()
	}
	if cmd.Operator == "" {
		cmd.Operator = c.who.Name
	}
	if cmd.From == "" {
		cmd.From = c.who.From
	}
	if err := c.negotiate(ctx); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, c.timing.giveUp)
	defer cancel()
	pause := c.newBackoff()
	sent := false // whether an attempt may have reached the engine
	for {
		err := c.call(ctx, http.MethodPost, "v1/commands", cmd, nil)
		if err == nil {
			return nil
		}
		var refused *Refused
		switch answered := errors.As(err, &refused); {
		case answered && !errors.Is(err, ErrStopping):
			return err
		case !sent && (answered || errors.Is(err, ErrNoEngine) || errors.Is(err, ErrRefused)):
			return err // it never left, so there is nothing to find out by insisting
		case !answered && !errors.Is(err, ErrNoEngine) && !errors.Is(err, ErrRefused):
			sent = true
		}
		if !sleep(ctx, pause.NextBackOff()) {
			return fmt.Errorf("%w; look before you repeat it (%w)", ErrUnanswered, err)
		}
	}
}

// newBackoff makes the pauses between attempts: doubling, with jitter, so that many clients of a restarted engine do
// not all arrive in the same millisecond.
func (c *Client) newBackoff() *backoff.ExponentialBackOff {
	b := backoff.NewExponentialBackOff()
	b.InitialInterval = c.timing.backoffMin
	b.MaxInterval = c.timing.backoffMax
	b.Multiplier = 2
	return b
}

// sleep waits for d and says whether it did so to the end.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
