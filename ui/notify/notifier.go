package notify

import (
	"context"
	"errors"
	"strings"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v5"

	"changeover/steps"
	"changeover/steps/engine"
	"changeover/steps/journal"
)

// Options say who is told, and by whom.
type Options struct {
	// Dir is the run directory.
	Dir string
	// URL and Command are the receivers; see steps.Config.
	URL     Where
	Command []string
	// Version is that of the program, which webhooks see.
	Version string
	// Log writes to the run's log. It gets no secret.
	Log func(level steps.Level, text string)

	// First and Longest are the pauses between tries; 0 is 2 s and 5 min.
	First, Longest time.Duration
	// Flush is how long delivery may still take when the engine ends; 0 is 20 s. Nobody waits for a receiver that did not
	// take the last message either. What is left goes on in the next engine.
	Flush time.Duration
}

// Limits of patience with one message.
const (
	// keepFor is for how long a message is worth delivering.
	keepFor = 12 * time.Hour
	// commandTries is how often a program may fail over one message. A network comes back; a program that failed six times
	// is broken.
	commandTries = 6
	// lookEvery is how often the clocks are looked at when nothing else happens.
	lookEvery = 10 * time.Second
)

// Engine is what a Notifier listens to.
type Engine interface {
	View() steps.View
	Subscribe() *engine.Subscription
}

// Notifier tells receivers what happens in one run.
type Notifier struct {
	o       Options
	targets []target

	mu      sync.Mutex
	m       memory
	wake    map[string]chan struct{} // by receiver: there is something to deliver
	failing map[string]bool          // by receiver: it did not take the last message
	unsaved bool                     // the last attempt to store failed; said once
}

// New prepares a Notifier; nil means that nobody wants to be told. What was left by an engine before is delivered too.
func New(o Options) (*Notifier, error) {
	targets, err := targetsOf(o)
	if err != nil || len(targets) == 0 {
		return nil, err
	}
	setDefault(&o.First, 2*time.Second)
	setDefault(&o.Longest, 5*time.Minute)
	setDefault(&o.Flush, 20*time.Second)
	n := &Notifier{o: o, targets: targets, wake: map[string]chan struct{}{}, failing: map[string]bool{}}
	for _, t := range targets {
		n.wake[t.name()] = make(chan struct{}, 1)
	}
	if n.m, err = load(o.Dir); err != nil {
		// Better to say something twice than nothing any more.
		o.Log(steps.Warn, err.Error()+"; notifications begin afresh")
	}
	return n, nil
}

func setDefault(d *time.Duration, value time.Duration) {
	if *d <= 0 {
		*d = value
	}
}

func targetsOf(o Options) ([]target, error) {
	var targets []target
	if o.URL != "" {
		if err := o.URL.Check(); err != nil {
			return nil, err
		}
		targets = append(targets, newWebhook(o.URL, o.Version))
	}
	if len(o.Command) > 0 {
		targets = append(targets, command{o.Command})
	}
	return targets, nil
}

// Begin takes the run as it stands before anybody can change it; what happened since the engine before ended is told.
func (n *Notifier) Begin(v steps.View) { n.observe(v) }

// Run listens to an engine and delivers until ctx ends, and a little longer. It never makes the engine wait.
func (n *Notifier) Run(ctx context.Context, e Engine) {
	delivering, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	var senders sync.WaitGroup
	for _, t := range n.targets {
		senders.Go(func() { n.deliver(delivering, t) })
	}
	n.listen(ctx, e)
	n.observe(e.View()) // what happened while the engine was asked to end
	flushed := time.AfterFunc(n.o.Flush, stop)
	defer flushed.Stop()
	n.awaitEmpty(delivering)
	stop()
	senders.Wait()
}

// listen observes views until ctx ends. Views come when something has changed; the clocks go on without.
func (n *Notifier) listen(ctx context.Context, e Engine) {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for ctx.Err() == nil {
		sub := e.Subscribe()
		n.follow(ctx, e, sub, tick.C)
		sub.Close()
		if !sub.Lagged() {
			return
		}
	}
}

// follow reads one subscription to its end.
func (n *Notifier) follow(ctx context.Context, e Engine, sub *engine.Subscription, tick <-chan time.Time) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick:
			n.observe(e.View())
		case update, ok := <-sub.C():
			if !ok {
				return
			}
			if update.View != nil {
				n.observe(*update.View)
			}
		}
	}
}

// observe queues what a view brings. It is on disk before it is delivered, so that an engine that dies in between has said
// it once, by its successor.
func (n *Notifier) observe(v steps.View) {
	n.mu.Lock()
	defer n.mu.Unlock()
	begun, rested := n.m.Begun, n.m.Rest
	messages := n.m.observe(v)
	if len(messages) == 0 && begun && rested == n.m.Rest {
		return
	}
	for _, t := range n.targets {
		n.m.put(t.name(), messages)
		signal(n.wake[t.name()])
	}
	n.save()
}

func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// save stores the memory. A full disk costs what a crash would forget, never a message. The caller holds mu.
func (n *Notifier) save() {
	err := n.m.save(n.o.Dir)
	if err != nil && !n.unsaved {
		n.o.Log(steps.Warn, err.Error()+"; after a crash notifications may come twice")
	}
	n.unsaved = err != nil
}

// deliver sends what is queued for one receiver, in order, until ctx ends.
func (n *Notifier) deliver(ctx context.Context, t target) {
	if c, ok := t.(interface{ close() }); ok {
		defer c.close()
	}
	pause := backoff.NewExponentialBackOff() // jitter: half the interval either way
	pause.InitialInterval, pause.MaxInterval, pause.Multiplier = n.o.First, n.o.Longest, 2
	for {
		head, ok := n.head(t)
		if !ok {
			select {
			case <-ctx.Done():
				return
			case <-n.wake[t.name()]:
			}
			continue
		}
		err := n.send(ctx, t, head)
		if ctx.Err() != nil && err != nil {
			return // it was cut off, and is tried again by the next engine
		}
		if err == nil {
			if n.turns(t, false) {
				n.o.Log(steps.Info, "notifications reach "+t.about()+" again")
			}
			pause.Reset()
			n.settle(t, head, true)
			continue
		}
		wait := max(pause.NextBackOff(), askedFor(err))
		if n.hopeless(t, head, err) {
			n.o.Log(steps.Warn, "a notification was given up: "+clean(err)+" ("+head.Message.Plain+")")
			n.settle(t, head, false)
			continue
		}
		if n.turns(t, true) { // said once, not every five minutes
			n.o.Log(steps.Warn, "notifications do not get through, and are tried again: "+clean(err))
		}
		n.failed(t, head)
		if !sleep(ctx, wait) {
			return
		}
	}
}

func clean(err error) string { return journal.Redact(strings.ReplaceAll(err.Error(), "\n", " ")) }

// head is the next message for a receiver.
func (n *Notifier) head(t target) (queued, bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	q := n.m.Queues[t.name()]
	if len(q) == 0 {
		return queued{}, false
	}
	head := q[0]
	head.Message.Lost = n.m.Lost[t.name()]
	return head, true
}

func (n *Notifier) send(ctx context.Context, t target, head queued) error {
	body, err := head.Message.body(journal.Redact)
	if err != nil {
		return &refusal{err}
	}
	return t.send(ctx, body)
}

// hopeless says whether trying again is of no use.
func (n *Notifier) hopeless(t target, head queued, err error) bool {
	var refused *refusal
	_, program := t.(command)
	return errors.As(err, &refused) || time.Since(head.Message.At) > keepFor || program && head.Tries+1 >= commandTries
}

func askedFor(err error) time.Duration {
	var asked *later
	if errors.As(err, &asked) {
		return asked.after
	}
	return 0
}

// settle takes a message out of the queue, delivered or given up.
func (n *Notifier) settle(t target, head queued, delivered bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.m.drop(t.name(), head.Message.ID)
	if delivered {
		n.m.Lost[t.name()] -= head.Message.Lost // those that were lost meanwhile are told with the next
		n.m.Delivered[t.name()] = time.Now().UTC().Truncate(time.Second)
	} else {
		n.m.Lost[t.name()]++
	}
	n.save()
}

// turns notes whether a receiver fails, and says whether that is new.
func (n *Notifier) turns(t target, failing bool) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	was := n.failing[t.name()]
	n.failing[t.name()] = failing
	return was != failing
}

// failed counts a try.
func (n *Notifier) failed(t target, head queued) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for i, q := range n.m.Queues[t.name()] {
		if q.Message.ID == head.Message.ID {
			n.m.Queues[t.name()][i].Tries++
		}
	}
	n.save()
}

// awaitEmpty returns when everything is delivered to those who take it, or ctx ends.
func (n *Notifier) awaitEmpty(ctx context.Context) {
	for {
		n.mu.Lock()
		waiting := 0
		for _, t := range n.targets {
			if !n.failing[t.name()] {
				waiting += len(n.m.Queues[t.name()])
			}
		}
		n.mu.Unlock()
		if waiting == 0 || !sleep(ctx, 20*time.Millisecond) {
			return
		}
	}
}

func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
