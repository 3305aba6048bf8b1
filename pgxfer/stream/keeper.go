package stream

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"changeover/pgxfer"
	"changeover/pgxfer/meter"
	"changeover/pgxfer/pgserver"
	"changeover/pgxfer/stream/plan"
	"changeover/pgxfer/stream/session"
)

// keeper is the session that keeps the snapshot, and the locks on all tables, for as long as the dump lasts. Readers import the
// snapshot from it, at any time.
type keeper struct {
	opener session.Opener
	tag    string // of all our sessions
	vouch  pgxfer.Vouch
	report *meter.Reporter

	mu   sync.Mutex
	conn *pgx.Conn
	id   string // of the exported snapshot; empty where the server cannot export one
	text string // state of all transactions in it
	plan *plan.Plan
	then plan.State // of the source when the plan was made

	// As they were just before the snapshot was taken: it shows at least that much.
	from     pgserver.LSN
	timeline uint32 // 0 where the role may not ask
}

// open takes the snapshot.
func (k *keeper) open(ctx context.Context) error {
	conn, err := k.opener.Open(ctx)
	if err != nil {
		return err
	}
	if err := k.take(ctx, conn); err != nil {
		session.Close(ctx, conn)
		return err
	}
	k.conn = conn
	return nil
}

func (k *keeper) take(ctx context.Context, conn *pgx.Conn) (err error) {
	if k.from, err = pgserver.Position(ctx, conn); err != nil {
		return err
	}
	if k.timeline, err = pgserver.Timeline(ctx, conn); err != nil {
		return err
	}
	if err := session.Exec(ctx, conn, `BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY`); err != nil {
		return fmt.Errorf("taking a snapshot: %w", err)
	}
	if err := conn.QueryRow(ctx, `SELECT pg_catalog.pg_export_snapshot()`).Scan(&k.id); err != nil {
		// Where a follower cannot export, each reader takes its own and compares: while nobody writes, all are the same.
		if !pgserver.CannotExport(err) {
			return fmt.Errorf("exporting the snapshot: %w", err)
		}
		k.id = ""
		if err := session.Exec(ctx, conn, `ROLLBACK; BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY`); err != nil {
			return fmt.Errorf("taking a snapshot: %w", err)
		}
	}
	return nil
}

// lockBatch bounds the length of one statement.
const lockBatch = 500

// lock holds all tables as they are: nobody can drop, change or rewrite one. It fails, by name, on one that we may not read.
func (k *keeper) lock(ctx context.Context, p *plan.Plan) error {
	k.plan = p
	return lockTables(ctx, k.conn, p)
}

// lockTables does without locks on a follower. There they keep nobody from anything: when the leader truncates a table, as VACUUM does, the
// follower ends every session that has a lock on it, and with the keeper the snapshot would be gone. A reader is only sent to try again.
func lockTables(ctx context.Context, conn *pgx.Conn, p *plan.Plan) error {
	if p.Source.Follower {
		return errors.Join(mayRead(ctx, conn, p.Tables), sameFiles(ctx, conn, p.Tables))
	}
	if err := session.Exec(ctx, conn, `SET lock_timeout = '300s'`); err != nil {
		return err
	}
	for start := 0; start < len(p.Tables); start += lockBatch {
		if err := lockShared(ctx, conn, p.Tables[start:min(start+lockBatch, len(p.Tables))]); err != nil {
			return err
		}
	}
	return errors.Join(session.Exec(ctx, conn, `SET lock_timeout = 0`), sameFiles(ctx, conn, p.Tables))
}

// lockShared keeps the tables as they are until the transaction ends.
func lockShared(ctx context.Context, conn *pgx.Conn, tables []plan.Table) error {
	names := make([]string, len(tables))
	for i, t := range tables {
		names[i] = t.SQLName()
	}
	if err := session.Exec(ctx, conn, `LOCK TABLE ONLY `+strings.Join(names, ", ONLY ")+` IN ACCESS SHARE MODE`); err != nil {
		return fmt.Errorf("locking the tables against changes: %w", noLocks(err))
	}
	return nil
}

// outOfMemory is what a server says whose table of locks is full.
const outOfMemory = "53200"

// noLocks says what can be done about a server that has no room for the locks on all tables.
func noLocks(err error) error {
	if session.Code(err) != outOfMemory {
		return err
	}
	return fmt.Errorf("%w: the server has no room for a lock on every table, which pg_dump takes as well; have max_locks_per_transaction raised on the source", err)
}

// mayRead fails on a table that we may not read.
func mayRead(ctx context.Context, conn *pgx.Conn, tables []plan.Table) error {
	oids := make([]uint32, len(tables))
	for i, t := range tables {
		oids[i] = t.OID
	}
	var name *string
	err := conn.QueryRow(ctx, `SELECT pg_catalog.min(oid::pg_catalog.regclass::text) FROM pg_catalog.unnest($1::oid[]) oid
		WHERE NOT pg_catalog.has_table_privilege(oid, 'SELECT') AND NOT pg_catalog.has_any_column_privilege(oid, 'SELECT')`, oids).Scan(&name)
	if err != nil {
		return fmt.Errorf("checking rights: %w", err)
	}
	if name != nil {
		return fmt.Errorf("permission denied for table %s: dump as the owner of the database", *name)
	}
	return nil
}

// sameFiles fails when a table was rewritten since the plan was made: its rows are elsewhere now.
func sameFiles(ctx context.Context, conn *pgx.Conn, tables []plan.Table) error {
	oids := make([]uint32, len(tables))
	for i, t := range tables {
		oids[i] = t.OID
	}
	rows, err := conn.Query(ctx, `SELECT oid, COALESCE(pg_catalog.pg_relation_filenode(oid), 0::oid) FROM pg_catalog.unnest($1::oid[]) oid`, oids)
	if err != nil {
		return fmt.Errorf("checking the tables' files: %w", err)
	}
	files := map[uint32]uint32{}
	var oid, file uint32
	if _, err := pgx.ForEachRow(rows, []any{&oid, &file}, func() error {
		files[oid] = file
		return nil
	}); err != nil {
		return fmt.Errorf("checking the tables' files: %w", err)
	}
	for _, t := range tables {
		if files[t.OID] != t.Filenode {
			return fmt.Errorf("table %s.%s was rewritten or dropped: %w", t.Schema, t.Name, errChanged)
		}
	}
	return nil
}

// snapshot is the exported snapshot's name, or empty.
func (k *keeper) snapshot() string {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.id
}

// join puts a reader's session into the snapshot.
func (k *keeper) join(ctx context.Context, conn *pgx.Conn) error {
	k.mu.Lock()
	id, text := k.id, k.text
	k.mu.Unlock()
	if err := session.Exec(ctx, conn, `BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY`); err != nil {
		return err
	}
	if id != "" {
		err := session.Exec(ctx, conn, `SET TRANSACTION SNAPSHOT '`+id+`'`)
		if err == nil || session.Passing(err) {
			return err
		}
		// Nobody holds the snapshot any more.
		if err := k.renew(ctx, id); err != nil {
			return err
		}
		k.mu.Lock()
		id = k.id
		k.mu.Unlock()
		if err := session.Exec(ctx, conn, `ROLLBACK; BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY`); err != nil {
			return err
		}
		if id != "" {
			return session.Exec(ctx, conn, `SET TRANSACTION SNAPSHOT '`+id+`'`)
		}
	}
	return sameState(ctx, conn, k.plan, text)
}

// renew takes a new snapshot when the session that kept the old one was ended, if nothing was written in between.
func (k *keeper) renew(ctx context.Context, gone string) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.id != gone {
		return nil // another reader was faster
	}
	session.Close(ctx, k.conn)
	k.conn = nil
	err := k.open(ctx)
	if err == nil {
		err = k.compare(ctx)
	}
	if err != nil {
		// Nobody may join a snapshot of which it is not known what it shows. The next reader finds the old one gone, and tries again.
		session.Close(ctx, k.conn)
		k.conn, k.id = nil, gone
	}
	return err
}

// compare fails unless the new snapshot shows what the old one did.
func (k *keeper) compare(ctx context.Context) (err error) {
	if err := k.same(ctx, k.then); err != nil {
		return err
	}
	if k.text, err = plan.SnapshotText(ctx, k.conn, k.plan.Source.Version); err != nil {
		return err
	}
	return lockTables(ctx, k.conn, k.plan)
}

// sameState fails unless the session's snapshot is the state of the text: the same transactions over, and none under way.
func sameState(ctx context.Context, conn *pgx.Conn, p *plan.Plan, text string) error {
	now, err := plan.SnapshotText(ctx, conn, p.Source.Version)
	if err != nil {
		return err
	}
	if now != text || !still(text) {
		return fmt.Errorf("%w (transactions then %s, now %s)", errChanged, text, now)
	}
	return nil
}

// still says whether no transaction was under way.
func still(text string) bool {
	parts := strings.Split(text, ":")
	return len(parts) == 3 && parts[0] == parts[1] && parts[2] == ""
}

// unchanged fails when somebody has written since the snapshot was taken, where others could not be given the snapshot itself.
func (k *keeper) unchanged(ctx context.Context) error {
	if k.snapshot() != "" {
		return nil
	}
	conn, err := k.opener.Open(ctx)
	if err != nil {
		return err
	}
	defer session.Close(ctx, conn)
	return k.join(ctx, conn)
}

// beat keeps the session from looking idle to whatever lies between us and the server.
func (k *keeper) beat(ctx context.Context) {
	tick := time.NewTicker(20 * time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		k.mu.Lock()
		if k.conn != nil && !k.conn.IsClosed() {
			_ = session.Exec(ctx, k.conn, `SELECT 1`) // a reader finds out when it is gone
		}
		k.mu.Unlock()
	}
}

func (k *keeper) close(ctx context.Context) {
	k.mu.Lock()
	defer k.mu.Unlock()
	session.Close(ctx, k.conn)
	k.conn = nil
}
