package steps

import "context"

// turnOff ends the box, or leaves an adopted machine tidy.
type turnOff struct{ env *Env }

func (e turnOff) Key() string                    { return "turn off " + e.env.Box.Name() }
func (e turnOff) Class() Class                   { return Process }
func (e turnOff) Precheck(context.Context) error { return nil }

func (e turnOff) Plan() Plan {
	if e.env.Box.Adopted() {
		return Plan{Action: "leave " + e.env.Box.Name() + " running: it is not ours to turn off", Reversible: "yes"}
	}
	return Plan{Action: "turn off " + e.env.Box.Name(), Command: e.env.Box.OffCommand(), Reversible: "no"}
}

func (e turnOff) Do(ctx context.Context) error { return e.env.Box.TurnOff(ctx) }

func (e turnOff) Probe(ctx context.Context) (Observation, error) {
	off, err := e.env.Box.Off(ctx)
	if err != nil {
		return Observation{}, err
	}
	if !off {
		return Observation{Absent, e.env.Box.Name() + " runs"}, nil
	}
	if e.env.Box.Adopted() {
		return Observation{Present, e.env.Box.Name() + " is left running: it is not ours to turn off"}, nil
	}
	return Observation{Present, e.env.Box.Name() + " is off"}, nil
}
