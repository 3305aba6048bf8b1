package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"changeover/heroku"
	"changeover/steps/rundir"
)

// A rehearsal has two processes beside the dashboard: the engine of its run, and the simulator. The simulator must be
// there before the run can be set up, so its directory stands beside the run's, under a name that belongs to it.

const (
	rehearsalPrefix = "rehearsal-"
	// autoPrefix begins the names of unattended rehearsals, which live and end with one process.
	autoPrefix = rehearsalPrefix + "auto-"
	simPrefix  = "simulator-"
)

// isRehearsal says whether a run is a rehearsal: it was set up as one, against a simulator on this machine. A name alone
// proves nothing; people call runs what they like. What cannot be read is no rehearsal, and is never removed.
func isRehearsal(run rundir.Dir) bool {
	config, err := run.ReadConfig()
	return err == nil && config.Rehearsal && config.Run == run.Name && filepath.Base(run.Path) == run.Name &&
		strings.HasPrefix(run.Name, rehearsalPrefix) && onLoopback(config.PlatformURL) && onLoopback(config.DataURL)
}

// onLoopback says whether a base URL can only mean this machine.
func onLoopback(base string) bool {
	u, err := url.Parse(base)
	if err != nil {
		return false
	}
	ip := net.ParseIP(u.Hostname())
	return u.Hostname() == "localhost" || ip != nil && ip.IsLoopback()
}

// simState is how a simulator is reached.
type simState struct {
	URL   string
	Token heroku.Secret
	PID   int
}

// simStateFile is simState on disk. The token is worth something on this machine only, while the simulator lives.
type simStateFile struct {
	URL   string `json:"url"`
	Token string `json:"token"`
	PID   int    `json:"pid"`
}

// simDir is the directory of the simulator that belongs to a rehearsal.
func simDir(run rundir.Dir) string {
	return filepath.Join(filepath.Dir(run.Path), simPrefix+strings.TrimPrefix(run.Name, rehearsalPrefix))
}

func readSimState(run rundir.Dir) (simState, error) {
	return readSimFile(filepath.Join(simDir(run), "sim.json"))
}

func readSimFile(path string) (simState, error) {
	raw, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return simState{}, errors.New("the simulator of this rehearsal is gone; start another with: changeover rehearse")
	}
	if err != nil {
		return simState{}, fmt.Errorf("reading how to reach the simulator: %w", err)
	}
	var f simStateFile
	if err := json.Unmarshal(raw, &f); err != nil {
		return simState{}, fmt.Errorf("reading how to reach the simulator: %w", err)
	}
	return simState{URL: f.URL, Token: heroku.Secret(f.Token), PID: f.PID}, nil
}

// writeSimFile makes the file appear whole: whoever waits for it may read it as soon as it is there.
func writeSimFile(path string, s simState) error {
	raw, err := json.Marshal(simStateFile{URL: s.URL, Token: s.Token.Reveal(), PID: s.PID})
	if err != nil {
		return err
	}
	temporary := path + ".new"
	if err := os.WriteFile(temporary, raw, 0o600); err != nil {
		return fmt.Errorf("writing how to reach the simulator: %w", err)
	}
	return os.Rename(temporary, path)
}
