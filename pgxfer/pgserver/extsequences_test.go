package pgserver_test

import (
	"testing"

	"changeover/pgxfer/pgserver"
)

// A sequence is behind another one when it would hand out what that one has handed out.
func TestSequencesBehindOthers(t *testing.T) {
	at := func(last int64, called bool, by int64) pgserver.ExtensionSequence {
		return pgserver.ExtensionSequence{Sequence: pgserver.Sequence{LastValue: last, IsCalled: called}, Increment: by}
	}
	for _, c := range []struct {
		a, b   pgserver.ExtensionSequence
		behind bool
	}{
		{at(5, true, 1), at(6, true, 1), true},
		{at(6, true, 1), at(5, true, 1), false},
		{at(5, false, 1), at(5, true, 1), true},
		{at(5, true, 1), at(5, false, 1), false},
		{at(5, true, 1), at(5, true, 1), false},
		{at(-5, true, -1), at(-6, true, -1), true},
		{at(-6, true, -1), at(-5, true, -1), false},
		{at(-1, false, -1), at(-1, true, -1), true},
	} {
		if got := c.a.Behind(c.b); got != c.behind {
			t.Errorf("%+v behind %+v: %t", c.a, c.b, got)
		}
	}
}
