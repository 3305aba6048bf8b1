package box

import (
	_ "embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// What a launched box is told at its first boot, to guard its own bill.
const (
	// GuardDir is where the guard and the engine meet.
	GuardDir = "/var/lib/changeover"
	// GuardScriptPath is where the guard lies.
	GuardScriptPath = "/usr/local/sbin/changeover-guard"
	// GuardService and GuardTimer run it every minute. A timer and not `shutdown -h +N`, which a reboot forgets.
	GuardService = "[Unit]\nDescription=Ends this box when nobody needs it\n[Service]\nType=oneshot\nExecStart=" + GuardScriptPath + "\n"
	GuardTimer   = "[Unit]\nDescription=Ends this box when nobody needs it\n[Timer]\nOnBootSec=2min\nOnUnitActiveSec=1min\n[Install]\nWantedBy=timers.target\n"
)

// GuardScript is the guard.
//
//go:embed guard.sh
var GuardScript string

// Guard is the engine's side of the guard of a launched box.
type Guard struct{ Dir string }

// Hold keeps the box on, for a reason that people read. It holds over a crash and a reboot, until Release.
func (g Guard) Hold(reason string) error {
	path := filepath.Join(g.Dir, "hold")
	line := strings.ReplaceAll(reason, "\n", " ") + "\n"
	if old, err := os.ReadFile(path); err == nil && string(old) == line {
		return nil
	}
	if err := replace(path, line); err != nil {
		return fmt.Errorf("keeping the box on: %w", err)
	}
	return nil
}

// Release lets the box end itself when it idles or is past its deadline.
func (g Guard) Release() error {
	if err := os.Remove(filepath.Join(g.Dir, "hold")); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("letting the box end itself: %w", err)
	}
	return nil
}

// Held is why the box is kept on; empty when it is not.
func (g Guard) Held() (string, error) {
	raw, err := os.ReadFile(filepath.Join(g.Dir, "hold"))
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	return strings.TrimSpace(string(raw)), err
}

// Deadline is when the box ends itself unless it is held; ok is false when it has none.
func (g Guard) Deadline() (at time.Time, ok bool, err error) {
	raw, err := os.ReadFile(filepath.Join(g.Dir, "deadline"))
	if errors.Is(err, fs.ErrNotExist) {
		return at, false, nil
	}
	if err != nil {
		return at, false, fmt.Errorf("reading the deadline of the box: %w", err)
	}
	seconds, err := strconv.ParseInt(strings.TrimSpace(string(raw)), 10, 64)
	if err != nil {
		return at, false, nil //nolint:nilerr // the guard ignores it too
	}
	return time.Unix(seconds, 0), true, nil
}

// SetDeadline moves the deadline.
func (g Guard) SetDeadline(at time.Time) error {
	if err := replace(filepath.Join(g.Dir, "deadline"), fmt.Sprintf("%d\n", at.Unix())); err != nil {
		return fmt.Errorf("moving the deadline of the box: %w", err)
	}
	return nil
}

// replace writes a file so that the guard never reads half of it, and waits until it is on disk.
func replace(path, content string) error {
	file, err := os.CreateTemp(filepath.Dir(path), ".new-")
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(file.Name()) }()
	_, err = file.WriteString(content)
	if err = errors.Join(err, file.Chmod(0o644), file.Sync(), file.Close()); err != nil {
		return err
	}
	return os.Rename(file.Name(), path)
}
