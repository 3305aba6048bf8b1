package pgserver

import (
	"errors"
	"slices"

	"github.com/jackc/pgx/v5/pgconn"
)

// cannotExport are the SQLSTATEs of servers that share no snapshot between sessions: not in this state, not supported, only read, not allowed.
var cannotExport = []string{"55000", "0A000", "25006", "42501"}

// CannotExport says whether pg_export_snapshot failed because this server, or this role, shares no snapshots between sessions. Each session
// then has to take its own, and they are the same only while nobody writes.
func CannotExport(err error) bool {
	var refused *pgconn.PgError
	return errors.As(err, &refused) && slices.Contains(cannotExport, refused.Code)
}
