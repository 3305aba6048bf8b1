package engine

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"changeover/steps"
	"changeover/steps/journal/crashfs"
	"changeover/steps/memworld"
)

// everyDay is how many random runs are tried every day; with CHANGEOVER_SOAK in the environment it is as many as
// -rapid.checks says.
const everyDay = 15

// Random keys, faults, crashes and other people, against the real steps. What must never happen is watched by memworld: two
// databases of one role, an app without DATABASE outside of a promotion, a deletion of what is not in the ledger, users on a
// database that takes no writes or lacks some.
func TestTheTwelveStepsUnderRandomKeysFaultsPeopleAndCrashes(t *testing.T) {
	runs := 0
	rapid.Check(t, func(rt *rapid.T) {
		if runs++; runs > everyDay && os.Getenv("CHANGEOVER_SOAK") == "" {
			return
		}
		rapid.SyncTest(rt, func(rt *rapid.T) {
			m := &wholeModel{twelve: newTwelve(rt, migrationKind{
				stream: rapid.Bool().Draw(rt, "stream"), two: rapid.Bool().Draw(rt, "two apps"), all: rapid.Bool().Draw(rt, "old-primary goes"),
			}), t: rt}
			m.open()
			defer m.close()
			for range rapid.IntRange(0, 12).Draw(rt, "steps in peace") {
				m.goOn()
				m.pass(2 * time.Hour)
			}
			rt.Repeat(map[string]func(*rapid.T){
				"":         func(rt *rapid.T) { m.check() },
				"go on":    func(rt *rapid.T) { m.goOn() },
				"further":  func(rt *rapid.T) { m.goOn(); m.pass(time.Hour); m.goOn(); m.pass(time.Hour) },
				"advance":  func(rt *rapid.T) { m.press(steps.Advance, rapid.IntRange(1, 12).Draw(rt, "step")) },
				"rollback": func(rt *rapid.T) { m.press(steps.RollbackOne, rapid.IntRange(1, 12).Draw(rt, "step")) },
				"bail":     func(*rapid.T) { m.press(steps.BailOut, 0) },
				"pause":    func(*rapid.T) { m.press(steps.PauseRun, 0) },
				"wait":     func(rt *rapid.T) { m.pass(rapid.SampledFrom(waits).Draw(rt, "for")) },
				"fault": func(rt *rapid.T) {
					f := rapid.SampledFrom([]memworld.Fault{memworld.LostReply, memworld.LostRequest, memworld.Refused}).Draw(rt, "fault")
					m.world.Fail(rapid.SampledFrom(changes).Draw(rt, "of"), f)
				},
				"somebody opens the app": func(*rapid.T) { m.world.OpenByHand("shop") },
				"crash":                  m.crash,
			})
			m.finish()
		})
	})
}

var waits = []time.Duration{time.Second, 10 * time.Second, time.Minute, 10 * time.Minute, time.Hour}

// changes are some of what a run changes in the world.
var changes = []string{
	"create shop-mig-7f3a-fast-follower", "create shop-mig-7f3a-fast-primary", "create shop-mig-7f3a-final-primary", "create shop-mig-7f3a-final-follower",
	"maintenance shop true", "maintenance shop false", "scale shop to 0", "scale shop to 3", "scale shop-admin to 0",
	"attach old-shop to shop as MIG_7F3A_OLD_PRIMARY", "detach DATABASE from shop", "attach shop-mig-7f3a-fast-primary to shop as DATABASE",
	"attach shop-mig-7f3a-final-primary to shop as DATABASE", "attach old-shop to shop as DATABASE", "detach DATABASE from shop-admin",
	"unfollow shop-mig-7f3a-final-primary", "destroy shop-mig-7f3a-fast-follower", "destroy shop-mig-7f3a-fast-primary", "destroy old-shop", "turn the box off",
}

type wholeModel struct {
	*twelve
	t *rapid.T
}

// press sends a command, and wants the answer that the screen promised.
func (m *wholeModel) press(verb steps.Verb, step int) {
	view := m.e.View()
	promised := true
	switch verb {
	case steps.Advance:
		promised = view.Steps[step-1].CanAdvance
	case steps.RollbackOne:
		promised = view.Steps[step-1].CanRollback
	case steps.BailOut:
		promised = view.BailBlocked == ""
	}
	if err := m.command(verb, step); !m.dead() && !errors.Is(err, steps.ErrStale) && promised != (err == nil) {
		m.t.Fatalf("the screen promised %v for %s %d, the answer was %v", promised, verb, step, err)
	}
	synctest.Wait()
}

// goOn does what is recommended.
func (m *wholeModel) goOn() {
	if m.paused() {
		m.press(steps.ResumeRun, 0)
	}
	if next := m.e.View().Next; next > 0 {
		m.press(steps.Advance, next)
	}
}

func (m *wholeModel) pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// crash lets the machine die at one of the next records or changes.
func (m *wholeModel) crash(rt *rapid.T) {
	left := rapid.IntRange(0, 12).Draw(rt, "records and changes before")
	fate := rapid.SampledFrom(fates).Draw(rt, "record")
	var files *crashfs.FS
	var world []byte
	dies := func() bool { left--; return left == 0 && files == nil }
	m.files.Hook(func(op crashfs.Op) error {
		if op.Kind == "sync" && op.Name == "journal.jsonl" && dies() {
			files, world = op.Copy(), m.world.Snapshot()
			return crashfs.ErrCrashed
		}
		return nil
	})
	m.world.OnChange(func(memworld.Moment, string) error {
		if dies() {
			files, world = m.files.Copy(), m.world.SnapshotLocked()
			return crashfs.ErrCrashed
		}
		return nil
	})
	if left > 0 {
		m.goOn()
		m.pass(time.Hour)
	}
	if files == nil {
		files, world = m.files.Copy(), m.world.Snapshot()
	}
	m.files.Crash()
	m.close()
	m.world, m.files = memworld.Restore(world), files.Reboot(fate)
	m.open()
}

// check is what must hold at any moment.
func (m *wholeModel) check() {
	synctest.Wait()
	if broken := m.world.Broken(); len(broken) > 0 {
		m.t.Fatalf("%s\n%s", strings.Join(broken, "\n"), m.describe())
	}
	if view, err := json.Marshal(m.e.View()); err != nil || bytes.Contains(view, []byte(memworld.Secret)) {
		m.t.Fatalf("a password is on the screen, or there is none (%v)", err)
	}
}

// finish takes the world as it is, without faults, and wants every run to come to an end in which nothing is lost: all
// twelve steps done, with steps taken back on the way where their reasons say so.
func (m *wholeModel) finish() {
	m.world.Heal()
	tried := map[int]int{}
	for range 400 {
		view := m.e.View()
		if view.Finished {
			m.ended()
			return
		}
		if m.paused() {
			_ = m.command(steps.ResumeRun, 0)
		}
		m.persist(view, tried)
		m.pass(15 * time.Minute)
		m.check()
	}
	m.t.Fatalf("no end: %s", m.describe())
}

// persist goes on, and takes steps back that have failed again and again.
func (m *wholeModel) persist(view steps.View, tried map[int]int) {
	if m.bailingOut() {
		_ = m.command(steps.BailOut, 0)
		return
	}
	for _, n := range []int{11, 9, 7, 6, 4, 3, 5, 2, 1} {
		s := view.Steps[n-1]
		if s.Waiting != nil && strings.Contains(s.Waiting.Detail, "is connected") {
			m.takeBack(view, n) // nobody else will end that session
			return
		}
		if strings.Contains(s.Reason, "heroku maintenance:on") || strings.Contains(s.Reason, "heroku ps:scale") {
			m.world.ShutByHand("shop") // as the reason says
		}
		if stuck := s.State == steps.Failed || s.State == steps.NeedsHuman || s.State == steps.Unknown; !stuck || tried[n] < 3 {
			continue
		}
		tried[n] = 0
		switch {
		case strings.Contains(s.Reason, "step 3") && view.BailBlocked == "": // of all ways back to step 3 the shortest
			_ = m.command(steps.BailOut, 0)
			return
		case s.CanRollback:
			_ = m.command(steps.RollbackOne, n)
			return
		}
	}
	if next := view.Next; next > 0 {
		tried[next]++
		_ = m.command(steps.Advance, next)
	}
}

// takeBack takes back a step, or first what was done after it, as a refusal would say.
func (m *wholeModel) takeBack(view steps.View, n int) {
	for later := 7; later > n; later-- {
		if s := view.Steps[later-1]; s.State == steps.Failed && s.CanRollback && later != 5 { // 5 stands on nothing of 3
			n = later
			break
		}
	}
	_ = m.command(steps.RollbackOne, n)
}

// bailingOut says whether a bail-out has begun and is not finished.
func (m *wholeModel) bailingOut() bool {
	m.e.mu.Lock()
	defer m.e.mu.Unlock()
	return len(m.e.state.bailed) > 0
}

func (m *wholeModel) ended() {
	s := m.world.Summary()
	want := 3
	if m.kind.all {
		want = 2
	}
	if len(s.Databases) != want {
		m.t.Errorf("databases at the end: %v", s.Databases)
	}
	for _, app := range s.Apps {
		if !strings.Contains(app, "maintenance false") || !strings.HasSuffix(app, "all true") || !strings.Contains(app, "final-primary") {
			m.t.Errorf("at the end: %s", app)
		}
	}
	if len(s.Archives) > 0 || !strings.Contains(s.Machine, "Prepared:false Off:true") {
		m.t.Errorf("left behind: %v, machine %s", s.Archives, s.Machine)
	}
	for _, name := range []string{"/run/journal.jsonl", "/run/log.jsonl"} {
		if bytes.Contains(m.files.Read(name), []byte(memworld.Secret)) {
			m.t.Errorf("a password is in %s", name)
		}
	}
	m.t.Log(fmt.Sprint(s.Databases))
}
