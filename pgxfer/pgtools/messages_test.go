package pgtools

import (
	"strings"
	"testing"
)

func TestMessages(t *testing.T) {
	fail := &ExitError{Tool: "pg_restore", Code: 1}
	for _, c := range []struct {
		name, lines, want string
		exit              error
	}{
		{"all well", "pg_restore: finished item 1 TABLE t", "", nil},
		{
			"only a setting that an older server does not have",
			"pg_restore: while INITIALIZING:\npg_restore: error: could not execute query: ERROR:  unrecognized configuration parameter \"transaction_timeout\"\n" +
				"Command was: SET transaction_timeout = 0;\npg_restore: warning: errors ignored on restore: 1", "", fail,
		},
		{
			"one more than that",
			"pg_restore: error: could not execute query: ERROR:  unrecognized configuration parameter \"transaction_timeout\"\n" +
				"pg_restore: warning: errors ignored on restore: 2", "pg_restore: pg_restore ended with exit code 1", fail,
		},
		{
			"the entry, the error, its detail, not the command",
			"pg_restore: from TOC entry 3; 0 0 INDEX i owner with blanks\npg_restore: error: could not execute query: ERROR:  no\nDETAIL:  why\nCommand was: CREATE INDEX\n  ON t\n" +
				"pg_restore: from TOC entry 4; 0 0 INDEX j x\npg_restore: error: second", "pg_restore: INDEX i owner with blanks: could not execute query: ERROR: no DETAIL: why (and 1 more)", fail,
		},
		{"no word of it", "", "pg_restore: pg_restore ended with exit code 1", fail},
		{"an error that the exit code keeps quiet about", "pg_restore: error: x", "pg_restore: x", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			var m Messages
			for _, l := range strings.Split(c.lines, "\n") {
				m.Note(ParseLine(l))
			}
			got := ""
			if err := m.Err("pg_restore", c.exit); err != nil {
				got = err.Error()
			}
			if got != c.want {
				t.Errorf("got  %q\nwant %q", got, c.want)
			}
		})
	}
}
