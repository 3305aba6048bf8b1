package steps

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"changeover/heroku"
)

// Difference is something in the world that this run has not done.
type Difference struct {
	Text string // one line that names what is and what should be
	// Danger says that going on as planned could lose writes or shut users out longer: a person decides first.
	Danger bool
}

// DriftWatched says whether drift matters now: from the moment at which step 3 has recorded the formation, before it takes
// the app down, until step 9 has brought it to final-primary. While a bail-out is at work nothing may hold it up.
func DriftWatched(l Look) bool {
	if l.StepState(0).Active() || l.StepState(9) == Done || wentBack(l) != nil {
		return false
	}
	_, recorded := FactFormation(3, l.Config().App).Get(l.Facts())
	return l.StepState(3) == Done || begun(l.StepState(3)) && recorded
}

// begun says whether a step may have changed something that still stands.
func begun(s State) bool {
	switch s {
	case Locked, Ready, RolledBack:
		return false
	default:
		return true
	}
}

// Drift compares the world as it is with what the run knows: what its own facts say must be true, and for the rest what was
// there when a step finished last. What a step of ours may be changing at this moment is left out, so that our own work
// never looks like somebody else's. The caller makes sure that no change of ours was on its way while now was read.
func Drift(l Look, was, now World) []Difference {
	var d differences
	for _, app := range l.Config().Apps() {
		d.app(l, app, was.Apps[app], now.Apps[app])
		d.database(l, app, now)
	}
	for _, role := range Roles {
		if db, ok := now.Databases[role]; ok {
			d.follower(l, role, was.Databases[role], db)
		}
	}
	d.attachments(l.Config(), was, now)
	return d
}

type differences []Difference

func (d *differences) danger(format string, args ...any) {
	*d = append(*d, Difference{fmt.Sprintf(format, args...), true})
}

func (d *differences) benign(format string, args ...any) {
	*d = append(*d, Difference{fmt.Sprintf(format, args...), false})
}

func (d *differences) app(l Look, name string, was, now AppWorld) {
	if was.ID != "" && was.ID != now.ID {
		d.danger("app %s is another app than before", name)
	}
	if now.Deploy > was.Deploy {
		say := d.benign
		if outageOpen(l) {
			say = d.danger
		}
		say("%s was released as v%d: %s", name, now.Deploy, now.DeployText)
	}
	for _, addon := range now.Addons {
		if !slices.Contains(was.Addons, addon) && !ourAddon(l, addon) {
			d.benign("%s has a new add-on %s", name, addon)
		}
	}
	if !fencedOff(l) {
		return
	}
	if !now.Maintenance {
		d.danger("maintenance mode of %s is off; the run had turned it on", name)
	}
	for _, kind := range slices.Sorted(maps.Keys(now.Formation)) {
		if n := now.Formation[kind]; n > 0 && (kind != "web" || !now.Private) && kind != heroku.ReleaseType {
			d.danger("%s of %s is scaled to %d; the run had scaled it to 0", kind, name, n)
		}
	}
}

// fencedOff says whether the app must be down: the fence is proven, and neither step 8 nor a way back has begun.
func fencedOff(l Look) bool {
	_, fence := FactFence.Get(l.Facts())
	_, passed := FactNoReturn1.Get(l.Facts())
	return fence && !passed && l.StepState(3) == Done
}

func outageOpen(l Look) bool {
	outages, _ := FactOutages.Get(l.Facts())
	return len(outages) > 0 && outages[len(outages)-1].End.IsZero()
}

func ourAddon(l Look, name string) bool {
	for _, role := range Roles {
		if db, ok := FactDatabase(role).Get(l.Facts()); ok && db.Name == name {
			return true
		}
	}
	return name == l.Config().OldPrimary.Name || strings.HasPrefix(name, fmt.Sprintf("%s-mig-%s-", l.Config().App, l.Config().Token4))
}

// database checks DATABASE of one app. While a promotion, or the way back from one, is under way it may be either, or absent.
func (d *differences) database(l Look, app string, now World) {
	roles, absent := mayServe(l)
	have, ok := now.Attachments[app+"/"+heroku.DatabaseAttachment]
	if !ok && absent {
		return
	}
	for _, role := range roles {
		if ok && have == addonName(l, role) {
			return
		}
	}
	d.danger("DATABASE of %s is %s, not %s (%s)", app, orDash(have), roles[0], addonName(l, roles[0]))
}

// mayServe are the roles that DATABASE may point to now, the expected one first, and whether it may be absent.
func mayServe(l Look) (roles []Role, absent bool) {
	// A paused step may be one that is being rolled back.
	going := func(n int) bool { s := l.StepState(n); return s == Running || s == Verifying || s == Done }
	promoted, ok := FactPromoted.Get(l.Facts())
	switch {
	case !ok && !begun(l.StepState(7)):
		return []Role{OldPrimary}, false
	case !ok:
		return []Role{OldPrimary, FastPrimary}, true
	case promoted == FinalPrimary && going(9):
		return []Role{FinalPrimary}, false
	case promoted == FinalPrimary || begun(l.StepState(9)):
		return []Role{promoted, FastPrimary, FinalPrimary}, true
	case going(7):
		return []Role{FastPrimary}, false
	default:
		return []Role{FastPrimary, OldPrimary}, true
	}
}

func (d *differences) follower(l Look, role Role, was, now DatabaseWorld) {
	switch {
	case now.Name == "":
		d.danger("%s (%s) is gone", role, addonName(l, role))
	case was.Name != now.Name:
		// Made since; its own step reads it back.
	case was.Follows != "" && was.Follows != now.Follows && (role != FinalPrimary || !begun(l.StepState(9))):
		d.danger("%s (%s) does not follow its leader any more", role, now.Name)
	case was.Version != "" && now.Version != "" && was.Version != now.Version:
		d.benign("%s (%s) runs PostgreSQL %s, formerly %s", role, now.Name, now.Version, was.Version)
	}
}

// attachments finds new ones of our databases: whoever attaches one is about to use it. Those that the run makes itself have
// names that are known.
func (d *differences) attachments(c Config, was, now World) {
	for _, key := range slices.Sorted(maps.Keys(now.Attachments)) {
		if _, ok := was.Attachments[key]; ok {
			continue
		}
		app, name, _ := strings.Cut(key, "/")
		ours := slices.Contains(c.Apps(), app) && (name == heroku.DatabaseAttachment || name == heroku.PoolAttachment || strings.HasPrefix(name, "MIG_"+strings.ToUpper(c.Token4)+"_"))
		if !ours {
			d.danger("%s is attached to %s as %s, which is new", now.Attachments[key], app, name)
		}
	}
}
