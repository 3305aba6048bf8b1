package notify

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"changeover/steps"
)

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// story is a run as the engine shows it, and what was told of it.
type story struct {
	*testing.T
	m memory
	v steps.View
}

func newStory(t *testing.T) *story {
	s := &story{T: t, m: newMemory(), v: steps.View{
		Now: noon, Run: steps.RunView{Name: "shop-7f3a", App: "shop", Box: "i-0abc"},
		Outage: steps.OutageView{Budget: 2 * time.Hour},
	}}
	for n := 1; n <= 12; n++ {
		s.v.Steps = append(s.v.Steps, steps.StepView{Number: n, Name: fmt.Sprint("name", n), Title: fmt.Sprint("Title ", n), State: steps.Locked})
	}
	s.tells()
	return s
}

func (s *story) step(n int) *steps.StepView { return &s.v.Steps[n-1] }

// goes puts a step into a state, as the engine does.
func (s *story) goes(n int, to steps.State) {
	step := s.step(n)
	if to.Active() && !step.State.Active() {
		step.Finished = time.Time{}
		if step.State == steps.Locked || step.State == steps.RolledBack {
			step.Attempt++
			step.Started = s.v.Now
		}
	}
	if !to.Active() {
		step.Finished = s.v.Now
	}
	step.State = to
}

func (s *story) passes(d time.Duration) {
	s.v.Now = s.v.Now.Add(d)
	if s.v.Outage.Active {
		s.v.Outage.Total += d
	}
}

func (s *story) down() {
	s.v.Outage.Active, s.v.Outage.Since = true, s.v.Now
	s.v.Outage.Outages = append(s.v.Outage.Outages, steps.Outage{FromStep: 3, Start: s.v.Now})
}

func (s *story) up() {
	s.v.Outage.Active, s.v.Outage.Since = false, time.Time{}
	s.v.Outage.Outages[len(s.v.Outage.Outages)-1].End = s.v.Now
}

// tells compares what is told now with what should be: each line is an event and a part of its text.
func (s *story) tells(want ...string) []Message {
	s.Helper()
	messages := s.m.observe(s.v)
	var got []string
	for i, m := range messages {
		line := m.Event + ": " + m.Plain
		if i < len(want) {
			event, part, _ := strings.Cut(want[i], ": ")
			if event == m.Event && strings.Contains(m.Plain, part) {
				line = want[i]
			}
		}
		got = append(got, line)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		s.Errorf("told (-want +got):\n%s", diff)
	}
	if again := s.m.observe(s.v); len(again) > 0 {
		s.Errorf("told twice: %+v", again)
	}
	return messages
}

func TestANightIsToldFromBeginningToEnd(t *testing.T) {
	s := newStory(t)
	s.goes(1, steps.Running)
	s.tells("step-started: shop: step 1 (Title 1) has started")
	s.goes(1, steps.Verifying)
	s.tells()
	s.goes(1, steps.Done)
	s.step(1).Reason, s.step(1).Active = "it follows", time.Minute
	s.tells("step-done: step 1 (Title 1) is done after 00:01:00: it follows")
	s.v.Hint = "press a for step 3 when users may be shut out"
	s.tells()
	s.passes(restFor)
	s.tells("waiting-for-you: waiting for you: changeover advance 3 when users may be shut out")
	s.goes(3, steps.Running)
	s.down()
	s.tells("outage-begins: production goes into maintenance; outage 00:00:00 of 02:00:00", "step-started: step 3")
	s.passes(time.Hour)
	if m := s.tells("outage-budget: 50 % of the outage budget is used; outage 01:00:00 of 02:00:00"); m[0].Mark != 50 || m[0].Level != Warn || !m[0].Outage || m[0].OutageSeconds != 3600 || m[0].BudgetSeconds != 7200 {
		t.Errorf("message %+v", m[0])
	}
	s.passes(time.Hour)
	if m := s.tells("outage-budget: 100 %"); m[0].Level != Error { // 80 is passed with it
		t.Errorf("message %+v", m[0])
	}
	s.goes(3, steps.Failed)
	s.step(3).Reason = "connection refused"
	if m := s.tells("step-stopped: step 3 (Title 3) has stopped, failed, and waits for you: connection refused; outage 02:00:00 of 02:00:00"); m[0].Level != Error || m[0].Step != 3 || m[0].State != "failed" {
		t.Errorf("message %+v", m[0])
	}
	s.goes(3, steps.RollingBack)
	s.tells("rollback-started: step 3")
	s.goes(3, steps.RolledBack)
	s.up()
	s.tells("outage-over: production is out of maintenance; it was down for 02:00:00 in all", "rolled-back: step 3")
	for n := range 12 {
		s.goes(n+1, steps.Done)
	}
	s.v.Finished, s.v.Cost.CentsSoFar = true, 1240
	messages := s.m.observe(s.v)
	if last := messages[len(messages)-1]; last.Event != Finished || !strings.Contains(last.Plain, "all 12 steps are done; production was down for 02:00:00 in all, the run cost $12.40") {
		t.Errorf("the last message is %+v", last)
	}
}

func TestAStepThatBeganAndEndedBetweenTwoViewsDidBoth(t *testing.T) {
	s := newStory(t)
	s.goes(1, steps.Running)
	s.goes(1, steps.Done)
	s.tells("step-started: step 1", "step-done: step 1")
	// Outages can be as short.
	s.goes(9, steps.Running)
	s.down()
	s.passes(time.Second)
	s.up()
	s.tells("outage-begins: production", "outage-over: it was down for 00:00:01", "step-started: step 9")
	// It fails, is started again and fails again.
	s.goes(9, steps.Failed)
	s.tells("step-stopped: step 9")
	s.passes(time.Minute)
	s.goes(9, steps.Running)
	s.goes(9, steps.Failed)
	s.tells("step-stopped: step 9", "waiting-for-you: nothing is at work")
}

func TestAlarmsAreToldWhenTheyComeAndWhenTheyAreOver(t *testing.T) {
	alarm := func(kind steps.AlarmKind, text string) steps.Alarm { return steps.Alarm{Kind: kind, Text: text} }
	for _, c := range []struct {
		name          string
		before, after []steps.Alarm
		told          []string
	}{
		{"broken fence", nil, []steps.Alarm{alarm(steps.AlarmFence, "write fence broken: sidekiq")}, []string{"fence-broken: ALARM: write fence broken: sidekiq"}},
		{"AWS", nil, []steps.Alarm{alarm(steps.AlarmMachine, "AWS: spot terminate")}, []string{"alarm: ALARM: AWS: spot terminate"}},
		{"AWS takes it back", []steps.Alarm{alarm(steps.AlarmMachine, "AWS: reboot")}, nil, []string{"alarm-over: the alarm is over: AWS: reboot"}},
		{
			"a second one",
			[]steps.Alarm{alarm(steps.AlarmDrift, "a")},
			[]steps.Alarm{alarm(steps.AlarmDrift, "a"), alarm(steps.AlarmFence, "b")},
			[]string{"fence-broken: b"},
		},
		{"it says more", []steps.Alarm{alarm(steps.AlarmDrift, "a")}, []steps.Alarm{alarm(steps.AlarmDrift, "a; b")}, []string{"alarm: a; b"}},
		{"bailing out", nil, []steps.Alarm{alarm(steps.AlarmBailing, "bringing back: a")}, []string{"alarm: bringing back"}},
		{"bailing out goes on", []steps.Alarm{alarm(steps.AlarmBailing, "bringing back: a")}, []steps.Alarm{alarm(steps.AlarmBailing, "bringing back: b")}, nil},
		{"bailed out", []steps.Alarm{alarm(steps.AlarmBailing, "bringing back: b")}, nil, []string{"bailed-out: production is back on old-primary"}},
		{
			"bailing out stops",
			[]steps.Alarm{alarm(steps.AlarmBailing, "bringing back: b")},
			[]steps.Alarm{alarm(steps.AlarmBail, "bailing out is failed")},
			[]string{"alarm: bailing out is failed"},
		},
		{"a restart that somebody took note of", []steps.Alarm{alarm(steps.AlarmRecovered, "started again")}, nil, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newStory(t)
			s.v.Alarms = c.before
			s.m.observe(s.v)
			s.v.Alarms = c.after
			s.T = t
			for _, m := range s.tells(c.told...) {
				if m.Level == Info && m.Event != AlarmOver {
					t.Errorf("level %s", m.Level)
				}
			}
		})
	}
}

func TestARunThatRestsIsRememberedMoreOftenInMaintenance(t *testing.T) {
	s := newStory(t)
	s.goes(1, steps.Done)
	s.step(1).Started = s.v.Now
	s.v.Cost = steps.CostView{Billed: []string{"shop-mig-7f3a-fast-follower"}, CentsHour: 972, CentsSoFar: 1240}
	s.m.observe(s.v)
	s.passes(restFor - 1)
	s.tells()
	s.passes(1)
	s.tells("waiting-for-you: nothing is at work; waiting for you")
	s.passes(billedFor)
	s.tells("still-billed: fast-follower: $12.40 so far, $9.72 more every hour")
	s.passes(billedEvery - 1)
	s.tells()
	s.passes(1)
	s.tells("still-billed: no step is at work")

	s.goes(3, steps.Running)
	s.down()
	s.m.observe(s.v)
	s.goes(3, steps.Failed)
	s.m.observe(s.v)
	s.passes(maintenanceFor)
	s.tells("waiting-for-you: nothing", "still-in-maintenance: production is still in maintenance, and nothing is at work; outage 00:05:00 of 02:00:00")
	s.passes(maintenanceEvery - 1)
	s.tells()
	s.passes(1)
	s.tells("still-in-maintenance: production")
	s.up()
	s.v.Finished = true
	s.passes(24 * time.Hour)
	s.tells("outage-over: production", "finished: all 12 steps")
}

func TestWhoBeginsToListenHearsWhatIsWrongNowAndNotWhatHasBeen(t *testing.T) {
	s := newStory(t)
	for n := 1; n <= 3; n++ {
		s.goes(n, steps.Done)
	}
	s.goes(4, steps.Running)
	s.down()
	s.passes(100 * time.Minute)
	s.v.Alarms = []steps.Alarm{{Kind: steps.AlarmFence, Text: "write fence broken: sidekiq"}}
	s.m = newMemory()
	s.tells("outage-budget: 80 %", "fence-broken: sidekiq")
	s.goes(4, steps.Done)
	s.up()
	s.tells("outage-over: production", "step-done: step 4")
}

func TestABailOutIsNotTheFailureOfTheStepsItUndoes(t *testing.T) {
	s := newStory(t)
	s.goes(3, steps.Done)
	s.goes(4, steps.Done)
	s.m.observe(s.v)
	s.passes(time.Second)
	s.step(3).State, s.step(4).State = steps.RolledBack, steps.Failed // as foldStep voids them
	s.tells()
}

func TestNobodyIsCalledByTheTextOfAMessage(t *testing.T) {
	m := Message{Plain: "shop: step 4 failed: <!channel> & \x1b[31m", Lost: 3}
	raw, err := m.body(func(text string) string { return strings.ReplaceAll(text, "failed", "***") })
	if err != nil || !strings.Contains(string(raw), `\u0026lt;!channel\u0026gt; \u0026amp; `) || strings.Contains(string(raw), "failed") || !strings.Contains(string(raw), "messages lost before this one: 3") {
		t.Errorf("%s, %v", raw, err)
	}
	s := newStory(t)
	s.goes(1, steps.Failed)
	s.step(1).Attempt, s.step(1).Reason = 1, "a\x1b[2Jb"
	if got := s.m.observe(s.v); slices.ContainsFunc(got, func(m Message) bool { return strings.Contains(m.Plain, "\x1b") }) {
		t.Errorf("a control character is sent: %+v", got)
	}
}
