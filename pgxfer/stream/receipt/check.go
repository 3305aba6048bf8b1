package receipt

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/jackc/pgx/v5"
	"golang.org/x/sync/errgroup"

	"changeover/pgxfer/pgserver"
)

// ErrChanged means that the target was finished once and has been changed since.
var ErrChanged = errors.New("it was changed since")

// ErrUnfinished means that the transaction of the receipt is not known to be committed.
var ErrUnfinished = errors.New("its end was not committed")

// Take fills in what the target looks like. It must be called in the transaction that drops the ledger, after that.
func (r *Receipt) Take(ctx context.Context, q pgserver.Querier) (err error) {
	if r.Target, err = AskTarget(ctx, q); err != nil {
		return err
	}
	if err := q.QueryRow(ctx, `SELECT pg_catalog.txid_current()`).Scan(&r.Transaction); err != nil {
		return fmt.Errorf("asking for the number of the transaction: %w", err)
	}
	if r.Relations, err = relations(ctx, q); err != nil {
		return err
	}
	r.Objects = map[string]int64{}
	for _, c := range catalogs {
		if r.Objects[c.name], _, err = r.newer(ctx, q, c.from); err != nil {
			return err
		}
	}
	return nil
}

// CheckObjects says whether the restore was finished, and whether every definition and sequence is as it was then.
func (r *Receipt) CheckObjects(ctx context.Context, q pgserver.Querier) error {
	var status *string
	if err := q.QueryRow(ctx, `SELECT pg_catalog.txid_status($1)`, r.Transaction).Scan(&status); err != nil {
		// A number that the server has not come to yet: it was set back.
		return fmt.Errorf("%w (%w)", ErrUnfinished, err)
	}
	if status == nil || *status != "committed" {
		return ErrUnfinished
	}
	now, err := relations(ctx, q)
	if err != nil {
		return err
	}
	if now != r.Relations {
		return fmt.Errorf("%w: tables, indexes or views are others now", ErrChanged)
	}
	for _, c := range catalogs {
		count, newer, err := r.newer(ctx, q, c.from)
		if err != nil {
			return err
		}
		if newer > 0 || count != r.Objects[c.name] {
			return fmt.Errorf("%w: %s are others now", ErrChanged, c.what)
		}
	}
	sequences, err := pgserver.Sequences(ctx, q)
	if err != nil {
		return err
	}
	same := make(map[pgserver.Sequence]bool, len(sequences))
	for _, s := range sequences {
		same[s] = true
	}
	for _, s := range r.Sequences {
		if !same[s] {
			return fmt.Errorf("%w: sequence %s was used", ErrChanged, s.QualifiedName())
		}
	}
	return nil
}

// CheckRows says whether every row is one that the restore has loaded, and none is missing. It reads all tables, as many at once as there
// are sessions, and closes none of them.
func (r *Receipt) CheckRows(ctx context.Context, sessions []*pgx.Conn) error {
	tables := make(chan string)
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		defer close(tables)
		for table := range r.Tables {
			select {
			case tables <- table:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		return nil
	})
	for _, conn := range sessions {
		group.Go(func() error {
			for table := range tables {
				count, newer, err := r.newer(ctx, conn, "ONLY "+table+" x")
				if err != nil {
					return fmt.Errorf("counting the rows of %s: %w", table, err)
				}
				if newer > 0 || count != r.Tables[table] {
					return fmt.Errorf("%w: somebody has written to %s", ErrChanged, table)
				}
			}
			return nil
		})
	}
	return group.Wait()
}

// newer counts the rows of x, and those among them that came after the receipt's transaction. A changed row is a new one, a deleted one is
// missing in the count: when both numbers are as they were, so is every row.
func (r *Receipt) newer(ctx context.Context, q pgserver.Querier, from string) (count, newer int64, err error) {
	xid := strconv.FormatUint(uint64(r.Transaction)&0xffffffff, 10)
	err = q.QueryRow(ctx, `SELECT pg_catalog.count(*), pg_catalog.count(*) FILTER (WHERE pg_catalog.age(x.xmin) < pg_catalog.age($1::text::xid)) FROM `+from, xid).
		Scan(&count, &newer)
	if err != nil {
		return 0, 0, fmt.Errorf("looking for what is new: %w", err)
	}
	return count, newer, nil
}

// catalogs are where definitions are kept, with the user's rows of each as x.
var catalogs = []struct{ name, what, from string }{
	{"pg_class", "tables, indexes or views", object("pg_class", "x.relnamespace")},
	{"pg_proc", "functions", object("pg_proc", "x.pronamespace")},
	{"pg_type", "types", object("pg_type", "x.typnamespace")},
	{"pg_constraint", "constraints", object("pg_constraint", "x.connamespace")},
	{"pg_attribute", "columns", ofRelation("pg_attribute", "x.attrelid")},
	{"pg_attrdef", "defaults", ofRelation("pg_attrdef", "x.adrelid")},
	{"pg_index", "indexes", ofRelation("pg_index", "x.indrelid")},
	{"pg_trigger", "triggers", ofRelation("pg_trigger", "x.tgrelid")},
	{"pg_rewrite", "views or rules", ofRelation("pg_rewrite", "x.ev_class")},
	{"pg_policy", "policies", ofRelation("pg_policy", "x.polrelid")},
	{"pg_largeobject_metadata", "large objects", "pg_catalog.pg_largeobject_metadata x"},
}

func object(catalog, namespace string) string {
	return `pg_catalog.` + catalog + ` x JOIN pg_catalog.pg_namespace n ON n.oid = ` + namespace + ` WHERE ` + pgserver.UserSchema("n.nspname")
}

func ofRelation(catalog, relation string) string {
	return `pg_catalog.` + catalog + ` x JOIN pg_catalog.pg_class c ON c.oid = ` + relation +
		` JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE ` + pgserver.UserSchema("n.nspname")
}

// relations is a hash of all relations and their files. No other database has the same.
func relations(ctx context.Context, q pgserver.Querier) (hash string, err error) {
	err = q.QueryRow(ctx, `SELECT pg_catalog.encode(pg_catalog.sha256(pg_catalog.convert_to(COALESCE(pg_catalog.string_agg(pg_catalog.concat_ws(' ',
			c.oid, pg_catalog.pg_relation_filenode(c.oid), c.relkind, pg_catalog.quote_ident(n.nspname), pg_catalog.quote_ident(c.relname)), E'\n' ORDER BY c.oid), ''), 'UTF8')), 'hex')
		FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE `+pgserver.UserSchema("n.nspname")).Scan(&hash)
	if err != nil {
		return "", fmt.Errorf("listing the relations: %w", err)
	}
	return hash, nil
}
