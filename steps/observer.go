package steps

import "changeover/pgxfer"

// observer passes what a transfer reports on to the engine.
type observer struct{ env *Env }

func (o observer) Progress(p pgxfer.Progress) { o.env.Recorder.Progress(p) }

func (o observer) Event(e pgxfer.Event) {
	level := Info
	switch e.Level {
	case "warn":
		level = Warn
	case "error":
		level = Error
	}
	o.env.Log(level, "%s", e.Text)
}
