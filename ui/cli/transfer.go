package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/spf13/cobra"

	"changeover/pgxfer"
	"changeover/pgxfer/stream"
	"changeover/pgxfer/verify"
	"changeover/steps"
	"changeover/ui/plain"
)

// transfer is what a transfer between any two databases was asked for.
type transfer struct {
	from, to, leader string
	dir, engine      string
	jobs, indexJobs  int
	maxWAL           string
	compress, level  string
	toast            string
	json             bool
}

func (a *app) transferCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "transfer", Short: "Move or compare any two PostgreSQL databases, without a run", Args: usageArgs(cobra.NoArgs),
		Long: `The transfer engine alone, between any two PostgreSQL databases.

A database is given as env:NAME (an environment variable that holds its URL), as file:PATH (a file that holds it), or as the
URL itself, which everybody on the machine can read in the process list. --from and --to default to env:CHANGEOVER_FROM and
env:CHANGEOVER_TO. Nobody may write to the source meanwhile.`,
	}
	cmd.AddCommand(a.transferDump(), a.transferRestore(), a.transferCopy(), a.transferVerify())
	return cmd
}

func (a *app) transferDump() *cobra.Command {
	var t transfer
	cmd := &cobra.Command{
		Use: "dump", Short: "Read a database into an archive directory", Args: usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			engine, source, leader, err := t.source()
			if err != nil {
				return err
			}
			result, err := engine.Dump(cmd.Context(), pgxfer.DumpOptions{
				Source: source, Leader: leader, Dir: t.dir, Jobs: t.jobs, Compress: t.compress, Tag: transferTag,
			}, a.observe(t.json))
			return a.finished(t.json, result, err)
		},
	}
	t.flags(cmd, "from", "leader", "dir", "engine", "compress")
	return cmd
}

func (a *app) transferRestore() *cobra.Command {
	var t transfer
	cmd := &cobra.Command{
		Use: "restore", Short: "Load an archive directory into an empty database", Args: usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			engine, err := newTransfer(t.engine)
			if err != nil {
				return usageError{err}
			}
			target, err := endpoint("target", t.to)
			if err != nil {
				return err
			}
			maxWAL, err := t.wal()
			if err != nil {
				return err
			}
			result, err := engine.Restore(cmd.Context(), pgxfer.RestoreOptions{
				Target: target, Dir: t.dir, Jobs: t.jobs, IndexJobs: t.indexJobs, MaxWAL: maxWAL, ToastCompression: t.toast, Tag: transferTag,
			}, a.observe(t.json))
			return a.finished(t.json, result, err)
		},
	}
	t.flags(cmd, "to", "load", "dir", "engine")
	return cmd
}

func (a *app) transferCopy() *cobra.Command {
	var t transfer
	cmd := &cobra.Command{
		Use: "copy", Short: "Copy a database into an empty one, straight from memory", Args: usageArgs(cobra.NoArgs),
		Long: `Copy a database into an empty one, straight from memory. An interrupted copy goes on where it was, if nobody has written
to the source since.

With --dir the rows are written to an archive at the same time, as dump would: something to fall back to, and whatever is in
it need not be read from the source again.`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			source, target, leader, err := t.both()
			if err != nil {
				return err
			}
			maxWAL, err := t.wal()
			if err != nil {
				return err
			}
			result, err := stream.Engine{}.Copy(cmd.Context(), stream.CopyOptions{
				Source: source, Target: target, Leader: leader, Jobs: t.jobs, IndexJobs: t.indexJobs, Tag: transferTag, Receipts: receipts(),
				Dir: t.dir, Compress: t.compress, MaxWAL: maxWAL, ToastCompression: t.toast,
			}, a.observe(t.json))
			return a.finished(t.json, result, err)
		},
	}
	t.flags(cmd, "from", "to", "load", "leader", "archive", "compress")
	return cmd
}

func (a *app) transferVerify() *cobra.Command {
	var t transfer
	cmd := &cobra.Command{
		Use: "verify", Short: "Compare two databases: rows, sequences, large objects, definitions", Args: usageArgs(cobra.NoArgs),
		Long: `Compare two databases. Exit code 1 and a list when they differ.

With --level digest every value of both is read. With --level rows, rows and large objects are counted only: quick, but what was
changed in a row is not found. Sequences and the definitions of everything are compared at each level.`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if t.level != pgxfer.LevelRows && t.level != pgxfer.LevelDigest {
				return usageError{fmt.Errorf("the level is %q; it must be %s or %s", t.level, pgxfer.LevelRows, pgxfer.LevelDigest)}
			}
			source, target, leader, err := t.both()
			if err != nil {
				return err
			}
			result, err := verify.Verify(cmd.Context(), pgxfer.VerifyOptions{
				Source: source, Target: target, Leader: leader, Jobs: t.jobs, Tag: transferTag, Level: t.level,
			}, a.observe(t.json))
			if err := a.finished(t.json, result, err); err != nil {
				return err
			}
			return a.differences(t.json, result)
		},
	}
	t.flags(cmd, "from", "to", "leader")
	cmd.Flags().StringVar(&t.level, "level", pgxfer.LevelDigest, "what to compare: rows or digest")
	return cmd
}

// receipts is where copies that were finished are noted; without a home directory they are not.
func receipts() string {
	s, err := store()
	if err != nil {
		return ""
	}
	return filepath.Join(s.Base, "receipts")
}

// transferTag marks the sessions of transfers that belong to no run.
const transferTag = "changeover/transfer"

func (t *transfer) flags(cmd *cobra.Command, names ...string) {
	f := cmd.Flags()
	f.IntVar(&t.jobs, "jobs", 4, "parallel workers")
	f.BoolVar(&t.json, "json", false, "progress and result as JSON lines")
	for _, name := range names {
		switch name {
		case "from":
			f.StringVar(&t.from, "from", "env:CHANGEOVER_FROM", "source database; a follower is best")
		case "to":
			f.StringVar(&t.to, "to", "env:CHANGEOVER_TO", "target database")
		case "load":
			f.IntVar(&t.indexJobs, "index-jobs", 0, "parallel index builders (default: as many as jobs)")
			f.StringVar(&t.toast, "toast-compression", pgxfer.ToastAuto, "large values on the target: auto (lz4 where it can) or server (its default)")
			f.StringVar(&t.maxWAL, "max-wal", "", "load nothing new while the target has to keep more WAL than this, such as 20GB")
		case "leader":
			f.StringVar(&t.leader, "leader", "", "the source's leader, which knows the sequences better than a follower")
		case "dir":
			f.StringVar(&t.dir, "dir", "", "archive directory")
			if err := cmd.MarkFlagRequired("dir"); err != nil {
				panic(err)
			}
		case "archive":
			f.StringVar(&t.dir, "dir", "", "archive directory to fill on the way (default: none)")
		case "engine":
			f.StringVar(&t.engine, "engine", stream.Name, "stream, or classic: pg_dump and pg_restore")
		case "compress":
			f.StringVar(&t.compress, "compress", "auto", "compression of the archive: auto, none, lz4 or zstd; gzip with the classic engine only")
		}
	}
}

// wal is how many bytes of WAL the target may have to keep, 0 for any.
func (t *transfer) wal() (int64, error) {
	if t.maxWAL == "" {
		return 0, nil
	}
	n, err := humanize.ParseBytes(t.maxWAL)
	if err != nil || n == 0 || n > math.MaxInt64 {
		return 0, usageError{fmt.Errorf("--max-wal %q is not a size; use one such as 20GB", t.maxWAL)}
	}
	return int64(n), nil
}

// source finds the engine and the database to read.
func (t *transfer) source() (engine pgxfer.Transfer, source, leader pgxfer.Endpoint, err error) {
	if engine, err = newTransfer(t.engine); err != nil {
		return nil, source, leader, usageError{err}
	}
	source, leader, err = t.read()
	return engine, source, leader, err
}

// both finds the two databases of a copy or a comparison.
func (t *transfer) both() (source, target, leader pgxfer.Endpoint, err error) {
	if source, leader, err = t.read(); err != nil {
		return source, target, leader, err
	}
	target, err = endpoint("target", t.to)
	return source, target, leader, err
}

func (t *transfer) read() (source, leader pgxfer.Endpoint, err error) {
	if source, err = endpoint("source", t.from); err != nil || t.leader == "" {
		return source, leader, err
	}
	leader, err = endpoint("leader", t.leader)
	return source, leader, err
}

// endpoint finds a database by env:NAME, file:PATH or its URL. No error repeats the URL.
func endpoint(name, given string) (pgxfer.Endpoint, error) {
	kind, rest, _ := strings.Cut(given, ":")
	switch kind {
	case "env":
		url := os.Getenv(rest)
		if url == "" {
			return pgxfer.Endpoint{}, usageError{fmt.Errorf("the environment variable %s, which should hold the URL of the %s, is not set", rest, name)}
		}
		return pgxfer.ParseEndpoint(name, url)
	case "file":
		url, err := os.ReadFile(rest)
		if err != nil {
			return pgxfer.Endpoint{}, fmt.Errorf("reading the URL of the %s: %w", name, err)
		}
		return pgxfer.ParseEndpoint(name, strings.TrimSpace(string(url)))
	default:
		return pgxfer.ParseEndpoint(name, given)
	}
}

// finished prints the result of a transfer as JSON; people have read it in the last event.
func (a *app) finished(asJSON bool, result any, err error) error {
	if err != nil || !asJSON {
		return err
	}
	return json.NewEncoder(a.out).Encode(map[string]any{"result": result})
}

// differences makes a comparison that found any an error.
func (a *app) differences(asJSON bool, v pgxfer.Verification) error {
	if len(v.Differences) == 0 {
		return nil
	}
	if !asJSON {
		for _, d := range v.Differences {
			fmt.Fprintf(a.out, "%s %s: %s on the source, %s on the target\n", d.Kind, d.Object, orNothing(d.Source), orNothing(d.Target))
		}
	}
	return fmt.Errorf("the databases differ in %d things", len(v.Differences))
}

func orNothing(s string) string {
	if s == "" {
		return "nothing"
	}
	return s
}

// observe shows a transfer: JSON lines on standard output, or lines for people on standard error.
func (a *app) observe(asJSON bool) pgxfer.Observer {
	if asJSON {
		return &jsonObserver{encoder: json.NewEncoder(a.out)}
	}
	return &lineObserver{w: a.err, style: a.style(), began: time.Now()}
}

type jsonObserver struct {
	mu      sync.Mutex
	encoder *json.Encoder
}

func (o *jsonObserver) Progress(p pgxfer.Progress) { o.encode(map[string]any{"progress": p}) }
func (o *jsonObserver) Event(e pgxfer.Event)       { o.encode(map[string]any{"event": e}) }

func (o *jsonObserver) encode(v any) {
	o.mu.Lock()
	defer o.mu.Unlock()
	// Nobody reads any more; the transfer goes on, and its result is what counts.
	_ = o.encoder.Encode(v)
}

// lineObserver prints events as they come and progress every few seconds.
type lineObserver struct {
	mu    sync.Mutex
	w     io.Writer
	style plain.Style
	began time.Time
	last  time.Time
}

// lineEvery is how often progress is worth a line.
const lineEvery = 5 * time.Second

func (o *lineObserver) Progress(p pgxfer.Progress) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if p.At.Sub(o.last) < lineEvery {
		return
	}
	o.last = p.At
	_ = o.style.LogLine(o.w, steps.LogLine{At: p.At, Level: steps.Info, Text: o.style.Transfer(p)}, o.began)
}

func (o *lineObserver) Event(e pgxfer.Event) {
	o.mu.Lock()
	defer o.mu.Unlock()
	_ = o.style.LogLine(o.w, steps.LogLine{At: e.At, Level: steps.Level(e.Level), Text: e.Text}, o.began)
}
