package dash

import (
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/google/go-cmp/cmp"

	"changeover/pgxfer"
	"changeover/steps"
	"changeover/steps/session"
)

// onClassic is a view of a run with the other engine.
func onClassic(view func() *steps.View) func() *steps.View {
	return func() *steps.View {
		v := view()
		v.Run.Engine = "classic"
		for i := range v.Steps {
			if p := v.Steps[i].Transfer; p != nil {
				p.Limits = pgxfer.Workers{}
			}
		}
		return v
	}
}

func comparing() *steps.View {
	v := restoring()
	s := &v.Steps[5]
	s.State, s.Transfer = steps.Verifying, &pgxfer.Progress{Phase: "verify", Workers: []pgxfer.Worker{{ID: 1, Kind: pgxfer.KindDigest, Object: "public.events"}}}
	return v
}

// TestAHardPauseIsAskedAboutAndSaysWhatIsLost: only y sends it, whoever drives.
func TestAHardPauseIsAskedAboutAndSaysWhatIsLost(t *testing.T) {
	s := open(t, 120, 36)
	s.snapshot(dumping(), session.You{Name: "bob", MayWrite: true})
	s.settle("P")
	s.wants("Pause hard?", "Step 4 Dump: 7 pieces rolled back (", "public.events 14/61", "4 more", "What is complete stays", "The outage clock runs on")
	s.press("P")
	if len(s.engine.commands) > 0 {
		t.Fatalf("a second P sent %v", s.engine.commands)
	}
	s.settle("P")
	s.press("y")
	want := []steps.Command{{ID: "id-2", Verb: steps.PauseRun, Hard: true, ExpectRev: 10, Operator: "ana", From: "10.0.0.7", Answers: []string{"y"}}}
	if diff := cmp.Diff(want, s.engine.commands); diff != "" {
		t.Error(diff)
	}
}

func TestWhatATransferDoesNotObeySaysWhy(t *testing.T) {
	for _, test := range []struct {
		name, key, want string
		view            func() *steps.View
	}{
		{"nothing transfers", "P", "nothing is being transferred that could be broken off; p pauses the run", inOutage},
		{"comparing obeys nobody", "P", "nothing is being transferred that could be broken off", comparing},
		{"the pause has come to its end", "P", "nothing is at work that could be broken off; p resumes", func() *steps.View {
			v := pausing()
			v.Steps[3].Transfer.Workers = nil
			return v
		}},
		{"classic pauses softly", "P", "the classic engine pauses softly only", onClassic(dumping)},
		{"twice", "P", "it is broken off already; p resumes", pausedHard},
		{"no transfer has workers", "+", "step 4 Dump transfers nothing now", inOutage},
		{"classic keeps its workers", "+", "the classic engine keeps the number of workers it was started with", onClassic(dumping)},
		{"comparing has its own", "-", "this part of the transfer has no number of workers to change", comparing},
		{"the last worker", "-", "there is only one reader left", func() *steps.View {
			v := dumping()
			v.Workers.Read = 1
			return v
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := driving(t, 120, 36, test.view())
			s.settle(test.key)
			if len(s.engine.commands) > 0 || s.m.dialog != nil {
				t.Errorf("something was asked or sent: %v", s.engine.commands)
			}
			s.wants(test.want)
		})
	}
}

// TestPlusAndMinusChangeTheWorkersOfWhatIsAtWork, counting from what was asked for last.
func TestPlusAndMinusChangeTheWorkersOfWhatIsAtWork(t *testing.T) {
	for _, test := range []struct {
		name, key string
		view      func() *steps.View
		want      pgxfer.Workers
	}{
		{"a reader more", "+", dumping, pgxfer.Workers{Read: 9}},
		{"a builder fewer", "-", func() *steps.View {
			v := restoring()
			v.Workers = pgxfer.Workers{Read: 2, Index: 12}
			return v
		}, pgxfer.Workers{Read: 2, Index: 11}},
		{"a loader more while anything is loaded", "=", func() *steps.View {
			v := restoring()
			v.Steps[5].Transfer.Workers[3].Kind = pgxfer.KindData
			return v
		}, pgxfer.Workers{Load: 5}},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := driving(t, 120, 36, test.view())
			s.press(test.key)
			want := []steps.Command{{ID: "id-1", Verb: steps.SetWorkers, Workers: &test.want, ExpectRev: 10, Operator: "ana", From: "10.0.0.7"}}
			if diff := cmp.Diff(want, s.engine.commands); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestTheStepPanelShowsTheNumberThatCanBeChanged, the one asked for before the transfer has heard of it, too.
func TestTheStepPanelShowsTheNumberThatCanBeChanged(t *testing.T) {
	s := driving(t, 80, 24, dumping())
	s.wants("8 readers")
	v := dumping()
	v.Workers.Read = 12
	s.view(v)
	s.wants("12 readers (from 8)")
	s.view(onClassic(dumping)())
	s.lacks("readers")
}

func TestOnlyWhoeverDrivesChangesWorkers(t *testing.T) {
	s := open(t, 120, 36)
	s.snapshot(dumping(), session.You{Name: "bob", MayWrite: true})
	s.press("+")
	s.wants("ana drives; press c to take over")
	if len(s.engine.commands) > 0 {
		t.Errorf("sent %v", s.engine.commands)
	}
}

// TestAPauseSaysWhatStillGoesOn for each engine and each kind of pause, on the smallest dashboard.
func TestAPauseSaysWhatStillGoesOn(t *testing.T) {
	for _, test := range []struct {
		name string
		view func() *steps.View
		want string
	}{
		{"soft, at work", pausing, "the transfer finishes 7 pieces and then waits; p resumes, P breaks off"},
		{"soft, on classic", onClassic(pausing), "the transfer finishes 7 pieces and then waits; p resumes "},
		{"hard", pausedHard, "pieces at work are rolled back, to be begun again; p resumes"},
		{"hard, on classic", onClassic(func() *steps.View { v := pausing(); v.PausedHard = true; return v }), "the transfer finishes 7 pieces and then waits; p resumes "},
		{"not obeyed yet", func() *steps.View { v := pausing(); v.Steps[3].Transfer.Paused = false; return v }, "the transfer finishes what it is at, then waits"},
		{"nothing left at work", func() *steps.View { v := pausing(); v.Steps[3].Transfer.Workers = nil; return v }, "nothing new is sent, the transfer waits"},
		{"comparing", func() *steps.View { v := comparing(); v.Paused = true; return v }, "verifying goes on to its end"},
		{"no transfer", func() *steps.View { v := waiting(); v.Paused = true; return v }, "nothing new is sent, what was sent is finished"},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := driving(t, 80, 24, test.view())
			s.wants(test.want)
			hint := strings.Split(plainFrame(s.m), "\n")[22]
			if said, _, _ := strings.Cut(test.want, "; p resumes"); !strings.Contains(hint, said) {
				t.Errorf("the line above the keys is %q, want %q in it", hint, said)
			}
			s.lacks("work in flight goes on")
		})
	}
}

// TestWhatATransferWaitsForIsReadWholeAtEverySize: it is what the operator has to act on.
func TestWhatATransferWaitsForIsReadWholeAtEverySize(t *testing.T) {
	for _, size := range [][2]int{{80, 24}, {120, 36}, {200, 60}} {
		v := strained()
		v.Paused = true
		s := driving(t, size[0], size[1], v)
		s.wants("fast-primary has to keep 41 GiB of WAL, more than 40 GiB")
		frame := strings.Join(strings.Fields(strings.NewReplacer("│", "", "┃", "").Replace(plainFrame(s.m))), " ")
		if size[0] == 80 && !strings.Contains(frame, v.Steps[5].Transfer.Waits) {
			t.Errorf("not all of it is on the screen:\n%s", plainFrame(s.m))
		}
	}
}

func TestARemovedRunIsOverAndNotRetried(t *testing.T) {
	s := driving(t, 80, 24, dumping())
	s.settle("B")
	removeRun(s)
	s.wants("bail out: closed, nothing was done – the run is over")
	s.pass(time.Minute)
	s.wants("run removed", "the run is over, its directory was removed")
	s.lacks("retrying", "trying again", "starts it again")
	s.wants("removed; q leaves")
	s.press("a")
	s.wants("the run is over; q leaves")
	if len(s.engine.commands) > 0 || s.m.dialog != nil {
		t.Errorf("sent %v to nobody", s.engine.commands)
	}
	s.send(feedMsg{ended: true})
	s.wants("run removed")
	if text := s.m.summary().String(); strings.Contains(text, "re-attach") || !strings.Contains(text, "the run is over") {
		t.Errorf("left with %q", text)
	}
	held := driving(t, 80, 24, pausing())
	held.press("a") // is answered, and the answer stays for a while
	removeRun(held)
	held.wants("removed; q leaves")
	held.lacks("p resumes")
	tiny := driving(t, 40, 10, dumping())
	removeRun(tiny)
	tiny.wants("run removed", "q detach")
}

// TestTheLongStepsWarnOfALogout, and ask even where the key alone would do.
func TestTheLongStepsWarnOfALogout(t *testing.T) {
	s := driving(t, 80, 24, endsAtLogout())
	s.settle("a")
	s.wants("end at your logout", "loginctl enable-linger")
	s.press("y")
	if len(s.engine.commands) != 1 || s.engine.commands[0].Step != 4 {
		t.Errorf("commands %v, want step 4", s.engine.commands)
	}
	v := endsAtLogout()
	v.Steps[2].Confirm = steps.Confirmation{Tier: steps.TierTyped, Question: "Take shop into maintenance?", Words: []string{"shop"}}
	ready(v, 3)
	s = driving(t, 80, 24, v)
	s.send(tea.WindowSizeMsg{Width: 120, Height: 36})
	s.press("k")
	s.settle("a")
	s.wants("Take shop into maintenance?", "end at your logout", "type shop")
	s = driving(t, 80, 24, func() *steps.View { v := endsAtLogout(); ready(v, 5); return v }())
	s.press("j", "a")
	if s.m.dialog != nil || len(s.engine.commands) != 1 {
		t.Error("a step that is short asks for nothing new")
	}
}
