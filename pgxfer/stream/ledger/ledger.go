// Package ledger notes on the target itself what was done there.
//
// Each note is written in the transaction that does the work, so the note and the work are there together or not at all. No crash, of
// us or of the server, and no reply that got lost on the way can make anything be done twice or be forgotten.
package ledger

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"changeover/pgxfer/pgserver"
	"changeover/pgxfer/stream/session"
)

// Schema holds the ledger while a restore is under way.
const Schema = "changeover_ledger"

// Stages of a restore.
const (
	StageSchema = "schema" // tables are being made, not in one transaction: an interrupted attempt starts over
	StageData   = "data"   // everything from here on is in the ledger
)

// ErrOther means that the target holds the beginning of another restore.
var ErrOther = errors.New("target holds a half-done restore of another archive; reset it")

// lockKey is the number of the advisory lock that keeps a second restore out. It spells "chgover".
const lockKey = 0x6368676f766572

// ErrBusy means that another restore into this database is running.
var ErrBusy = errors.New("another restore into this database is running")

// Lock keeps other restores out for as long as the session lives.
func Lock(ctx context.Context, conn *pgx.Conn) error {
	var got bool
	if err := conn.QueryRow(ctx, `SELECT pg_catalog.pg_try_advisory_lock($1)`, int64(lockKey)).Scan(&got); err != nil {
		return fmt.Errorf("locking the target: %w", err)
	}
	if !got {
		return ErrBusy
	}
	return nil
}

// Find says how far a restore of this plan has come. An empty stage means that there is no ledger.
func Find(ctx context.Context, q pgserver.Querier, plan string) (stage string, err error) {
	var exists bool
	if err := q.QueryRow(ctx, `SELECT pg_catalog.to_regclass($1) IS NOT NULL`, Schema+".run").Scan(&exists); err != nil {
		return "", fmt.Errorf("looking for the ledger: %w", err)
	}
	if !exists {
		return "", nil
	}
	var of string
	err = q.QueryRow(ctx, `SELECT plan, stage FROM `+Schema+`.run`).Scan(&of, &stage)
	if err != nil {
		return "", fmt.Errorf("reading the ledger: %w", err)
	}
	if of != plan {
		return "", ErrOther
	}
	return stage, nil
}

// Plan is the plan that [Create] was given to keep, nil where there is none.
func Plan(ctx context.Context, q pgserver.Querier) (body []byte, err error) {
	var exists bool
	if err := q.QueryRow(ctx, `SELECT pg_catalog.to_regclass($1) IS NOT NULL`, Schema+".run").Scan(&exists); err != nil {
		return nil, fmt.Errorf("looking for the ledger: %w", err)
	}
	if !exists {
		return nil, nil
	}
	if err := q.QueryRow(ctx, `SELECT body FROM `+Schema+`.run`).Scan(&body); err != nil {
		return nil, fmt.Errorf("reading the ledger: %w", err)
	}
	return body, nil
}

// Create makes the ledger, in one transaction. The plan goes by its hash; its body is kept along where nobody else keeps it.
func Create(ctx context.Context, conn *pgx.Conn, plan string, body []byte) error {
	err := pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
		for _, sql := range []string{
			`CREATE SCHEMA ` + Schema,
			`COMMENT ON SCHEMA ` + Schema + ` IS 'what a restore under way has done; it goes when the restore ends'`,
			`CREATE TABLE ` + Schema + `.run (plan text NOT NULL, stage text NOT NULL, body bytea)`,
			`CREATE TABLE ` + Schema + `.done (item text PRIMARY KEY, rows bigint NOT NULL, bytes bigint NOT NULL, at timestamptz NOT NULL DEFAULT pg_catalog.now())`,
		} {
			if _, err := tx.Exec(ctx, sql); err != nil {
				return err
			}
		}
		_, err := tx.Exec(ctx, `INSERT INTO `+Schema+`.run VALUES ($1, $2, $3)`, plan, StageSchema, body)
		return err
	})
	if err != nil {
		return fmt.Errorf("making the ledger: %w", err)
	}
	return nil
}

// Advance notes that a stage is reached.
func Advance(ctx context.Context, q pgserver.Querier, stage string) error {
	if _, err := q.Exec(ctx, `UPDATE `+Schema+`.run SET stage = $1`, stage); err != nil {
		return fmt.Errorf("writing the ledger: %w", err)
	}
	return nil
}

// Note is one thing done.
type Note struct {
	Item        string
	Rows, Bytes int64
}

// Has says whether all of the items are noted. Some of them alone cannot be: they are noted in one transaction.
func Has(ctx context.Context, q pgserver.Querier, items []Note) (bool, error) {
	names := make([]string, len(items))
	for i, n := range items {
		names[i] = n.Item
	}
	var count int
	if err := q.QueryRow(ctx, `SELECT pg_catalog.count(*) FROM `+Schema+`.done WHERE item = ANY ($1)`, names).Scan(&count); err != nil {
		return false, fmt.Errorf("reading the ledger: %w", err)
	}
	return count > 0 && count == len(items), nil
}

// Write notes things done. It belongs in the transaction that does them, before its COMMIT.
func Write(ctx context.Context, q pgserver.Querier, items []Note) error {
	names, rows, bytes := make([]string, len(items)), make([]int64, len(items)), make([]int64, len(items))
	for i, n := range items {
		names[i], rows[i], bytes[i] = n.Item, n.Rows, n.Bytes
	}
	_, err := q.Exec(ctx, `INSERT INTO `+Schema+`.done (item, rows, bytes) SELECT * FROM ROWS FROM (pg_catalog.unnest($1::text[]), pg_catalog.unnest($2::bigint[]), pg_catalog.unnest($3::bigint[])) AS done`,
		names, rows, bytes)
	if err != nil {
		return fmt.Errorf("writing the ledger: %w", err)
	}
	return nil
}

// Drop takes the ledger away: nothing of ours stays on the target.
func Drop(ctx context.Context, conn *pgx.Conn) error {
	if err := session.Exec(ctx, conn, `DROP SCHEMA IF EXISTS `+Schema+` CASCADE`); err != nil {
		return fmt.Errorf("dropping the ledger: %w", err)
	}
	return nil
}
