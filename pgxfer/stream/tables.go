package stream

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"changeover/pgxfer"
	"changeover/pgxfer/archive"
	"changeover/pgxfer/meter"
	"changeover/pgxfer/pgtools"
	"changeover/pgxfer/stream/ledger"
)

// section of an entry of the table of contents (pg_backup.h, teSection).
const (
	sectionNone = 1
	sectionPost = 4
)

// sections sorts entries into what comes before the rows and what after. Comments and the like have no section of their own and belong
// to what they follow, as in pg_restore.
func sections(toc *archive.TOC, keep []*archive.Entry) (pre, post []*archive.Entry) {
	kept := map[int]bool{}
	for _, e := range keep {
		kept[e.ID] = true
	}
	section := int8(0)
	for _, e := range toc.Entries {
		if e.Section != sectionNone {
			section = e.Section
		}
		switch {
		case !kept[e.ID]:
		case section == sectionPost:
			post = append(post, e)
		default:
			pre = append(pre, e)
		}
	}
	return pre, post
}

// makeTables restores what comes before the rows. An attempt that did not get through starts over.
func (r *restore) makeTables(ctx context.Context) error {
	pre, post := sections(r.toc, r.entries.Keep)
	if r.done.Has(laterItem) || !r.resumed {
		r.later = laterEntries(pre, post, r.plan)
	}
	if r.resumed {
		return nil
	}
	pre = without(pre, r.later)
	r.report.Progress(pgxfer.Progress{Phase: "schema", Items: pgxfer.Count{Total: int64(len(pre))}})
	if err := r.makeEntries(ctx, pre); err != nil {
		return err
	}
	// Extended statistics before the rows: ANALYZE then fills them along with the others.
	before := map[int]bool{}
	for _, e := range pre {
		before[e.ID] = true
	}
	err := pgx.BeginFunc(ctx, r.control, func(tx pgx.Tx) error {
		notes := []ledger.Note{{Item: laterItem}}
		for _, e := range post {
			ready := e.Kind == "STATISTICS"
			for _, dep := range e.Deps {
				ready = ready && before[dep]
			}
			if !ready {
				continue
			}
			if _, err := tx.Conn().PgConn().Exec(ctx, e.Defn).ReadAll(); err != nil {
				return fmt.Errorf("%s %s: %w", e.Kind, e.Name(), err)
			}
			notes = append(notes, ledger.Note{Item: tocItem(e)})
		}
		if err := ledger.Write(ctx, tx, notes); err != nil {
			return err
		}
		return ledger.Advance(ctx, tx, ledger.StageData)
	})
	if err != nil {
		return err
	}
	r.done, err = ledger.Read(ctx, r.control)
	return err
}

// runTool runs pg_dump and returns its first complaint.
func runTool(parent context.Context, report *meter.Reporter, command pgtools.Command, name string) error {
	ctx, cancel := context.WithCancel(parent)
	defer cancel()
	messages := &pgtools.Messages{OnError: cancel}
	command.Line = func(l pgtools.Line) {
		messages.Note(l)
		if l.Level == "warning" && !l.CountsErrors() {
			report.Warn("%s: %s", name, l.Text)
		}
	}
	process, err := command.Start(ctx)
	if err != nil {
		return err
	}
	exit := process.Wait()
	if err := parent.Err(); err != nil && exit != nil {
		return err
	}
	if errors.Is(exit, context.Canceled) && parent.Err() == nil {
		exit = errors.New("it was ended at its first error")
	}
	return messages.Err(name, exit)
}

func tocItem(e *archive.Entry) string { return fmt.Sprintf("toc/%d", e.ID) }
