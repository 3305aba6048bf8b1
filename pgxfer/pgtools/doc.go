// Package pgtools finds pg_dump and pg_restore of the right version and runs them safely: no secret in arguments or in the
// environment, an environment of our own, one process group per run, and nothing left running, here or on the server.
package pgtools
