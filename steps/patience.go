package steps

import (
	"context"
	"errors"
	"fmt"
	"time"

	"changeover/heroku"
)

// errorPatience is how long a wait outside an outage goes on although every question fails: most waits last minutes to
// hours anyway, and an incident of Heroku must not end them. While users are shut out a person has to hear earlier.
const errorPatience = 15 * time.Minute

// patiently is Wait for questions whose failing once means nothing: a server restarts, a connection drops, Heroku has
// an incident. Only when nothing but errors has come back for errorPatience, or for ten polls during an outage, does the
// last one end the wait. What waiting does not mend, such as a token that is
// not accepted, ends it at once. Ending loses nothing: an advanced step goes on where it stood.
func (env *Env) patiently(ctx context.Context, waiting Waiting, every time.Duration, ask func(ctx context.Context) (bool, string, error)) error {
	var failing time.Time
	return env.Wait(ctx, waiting, every, func(ctx context.Context) (bool, string, error) {
		done, detail, err := ask(ctx)
		if err == nil {
			failing = time.Time{}
			return done, detail, nil
		}
		if ctx.Err() != nil || errors.Is(err, ErrNeedsHuman) || hopeless(err) {
			return false, "", err
		}
		if failing.IsZero() {
			failing = env.Now()
		}
		patience := errorPatience
		if outageOpen(env) {
			patience = 10 * env.Config().Poll.D()
		}
		since := env.Now().Sub(failing)
		if since > patience {
			return false, "", fmt.Errorf("gave up waiting for %s: nothing but errors for %s: %w", waiting.For, since.Round(time.Second), err)
		}
		return false, fmt.Sprintf("errors for %s, asking again for %s: %v", since.Round(time.Second), (patience - since).Round(time.Second), err), nil
	})
}

// hopeless says whether asking the same again cannot end otherwise until a person has done something.
func hopeless(err error) bool {
	return errors.Is(err, heroku.ErrUnauthorized) || errors.Is(err, heroku.ErrForbidden)
}
