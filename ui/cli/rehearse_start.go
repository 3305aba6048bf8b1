package cli

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/gofrs/flock"

	"changeover/steps/rundir"
)

// startRehearsal starts a simulator in a process of its own and sets a run up against it.
func (a *app) startRehearsal(ctx context.Context, r rehearsal) (*rundir.Dir, error) {
	options, p, err := r.options(nil)
	if err != nil {
		return nil, err
	}
	if err := r.checkMachine(options, p); err != nil {
		return nil, err
	}
	token4, err := newToken4()
	if err != nil {
		return nil, err
	}
	s, err := store()
	if err != nil {
		return nil, err
	}
	name := r.runName(token4)
	run := rundir.Dir{Name: name, Path: filepath.Join(s.Base, name)}
	at, err := a.spawnSim(ctx, simDir(run), r.simFlags)
	defer a.started()
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(simDir(run)))
	}
	if _, _, err := r.setUp(ctx, token4, at, p); err != nil {
		end, cancel := endContext(ctx)
		defer cancel()
		return nil, errors.Join(err, endSim(end, simDir(run)), os.RemoveAll(simDir(run)))
	}
	return &run, nil
}

// spawnSim starts `changeover sim heroku` in a session of its own, so that it outlives this terminal, and passes on what
// it says until it is ready.
func (a *app) spawnSim(ctx context.Context, dir string, flags simFlags) (simState, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return simState{}, fmt.Errorf("making a directory for the simulator: %w", err)
	}
	// Held until we know the simulator, and dropped by the kernel when we are killed: a directory without a run and without
	// this lock belongs to nobody any more.
	starting := flock.New(filepath.Join(dir, startLock))
	if err := starting.Lock(); err != nil {
		return simState{}, fmt.Errorf("locking the simulator's directory: %w", err)
	}
	a.starting = starting
	exe, err := os.Executable()
	if err != nil {
		return simState{}, err
	}
	fmt.Fprintf(a.err, "starting a simulated Heroku and filling old-primary with %s of sample data …\n", flags.size)
	state := filepath.Join(dir, "sim.json")
	logPath := filepath.Join(dir, "sim.log")
	log, err := os.OpenFile(logPath, os.O_CREATE|os.O_WRONLY|os.O_TRUNC|os.O_APPEND, 0o600)
	if err != nil {
		return simState{}, fmt.Errorf("making the simulator's log: %w", err)
	}
	defer log.Close()
	args := []string{
		"sim", "heroku", "--state", state, "--listen", flags.listen, "--size", flags.size, "--plan", flags.plan,
		"--from", strconv.Itoa(flags.from), "--to", strconv.Itoa(flags.to),
	}
	if flags.quick {
		args = append(args, "--quick")
	}
	cmd := exec.Command(exe, args...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = "/", log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		return simState{}, fmt.Errorf("starting the simulator: %w", err)
	}
	ended := make(chan struct{})
	go func() {
		// How it ended is in its log; only that it ended matters. Without Wait it would stay as a zombie.
		_ = cmd.Wait()
		close(ended)
	}()
	return a.awaitSim(ctx, cmd.Process, state, logPath, ended)
}

// awaitSim waits until the simulator is ready. Interrupted, it ends it: nothing half-made is left running.
func (a *app) awaitSim(ctx context.Context, process *os.Process, state, logPath string, ended <-chan struct{}) (simState, error) {
	lines, err := os.Open(logPath)
	if err != nil {
		return simState{}, err
	}
	defer lines.Close()
	reader := bufio.NewReader(lines)
	last := ""
	relay := func() {
		for {
			line, err := reader.ReadString('\n')
			if line = strings.TrimSpace(line); line != "" {
				last = line
				fmt.Fprintln(a.err, line)
			}
			if errors.Is(err, io.EOF) || err != nil {
				return
			}
		}
	}
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			_ = process.Signal(syscall.SIGTERM)
			select {
			case <-ended:
			case <-time.After(closeTimeout):
				_ = process.Kill()
				<-ended
			}
			return simState{}, ctx.Err()
		case <-ended:
			relay()
			return simState{}, errors.New(strings.TrimPrefix(last, "changeover: "))
		case <-tick.C:
			relay()
			if at, err := readSimFile(state); err == nil {
				return at, nil
			}
		}
	}
}

// processLives says whether a process of that number runs. One that has ended and that its parent has not asked about
// yet, as a dashboard never does about the engine it started, still has its number but runs no more.
func processLives(pid int) bool {
	if pid <= 0 || syscall.Kill(pid, 0) != nil {
		return false
	}
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return true // no /proc here, or not for us
	}
	// The state follows the program's name, which is in parentheses and may hold some itself.
	state := strings.TrimLeft(string(stat[bytes.LastIndexByte(stat, ')')+1:]), " ")
	return !strings.HasPrefix(state, "Z") && !strings.HasPrefix(state, "X")
}

// awaitExit waits until a process has ended.
func awaitExit(ctx context.Context, pid int) error {
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for processLives(pid) {
		select {
		case <-ctx.Done():
			return fmt.Errorf("process %d does not end; look at it with ps", pid)
		case <-tick.C:
		}
	}
	return nil
}
