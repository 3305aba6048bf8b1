package steps

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/dustin/go-humanize"
)

// All are the twelve steps in order.
func All() []Step {
	return []Step{
		fastFollower{},
		box{},
		intoMaintenance{},
		dump{},
		fastPrimary{},
		restore{},
		promoteFast{},
		outOfMaintenance{},
		promoteFinal{},
		deleteTemporary{},
		finalFollower{},
		boxOff{},
	}
}

// names are the short names of the steps, for lists and for the reasons that one step gives about another.
var names = [...]string{
	1: "Fast follower", 2: "EC2 box", 3: "Into maintenance", 4: "Dump", 5: "Fast primary", 6: "Restore",
	7: "Promote + follower", 8: "Out of maintenance", 9: "Promote preferred", 10: "Delete temporary", 11: "New follower", 12: "Turn the box off",
}

// need is why a step must wait for others, nil when all of them are done.
func need(l Look, numbers ...int) error {
	if err := wentBack(l); err != nil {
		return err
	}
	var missing []string
	for _, n := range numbers {
		if l.StepState(n) != Done {
			missing = append(missing, fmt.Sprintf("%d (%s)", n, names[n]))
		}
	}
	switch len(missing) {
	case 0:
		return nil
	case 1:
		return fmt.Errorf("step %s must be done first", missing[0])
	default:
		return fmt.Errorf("steps %s must be done first", strings.Join(missing, " and "))
	}
}

// started says why a step can no longer be undone because later ones have begun.
func started(l Look, numbers ...int) error {
	if err := wentBack(l); err != nil {
		return err
	}
	for _, n := range numbers {
		switch s := l.StepState(n); s {
		case Locked, Ready, RolledBack:
		default:
			return fmt.Errorf("step %d (%s) is %s; roll it back first", n, names[n], s)
		}
	}
	return nil
}

var (
	errNoReturn1 = errors.New("the app has run on fast-primary since step 8: going back would lose every write since; changeover bail --lossy says what, and does it")
	errNoReturn2 = errors.New("the app has run on final-primary since step 9: going back would lose every write since; changeover bail --lossy says what, and does it")
)

// passed1 is the reason why nothing before point of no return 1 can be undone, nil before it.
func passed1(l Look) error {
	if err := wentBack(l); err != nil {
		return err
	}
	if _, ok := FactNoReturn1.Get(l.Facts()); ok {
		return errNoReturn1
	}
	return nil
}

// tiers of confirmation shared by the steps

func plainKey() Confirmation { return Confirmation{Tier: TierKey} }

func sayYes(question string, consequences ...string) Confirmation {
	return Confirmation{Tier: TierYes, Question: question, Consequences: consequences}
}

// typeApp asks for the app's name: the guard against working on the wrong app at night.
func typeApp(l Look, question string, consequences ...string) Confirmation {
	return Confirmation{Tier: TierTyped, Question: question, Consequences: consequences, Words: []string{l.Config().App}}
}

func typeName(name, question string, consequences ...string) Confirmation {
	return Confirmation{Tier: TierTyped, Question: question, Consequences: consequences, Words: []string{name}}
}

func size(bytes int64) string { return humanize.Bytes(uint64(max(bytes, 0))) }

// destroyRollback is the rollback of a step that made one database.
func destroyRollback(ctx context.Context, env *Env, role Role) error {
	return destroyOwn(ctx, env, role, guardUnused(env, role))
}

// createCommand is the raw Heroku command that creates the database of a role, for people to read.
func createCommand(l Look, role Role, plan, option string) string {
	c := l.Config()
	try := 1
	if db, ok := FactDatabase(role).Get(l.Facts()); ok {
		if try = db.Try; !db.Alive() {
			try++
		}
	}
	return fmt.Sprintf("heroku addons:create %s --name %s --as %s -a %s -- %s", plan, c.AddonName(role, try), c.AttachmentName(role, try), c.App, option)
}
