package steps

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"changeover/pgxfer"
)

// planner is the Recorder of a dry run: it notes what it is asked to do.
type planner struct {
	overlay  *overlay
	forecast *Forecast
	// open is the last thing that was noted and has not happened: everything behind it builds on its result.
	open string
}

func (p *planner) add(i Item) {
	i.Later = i.Later || p.open != "" && i.Kind == ItemEffect
	p.forecast.Items = append(p.forecast.Items, i)
	if i.Kind != ItemSame && i.Kind != ItemNote {
		p.open = i.Action
	}
}

func (p *planner) work(action string) { p.add(Item{Kind: ItemWork, Plan: Plan{Action: action}}) }

// rest says what the remainder of the step hangs on.
func (p *planner) rest() string { return "what follows depends on the result of: " + p.open }

// Do notes an effect. It is read whether it has happened; whether it would be refused is asked only while the world is the
// one in which its turn would come.
func (p *planner) Do(ctx context.Context, effect Effect) error {
	item := Item{Kind: ItemEffect, Plan: effect.Plan()}
	seen, err := effect.Probe(ctx)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil && p.open == "":
		return err
	case err != nil:
		item.Now = "can be read only then"
	case seen.Seen == Present:
		item.Kind, item.Now = ItemSame, seen.Detail
	case seen.Seen == Conflict:
		item.Problem = seen.Detail
	default:
		item.Now = seen.Detail
	}
	if item.Kind == ItemEffect && item.Problem == "" && p.open == "" {
		if err := effect.Precheck(ctx); err != nil {
			item.Problem = err.Error()
		}
	}
	p.add(item)
	return ctx.Err()
}

// latches are the facts whose writing is an event by itself.
var latches = map[string]string{
	string(FactNoReturn1): "POINT OF NO RETURN 1 is put on disk: from here on, going back to old-primary loses writes",
	string(FactNoReturn2): "POINT OF NO RETURN 2 is put on disk: from here on, going back to fast-primary loses writes",
}

// Put keeps a fact for the rest of the dry run.
func (p *planner) Put(name string, value any) error {
	raw, err := json.Marshal(value)
	if err != nil {
		return fmt.Errorf("encoding fact %s: %w", name, err)
	}
	p.overlay.facts = p.overlay.facts.Clone()
	p.overlay.facts.Set(name, raw)
	if text, ok := latches[name]; ok && string(raw) != "null" {
		p.add(Item{Kind: ItemNote, Plan: Plan{Action: text, Reversible: "no"}})
	}
	return nil
}

// Wait asks once. What is not true yet is noted, and the plan goes on as if it had become true: the items behind it are
// marked as built on it.
func (p *planner) Wait(ctx context.Context, waiting Waiting, _ time.Duration, ask func(ctx context.Context) (bool, string, error)) error {
	done, detail, err := ask(ctx)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil && p.open == "":
		return err
	case err != nil:
		detail = "can be read only then"
	case done:
		return nil
	}
	p.add(Item{Kind: ItemWait, Plan: Plan{Action: "wait for " + waiting.For}, Now: detail})
	return nil
}

// Log keeps warnings: they are about what the step found.
func (p *planner) Log(level Level, format string, args ...any) {
	if level != Info {
		p.add(Item{Kind: ItemNote, Plan: Plan{Action: fmt.Sprintf(format, args...)}})
	}
}

// Progress implements Recorder; nothing is transferred.
func (p *planner) Progress(pgxfer.Progress) {}

// dryTransfer transfers nothing.
type dryTransfer struct{ pgxfer.Transfer }

func (dryTransfer) Dump(context.Context, pgxfer.DumpOptions, pgxfer.Observer) (pgxfer.DumpResult, error) {
	return pgxfer.DumpResult{}, ErrDryRun
}

func (dryTransfer) Restore(context.Context, pgxfer.RestoreOptions, pgxfer.Observer) (pgxfer.RestoreResult, error) {
	return pgxfer.RestoreResult{}, ErrDryRun
}

// dryData reads what is cheap to read.
type dryData struct {
	Data
	p *planner
}

func (d dryData) Verify(_ context.Context, o pgxfer.VerifyOptions, _ pgxfer.Observer) (pgxfer.Verification, error) {
	d.p.work(fmt.Sprintf("compare every table, sequence and large object of %s with %s", o.Target.Name, o.Source.Name))
	return pgxfer.Verification{}, ErrDryRun
}
func (dryData) ResetTarget(context.Context, pgxfer.Endpoint, string) error { return ErrDryRun }
func (dryData) Discard(string) error                                       { return ErrDryRun }

// dryBox leaves the machine alone.
type dryBox struct {
	Box
	p *planner
}

func (b dryBox) Prepare(_ context.Context, dir string, bytes int64) (BoxFacts, error) {
	b.p.work(fmt.Sprintf("make %s usable for %s, and measure it", dir, size(bytes)))
	return BoxFacts{Name: b.Name(), Dir: dir}, nil
}

func (b dryBox) Undo(_ context.Context, dir string) error {
	b.p.work("give " + dir + " back")
	return nil
}
func (dryBox) TurnOff(context.Context) error { return ErrDryRun }
