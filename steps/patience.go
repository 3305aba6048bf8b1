package steps

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// patiently is Wait for questions whose failing once means nothing: a server restarts, a connection drops.
// Only when nothing but errors came back for ten polls does the last one end the wait.
func (env *Env) patiently(ctx context.Context, waiting Waiting, every time.Duration, ask func(ctx context.Context) (bool, string, error)) error {
	var failing time.Time
	patience := 10 * env.Config().Poll.D()
	return env.Wait(ctx, waiting, every, func(ctx context.Context) (bool, string, error) {
		done, detail, err := ask(ctx)
		switch {
		case err == nil:
			failing = time.Time{}
			return done, detail, nil
		case ctx.Err() != nil, errors.Is(err, ErrNeedsHuman):
			return false, "", err
		case failing.IsZero():
			failing = env.Now()
		case env.Now().Sub(failing) > patience:
			return false, "", fmt.Errorf("gave up after %s: %w", env.Now().Sub(failing).Round(time.Second), err)
		}
		return false, "asking again: " + err.Error(), nil
	})
}
