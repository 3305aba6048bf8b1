package memworld

import "strings"

// watch looks after every change whether the promises of a migration hold.
func (w *World) watch(what string) {
	living := map[string]int{}
	for _, a := range w.s.Addons {
		if role := roleOf(a.Name); role != "" && a.alive() {
			living[role]++
		}
	}
	for role, n := range living {
		if n > 1 {
			w.breach("there are %d databases %s (%s)", n, role, what)
		}
	}
	for _, name := range w.appNames() {
		app := w.s.Apps[name]
		serving := w.byID(w.serving(name))
		switch {
		case app.ByHand && strings.HasPrefix(what, "attach ") && strings.HasSuffix(what, " to "+name+" as DATABASE") && roleOf(what) != "":
			w.breach("DATABASE of %s was moved while its users were writing (%s)", name, what)
		case serving == nil && app.ByHand: // on the way back, which must not wait for anybody
		case serving == nil && !app.Maintenance:
			w.breach("%s has no DATABASE and is not in maintenance (%s)", name, what)
		case serving == nil && !strings.HasPrefix(what, "detach DATABASE") && !strings.HasSuffix(what, "as DATABASE"):
			w.breach("%s has no DATABASE, and something else is done first: %s", name, what)
		case serving == nil || app.Maintenance && app.running() == 0:
		case !serving.provisioned() || serving.Leader != "" || w.recovering(serving):
			w.breach("%s runs on %s, which takes no writes (%s)", name, serving.Name, what)
		case !serving.Loaded || !serving.Rows.all(w.s.Acked):
			w.breach("%s runs on %s, which lacks acknowledged writes (%s)", name, serving.Name, what)
		}
	}
}

// mayDestroy looks before a database is destroyed.
func (w *World) mayDestroy(a *addon) {
	if w.ledger != nil && !w.ledger(a.ID) {
		w.breach("%s is destroyed and not in the ledger", a.Name)
	}
	if w.serves(a.ID) {
		w.breach("%s is destroyed, and is the DATABASE of an app", a.Name)
	}
	for _, other := range w.s.Addons {
		if other.alive() && other.Leader == a.ID {
			w.breach("%s is destroyed although %s follows it", a.Name, other.Name)
		}
	}
}

func (w *World) serves(id string) bool {
	for _, name := range w.appNames() {
		if w.serving(name) == id {
			return true
		}
	}
	return false
}
