package steps

import (
	"context"
)

// Bail brings production back on old-primary from wherever steps 1 to 7 stand: DATABASE back, the formation as
// recorded, maintenance off. It needs neither dump nor restore, and works from a half-done promote. What was created
// stays, so that nothing is destroyed in a hurry; steps 1, 2 and 5 keep their state.
func Bail(ctx context.Context, env *Env) error {
	// Step 8 may have latched while it was being stopped.
	if err := passed1(env); err != nil {
		return err
	}
	if err := backToOldPrimary(ctx, env); err != nil {
		return err
	}
	for _, clear := range []func(Recorder) error{
		FactFence.Clear, FactFenceBroken.Clear, FactArchive.Clear, FactVerification.Clear, FactBaseline.Clear, FactRestored.Clear,
	} {
		// Whatever was dumped behind the fence, and restored from that, is void from the moment the app may write.
		if err := clear(env); err != nil {
			return err
		}
	}
	return leaveMaintenance(ctx, env, 3)
}

// BailBlocked is why bailing out is impossible, nil when it is possible.
func BailBlocked(l Look) error { return passed1(l) }

// BailConfirm is what must be typed to bail out.
func BailConfirm(l Look) Confirmation {
	return typeApp(l, "Bail out: bring "+l.Config().App+" back on old-primary?",
		"Running steps are stopped; DATABASE, the formation and maintenance go back to what they were.",
		"The dump and the restore are void; databases created so far stay and are billed.")
}

// Bailed are the steps whose work a bail undoes.
func Bailed() []int { return []int{3, 4, 6, 7} }
