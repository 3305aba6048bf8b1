package stream

import "testing"

// pg_dump is run again when its session was lost, in whatever words it says so, and not when it was refused something.
func TestWhatPgDumpSaysOfALostSession(t *testing.T) {
	for said, again := range map[string]bool{
		`pg_dump: error: query failed: FATAL:  terminating connection due to administrator command`:  true,
		`pg_dump: error: connection to server at "10.0.0.7", port 5432 failed: Connection timed out`: true,
		`pg_dump: error: query failed: could not receive data from server: Connection timed out`:     true,
		`pg_dump: error: query failed: ERROR:  canceling statement due to conflict with recovery`:    true,
		`pg_dump: invalid client encoding "UTF8" specified`:                                          true,
		`pg_dump: error: query failed: ERROR:  permission denied for table secrets`:                  false,
		`pg_dump: error: query failed: ERROR:  canceling statement due to lock timeout`:              false,
		`pg_dump: error: aborting because of server version mismatch`:                                false,
	} {
		if got := brokenOff.MatchString(said); got != again {
			t.Errorf("tried again: %t, want %t, after %s", got, again, said)
		}
	}
}
