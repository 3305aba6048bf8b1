package stream

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"changeover/pgxfer"
	"changeover/pgxfer/archive"
	"changeover/pgxfer/pgserver"
	"changeover/pgxfer/pgtools"
	"changeover/pgxfer/schema"
	"changeover/pgxfer/stream/graph"
	"changeover/pgxfer/stream/piece"
	"changeover/pgxfer/stream/plan"
	"changeover/pgxfer/stream/session"
)

// unit is one thing to read or load: a piece of a table, or a batch of large objects.
type unit struct {
	table *plan.Table // nil for large objects
	large *plan.LargeObjects
	n     int   // piece of the table, or batch of large objects
	bytes int64 // estimate
	last  bool  // of its batch
	turns bool  // it is read before it is loaded, not meanwhile
}

// item names the unit in archives and ledgers.
func (u unit) item() string {
	if u.table == nil {
		return piece.LargeItem(u.n)
	}
	return piece.Item(u.table.OID, u.n)
}

// object is what people call what it is of.
func (u unit) object() string {
	if u.table == nil {
		return "large objects"
	}
	return u.table.Schema + "." + u.table.Name
}

// units lists everything that a plan moves, in order: small tables of a batch belong together.
func units(p *plan.Plan) [][]unit {
	var list [][]unit
	batch := map[int]int{} // number of a batch → index in the list
	for i := range p.Tables {
		t := &p.Tables[i]
		for n, pc := range t.Pieces {
			u := unit{table: t, n: n, bytes: pc.Bytes}
			if at, ok := batch[t.Batch]; ok && t.Batch > 0 {
				list[at] = append(list[at], u)
				continue
			}
			if t.Batch > 0 {
				batch[t.Batch] = len(list)
			}
			list = append(list, []unit{u})
		}
	}
	for _, batch := range list {
		batch[len(batch)-1].last = true
	}
	for n := range p.LargeObjects {
		l := &p.LargeObjects[n]
		list = append(list, []unit{{n: n, large: l, bytes: int64(l.Count) * 2048}})
	}
	return list
}

// activity is what a worker shows while it moves the unit.
func (u unit) activity() *activity {
	if u.table == nil {
		return &activity{kind: pgxfer.KindObjects, object: u.object(), estimate: u.bytes}
	}
	a := &activity{kind: pgxfer.KindData, object: u.object(), estimate: u.bytes}
	if u.table.Split() {
		a.part, a.parts = u.n+1, len(u.table.Pieces)
	}
	return a
}

func (u unit) name() string {
	if u.table == nil {
		return "large objects"
	}
	return partName(u.object(), u.n+1, len(u.table.Pieces))
}

func (u unit) out(p *plan.Plan) string {
	if u.table == nil {
		return plan.OutLarge(*u.large)
	}
	return p.Out(*u.table, u.n)
}

// work makes the graph of what is still to be read. What begins the longest way on the target is read first.
func (d *dump) work() *graph.Graph {
	g := &graph.Graph{}
	d.status = &status{
		Engine: d.Engine, report: d.report, control: d.opts.Control, where: d.opts.Source.Name, limits: d.limits, slots: map[int]*activity{},
		phase: func() string { return "data" }, tick: d.watchDisk, began: d.Now(),
	}
	d.left = map[uint32]int{}
	defer func() {
		d.status.items = pgxfer.Count{Done: int64(len(d.plan.Tables) - len(d.left)), Total: int64(len(d.plan.Tables))}
	}()
	tail := plan.Tails(d.plan)
	everything := plan.LoadCost(d.plan.Bytes())
	for _, cost := range tail {
		everything = max(everything, cost+plan.LoadCost(d.plan.Bytes()))
	}
	for _, list := range units(d.plan) {
		n := &graph.Node{Class: graph.Load, Work: list, Name: list[0].name()}
		missing := false
		for _, u := range list {
			n.Cost += plan.LoadCost(u.bytes)
			d.status.expect(u.bytes)
			if e, ok := d.entries[u.item()]; ok {
				d.status.finish(u.bytes, e.Bytes, e.Rows)
				continue
			}
			missing = true
			if u.table != nil {
				d.left[u.table.OID]++
			}
		}
		g.Add(n)
		if !missing {
			g.Finish(n)
			continue
		}
		switch t := list[0].table; {
		case t != nil && t.Config != nil:
			g.Weigh(n, everything) // waits for it on the target
		case t != nil && tail[t.OID] > 0:
			// What follows on the target counts for the order, but is not ours to do.
			g.Weigh(n, tail[t.OID])
		}
	}
	return g
}

// reader is the session of a worker.
func (d *dump) reader(slot int) *line {
	d.mu.Lock()
	defer d.mu.Unlock()
	for len(d.readers) <= slot {
		d.readers = append(d.readers, &line{opener: d.keeper.opener, prepare: d.join, orphans: &d.orphans})
	}
	return d.readers[slot]
}

// join makes a reader's session ready.
func (d *dump) join(ctx context.Context, conn *pgx.Conn) error {
	if err := d.keeper.join(ctx, conn); err != nil || d.plan.Source.Version.Major() >= plan.RangeScans {
		return err
	}
	return session.Exec(ctx, conn, session.ByKey)
}

// do reads the units of a node that are not in the archive yet.
func (d *dump) do(ctx context.Context, slot int, n *graph.Node) error {
	s := stubborn{Engine: d.Engine, report: d.report, where: d.opts.Source.Name}
	for _, u := range n.Work.([]unit) {
		if d.has(u.item()) {
			continue
		}
		a := u.activity()
		stop := d.status.start(slot, a)
		err := s.do(ctx, d.reader(slot), "reading "+u.name(), func(conn *pgx.Conn, _ bool) error {
			a.bytes.Store(0)
			return d.readUnit(ctx, slot, conn, u, a)
		})
		stop()
		if err != nil {
			if ctx.Err() == nil && !isAgain(err) {
				err = fmt.Errorf("%w: %w", graph.ErrFatal, err) // half a dump is no use: what is read stays for the next attempt
			}
			if errors.Is(context.Cause(ctx), graph.ErrInterrupted) {
				d.reader(slot).abandon(ctx)
			}
			return err
		}
	}
	return nil
}

func (d *dump) has(item string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	_, ok := d.entries[item]
	return ok
}

func (d *dump) readUnit(ctx context.Context, slot int, conn *pgx.Conn, u unit, a *activity) error {
	e, err := piece.Write(ctx, d.dir, u.item(), piece.FileOf(u.item(), d.plan), d.plan.Compression, &a.bytes, func(w io.Writer) (int64, error) {
		tag, err := d.copyOut(ctx, slot, conn, u, w)
		return tag.RowsAffected(), err
	})
	if err != nil {
		return err
	}
	return d.list(e, u)
}

// list enters a complete file into the journal.
func (d *dump) list(e piece.Entry, u unit) error {
	if err := d.journal.Add(e); err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.entries[e.Item] = e
	d.status.finish(u.bytes, e.Bytes, e.Rows)
	if u.table != nil {
		if d.left[u.table.OID]--; d.left[u.table.OID] == 0 {
			d.status.item(1)
		}
	}
	return nil
}

// watchDisk fails before the disk is full: others may need it.
func (d *dump) watchDisk() error {
	free, err := archive.FreeSpace(d.dir)
	if err != nil {
		return err
	}
	if free < d.Reserve {
		return fmt.Errorf("%w: less than %d MiB are left for the archive; make room, then run it again", pgxfer.ErrSpace, d.Reserve>>20)
	}
	return nil
}

// makeSchema dumps the schema into the archive, if it is not there yet.
func (d *dump) makeSchema(ctx context.Context) error {
	if d.has(piece.SchemaItem) {
		return nil
	}
	return d.dumpSchema(ctx)
}

// listSchema enters the schema into the archive's journal.
func (d *dump) listSchema(ctx context.Context) error {
	if d.has(piece.SchemaItem) {
		return nil
	}
	if err := d.checkSchema(ctx); err != nil {
		return err
	}
	e, err := piece.Describe(ctx, d.dir, piece.SchemaItem, piece.SchemaName+"/"+archive.TOCName)
	if err != nil {
		return err
	}
	return d.list(e, unit{})
}

// checkSchema makes sure that what pg_dump has left is of the state of the plan, and takes out what no server can read.
func (d *dump) checkSchema(ctx context.Context) error {
	at := filepath.Join(d.dir, piece.SchemaName)
	if err := d.keeper.unchanged(ctx); err != nil { // pg_dump has looked at the state of its own time
		return err
	}
	// Some minors of pg_dump write an option that no server takes back; restore.sh cannot clean up after them.
	if found, err := archive.Mentions(at, schema.Attver); err != nil || !found {
		return err
	}
	toc, err := archive.ReadTOC(at)
	if err != nil {
		return err
	}
	if cleaned := schema.DropAttver(toc); len(cleaned) > 0 {
		raw, err := toc.Bytes()
		if err != nil {
			return err
		}
		if err := piece.WriteDurably(at, archive.TOCName, raw, 0o600); err != nil {
			return err
		}
		d.report.Warn("pg_dump wrote pg_attver, the source server's own bookkeeping, into %d definitions: removed", len(cleaned))
	}
	return nil
}

// dumpTries is how often pg_dump is run: like any reader it can be in the way of what its server replays.
const dumpTries = 4

// dumpSchema runs pg_dump for everything but rows, in the same snapshot; again when its session was ended by the server.
func (d *dump) dumpSchema(ctx context.Context) error {
	for try := 1; ; try++ {
		err := d.dumpOnce(ctx, filepath.Join(d.dir, piece.SchemaName))
		if err == nil || ctx.Err() != nil || try == dumpTries || !brokenOff.MatchString(err.Error()) {
			return err
		}
		d.report.Warn("%v; trying again", err)
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(time.Duration(try) * d.Backoff):
		}
	}
}

// brokenOff are pg_dump's words for what may pass. Of its encoding it complains when the session is lost in the moment in which it is set: every
// server knows UTF8.
var brokenOff = regexp.MustCompile(`conflict with recovery|terminating connection|server closed the connection|could not connect|connection to server|` +
	`could not (?:send|receive) data|SSL SYSCALL error|no connection to the server|invalid client encoding "UTF8"`)

func (d *dump) dumpOnce(ctx context.Context, at string) error {
	if err := os.RemoveAll(at); err != nil {
		return err
	}
	args := []string{
		"--format=directory", "--file=" + at, "--schema-only", "--compress=0", "--verbose", "--encoding=UTF8", // that of the sessions that run it
		"--exclude-schema=" + pgserver.HerokuSchema, "--lock-wait-timeout=" + strconv.Itoa(300_000), pgtools.QuoteNames,
	}
	if id := d.keeper.snapshot(); id != "" {
		args = append(args, "--snapshot="+id)
	}
	return runTool(ctx, d.report, pgtools.Command{
		Path: d.tools.Dump, Major: d.tools.Major, Asks: true, Endpoint: d.opts.Source, Server: d.version, AppName: pgtools.AppName(d.opts.Tag, dumpPurpose), Args: args,
	}, "pg_dump")
}

// finish reads the leader's sequences, writes the script, and then the manifest.
func (d *dump) finish(ctx context.Context) (pgxfer.DumpResult, error) {
	conn, err := session.Opener{Endpoint: d.opts.Leader, AppName: pgtools.AppName(d.opts.Tag, "stream watch")}.Open(ctx)
	if err != nil {
		return pgxfer.DumpResult{}, err
	}
	defer session.Close(ctx, conn)
	sequences, err := askPositions(ctx, conn)
	if err != nil {
		return pgxfer.DumpResult{}, err
	}
	m := &piece.Manifest{
		Engine: Name, Created: d.Now().UTC(), Plan: d.hash, Sequences: sequences.own, ExtensionSequences: sequences.extensions,
	}
	result := pgxfer.DumpResult{Engine: Name, Tables: len(d.plan.Tables), Skipped: append(slices.Clip(d.plan.Skipped), sequences.skipped...)}
	for _, s := range sequences.skipped {
		d.report.Warn("not dumped: %s %s (%s)", s.Kind, s.Name, s.Reason)
	}
	if err := d.writeScript(ctx, sequences); err != nil {
		return pgxfer.DumpResult{}, err
	}
	wanted := []string{piece.SchemaItem, piece.ScriptItem}
	for _, list := range units(d.plan) {
		for _, u := range list {
			wanted = append(wanted, u.item())
		}
	}
	for _, item := range wanted {
		e, ok := d.entries[item]
		if !ok {
			return pgxfer.DumpResult{}, fmt.Errorf("%s was not read", item)
		}
		m.Entries = append(m.Entries, e)
		result.ArchiveBytes += e.Size
		if item != piece.SchemaItem && item != piece.ScriptItem {
			result.Bytes += e.Bytes
		}
		if strings.HasPrefix(item, "data/") {
			result.Rows += e.Rows // those of tables; large objects have none
		}
	}
	if err := piece.SyncSmall(ctx, d.dir, m.Entries, 4); err != nil {
		return pgxfer.DumpResult{}, err
	}
	if result.Manifest, err = m.Write(d.dir); err != nil {
		return pgxfer.DumpResult{}, err
	}
	if err := d.journal.End(result.Manifest); err != nil {
		return pgxfer.DumpResult{}, err
	}
	return result, nil
}
