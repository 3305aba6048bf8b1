package steps

import (
	"context"
	"fmt"
)

// requireShut fails unless every app is in maintenance and none of its processes runs, as the run had left it. It is read
// just before DATABASE moves: the fence says that nobody has written, this that nobody is about to. Who resumes a run that
// has found an app opened by somebody else has seen it, and has not put it right.
func requireShut(ctx context.Context, env *Env) error {
	for _, app := range env.Config().Apps() {
		info, err := env.Heroku.App(ctx, app)
		if err != nil {
			return fmt.Errorf("reading app %s: %w", app, err)
		}
		if !info.Maintenance {
			return fmt.Errorf("%w: maintenance mode of %s is off, so its users would write while DATABASE moves; shut it: heroku maintenance:on -a %s, then advance again", ErrNeedsHuman, app, app)
		}
		dynos, err := env.Heroku.Dynos(ctx, app)
		if err != nil {
			return fmt.Errorf("reading the dynos of %s: %w", app, err)
		}
		for _, d := range dynos {
			// The web dynos of a Private Space show the maintenance page; step 3 leaves them up.
			if d.Type != "web" || !info.Private() {
				return fmt.Errorf("%w: %s of %s runs, and could write while DATABASE moves; end it (heroku ps:scale %s=0 -a %s, or ps:stop), then advance again", ErrNeedsHuman, d.Name, app, d.Type, app)
			}
		}
	}
	return nil
}
