package memworld

import (
	"context"

	"changeover/steps"
)

// machine is the EC2 instance of the run.
type machine struct {
	Name     string
	Prepared bool
	Off      bool
}

// Box is the machine that does the work. It is ours to turn off.
type Box struct{ World *World }

// Name implements steps.Box.
func (b Box) Name() string { return b.World.s.Machine.Name }

// Adopted implements steps.Box.
func (Box) Adopted() bool { return false }

// OffCommand implements steps.Box.
func (Box) OffCommand() string { return "sudo poweroff" }

// Prepare implements steps.Box.
func (b Box) Prepare(ctx context.Context, dir string, bytes int64) (steps.BoxFacts, error) {
	facts := steps.BoxFacts{Name: b.Name(), Dir: dir, FreeBytes: 3 * bytes, WriteRate: 1 << 30, CPUs: 16, CentsHour: 300}
	return facts, b.set(ctx, "prepare the box", &b.World.s.Machine.Prepared, true)
}

// Undo implements steps.Box.
func (b Box) Undo(ctx context.Context, _ string) error {
	return b.set(ctx, "give the box back", &b.World.s.Machine.Prepared, false)
}

// TurnOff implements steps.Box.
func (b Box) TurnOff(ctx context.Context) error {
	return b.set(ctx, "turn the box off", &b.World.s.Machine.Off, true)
}

func (b Box) set(ctx context.Context, what string, to *bool, value bool) error {
	b.World.mu.Lock()
	defer b.World.mu.Unlock()
	if err := b.World.call(ctx); err != nil || *to == value {
		return err
	}
	return b.World.change(what, func() { *to = value })
}

// Off implements steps.Box.
func (b Box) Off(ctx context.Context) (bool, error) {
	b.World.mu.Lock()
	defer b.World.mu.Unlock()
	return b.World.s.Machine.Off, b.World.call(ctx)
}

// Exists implements steps.Box.
func (b Box) Exists(path string) (bool, error) {
	b.World.mu.Lock()
	defer b.World.mu.Unlock()
	return b.World.s.Archives[path] != nil, b.World.call(context.Background())
}
