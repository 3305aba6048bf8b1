package steps

import (
	"context"
	"fmt"
	"strings"
	"time"

	"changeover/pgxfer"
)

// vouch is the fence's word for fast-follower: nobody has written since it was proven, and fast-follower has replayed all of that. A dump
// that was interrupted may then go on, although ANALYZE, by autovacuum for example, has taken transaction numbers meanwhile.
//
// The fence was proven, and fast-follower had caught up with it, before any dump under it could begin: see [sourceStands].
func vouch(env *Env) pgxfer.Vouch {
	id := fenceID(env)
	return pgxfer.Vouch{ID: id, Same: func(ctx context.Context) error {
		if now := fenceID(env); now != id {
			return fmt.Errorf("%w: the write fence is another one now", pgxfer.ErrSourceChanged)
		}
		// A fence that is broken is for a person, and so is a follower that is none any more: the step ends with that, as it would at its end.
		return sourceStands(ctx, env)
	}}
}

// fenceID names the fence together with the databases it speaks of. Proven again, it is another one.
func fenceID(l Look) string {
	fence, _ := FactFence.Get(l.Facts())
	follower, _ := FactDatabase(FastFollower).Get(l.Facts())
	return strings.Join([]string{
		l.Config().Run, l.Config().OldPrimary.ID, follower.AddonID, fence.At.UTC().Format(time.RFC3339Nano), fence.LSN, fmt.Sprint(fence.Horizon), fence.System,
	}, " ")
}
