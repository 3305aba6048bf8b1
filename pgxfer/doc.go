// Package pgxfer moves the content of one PostgreSQL database to another: dump, restore, verify.
//
// It is a leaf: it knows nothing of Heroku, of steps or of screens, and reports through an [Observer].
// Two engines share the interface [Transfer]: the classic one runs pg_dump and pg_restore, the streaming
// one speaks COPY itself. Callers choose one by name and never look behind the interface.
package pgxfer
