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
