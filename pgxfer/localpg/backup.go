package localpg

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"
)

// baseBackup copies the leader's data directory: by pg_basebackup where the installation or another
// of the same major has it, else by ourselves, for an installation with nothing but the server.
func (c *Cluster) baseBackup(ctx context.Context) error {
	program, err := c.inst.Tool("pg_basebackup")
	if err != nil {
		var list []Installation
		if list, err = c.root.installations(); err == nil {
			var inst Installation
			program, inst, err = ToolFor(list, "pg_basebackup", c.inst.Major)
			if err == nil && inst.Major != c.inst.Major {
				err = ErrNotInstalled
			}
		}
	}
	if errors.Is(err, ErrNotInstalled) {
		return c.copyBackup(ctx)
	}
	if err != nil {
		return err
	}
	return c.root.run(ctx, c.dir(), program, "--pgdata="+c.DataDir(), "--checkpoint=fast", "--no-sync",
		"--wal-method=stream", "--slot="+c.slot, "--no-password",
		"--host="+c.leader.SocketDir(), "--port="+strconv.Itoa(c.leader.Port()), "--username="+c.superuser)
}

// copyBackup takes a base backup by the low-level API (PostgreSQL manual, "Making a Base Backup
// Using the Low Level API"). The log is not copied: the follower streams it from the
// leader, whose slot for it was made before.
func (c *Cluster) copyBackup(ctx context.Context) error {
	start, stop := "SELECT pg_backup_start($1, true)", "SELECT labelfile FROM pg_backup_stop(false)"
	if c.inst.Major < 15 {
		start, stop = "SELECT pg_start_backup($1, true, false)", "SELECT labelfile FROM pg_stop_backup(false, false)"
	}
	var label string
	err := c.leader.query(ctx, func(conn *pgx.Conn) error {
		if _, err := conn.Exec(ctx, start, c.name); err != nil {
			return err
		}
		if err := c.root.copyData(ctx, c.leader.DataDir(), c.DataDir()); err != nil {
			return err
		}
		return conn.QueryRow(ctx, stop).Scan(&label)
	})
	if err != nil {
		return fmt.Errorf("copy the data of %s: %w", c.leader.name, err)
	}
	return c.root.giveFile(filepath.Join(c.DataDir(), "backup_label"), label)
}

// notCopied are directories whose content a standby must not or need not have.
var notCopied = []string{"pg_wal", "pg_replslot", "pg_dynshmem", "pg_notify", "pg_serial", "pg_snapshots", "pg_stat_tmp", "pg_subtrans", "pgsql_tmp"}

const controlFile = "global/pg_control"

// copyData copies a live data directory. Files may vanish or change meanwhile; replaying the log
// mends that.
func (r *Root) copyData(ctx context.Context, from, to string) error {
	err := filepath.WalkDir(from, func(path string, entry fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		rel, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		target := filepath.Join(to, rel)
		switch name := entry.Name(); {
		case entry.IsDir():
			if err := os.Mkdir(target, 0o700); err != nil {
				return err
			}
			if err := r.account.own(target); err != nil {
				return err
			}
			if skipContent(rel) {
				return fs.SkipDir
			}
			return nil
		case !entry.Type().IsRegular() || rel == controlFile || strings.HasPrefix(name, "pgsql_tmp"):
			return nil
		case name == "postmaster.pid" || name == "postmaster.opts" || name == "standby.signal" || strings.HasPrefix(name, "pg_internal.init"):
			return nil
		}
		return r.copyFile(path, target)
	})
	if err != nil {
		return err
	}
	// Last, as pg_basebackup does: its checkpoint must not be newer than a file copied after it.
	return r.copyControl(filepath.Join(from, controlFile), filepath.Join(to, controlFile))
}

func skipContent(rel string) bool {
	for _, name := range notCopied {
		if filepath.Base(rel) == name {
			return true
		}
	}
	return false
}

func (r *Root) copyFile(from, to string) error {
	src, err := os.Open(from)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // dropped meanwhile
	}
	if err != nil {
		return err
	}
	defer src.Close()
	dst, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(dst, src)
	if err = errors.Join(err, dst.Close()); err != nil {
		return err
	}
	return r.account.own(to)
}

// copyControl copies the control file. The server may be writing it: it is read until two readings agree.
func (r *Root) copyControl(from, to string) error {
	last, err := os.ReadFile(from)
	for range 10 {
		if err != nil {
			return err
		}
		var again []byte
		again, err = os.ReadFile(from)
		if err == nil && string(again) == string(last) {
			return r.giveFile(to, string(again))
		}
		last = again
	}
	return fmt.Errorf("%s keeps changing", from)
}
