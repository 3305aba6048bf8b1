package dash

import (
	"strings"
	"testing"
	"time"

	"changeover/steps"
	"changeover/steps/session"
)

// verifying is step 6 reading back what it did.
func verifying() *steps.View {
	v := inOutage()
	done(v, 4, 28*time.Minute)
	s := running(v, 6, 21*time.Minute)
	s.State, s.Doing = steps.Verifying, "comparing 320 tables and 118 sequences"
	return v
}

// undoing is step 5 being rolled back.
func undoing() *steps.View {
	v := inOutage()
	s := running(v, 5, 2*time.Minute)
	s.State, s.Doing, s.RollbackBlocked = steps.RollingBack, "destroy add-on shop-mig-7f3a-fast-primary", "it is being rolled back"
	return v
}

// undone is step 5 after that.
func undone() *steps.View {
	v := inOutage()
	s := &v.Steps[4]
	s.State, s.Active, s.CanAdvance, s.CanRollback, s.AdvanceBlocked = steps.RolledBack, 2*time.Minute, true, false, ""
	s.Reason, s.RollbackBlocked = "rolled back", "it is rolled back"
	v.Next, v.Hint = 5, "Step 5 can start again."
	return v
}

// needsHuman is a step that found the world other than it must be.
func needsHuman() *steps.View {
	v := inOutage()
	s := &v.Steps[3]
	s.State, s.Active, s.CanAdvance, s.CanRollback, s.RollbackBlocked = steps.NeedsHuman, 4*time.Minute, true, true, ""
	s.Reason = "DATABASE of shop is postgresql-other-1234, which is none of this run's; look at heroku pg:info, then a looks again"
	v.Alarm = "changed by somebody else: DATABASE of shop is postgresql-other-1234 – put it right, or resume to go on with the world as it is"
	v.Paused, v.PausedBy = true, "the engine"
	return v
}

// bailing is production being brought back: no step works, and none may start.
func bailing() *steps.View {
	v := inOutage()
	v.Hint, v.Next, v.BailBlocked = "Production is being brought back on old-primary; wait for it.", 0, "production is being brought back on old-primary; wait for it"
	for i := range v.Steps {
		s := &v.Steps[i]
		s.CanAdvance, s.CanRollback, s.AdvanceBlocked, s.RollbackBlocked = false, false, v.BailBlocked, v.BailBlocked
	}
	return v
}

// asked is a step that waits for the operator.
func asked() *steps.View {
	v := waiting()
	s := &v.Steps[0]
	s.Waiting.Who, s.Waiting.For, s.Waiting.Detail = "you", "a payment method on the Heroku team", "Heroku says: payment required"
	return v
}

// watched is a run that somebody else drives.
func watched() *steps.View {
	v := dumping()
	v.Driver = &steps.Operator{Name: "maximiliane.von-und-zu@example.com", From: "10.0.0.9", Since: t0}
	return v
}

// pausing is a soft pause while the pieces at work are being finished.
func pausing() *steps.View {
	v := dumping()
	v.Paused, v.PausedBy, v.Steps[3].Transfer.Paused = true, "ana", true
	return v
}

// pausedHard is a hard pause that has been obeyed.
func pausedHard() *steps.View {
	v := paused()
	v.PausedHard = true
	p := v.Steps[3].Transfer
	p.Rate, p.ETALow, p.ETAHigh, p.Workers = 0, 0, 0, nil
	return v
}

// strained is a restore into a server that has to keep too much WAL.
func strained() *steps.View {
	v := restoring()
	v.Steps[5].Transfer.Waits = "fast-primary has to keep 41 GiB of WAL, more than 40 GiB: nothing new is loaded or built until it has less"
	return v
}

// endsAtLogout is before a dump by an engine that its operator's logout would end.
func endsAtLogout() *steps.View {
	v := inOutage()
	v.Run.SurvivesLogout, v.Run.SurvivesWhy = "no", "the user's service manager ends at the last logout; run: loginctl enable-linger"
	return v
}

// removeRun is what the client tells when the run's directory has gone.
func removeRun(s *screen) {
	s.clock.pass(14 * time.Second)
	s.send(feedMsg{events: []session.Event{{Kind: session.KindLost, Since: now, Problem: "the run is over, its directory was removed", Gone: true}}})
}

// moreScenes are the states of steps and of the screen that scenes does not have.
func moreScenes() []scene {
	return []scene{
		{"ready", func(s *screen) { s.press("j", "k") }, inOutage},
		{"locked", func(s *screen) { s.press("G") }, inOutage},
		{"verifying", nothing, verifying},
		{"undoing", nothing, undoing},
		{"undone", nothing, undone},
		{"needs-human", func(s *screen) { s.press("g", "j", "j", "j") }, needsHuman},
		{"needs-you", nothing, asked},
		{"bailing", nothing, bailing},
		{"watching", func(s *screen) { s.snapshot(watched(), session.You{Name: "bob", MayWrite: true}) }, watched},
		{"read-only", func(s *screen) {
			s.m.opts.ReadOnly = true
			s.snapshot(watched(), session.You{Name: "bob"})
		}, watched},
		{"connecting", func(s *screen) {
			s.m.view = nil
			s.m.link = link{state: connecting, since: now.Add(-3 * time.Second)}
		}, fresh},
		{"ended", func(s *screen) { s.send(feedMsg{ended: true}) }, dumping},
		{"removed", removeRun, dumping},
		{"pausing", nothing, pausing},
		{"paused-hard", nothing, pausedHard},
		{"dialog-hard", func(s *screen) { s.settle("P") }, dumping},
		{"dialog-logout", func(s *screen) { s.settle("a") }, endsAtLogout},
		{"strained", nothing, strained},
	}
}

// TestEveryStateHasAPicture: whatever a step can be in, some scene shows it as the selected step.
func TestEveryStateHasAPicture(t *testing.T) {
	seen := map[steps.State]bool{}
	for _, sc := range scenes() {
		s := driving(t, 120, 40, sc.view())
		sc.set(s)
		if step := s.m.step(); step != nil {
			seen[step.State] = true
		}
	}
	for _, state := range []steps.State{
		steps.Locked, steps.Ready, steps.Running, steps.Verifying, steps.Paused, steps.Done, steps.Failed, steps.Unknown,
		steps.NeedsHuman, steps.RollingBack, steps.RolledBack,
	} {
		if !seen[state] {
			t.Errorf("no scene has a step that is %s under the cursor", state)
		}
	}
}

// TestTheHeaderAlwaysSaysWhoDrivesAndThatItIsPaused on the smallest dashboard, with the longest clock.
func TestTheHeaderAlwaysSaysWhoDrivesAndThatItIsPaused(t *testing.T) {
	for _, sc := range scenes() {
		for _, w := range []int{80, 100, 120} {
			s := driving(t, w, 24, sc.view())
			sc.set(s)
			if s.m.view == nil {
				continue
			}
			s.m.view.Paused = true
			header := strings.Split(plainFrame(s.m), "\n")[0]
			for _, want := range []string{"driver: ", "PAUSED", "shop"} {
				if want == "driver: " && s.m.view.Driver == nil && !s.m.you.Driving {
					want = "nobody drives"
				}
				if !strings.Contains(header, want) {
					t.Errorf("%s at %d: no %q in %q", sc.name, w, want, header)
				}
			}
			if s.m.view.Outage.Active && !strings.Contains(header, "OUTAGE 0") {
				t.Errorf("%s at %d: no clock in %q", sc.name, w, header)
			}
		}
	}
}
