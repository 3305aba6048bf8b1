package cli_test

import (
	"encoding/json"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"changeover/heroku"
	"changeover/heroku/sim"
	"changeover/steps"
	"changeover/ui/cli/internal/sandbox"
	"changeover/ui/cli/internal/tmux"
)

// Whole rehearsals, of whose processes one is killed at random moments, gone on with every time. SOAK_KILLS says how many
// kills there are to be in all (make soak-rehearsal: 50), SOAK_SEED repeats the moments and victims of a run that failed, as
// far as a machine can repeat them.
func TestRehearsalsOutliveKillsAtRandomMoments(t *testing.T) {
	tmux.Need(t)
	t.Parallel()
	kills, seed := number(t, "SOAK_KILLS", 3), number(t, "SOAK_SEED", int(time.Now().UnixNano()&0xffffffff))
	t.Logf("SOAK_SEED=%d", seed)
	random := rand.New(rand.NewPCG(uint64(seed), 0))
	engines := []string{"stream", "classic"}
	for n := 0; kills > 0; n++ {
		// Few enough in each that every rehearsal comes to its end, many enough that steps are hit more than once.
		share := min(kills, 4+random.IntN(6))
		name := strconv.Itoa(n+1) + "-" + engines[n%len(engines)]
		t.Run(name, func(t *testing.T) {
			soak := newSoak(t, engines[n%len(engines)], random, share)
			soak.run()
			t.Logf("killed: %v; steps that wanted a person: %v", soak.killed, soak.trouble)
		})
		if t.Failed() {
			return
		}
		kills -= share
	}
}

// soak is one rehearsal, an operator who never gives up, and somebody who kills.
type soak struct {
	t       *testing.T
	s       *sandbox.Sandbox
	heroku  simulator
	engine  string
	random  *rand.Rand
	kills   int
	next    time.Time // of the next kill
	before  map[string]sim.Writes
	killed  []string
	trouble []string
	// tried counts how often a step was started since it was last undone.
	tried map[int]int
}

func newSoak(t *testing.T, engine string, random *rand.Rand, kills int) *soak {
	t.Helper()
	s := sandbox.New(t)
	x := onTerminal(t, s, wide, "changeover rehearse --quick --size 20MB --engine "+engine)
	x.AwaitText("REHEARSAL", "0/12 done", "● live", "driver: you")
	k := &soak{t: t, s: s, heroku: simulatorOf(t, s), engine: engine, random: random, kills: kills, tried: map[int]int{}}
	k.before = k.wroteAtAll()
	s.Kill(s.Only("rehearse"))
	x.Close()
	k.aim()
	return k
}

// wroteAtAll waits until every writer of the app has written.
func (k *soak) wroteAtAll() (writers map[string]sim.Writes) {
	k.t.Helper()
	k.s.Await("the app writes", func() bool {
		writers = k.heroku.status().Writers
		for _, w := range writers {
			if w.Acknowledged == 0 {
				return false
			}
		}
		return len(writers) > 0
	})
	return writers
}

// soakPatience is far more than a rehearsal takes on a machine that has other things to do.
const soakPatience = 15 * time.Minute

func (k *soak) run() {
	k.t.Helper()
	end := time.Now().Add(soakPatience)
	for !k.advanced() {
		if time.Now().After(end) {
			k.t.Fatalf("no end after %s:\n%s", soakPatience, k.s.Run("status").Out)
		}
		if k.kills > 0 && time.Now().After(k.next) {
			k.kill()
			k.aim()
		}
		time.Sleep(50 * time.Millisecond) // the pause of a poll
	}
	k.check()
	k.s.Must("rehearse", "--stop")
	reports, err := filepath.Glob(filepath.Join(k.s.State(), "changeover", "reports", "*"))
	if err != nil || len(reports) == 0 {
		k.t.Errorf("step 12 has left no report (%v)", err)
	}
	k.s.MustHoldOnly(reports...)
}

// aim sets the moment of the next kill: often close to the one before, so that what mends is hit as well.
func (k *soak) aim() {
	spans := []time.Duration{200 * time.Millisecond, time.Second, 4 * time.Second, 10 * time.Second}
	k.next = time.Now().Add(time.Duration(k.random.Int64N(int64(spans[k.random.IntN(len(spans))]))))
}

// kill ends something as a crash would: mostly the engine, sometimes what it has started, sometimes a session of a database
// that the run has made, which makes that server start anew.
func (k *soak) kill() {
	k.t.Helper()
	var victims []sandbox.Process
	what := "engine"
	switch roll := k.random.IntN(10); {
	case roll < 2:
		what, victims = "transfer", k.find(func(p sandbox.Process) bool {
			name := filepath.Base(p.Args[0])
			return name == "pg_dump" || name == "pg_restore"
		})
	case roll < 4:
		what, victims = "session", k.sessions()
	}
	if len(victims) == 0 {
		what, victims = "engine", k.find(func(p sandbox.Process) bool { return p.Is("engine") })
	}
	if len(victims) == 0 {
		return // killed a moment ago, and nobody has asked for it since
	}
	victim := victims[k.random.IntN(len(victims))]
	pid := victim.PID
	if group, err := syscall.Getpgid(pid); what == "transfer" && err == nil && group > 1 {
		pid = -group
	}
	if syscall.Kill(pid, syscall.SIGKILL) != nil {
		return // ended by itself
	}
	k.kills--
	k.killed = append(k.killed, what)
	k.t.Logf("killed %s: %v", what, victim)
}

func (k *soak) find(wanted func(p sandbox.Process) bool) (found []sandbox.Process) {
	k.t.Helper()
	for _, p := range k.s.Processes() {
		if wanted(p) {
			found = append(found, p)
		}
	}
	return found
}

// sessions are those of clients on the databases that the run has made.
func (k *soak) sessions() []sandbox.Process {
	k.t.Helper()
	servers := map[int]bool{}
	for _, p := range k.find(func(p sandbox.Process) bool { return strings.HasSuffix(p.Args[0], "/postgres") }) {
		servers[p.PID] = strings.Contains(strings.Join(p.Args, " "), "-mig-")
	}
	return k.find(func(p sandbox.Process) bool {
		return strings.HasPrefix(p.Args[0], "postgres: ") && strings.Contains(p.Args[0], "127.0.0.1(") && servers[parent(p.PID)]
	})
}

// parent is the process that started another one; 0 when that has ended meanwhile.
func parent(pid int) int {
	raw, _ := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	// The name of the program is in parentheses and may hold anything.
	fields := strings.Fields(string(raw[strings.LastIndexByte(string(raw), ')')+1:]))
	if len(fields) < 2 {
		return 0
	}
	ppid, _ := strconv.Atoi(fields[1])
	return ppid
}

// advanced does what a stubborn operator would do next, and says whether everything is done. Every command may meet an
// engine that is being killed; it is simply given again.
func (k *soak) advanced() bool {
	k.t.Helper()
	view, ok := k.view()
	if !ok {
		return false
	}
	if view.Finished {
		return true
	}
	if view.Paused {
		k.s.Run("resume")
		return false
	}
	for _, step := range view.Steps {
		if step.State == steps.NeedsHuman || step.State == steps.Failed {
			if k.undone(view, step) {
				return false
			}
		}
	}
	for _, n := range k.startable(view) {
		k.tried[n]++
		k.s.Run(confirmed(view, n)...)
	}
	return false
}

// view is what the engine shows; not ok when there was none to ask.
func (k *soak) view() (view steps.View, ok bool) {
	k.t.Helper()
	got := k.s.Run("status", "--json")
	return view, got.Code == 0 && json.Unmarshal([]byte(got.Out), &view) == nil
}

// startable is the step that is recommended; while the streaming engine dumps, the restore beside it as well.
func (k *soak) startable(view steps.View) (numbers []int) {
	if view.Next > 0 {
		numbers = append(numbers, view.Next)
	}
	if six := view.Steps[5]; six.CanAdvance && view.Steps[3].State.Active() && view.Next != 6 {
		numbers = append(numbers, 6)
	}
	return numbers
}

// undone gives up on a step that has failed several times, as its reason tells people to: a broken fence cannot be mended by
// trying again. A server that starts anew in the middle of an outage breaks it, because its sequences may have moved.
func (k *soak) undone(view steps.View, step steps.StepView) bool {
	k.t.Helper()
	if k.tried[step.Number] < 4 {
		return false
	}
	k.trouble = append(k.trouble, strconv.Itoa(step.Number)+": "+step.Reason)
	if len(k.trouble) > 12 {
		k.t.Fatalf("the run comes to no end: %s", strings.Join(k.trouble, "\n"))
	}
	clear(k.tried)
	switch {
	case strings.Contains(step.Reason, "step 3") && view.BailBlocked == "": // of all ways back to step 3 the shortest
		k.s.Run(answered(view.BailConfirm, "bail")...)
		return true
	case step.CanRollback:
		k.s.Run(answered(step.RollbackConfirm, "rollback", strconv.Itoa(step.Number))...)
		return true
	}
	return false
}

// check wants the end that a rehearsal without a kill has.
func (k *soak) check() {
	k.t.Helper()
	nothingWrittenIsLost(k.t, k.heroku, k.before)
	var have []string
	for _, addon := range k.heroku.status().Addons {
		if addon.State == heroku.AddonProvisioned || addon.State == heroku.AddonProvisioning {
			_, role, made := strings.Cut(addon.Name, "-mig-")
			if !made {
				role = "0000-" + string(steps.OldPrimary)
			}
			have = append(have, strings.TrimRight(role[len("0000-"):], "-0123456789"))
		}
	}
	slices.Sort(have)
	want := []string{string(steps.FinalFollower), string(steps.FinalPrimary), string(steps.OldPrimary)}
	if !slices.Equal(have, want) {
		k.t.Errorf("databases %v, want %v", have, want)
	}
	shop := k.heroku.status().Apps[0]
	formation := map[string]int{}
	for _, p := range shop.Formation {
		formation[p.Type] = p.Quantity
	}
	if shop.Maintenance || !maps.Equal(formation, map[string]int{"web": 2, "worker": 2}) {
		k.t.Errorf("the app is in maintenance: %v, and runs %v", shop.Maintenance, formation)
	}
	k.s.Await("only engine, simulator and servers run", func() bool {
		return len(k.find(func(p sandbox.Process) bool {
			return !p.Is("engine") && !p.Is("sim", "heroku") && !strings.Contains(p.Args[0], "postgres")
		})) == 0
	})
	archives, err := filepath.Glob(filepath.Join(k.s.State(), "changeover", "*", "space", "*"))
	if err != nil || len(archives) > 0 {
		k.t.Errorf("left on the disk of the box: %v (%v)", archives, err)
	}
}
