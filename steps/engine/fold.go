package engine

import (
	"encoding/json"
	"fmt"
	"maps"
	"time"

	"changeover/pgxfer"
	"changeover/steps"
	"changeover/steps/journal"
)

// state is what the journal says. It changes by apply and by nothing else.
type state struct {
	rev     uint64 // records that change what an operator may decide
	seq     uint64 // of the last record
	boot    string
	started time.Time
	// lastAt and lastMono are the clocks of the last record.
	lastAt   time.Time
	lastMono time.Duration
	// jump is by how much the wall clock was set since somebody last decided something; 0 when it was not.
	jump time.Duration

	steps   map[int]*stepState // 0 is the bail-out; a step that never started is missing
	effects map[string]*effectState
	facts   *steps.Facts // replaced, never changed: whoever holds it keeps what he saw
	ledger  []steps.Database
	box     boxBill
	count   int // of the steps of the run

	paused   bool
	pausedBy string
	hold     pgxfer.Hold // of transfers: only people hold them, what the engine pauses by itself goes on
	workers  pgxfer.Workers
	// recovered is set from a start that found work in the middle, or users shut out, until somebody says go on.
	recovered   bool
	rebooted    bool // that start came with a restart of the machine
	interrupted []int
	// lossy says that the bail-out begun last is the lossy path.
	lossy bool
	// bailed are the effects by which a bail-out that is not finished has changed the world, or may have.
	bailed   map[string]bool
	commands map[string]commandData
	drift    []string // dangerous differences that nobody has decided on; replaced, never changed
	accepted []string // those that an operator went on with
	finished time.Time
}

// stepState is a step that was started at least once.
type stepState struct {
	state   steps.State
	attempt int
	undoing bool // the work begun last is a rollback
	void    bool // a bail-out undid what it achieved: the next start is a new attempt in any case
	checked bool // Check passed in this attempt
	reason  string
	actor   string
	started time.Time // of this attempt
	ended   time.Time
	active  time.Duration // of the spans that are over
	since   time.Duration // Mono at which the running span began
	startAt uint64        // seq of the command that began the running span
}

func newState(count int) *state {
	return &state{
		count: count,
		steps: map[int]*stepState{}, effects: map[string]*effectState{},
		facts: &steps.Facts{}, commands: map[string]commandData{}, bailed: map[string]bool{},
	}
}

// apply folds one record in. An error means that a record of ours does not decode, which a journal that passed
// its checksums can only hold when another program wrote it.
func (s *state) apply(r journal.Record) error {
	err := s.fold(r)
	if err != nil {
		return fmt.Errorf("record %d (%s) does not make sense: %w", r.Seq, r.Kind, err)
	}
	s.foldClock(r)
	s.seq, s.lastAt, s.lastMono, s.boot = r.Seq, r.At, r.Mono, r.Boot
	return nil
}

// jumpNoticed is beyond what a time service corrects in the normal course of things.
const jumpNoticed = time.Minute

// foldClock compares both clocks of two records of one engine. (Round takes off what Go would rather compare.) Durations are measured by the one that cannot be set; the
// soak, and whatever a person reads, goes by the other.
func (s *state) foldClock(r journal.Record) {
	if r.Kind == kindStart || r.Kind == journal.KindOpen || s.seq == 0 {
		return // the other clock begins anew with each engine
	}
	if jump := r.At.Round(0).Sub(s.lastAt.Round(0)) - (r.Mono - s.lastMono); jump.Abs() > jumpNoticed {
		s.jump += jump
	}
}

func (s *state) fold(r journal.Record) error {
	switch r.Kind {
	case journal.KindOpen:
		s.started = r.At
	case kindStart:
		return decoded(r, s.foldStart)
	case kindCommand:
		return decoded(r, s.foldCommand)
	case kindChecked:
		s.step(r.Step).checked = true
	case kindStep:
		return decoded(r, s.foldStep)
	case kindFact:
		return decoded(r, s.foldFact)
	case kindDrift:
		return decoded(r, s.foldDrift)
	case kindIntent, kindSent, kindAck, kindError, kindTimeout, kindObserved, kindDone:
		return decoded(r, s.foldEffect)
	}
	return nil // kinds without a meaning for the state, those of newer programs included
}

func decoded[T any](r journal.Record, fold func(journal.Record, T)) error {
	var data T
	if err := json.Unmarshal(r.Data, &data); err != nil {
		return err
	}
	fold(r, data)
	return nil
}

// step is the state of a step, made when it is missing.
func (s *state) step(number int) *stepState {
	st := s.steps[number]
	if st == nil {
		st = &stepState{}
		s.steps[number] = st
	}
	return st
}

// foldStart marks what was interrupted. Nobody knows when the engine before died; the time of the last record is
// the latest moment at which it certainly lived.
func (s *state) foldStart(_ journal.Record, d startData) {
	s.rev++
	for _, number := range d.Interrupted {
		st := s.step(number)
		st.end(s.lastAt, s.lastMono)
		st.state = steps.Unknown
		st.reason = "the engine was interrupted in the middle; advance looks what happened and goes on"
		if st.undoing {
			st.reason = "the engine was interrupted in the middle of the rollback; roll back again to go on with it"
		}
		if d.Rebooted {
			st.reason = "the machine was restarted: " + st.reason
		}
	}
	// After a restart of the machine nobody is there who has seen what happened, even when nothing was at work.
	s.rebooted = d.Rebooted && s.finished.IsZero() && len(s.steps) > 0
	if len(d.Interrupted) > 0 || s.rebooted {
		s.paused, s.pausedBy = true, "engine"
	}
	s.interrupted = d.Interrupted
	s.recovered = len(d.Interrupted) > 0 || s.outageOpen() || s.rebooted
}

// foldCommand carries an accepted command out, as far as the state goes.
func (s *state) foldCommand(r journal.Record, d commandData) {
	if d.Command.ID != "" {
		s.commands[d.Command.ID] = d
	}
	if d.Refusal != "" {
		return
	}
	s.rev++
	s.jump = 0
	switch d.Command.Verb {
	case steps.PauseRun:
		s.paused, s.pausedBy, s.hold = true, r.Actor, pgxfer.Soft
		if d.Command.Hard {
			s.hold = pgxfer.Hard
		}
		return
	case steps.SetWorkers:
		if d.Command.Workers != nil {
			s.workers = *d.Command.Workers
		}
		return
	case steps.ResumeRun:
		s.paused, s.pausedBy, s.hold = false, "", pgxfer.Going
		s.acceptDrift()
	case steps.BailOut, steps.BailLossy:
		// Whoever bails out wants production back now: a pause before it is over. One that comes after it holds.
		s.paused, s.pausedBy, s.hold = false, "", pgxfer.Going
		s.drift = nil
		s.begin(r, steps.Running, false)
		s.lossy = d.Command.Verb == steps.BailLossy
	case steps.Advance, steps.RollbackOne:
		if d.Does == doesUndo {
			s.begin(r, steps.RollingBack, true)
		} else {
			s.begin(r, steps.Running, false)
		}
	}
	s.recovered, s.rebooted, s.interrupted = false, false, nil
}

// begin opens a span of work.
func (s *state) begin(r journal.Record, to steps.State, undoing bool) {
	st := s.step(r.Step)
	if st.state.Active() { // a rollback that overtakes the running step
		st.end(r.At, r.Mono)
	}
	if r.Attempt != st.attempt {
		st.attempt, st.checked, st.void, st.started = r.Attempt, false, false, r.At
	}
	st.state, st.undoing, st.reason, st.actor = to, undoing, "", r.Actor
	st.ended, st.since, st.startAt = time.Time{}, r.Mono, r.Seq
}

// end closes the running span. Both clocks of a span come from one engine: foldStart closes what is left over.
func (st *stepState) end(at time.Time, mono time.Duration) {
	if st.state.Active() {
		st.active += max(0, mono-st.since)
	}
	st.ended = at
}

func (s *state) foldStep(r journal.Record, d stepData) {
	st := s.step(r.Step)
	if d.State == steps.Verifying { // nothing an operator would decide otherwise
		st.state = d.State
		return
	}
	s.rev++
	if !d.State.Active() {
		st.end(r.At, r.Mono)
	}
	st.state, st.reason = d.State, d.Reason
	if r.Step == 0 && d.State == steps.Done {
		clear(s.bailed)
	}
	for number, to := range d.Voids {
		if other := s.steps[number]; other != nil {
			other.state, other.undoing, other.void = to, false, true
			other.reason = "no longer true: production was brought back on old-primary"
		}
	}
	if s.finished.IsZero() && r.Step != 0 && d.State == steps.Done {
		s.finished = s.allDoneAt(r.At)
	}
}

// allDoneAt is at when all steps are done, and zero otherwise.
func (s *state) allDoneAt(at time.Time) time.Time {
	for number := 1; number <= s.count; number++ {
		if st := s.steps[number]; st == nil || st.state != steps.Done {
			return time.Time{}
		}
	}
	return at
}

func (s *state) foldFact(r journal.Record, d factData) {
	s.rev++
	facts := s.facts.Clone()
	facts.Set(d.Name, d.Value)
	s.facts = facts
	s.foldMoney(r, d.Name)
}

// outageOpen says whether users are shut out.
func (s *state) outageOpen() bool {
	outages, _ := steps.FactOutages.Get(s.facts)
	return len(outages) > 0 && outages[len(outages)-1].End.IsZero()
}

// clone is a copy that stays as it is while the state moves on. Commands are not in it: nobody asks a copy for them.
func (s *state) clone() *state {
	c := *s
	c.commands = nil
	c.bailed = maps.Clone(s.bailed)
	c.effects = make(map[string]*effectState, len(s.effects))
	for key, effect := range s.effects {
		copied := *effect
		c.effects[key] = &copied
	}
	c.steps = make(map[int]*stepState, len(s.steps))
	for number, st := range s.steps {
		copied := *st
		c.steps[number] = &copied
	}
	c.ledger = append([]steps.Database(nil), s.ledger...)
	return &c
}

// active are the steps in the middle of something, in order.
func (s *state) active() []int {
	var numbers []int
	for number := range maps.Keys(s.steps) {
		if s.steps[number].state.Active() {
			numbers = append(numbers, number)
		}
	}
	return sorted(numbers)
}
