package engine

import (
	"context"

	"changeover/steps"
	"changeover/steps/journal"
)

// watchFence asks again and again, while a fence must hold, whether somebody wrote behind it.
func (e *Engine) watchFence() {
	said := ""
	e.every(e.o.WatchEvery, func(ctx context.Context) {
		look := e.look()
		if !fenced(look) {
			said = ""
			return
		}
		var broken string
		err := guarded(func() (err error) { broken, err = e.o.WatchFence(ctx, look); return err })
		if ctx.Err() != nil {
			return
		}
		if err != nil {
			if text := e.clean(err.Error()); text != said { // said once, not every ten seconds
				said = text
				e.logf(steps.Warn, 0, "the write fence cannot be watched: %s", text)
			}
			return
		}
		if said != "" {
			said = ""
			e.logf(steps.Info, 0, "the write fence is watched again")
		}
		if broken != "" {
			e.breakFence(look, e.clean(broken))
		}
	})
}

// watchLeft asks again and again whether somebody still writes to old-primary, which the app has left. What is written
// there reaches no other database, and nobody would notice.
func (e *Engine) watchLeft() {
	e.every(e.o.WatchEvery, func(ctx context.Context) {
		look := e.look()
		if !left(look) {
			return
		}
		var written string
		err := guarded(func() (err error) { written, err = e.o.WatchLeft(ctx, look); return err })
		// One that cannot be read any more may be gone, which is nobody's loss; it is asked again.
		if err != nil || written == "" || ctx.Err() != nil || !left(e.look()) {
			return
		}
		written = e.clean(written)
		if err := e.put(journal.Record{Kind: kindFact, Actor: "engine"}, string(steps.FactOldWritten), written); err != nil {
			e.logf(steps.Error, 0, "%v", err)
		}
		e.logf(steps.Error, 0, "old-primary is written to although the app has left it: %s. Those rows are on no other database", written)
	})
}

// left says whether the app runs elsewhere, and old-primary exists and has not been written to since, as far as is known.
func left(look steps.Look) bool {
	facts := look.Facts()
	fence, ok := steps.FactFence.Get(facts)
	_, broken := steps.FactFenceBroken.Get(facts)
	_, known := steps.FactOldWritten.Get(facts)
	old, entered := steps.FactDatabase(steps.OldPrimary).Get(facts)
	return ok && fence.Leader == steps.OldPrimary && !broken && !known && (!entered || old.Alive()) && look.StepState(8) == steps.Done
}

// fenced says whether a fence must hold now: old-primary's until step 8 is over, fast-primary's until step 9 is.
func fenced(look steps.Look) bool {
	fence, ok := steps.FactFence.Get(look.Facts())
	if !ok {
		return false
	}
	if _, broken := steps.FactFenceBroken.Get(look.Facts()); broken {
		return false
	}
	switch fence.Leader {
	case steps.OldPrimary:
		return look.StepState(8) != steps.Done
	case steps.FastPrimary:
		return look.StepState(9) != steps.Done
	default:
		return false
	}
}

// breakFence journals that the fence is broken, unless the fence that was looked at is gone meanwhile.
func (e *Engine) breakFence(seen steps.Look, who string) {
	was, _ := steps.FactFence.Get(seen.Facts())
	now := e.look()
	if is, ok := steps.FactFence.Get(now.Facts()); !ok || is != was || !fenced(now) {
		return
	}
	record := journal.Record{Kind: kindFact, Actor: "engine"}
	if err := e.put(record, string(steps.FactFenceBroken), who); err != nil {
		e.logf(steps.Error, 0, "%v", err)
	}
	e.logf(steps.Error, 0, "the write fence is broken: %s. What was dumped across it is void: roll back or bail out", who)
}
