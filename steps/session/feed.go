package session

import (
	"context"
	"sync"

	"changeover/steps"
)

// Engine is what the server asks of the engine.
type Engine interface {
	View() steps.View
	// Command returns when the command is accepted or refused.
	Command(ctx context.Context, c steps.Command) error
	// LogLines reads at most limit lines after a Seq, oldest first.
	LogLines(after uint64, limit int) ([]steps.LogLine, error)
	// SetAudience shows everybody who drives and how many watch. It must not call back into the server.
	SetAudience(driver *steps.Operator, watching int)
}

// Update is one piece of news of a Feed: the newest View, or lines, or both. The first has both.
type Update struct {
	View  *steps.View
	Lines []steps.LogLine
	First bool
}

// Feed is one subscription to an engine. C is closed when the subscriber falls too far behind (then Lagged), and when
// the engine closes.
type Feed interface {
	C() <-chan Update
	Lagged() bool
	Close()
}

// Subscriber makes an engine's Subscribe method, which returns a type of the engine's own, fit for Options.
func Subscriber[S interface {
	C() <-chan U
	Lagged() bool
	Close()
}, U ~struct {
	View  *steps.View
	Lines []steps.LogLine
	First bool
}](subscribe func() S) func() Feed {
	return func() Feed {
		source := subscribe()
		f := &feed[U]{source: source, out: make(chan Update), quit: make(chan struct{})}
		f.work.Go(func() { f.copy(source.C()) })
		return f
	}
}

// feed passes the updates of a source on as our own type.
type feed[U ~struct {
	View  *steps.View
	Lines []steps.LogLine
	First bool
}] struct {
	source interface {
		Lagged() bool
		Close()
	}
	out  chan Update
	quit chan struct{}
	once sync.Once
	work sync.WaitGroup
}

func (f *feed[U]) copy(in <-chan U) {
	defer close(f.out)
	for {
		select {
		case u, ok := <-in:
			if !ok {
				return
			}
			select {
			case f.out <- Update(u):
			case <-f.quit:
				return
			}
		case <-f.quit:
			return
		}
	}
}

// C passes on what the source says.
func (f *feed[U]) C() <-chan Update { return f.out }

// Lagged is the source's word.
func (f *feed[U]) Lagged() bool { return f.source.Lagged() }

// Close ends the subscription and waits for the goroutine that copies.
func (f *feed[U]) Close() {
	f.once.Do(func() { close(f.quit) })
	f.source.Close()
	f.work.Wait()
}
