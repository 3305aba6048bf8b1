package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"changeover/steps"
	"changeover/steps/journal"
	"changeover/steps/journal/crashfs"
)

// model drives an engine with random keys, faults and crashes, and checks after each what must always hold.
type model struct {
	*rig
	t      *rapid.T
	silent int // requests sent when the pause took hold; -1 while not paused
	checks int
	heroku *remote // what others change
}

// keys are all effects of the migration.
var keys = []string{
	"make follower", "make maintenance", "make dump", "make alias", "make promotion",
	"remove follower", "remove maintenance", "remove dump",
}

func TestRandomKeysFaultsDriftAndCrashes(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		rapid.SyncTest(rt, func(rt *rapid.T) {
			w := newWorld()
			m := &model{rig: migrating(rt, w), t: rt, silent: -1, heroku: &remote{}}
			m.heroku.is("old")
			m.tweakMore(func(o *Options) {
				o.Config.OldPrimary = steps.AddonRef{ID: "1", Name: "old"}
				o.ReadWorld = m.heroku.read
			})
			m.start()
			defer func() { _ = m.e.Close(context.Background()) }()
			rt.Repeat(map[string]func(*rapid.T){
				"":         m.check,
				"advance":  func(rt *rapid.T) { m.press(steps.Advance, rapid.IntRange(1, 3).Draw(rt, "step")) },
				"go on":    func(rt *rapid.T) { m.press(steps.Advance, m.e.View().Next) },
				"rollback": func(rt *rapid.T) { m.press(steps.RollbackOne, rapid.IntRange(1, 3).Draw(rt, "step")) },
				"bail":     func(*rapid.T) { m.press(steps.BailOut, 0) },
				"pause":    func(*rapid.T) { m.press(steps.PauseRun, 0) },
				"resume":   func(*rapid.T) { m.press(steps.ResumeRun, 0) },
				"wait":     func(rt *rapid.T) { m.wait(rapid.SampledFrom([]int{1, 5, 60, 3600}).Draw(rt, "seconds")) },
				"fault": func(rt *rapid.T) {
					key := rapid.SampledFrom(keys).Draw(rt, "effect")
					w.fail(key, rapid.SampledFrom([]fault{lostReply, lostRequest, falseYes, saysNo, panics}).Draw(rt, "fault"))
				},
				"drift": func(rt *rapid.T) {
					m.heroku.is(rapid.SampledFrom([]string{"old", "somebody-s"}).Draw(rt, "DATABASE"),
						rapid.SampledFrom([][]string{nil, {"other/ONE"}, {"other/ONE", "other/TWO"}}).Draw(rt, "attached")...)
				},
				"Heroku is silent": func(*rapid.T) { m.heroku.Store(nil) },
				"restart":          func(*rapid.T) { m.stop(); m.start(); m.restarted() },
				"crash": func(rt *rapid.T) {
					m.crash(rapid.IntRange(0, 6).Draw(rt, "records"), rapid.SampledFrom([]crashfs.Fate{crashfs.Lost, crashfs.Torn, crashfs.Kept}).Draw(rt, "fate"), rapid.Bool().Draw(rt, "did"))
				},
			})
			m.finish()
		})
	})
}

// press sends a command, and wants the answer that the screen promised.
func (m *model) press(verb steps.Verb, step int) {
	if m.isDead() || verb == steps.Advance && step == 0 {
		return
	}
	v := m.e.View()
	promised := true
	switch verb {
	case steps.Advance:
		promised = v.Steps[step-1].CanAdvance
	case steps.RollbackOne:
		promised = v.Steps[step-1].CanRollback
	case steps.BailOut:
		promised = v.BailBlocked == ""
	case steps.ResumeRun:
		promised = v.Paused
	}
	err := m.command(verb, step)
	switch {
	case m.isDead() || errors.Is(err, steps.ErrStale): // the crash came first, or the run moved on between screen and key
	case promised != (err == nil):
		m.t.Fatalf("the screen promised %v for %s %d, the answer was %v", promised, verb, step, err)
	}
	if err == nil && (verb == steps.ResumeRun || verb == steps.BailOut) {
		m.silent = -1 // that pause is over, even when the engine finds a reason for another one at once
	}
	synctest.Wait()
	switch {
	case m.e.View().Paused && m.silent < 0:
		m.wait(600) // what is in flight comes to its end
		m.silent = m.w.totalSent()
	case !m.e.View().Paused:
		m.silent = -1
	}
}

func (m *model) wait(seconds int) {
	time.Sleep(time.Duration(seconds) * time.Second)
	synctest.Wait()
}

// crash lets the machine die at one of the next records.
func (m *model) crash(records int, fate crashfs.Fate, did bool) {
	if records == 0 {
		m.files.Crash()
	} else {
		m.files.Hook(func(op crashfs.Op) error {
			if op.Kind == "sync" && op.Name == "journal.jsonl" {
				if records--; records <= 0 {
					return crashfs.ErrCrashed
				}
			}
			return nil
		})
		m.press(steps.ResumeRun, 0)
		m.press(steps.Advance, m.e.View().Next)
		m.wait(3600)
		m.files.Crash()
	}
	m.reboot(fate, did)
	m.restarted()
}

// restarted takes over the engine that came back.
func (m *model) restarted() {
	m.silent = -1
	if m.e.View().Paused {
		m.silent = m.w.totalSent()
	}
}

// check is what must always hold.
func (m *model) check(t *rapid.T) {
	synctest.Wait()
	if v := m.w.violations(); len(v) > 0 {
		t.Fatal(v)
	}
	if m.silent >= 0 && m.w.totalSent() != m.silent {
		t.Fatalf("something was sent in a pause: %d requests, %d when it began", m.w.totalSent(), m.silent)
	}
	if m.checks++; m.checks%10 == 0 { // reading the whole journal takes its time
		m.checkFold(t)
	}
	m.e.mu.Lock()
	defer m.e.mu.Unlock()
	if len(m.e.state.drift) > 0 && !m.e.state.paused {
		t.Fatalf("the run goes on although nobody has decided about %v", m.e.state.drift)
	}
	for number, st := range m.e.state.steps {
		if _, works := m.e.runners[number]; works != st.state.Active() {
			t.Fatalf("step %d is %s, somebody works on it: %v", number, st.state, works)
		}
	}
}

// checkFold compares what the engine believes with what a new one would read.
func (m *model) checkFold(t *rapid.T) {
	fresh := newState(len(m.rig.steps))
	for record, err := range journal.Records(m.files, "/run/journal.jsonl") {
		if err != nil {
			t.Fatal(err)
		}
		if err := fresh.apply(record); err != nil {
			t.Fatal(err)
		}
	}
	m.e.mu.Lock()
	defer m.e.mu.Unlock()
	if !reflect.DeepEqual(fresh, m.e.state) {
		t.Fatalf("the engine believes\n%+v\nthe journal says\n%+v", m.e.state, fresh)
	}
}

// checkPhases reads the journal as a grammar: nothing is sent without intent, nothing is done without having been
// seen, and nothing is sent after it was done.
func (m *model) checkPhases(t *rapid.T) {
	last := map[string]string{}
	before := map[string][]string{
		kindIntent:   {"", kindIntent, kindSent, kindAck, kindError, kindTimeout, kindObserved},
		kindSent:     {kindIntent},
		kindAck:      {kindSent},
		kindError:    {kindSent, kindObserved},
		kindTimeout:  {kindSent},
		kindObserved: {"", kindIntent, kindSent, kindAck, kindError, kindTimeout, kindObserved},
		kindDone:     {kindObserved},
	}
	for record, err := range journal.Records(m.files, "/run/journal.jsonl") {
		if err != nil {
			t.Fatal(err)
		}
		if record.Effect == "" {
			continue
		}
		if again := last[record.Effect] == kindDone && (record.Kind == kindIntent || record.Kind == kindObserved); again && setState(t, record) {
			last[record.Effect] = "" // looked at again after an interruption
		}
		if !slices.Contains(before[record.Kind], last[record.Effect]) {
			t.Fatalf("%s of %s follows %q", record.Kind, record.Effect, last[record.Effect])
		}
		last[record.Effect] = record.Kind
	}
}

// setState says whether a record is about an effect that may be set again.
func setState(t *rapid.T, record journal.Record) bool {
	var data effectData
	if err := json.Unmarshal(record.Data, &data); err != nil {
		t.Fatal(err)
	}
	return data.Class == steps.SetState
}

// finish clears all faults and wants the migration to come to its end from wherever it stands.
func (m *model) finish() {
	m.w.mu.Lock()
	clear(m.w.faults)
	m.w.mu.Unlock()
	m.heroku.is("old")
	goals := advanceAll(3)
	if len(m.e.state.bailed) > 0 { // then nothing but its end is possible
		goals = append([]goal{{steps.BailOut, 0, steps.Done}}, goals...)
	}
	for _, g := range goals {
		if !m.reach(g) {
			m.t.Fatalf("step %d cannot be brought to its end: %s", g.step, m.describe())
		}
	}
	m.silent = -1
	m.check(m.t)
	m.checkFold(m.t)
	m.checkPhases(m.t)
	if got, want := fmt.Sprint(m.w.present()), "[alias dump follower promotion]"; got != want {
		m.t.Fatalf("in the end there is %s, want %s", got, want)
	}
}
