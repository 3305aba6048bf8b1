package cli

import (
	"context"

	"changeover/ec2/box"
	"changeover/steps"
)

// thisMachine is the machine we run on, as the steps see a box: it fulfils steps.Box.
type thisMachine struct {
	machine
	// watched is the metadata service of an instance that was launched by hand; nil off EC2.
	watched *box.Metadata
}

// machine is an adopted box under a name that does not hide its method Adopted.
type machine = *box.Adopted

func (m thisMachine) metadata() *box.Metadata { return m.watched }

func (m thisMachine) Prepare(ctx context.Context, dir string, bytes int64) (steps.BoxFacts, error) {
	f, err := m.machine.Prepare(ctx, dir, bytes)
	return steps.BoxFacts{Name: f.Name, Dir: f.Dir, FreeBytes: f.FreeBytes, WriteRate: f.WriteRate, CPUs: f.CPUs, CentsHour: f.CentsHour}, err
}
