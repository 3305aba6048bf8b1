package session_test

import (
	"changeover/steps/engine"
	"changeover/steps/session"
)

// The engine is what the server serves.
var (
	_ session.Engine = (*engine.Engine)(nil)
	_                = func(e *engine.Engine) func() session.Feed { return session.Subscriber(e.Subscribe) }
)
