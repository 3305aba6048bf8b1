package pgserver

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/jackc/pgx/v5/pgconn"
)

// InRecovery says whether the server is a follower (hot standby).
func InRecovery(ctx context.Context, q Querier) (bool, error) {
	var recovering bool
	if err := q.QueryRow(ctx, `SELECT pg_catalog.pg_is_in_recovery()`).Scan(&recovering); err != nil {
		return false, fmt.Errorf("asking whether the server is in recovery: %w", err)
	}
	return recovering, nil
}

// CurrentLSN is where a leader writes. On a follower the server refuses (SQLSTATE 55000).
func CurrentLSN(ctx context.Context, q Querier) (LSN, error) {
	return position(ctx, q, "pg_current_wal_lsn")
}

// ReceiveLSN is how far a follower has received and flushed WAL; zero when it never streamed.
func ReceiveLSN(ctx context.Context, q Querier) (LSN, error) {
	return position(ctx, q, "pg_last_wal_receive_lsn")
}

// ReplayLSN is how far a follower has applied WAL; on a leader it is zero, or where its own recovery once ended.
func ReplayLSN(ctx context.Context, q Querier) (LSN, error) {
	return position(ctx, q, "pg_last_wal_replay_lsn")
}

// Position is CurrentLSN on a leader and ReplayLSN on a follower: the state a query on this server sees.
func Position(ctx context.Context, q Querier) (LSN, error) {
	recovering, err := InRecovery(ctx, q)
	if err != nil {
		return 0, err
	}
	if recovering {
		return ReplayLSN(ctx, q)
	}
	return CurrentLSN(ctx, q)
}

func position(ctx context.Context, q Querier, function string) (LSN, error) {
	var text *string
	if err := q.QueryRow(ctx, `SELECT pg_catalog.`+function+`()::text`).Scan(&text); err != nil {
		return 0, fmt.Errorf("asking for %s: %w", function, err)
	}
	if text == nil {
		return 0, nil
	}
	return ParseLSN(*text)
}

// XidHorizon is the first transaction id not yet handed out (pg_snapshot_xmax), with its epoch. While nobody writes it stands
// still, whereas the WAL position moves at every checkpoint: this is the evidence for "nobody writes". Asking does not use up an id.
func XidHorizon(ctx context.Context, q Querier) (uint64, error) {
	version, err := ServerVersion(ctx, q)
	if err != nil {
		return 0, err
	}
	ask := `SELECT pg_catalog.pg_snapshot_xmax(pg_catalog.pg_current_snapshot())::text`
	if version.Major() < 13 {
		ask = `SELECT pg_catalog.txid_snapshot_xmax(pg_catalog.txid_current_snapshot())::text`
	}
	var text string
	if err := q.QueryRow(ctx, ask).Scan(&text); err != nil {
		return 0, fmt.Errorf("asking for the transaction horizon: %w", err)
	}
	xid, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("asking for the transaction horizon: %w", err)
	}
	return xid, nil
}

// Timeline is the newest timeline in the server's control file, which follows a promotion, its own or its leader's, some moments behind.
// It is 0 when the role may not ask. Ask outside of a transaction: a refusal would end it.
func Timeline(ctx context.Context, q Querier) (uint32, error) {
	var timeline int64
	err := q.QueryRow(ctx, `SELECT GREATEST(c.timeline_id, r.min_recovery_end_timeline)::bigint
		FROM pg_catalog.pg_control_checkpoint() c, pg_catalog.pg_control_recovery() r`).Scan(&timeline)
	var refused *pgconn.PgError
	if errors.As(err, &refused) && refused.Code == "42501" {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("asking for the timeline: %w", err)
	}
	return uint32(timeline), nil
}

// SystemIdentifier is the number a cluster shares with all its followers and nobody else. ok is false when the role may not ask.
func SystemIdentifier(ctx context.Context, q Querier) (id uint64, ok bool, err error) {
	var text string
	err = q.QueryRow(ctx, `SELECT system_identifier::text FROM pg_catalog.pg_control_system()`).Scan(&text)
	var refused *pgconn.PgError
	if errors.As(err, &refused) && refused.Code == "42501" {
		return 0, false, nil
	}
	if err != nil {
		return 0, false, fmt.Errorf("asking for the system identifier: %w", err)
	}
	signed, err := strconv.ParseInt(text, 10, 64) // the server prints it as a signed number
	if err != nil {
		return 0, false, fmt.Errorf("asking for the system identifier: %w", err)
	}
	return uint64(signed), true, nil
}
