package stream

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"changeover/pgxfer"
	"changeover/pgxfer/pgserver"
	"changeover/pgxfer/stream/ledger"
)

// tailBatch is how many entries go into one transaction.
const tailBatch = 50

// tail does what must come last: rules, triggers and policies, which rows must not meet while they are loaded, then materialized views,
// sequences and the end of the ledger.
func (r *restore) tail(ctx context.Context) error {
	r.stage.Store("constraints")
	l := &line{opener: r.opener, orphans: &r.orphans}
	defer l.close(ctx)
	r.report.Progress(pgxfer.Progress{Phase: "constraints", Critical: "triggers, rules and policies", Items: r.status.items, Rows: r.status.rows})
	var err error
	if r.done, err = ledger.Read(ctx, r.control); err != nil {
		// The session that holds the lock was lost, perhaps with the server: workers have reconnected since.
		if err := r.reconnect(ctx); err != nil {
			return err
		}
		if r.done, err = ledger.Read(ctx, r.control); err != nil {
			return err
		}
	}
	r.tellSkipped()
	for _, j := range append(r.tailEntries(), r.comments()...) {
		err := r.unheld(ctx, func(ctx context.Context) error { return r.tailJob(ctx, l, j) }, l.abandon)
		if err != nil {
			return err
		}
	}
	if err := r.refresh(ctx); err != nil {
		return err
	}
	r.toc, r.entries.Keep = nil, nil // nothing more is made
	sequences, err := r.sequences(ctx)
	if err != nil {
		return err
	}
	if err := r.setSequences(ctx, sequences); err != nil {
		return err
	}
	if err := r.checkIndexes(ctx); err != nil {
		return err
	}
	return r.settle(ctx, sequences.own)
}

// checkIndexes counts the indexes, and fails when one is not valid that was on the source: queries would pass it by in silence.
func (r *restore) checkIndexes(ctx context.Context) error {
	rows, err := r.control.Query(ctx, `SELECT n.nspname::text, c.relname::text, x.indisvalid FROM pg_catalog.pg_class c
		JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace JOIN pg_catalog.pg_index x ON x.indexrelid = c.oid
		WHERE n.nspname <> $1 AND `+pgserver.UserSchema("n.nspname")+` AND `+pgserver.NotExtensionOwned("pg_class", "c.oid"), ledger.Schema)
	if err != nil {
		return fmt.Errorf("checking the indexes: %w", err)
	}
	invalid := map[[2]string]bool{}
	var name [2]string
	var valid bool
	if _, err := pgx.ForEachRow(rows, []any{&name[0], &name[1], &valid}, func() error {
		r.result.Indexes++
		if !valid {
			invalid[name] = true
		}
		return nil
	}); err != nil {
		return fmt.Errorf("checking the indexes: %w", err)
	}
	for _, x := range r.plan.Indexes {
		if x.Valid && invalid[[2]string{x.Schema, x.Name}] {
			return fmt.Errorf("index %s.%s is not valid on the target, although it is on the source; drop it and make it again", x.Schema, x.Name)
		}
	}
	return nil
}

// reconnect replaces the session that holds the lock. Where the network was lost the server knows nothing of that, for hours: there the old
// session still has it.
func (r *restore) reconnect(ctx context.Context) error {
	lost := r.control.PgConn().PID()
	opener := r.opener
	opener.AppName = r.control.Config().RuntimeParams["application_name"]
	conn, err := opener.Open(ctx)
	if err != nil {
		return err
	}
	r.control = conn
	if err := endBackend(ctx, conn, lost, opener.AppName); err != nil {
		return err
	}
	return ledger.Lock(ctx, conn)
}

func (r *restore) tailJob(ctx context.Context, l *line, j *job) error {
	if r.isDone(j) {
		return nil
	}
	notes := make([]ledger.Note, len(j.items))
	for i, item := range j.items {
		notes[i].Item = item
	}
	s := stubborn{Engine: r.Engine, report: r.report, where: r.opts.Target.Name}
	before := r.tries(j.items[0])
	return s.do(ctx, l, j.name, func(conn *pgx.Conn, again bool) error {
		if again || before {
			if done, err := ledger.Has(ctx, conn, notes); err != nil || done {
				return err
			}
		}
		return r.once(ctx, conn, notes, func() error { return j.run(ctx, conn) })
	})
}

// tailEntries are the entries after the rows that no node of the graph has taken, in the order of pg_dump.
func (r *restore) tailEntries() (jobs []*job) {
	_, post := sections(r.toc, r.entries.Keep)
	var batch *job
	for _, e := range post {
		if e.Defn == "" || r.done.Has(tocItem(e)) {
			continue
		}
		if batch == nil || len(batch.items) == tailBatch {
			batch = &job{kind: pgxfer.KindSchema, name: strings.ToLower(e.Kind) + " " + e.Name()}
			jobs = append(jobs, batch)
		}
		batch.items = append(batch.items, tocItem(e))
		batch.sql = append(batch.sql, e.Defn)
	}
	return jobs
}

// comments puts comments on large objects.
func (r *restore) comments() (jobs []*job) {
	for i, c := range r.plan.Comments {
		if i%tailBatch == 0 {
			jobs = append(jobs, &job{kind: pgxfer.KindObjects, name: "comments on large objects", items: []string{fmt.Sprintf("comments/%d", i)}})
		}
		j := jobs[len(jobs)-1]
		j.sql = append(j.sql, fmt.Sprintf("COMMENT ON LARGE OBJECT %d IS '%s'", c.OID, strings.ReplaceAll(c.Text, "'", "''")))
	}
	return jobs
}
