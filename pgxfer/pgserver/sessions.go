package pgserver

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// Session is one server process connected to the current database.
type Session struct {
	PID         int32  `json:"pid"`
	User        string `json:"user"`        // empty for background processes such as autovacuum
	Application string `json:"application"` // application_name, visible to everybody
	// Client is the peer's address; empty for local sockets, and for sessions of roles we are not a member of.
	Client string `json:"client,omitempty"`
	// BackendType is such as "client backend" or "autovacuum worker"; empty when hidden from us.
	BackendType string `json:"backend_type,omitempty"`
	// State is such as "idle in transaction"; empty when hidden from us.
	State string `json:"state,omitempty"`
	// Xid says whether the session holds a transaction id, that is, has written something not yet committed.
	Xid bool `json:"xid"`
	// Own says whether it runs as our role, so that we may end it.
	Own bool `json:"own"`
}

// Sessions lists everybody else connected to the current database, ordered by pid.
//
// Processes without a user (autovacuum) are included: they hold locks, but write no rows of their own.
func Sessions(ctx context.Context, q Querier) ([]Session, error) {
	rows, err := q.Query(ctx, `SELECT pid, COALESCE(usename::text, ''), COALESCE(application_name, ''),
		COALESCE(pg_catalog.host(client_addr), ''), COALESCE(backend_type, ''), COALESCE(state, ''),
		backend_xid IS NOT NULL, COALESCE(usename = CURRENT_USER, false)
		FROM pg_catalog.pg_stat_activity
		WHERE datname = pg_catalog.current_database() AND pid <> pg_catalog.pg_backend_pid() ORDER BY pid`)
	if err != nil {
		return nil, fmt.Errorf("listing sessions: %w", err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Session])
	if err != nil {
		return nil, fmt.Errorf("listing sessions: %w", err)
	}
	return list, nil
}

// maxApplicationName is NAMEDATALEN-1: the server cuts application_name there.
const maxApplicationName = 63

// TerminateTagged ends every other session of our role whose application_name starts with the prefix and waits until they are gone.
//
// A client that dies leaves its backend working: CREATE INDEX and COPY FROM finish, and commit, long after. The tag is how we find
// such orphans again. It returns how many sessions were told to end.
func TerminateTagged(ctx context.Context, q Querier, prefix string) (int, error) {
	if prefix == "" {
		return 0, errors.New("ending tagged sessions: an empty tag would end everybody")
	}
	if len(prefix) > maxApplicationName {
		prefix = prefix[:maxApplicationName]
	}
	told := map[int32]bool{}
	for {
		pids, err := taggedSessions(ctx, q, prefix)
		if err != nil {
			return len(told), err
		}
		if len(pids) == 0 {
			return len(told), nil
		}
		for _, pid := range pids {
			// Told again in every round: a signal that arrives while the backend is starting up can get lost.
			if _, err := q.Exec(ctx, `SELECT pg_catalog.pg_terminate_backend($1)`, pid); err != nil {
				return len(told), fmt.Errorf("ending session %d: %w", pid, err)
			}
			told[pid] = true
		}
		select {
		case <-ctx.Done():
			return len(told), fmt.Errorf("waiting for %d tagged sessions to end: %w", len(pids), ctx.Err())
		case <-time.After(50 * time.Millisecond):
		}
	}
}

func taggedSessions(ctx context.Context, q Querier, prefix string) ([]int32, error) {
	rows, err := q.Query(ctx, `SELECT pid FROM pg_catalog.pg_stat_activity
		WHERE pg_catalog.left(application_name, pg_catalog.length($1::text)) = $1 AND usename = CURRENT_USER
		AND pid <> pg_catalog.pg_backend_pid()`, prefix)
	if err != nil {
		return nil, fmt.Errorf("listing tagged sessions: %w", err)
	}
	pids, err := pgx.CollectRows(rows, pgx.RowTo[int32])
	if err != nil {
		return nil, fmt.Errorf("listing tagged sessions: %w", err)
	}
	return pids, nil
}
