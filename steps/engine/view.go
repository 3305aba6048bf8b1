package engine

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"changeover/pgxfer"
	"changeover/steps"
)

// View is where the run stands now.
func (e *Engine) View() steps.View {
	e.hub.mu.Lock()
	seq := e.hub.next()
	e.hub.mu.Unlock()
	return e.view(seq)
}

// present is a copy of everything a View is made of.
type present struct {
	state    *state
	look     *frozen
	progress map[int]*pgxfer.Progress
	now      time.Time
	mono     time.Duration
	dead     error
	live     map[int]liveStep
	gauges   []steps.FollowerView
	loss     string
	driver   *steps.Operator
	watching int
	notices  []string
}

// liveStep is what is live about a runner.
type liveStep struct {
	doing string
	wait  *steps.WaitView
	held  bool
}

// present copies under the lock; the steps' texts are then made without it.
func (e *Engine) present() present {
	e.mu.Lock()
	defer e.mu.Unlock()
	p := present{
		state: e.state.clone(), now: e.o.Now(), mono: e.journal.Elapsed(), dead: e.dead,
		live: map[int]liveStep{}, progress: maps.Clone(e.progress), driver: e.driver, watching: e.watching, notices: e.notices,
	}
	for number, r := range e.runners {
		l := liveStep{doing: r.doing, held: r.holding > 0}
		if n := len(r.waits); n > 0 {
			wait := *r.waits[n-1]
			l.wait = &wait
		}
		p.live[number] = l
	}
	p.look = e.freeze(p.state, e.held())
	p.gauges = e.followerViews(p.state.facts)
	p.loss = e.loss
	return p
}

func (e *Engine) view(seq uint64) steps.View {
	p := e.present()
	s := p.state
	v := steps.View{
		Rev: s.rev, Seq: seq, Now: p.now, Run: e.o.Header,
		Followers: p.gauges, Outage: s.outage(p.now, e.o.Config.Budget.D()), Cost: s.cost(p.now),
		Paused: s.paused, PausedBy: s.pausedBy, PausedHard: s.paused && s.hold == pgxfer.Hard, Workers: s.workers, Finished: !s.finished.IsZero(),
		Driver: p.driver, Watching: p.watching,
		BailConfirm: e.bailConfirm(p.look), LossyConfirm: e.lossyConfirm(p.look),
	}
	v.Run.Started, v.Run.Finished = s.started, s.finished
	if p.loss != "" {
		v.LossyConfirm.Consequences = append(slices.Clone(v.LossyConfirm.Consequences), p.loss)
	}
	if _, err := e.mayBail(s, p.look); err != nil {
		v.BailBlocked = reason(err)
	}
	_, err := e.mayLose(s, p.look)
	if v.CanLose = err == nil && p.dead == nil; err != nil {
		v.LossyBlocked = reason(err)
	}
	for _, step := range e.o.Steps {
		v.Steps = append(v.Steps, e.stepView(p, step))
	}
	v.Next, v.Hint = e.hint(p, v.Steps)
	v.Alarms = e.alarms(p)
	v.Alarm = together(v.Alarms)
	return v
}

// reason is the part of a refusal that says why; that it is not possible now, the screen says itself.
func reason(err error) string {
	if r := asRefusal(err); r != nil && r.why != "" {
		return r.why
	}
	return err.Error()
}

func (e *Engine) stepView(p present, step steps.Step) steps.StepView {
	number := step.Number()
	v := steps.StepView{Number: number, Name: step.Name(), Title: step.Title(), State: p.look.StepState(number), Transfer: p.progress[number]}
	if st := p.state.steps[number]; st != nil {
		v.Attempt, v.Reason, v.Started, v.Finished = st.attempt, st.reason, st.started, st.ended
		v.Active = st.active
		if st.state.Active() {
			v.Active += max(0, p.mono-st.since)
			if p.dead != nil {
				v.State, v.Reason = steps.Unknown, "stopped in the middle: "+p.dead.Error()
			}
		}
	}
	if l, ok := p.live[number]; ok {
		v.Doing, v.Waiting = l.doing, l.wait
		if l.held {
			v.Reason = fmt.Sprintf("holding before the next effect: paused by %s", p.state.pausedBy)
		}
	}
	v.Confirm = e.advanceConfirm(p.state, p.look, step)
	v.RollbackConfirm = rollbackConfirm(step, p.look)
	if err := guarded(func() error { v.Explain = step.Explain(p.look); return nil }); err != nil {
		v.Explain.Undo = err.Error()
	}
	e.possible(p, step, &v)
	return v
}

// possible fills in what may be asked of a step now.
func (e *Engine) possible(p present, step steps.Step, v *steps.StepView) {
	_, advance := e.mayAdvance(p.state, p.look, step)
	_, rollback := e.mayRollBack(p.state, p.look, step)
	if p.dead != nil {
		advance, rollback = p.dead, p.dead
	}
	v.CanAdvance, v.CanRollback = advance == nil, rollback == nil
	if advance != nil {
		v.AdvanceBlocked = reason(advance)
		if v.State == steps.Locked {
			v.Reason = v.AdvanceBlocked
		}
	}
	if rollback != nil {
		v.RollbackBlocked = reason(rollback)
	}
}

// hint recommends what to start, if anything can be.
func (e *Engine) hint(p present, views []steps.StepView) (next int, hint string) {
	if e.o.Recommend != nil {
		_ = guarded(func() error { next, hint = e.o.Recommend(p.look); return nil })
		hint = e.clean(hint)
	} else {
		for _, v := range views {
			if v.CanAdvance && next == 0 {
				next = v.Number
			}
		}
	}
	if next < 1 || next > len(views) || !views[next-1].CanAdvance {
		next = 0
	}
	if p.state.paused {
		hint = fmt.Sprintf("paused by %s: nothing new is sent until somebody resumes", p.state.pausedBy)
	}
	return next, hint
}

// alarms are what needs eyes now, the worst first.
func (e *Engine) alarms(p present) []steps.Alarm {
	var list []steps.Alarm
	add := func(kind steps.AlarmKind, text string) { list = append(list, steps.Alarm{Kind: kind, Text: text}) }
	if p.dead != nil {
		add(steps.AlarmJournal, fmt.Sprintf("%v: nothing is sent any more; make room or repair the disk, then start the engine again", p.dead))
	}
	if who, broken := steps.FactFenceBroken.Get(p.state.facts); broken {
		add(steps.AlarmFence, "write fence broken: "+who)
	}
	// A machine that goes away takes everything with it, but leaves a minute or two.
	for _, text := range p.notices {
		add(steps.AlarmMachine, text)
	}
	if who, written := steps.FactOldWritten.Get(p.state.facts); written && p.state.finished.IsZero() {
		add(steps.AlarmOldWritten, "old-primary is written to although the app has left it: "+who+" – find out who has the old URL; those rows are on no other database, and step 10 does not delete it")
	}
	if p.state.jump != 0 {
		add(steps.AlarmClock, fmt.Sprintf("the clock of this machine was set by %s: soak and times on the screen go by it; put it right, then resume or go on", p.state.jump.Round(time.Second)))
	}
	if len(p.state.drift) > 0 {
		add(steps.AlarmDrift, "changed by somebody else: "+strings.Join(p.state.drift, "; ")+" – put it right, or resume to go on with the world as it is")
	}
	if bail := p.state.steps[0]; bail != nil {
		switch bail.state {
		case steps.Done, steps.RolledBack:
		case steps.Running:
			text := "bringing production back on old-primary: "
			if p.state.lossy {
				text = "bringing production back on old-primary, with loss: "
			}
			text = strings.TrimSuffix(text+p.live[0].doing, ": ")
			if p.live[0].held {
				text += ", held because " + p.state.pausedBy + " paused the run: resume"
			}
			add(steps.AlarmBailing, text)
		default:
			add(steps.AlarmBail, fmt.Sprintf("%s is %s: %s; %s to go on", p.state.wayBack(), bail.state, bail.reason, p.state.again()))
		}
	}
	if p.state.recovered {
		add(steps.AlarmRecovered, recovery(p))
	}
	return list
}

// together is all alarms in one line.
func together(list []steps.Alarm) string {
	texts := make([]string, len(list))
	for i, a := range list {
		texts[i] = a.Text
	}
	return strings.Join(texts, " · ")
}

// recovery says what an engine that came back found.
func recovery(p present) string {
	text := "the engine was started again"
	var numbers []string
	for _, number := range p.state.interrupted {
		if number > 0 {
			numbers = append(numbers, fmt.Sprint(number))
		}
	}
	if len(numbers) > 0 {
		text = "the engine was interrupted in step " + strings.Join(numbers, ", ")
	}
	if p.state.rebooted {
		text = "the machine was restarted; " + text
	}
	if outage := p.state.outage(p.now, 0); outage.Active {
		text += "; maintenance is still on since " + outage.Since.UTC().Format("15:04:05") + " UTC"
	}
	if p.state.paused {
		text += "; resume, then go on or roll back"
	}
	return text
}
