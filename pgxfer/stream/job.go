package stream

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"changeover/pgxfer"
	"changeover/pgxfer/stream/ledger"
	"changeover/pgxfer/stream/plan"
	"changeover/pgxfer/stream/session"
)

// job is statements to run in one transaction, with their notes.
type job struct {
	name   string
	kind   string // of the worker that is shown
	object string
	items  []string
	sql    []string // empty ones are left out
	index  *plan.Index
	// tuned is what is set for the index to be built, within its transaction.
	tuned string
	// parts are jobs that are done in one transaction, as far as they can be; such a job has nothing else to do.
	parts []*job
	// otherwise replaces the first statement when rows on the source itself break a foreign key; mayFail is the SQLSTATE with which
	// the job may fail for that reason. Both are reported.
	otherwise string
	mayFail   string
}

// foreignKeyViolation means that rows refer to nothing.
const foreignKeyViolation = "23503"

// execute runs a job in a worker's session.
func (r *restore) execute(ctx context.Context, slot int, j *job) error {
	if len(j.parts) > 0 {
		return r.together(ctx, slot, j)
	}
	return r.executeOne(ctx, slot, j, indexesOf(j))
}

func indexesOf(j *job) []*plan.Index {
	if j.index == nil {
		return nil
	}
	return []*plan.Index{j.index}
}

// executeOne runs a job that is to make the indexes.
func (r *restore) executeOne(ctx context.Context, slot int, j *job, indexes []*plan.Index) error {
	s := stubborn{Engine: r.Engine, report: r.report, where: r.opts.Target.Name}
	notes := make([]ledger.Note, len(j.items))
	for i, item := range j.items {
		notes[i].Item = item
	}
	before := r.tries(j.items[0])
	a := &activity{kind: j.kind, object: j.object}
	defer r.status.start(slot, a)()
	err := s.do(ctx, r.line(slot), j.name, func(conn *pgx.Conn, again bool) error {
		if again || before {
			if done, err := ledger.Has(ctx, conn, notes); err != nil || done {
				return err
			}
		}
		a.pid.Store(conn.PgConn().PID())
		if err := r.clear(ctx, conn, indexes); err != nil {
			return err
		}
		return r.once(ctx, conn, notes, func() error { return j.run(ctx, conn) })
	})
	if err == nil || session.Code(err) != foreignKeyViolation {
		return err
	}
	switch {
	case j.otherwise != "":
		bent := *j
		bent.sql = append([]string{j.otherwise}, j.sql[1:]...)
		bent.otherwise = ""
		r.violated(j, err)
		return r.execute(ctx, slot, &bent)
	case j.mayFail == foreignKeyViolation:
		r.violated(j, err)
		return nil
	}
	return err
}

// violated reports a foreign key that the source's own rows break: there, too, it holds only for new rows.
func (r *restore) violated(j *job, err error) {
	r.report.Error("%s stays not validated, because rows of the source break it: %v", j.name, err)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.result.Skipped = append(r.result.Skipped, pgxfer.Skipped{
		Kind: "FK VALIDATION", Name: j.object, Reason: "rows of the source break it; repair them, then run ALTER TABLE … VALIDATE CONSTRAINT",
	})
}

// run sends all statements at once.
func (j *job) run(ctx context.Context, conn *pgx.Conn) error {
	var all strings.Builder
	all.WriteString(j.tuned)
	for _, sql := range j.sql {
		if sql != "" {
			all.WriteString(sql + "\n;\n") // behind a comment, if one stands at the end
		}
	}
	return session.Exec(ctx, conn, all.String())
}

// clear takes away invalid indexes of the names: what is left of builds that somebody interrupted by hand. Ours leave nothing.
func (r *restore) clear(ctx context.Context, conn *pgx.Conn, indexes []*plan.Index) error {
	if len(indexes) == 0 {
		return nil
	}
	names := make([]string, len(indexes))
	for i, x := range indexes {
		names[i] = pgx.Identifier{x.Schema, x.Name}.Sanitize()
	}
	rows, err := conn.Query(ctx, `SELECT name FROM pg_catalog.unnest($1::text[]) name JOIN pg_catalog.pg_index x ON x.indexrelid = pg_catalog.to_regclass(name)
		JOIN pg_catalog.pg_class c ON c.oid = x.indexrelid WHERE NOT x.indisvalid AND c.relkind = 'i'
		AND NOT EXISTS (SELECT 1 FROM pg_catalog.pg_constraint k WHERE k.conindid = x.indexrelid)`, names)
	if err != nil {
		return fmt.Errorf("looking for leftovers of indexes: %w", err)
	}
	invalid, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return fmt.Errorf("looking for leftovers of indexes: %w", err)
	}
	for _, name := range invalid {
		r.report.Warn("dropping an invalid index %s left on %s", name, r.opts.Target.Name)
		if err := session.Exec(ctx, conn, `DROP INDEX `+name); err != nil {
			return err
		}
	}
	return nil
}
