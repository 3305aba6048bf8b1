package engine

import (
	"slices"
	"time"

	"changeover/steps"
	"changeover/steps/journal"
)

// boxBill is what the machine costs.
type boxBill struct {
	cents int64 // per hour, now
	since time.Time
	spent float64 // cents, up to since
}

// foldMoney keeps the ledger of what is paid for. A fact holds only the latest database of a role, and the one
// that was destroyed before it cost money too.
func (s *state) foldMoney(r journal.Record, fact string) {
	if fact == string(steps.FactBox) {
		box, _ := steps.FactBox.Get(s.facts)
		if box.CentsHour != s.box.cents {
			s.box.spent += cents(s.box.cents, s.box.since, r.At)
			s.box.cents, s.box.since = box.CentsHour, r.At
		}
		return
	}
	for _, role := range steps.Roles {
		name := steps.FactDatabase(role)
		if !role.Ours() || string(name) != fact {
			continue
		}
		db, ok := name.Get(s.facts)
		if !ok || db.AddonID == "" {
			return
		}
		at := slices.IndexFunc(s.ledger, func(have steps.Database) bool { return have.AddonID == db.AddonID })
		if at < 0 {
			s.ledger = append(s.ledger, db)
		} else {
			s.ledger[at] = db
		}
	}
}

// cost adds up what has been spent until now.
func (s *state) cost(now time.Time) steps.CostView {
	var view steps.CostView
	var spent float64
	for _, db := range s.ledger {
		end := now
		if !db.Destroyed.IsZero() {
			end = db.Destroyed
		}
		spent += cents(db.CentsHour, db.Created, end)
		if db.Alive() {
			view.CentsHour += db.CentsHour
			view.Billed = append(view.Billed, db.Name)
		}
	}
	spent += s.box.spent
	if last := s.steps[s.count]; last != nil && last.state == steps.Done { // the last step turns it off
		spent += cents(s.box.cents, s.box.since, last.ended)
	} else if s.box.cents > 0 {
		box, _ := steps.FactBox.Get(s.facts)
		spent += cents(s.box.cents, s.box.since, now)
		view.CentsHour += s.box.cents
		view.Billed = append(view.Billed, box.Name)
	}
	view.CentsSoFar = int64(spent)
	return view
}

func cents(hourly int64, from, to time.Time) float64 {
	if from.IsZero() || to.Before(from) {
		return 0
	}
	return float64(hourly) * to.Sub(from).Hours()
}

// outage adds up how long users were shut out until now.
func (s *state) outage(now time.Time, budget time.Duration) steps.OutageView {
	view := steps.OutageView{Budget: budget}
	view.Outages, _ = steps.FactOutages.Get(s.facts)
	for _, o := range view.Outages {
		end := o.End
		if end.IsZero() {
			end = now
			view.Active, view.Since = true, o.Start
		}
		view.Total += max(0, end.Sub(o.Start))
	}
	return view
}
