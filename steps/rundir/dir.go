package rundir

import (
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// Dir is the directory of one run. Only its owner may look into it (0700), and its files are 0600.
type Dir struct {
	Name string // of the run
	Path string
}

// Config is the file that says what the run was set up with.
func (d Dir) Config() string { return filepath.Join(d.Path, "config.toml") }

// Journal is the file that the engine's memory lives in.
func (d Dir) Journal() string { return filepath.Join(d.Path, "journal.jsonl") }

// Log is the file of everything the run had to say.
func (d Dir) Log() string { return filepath.Join(d.Path, "log.jsonl") }

// Samples is the file of how fast the transfers were.
func (d Dir) Samples() string { return filepath.Join(d.Path, "samples.json") }

// Socket is where the engine listens. The engine may make it a link when the path is too long for a socket.
func (d Dir) Socket() string { return filepath.Join(d.Path, "engine.sock") }

// EngineLog takes what the engine process prints, which is normally nothing.
func (d Dir) EngineLog() string { return filepath.Join(d.Path, "engine.log") }

// Lock is held by the engine for as long as it lives.
func (d Dir) Lock() string { return filepath.Join(d.Path, "engine.lock") }

// checkPrivate says why a directory cannot be trusted to be ours alone, and how to change that.
func checkPrivate(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return fmt.Errorf("looking at %s: %w", path, err)
	}
	if !info.IsDir() {
		return fmt.Errorf("%s is not a directory; move it aside", path)
	}
	// Root may work on anybody's run; everybody else only on their own.
	if st, ok := info.Sys().(*syscall.Stat_t); ok && os.Geteuid() != 0 && st.Uid != uint32(os.Geteuid()) {
		return fmt.Errorf("%s belongs to another user (uid %d); become that user", path, st.Uid)
	}
	if info.Mode().Perm()&0o077 != 0 {
		return fmt.Errorf("%s is open to other users (mode %04o); close it with `chmod 700 %s`", path, info.Mode().Perm(), path)
	}
	return nil
}

// syncDir makes a rename in a directory last through a power cut.
func syncDir(path string) error {
	dir, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("saving the run directory: %w", err)
	}
	defer dir.Close()
	if err := dir.Sync(); err != nil {
		return fmt.Errorf("saving the run directory: %w", err)
	}
	return nil
}
