// Package receipt keeps the proof that a restore was finished, for as long as anybody may ask.
//
// The ledger goes in the transaction that ends a restore. Whoever is killed between that COMMIT and his own note of it would find a
// database that is full, and nothing that says of what. The receipt is written, durably and outside of the target, before that COMMIT and
// names its transaction: if the server says that it was committed, the restore was finished, and else the ledger is still there. Whether
// the target is still as the restore left it, [Receipt.CheckObjects] and [Receipt.CheckRows] find out.
package receipt

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"changeover/pgxfer"
	"changeover/pgxfer/archive"
	"changeover/pgxfer/pgserver"
	"changeover/pgxfer/stream/piece"
	"changeover/pgxfer/stream/plan"
)

// format is that of the file.
const format = 1

// Receipt is what is known of a target when its restore ends.
type Receipt struct {
	Format int       `json:"format"`
	At     time.Time `json:"at"`
	Plan   string    `json:"plan"` // SHA-256
	Source Source    `json:"source"`
	Target Target    `json:"target"`
	// Transaction is the full number of the transaction that dropped the ledger.
	Transaction int64 `json:"transaction"`
	// Relations is a hash of numbers, files and names of all relations.
	Relations string `json:"relations"`
	// Objects counts rows of system catalogs that are the user's.
	Objects map[string]int64 `json:"objects"`
	// Tables counts rows, by quoted name.
	Tables    map[string]int64     `json:"tables"`
	Sequences []pgserver.Sequence  `json:"sequences"`
	Result    pgxfer.RestoreResult `json:"result"`
}

// Source is what was copied: a database in one state.
type Source struct {
	SystemID uint64 `json:"system_id,omitempty"`
	Database string `json:"database"`
	plan.State
}

// Target is one database on one server. A database that was dropped and made again has another number.
type Target struct {
	SystemID uint64 `json:"system_id,omitempty"` // 0 where the role may not ask
	OID      uint32 `json:"oid"`
	Database string `json:"database"`
}

// AskTarget asks who the database is.
func AskTarget(ctx context.Context, q pgserver.Querier) (t Target, err error) {
	if t.SystemID, _, err = pgserver.SystemIdentifier(ctx, q); err != nil {
		return t, err
	}
	err = q.QueryRow(ctx, `SELECT oid, datname::text FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database()`).Scan(&t.OID, &t.Database)
	if err != nil {
		return t, fmt.Errorf("asking for the number of the database: %w", err)
	}
	return t, nil
}

func (t Target) file() string {
	return archive.ReceiptPrefix + strconv.FormatUint(t.SystemID, 10) + "-" + strconv.FormatUint(uint64(t.OID), 10) + ".json"
}

// Write puts the receipt into a directory, which is made when it is missing. It is durable when Write returns.
func (r *Receipt) Write(dir string) error {
	r.Format = format
	raw, err := json.MarshalIndent(r, "", " ")
	if err != nil {
		return fmt.Errorf("writing the receipt: %w", err)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("writing the receipt: %w", err)
	}
	return piece.WriteDurably(dir, r.Target.file(), raw, 0o600)
}

// Read finds the receipt of a target in a directory; nil when there is none.
func Read(dir string, of Target) (*Receipt, error) {
	raw, err := os.ReadFile(filepath.Join(dir, of.file()))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading the receipt of an earlier restore: %w", err)
	}
	r := &Receipt{}
	if err := json.Unmarshal(raw, r); err != nil {
		return nil, fmt.Errorf("reading the receipt of an earlier restore: %w", err)
	}
	if r.Format != format || r.Target != of {
		return nil, nil
	}
	return r, nil
}
