package cli_test

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"changeover/heroku/sim"
	"changeover/steps"
	"changeover/ui/cli/internal/sandbox"
	"changeover/ui/cli/internal/tmux"
)

// sshServer is OpenSSH's server on loopback, whose sessions run the program in the sandbox.
type sshServer struct {
	t    *testing.T
	s    *sandbox.Sandbox
	cmd  *exec.Cmd
	line string // the command line of a client, to which a command of the program is added
}

func newSSHServer(t *testing.T, s *sandbox.Sandbox) *sshServer {
	t.Helper()
	program, err := exec.LookPath("sshd")
	if err != nil {
		program = "/usr/sbin/sshd"
	}
	if _, err := os.Stat(program); err != nil {
		t.Skip("NOT TESTED: there is no sshd here; install Debian's openssh-server to try dashboards over a real one")
	}
	if os.Geteuid() == 0 {
		// Its directory for the process that knows no secrets; it will not start without.
		if err := os.MkdirAll("/run/sshd", 0o755); err != nil {
			t.Fatal(err)
		}
	}
	dir := filepath.Join(s.Dir(), "ssh")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	in := func(name string) string { return filepath.Join(dir, name) }
	for _, key := range []string{"host", "user"} {
		if said, err := exec.Command("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", in(key)).CombinedOutput(); err != nil {
			t.Fatalf("make a key: %v: %s", err, said)
		}
	}
	// What a login shell would set up on a box.
	var script strings.Builder
	script.WriteString("#!/bin/sh\n")
	for _, variable := range s.Env() {
		name, value, _ := strings.Cut(variable, "=")
		fmt.Fprintf(&script, "export %s='%s'\n", name, value)
	}
	script.WriteString("exec changeover \"$@\"\n")
	if err := os.WriteFile(in("on-the-box"), []byte(script.String()), 0o700); err != nil {
		t.Fatal(err)
	}
	port := freePort(t)
	config := fmt.Sprintf("Port %d\nListenAddress 127.0.0.1\nHostKey %s\nAuthorizedKeysFile %s\nPasswordAuthentication no\nUsePAM no\nStrictModes no\nPidFile none\nPermitRootLogin yes\n",
		port, in("host"), in("user.pub"))
	if err := os.WriteFile(in("config"), []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	x := &sshServer{t: t, s: s, cmd: exec.Command(program, "-D", "-e", "-f", in("config"))}
	var log bytes.Buffer
	x.cmd.Stderr = &log
	if err := x.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		x.stop()
		if t.Failed() {
			t.Logf("sshd says:\n%s", log.String())
		}
	})
	x.line = fmt.Sprintf("ssh -tt -F none -o LogLevel=ERROR -o UserKnownHostsFile=/dev/null -o StrictHostKeyChecking=no -o IdentitiesOnly=yes -i %s -p %d 127.0.0.1 %s",
		in("user"), port, in("on-the-box"))
	s.Await("sshd answers", func() bool {
		conn, err := net.Dial("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
		if err != nil {
			return false
		}
		_ = conn.Close()
		return true
	})
	return x
}

// open opens a terminal with a command of the program at the other end of a line.
func (x *sshServer) open(args string) *tmux.Terminal {
	x.t.Helper()
	return onTerminal(x.t, x.s, wide, x.line+" "+args)
}

// stop ends the server, and with it the sessions.
func (x *sshServer) stop() {
	x.cut()
	_ = x.cmd.Process.Kill()
	_ = x.cmd.Wait()
}

// cut ends every connection as a machine in between would: nobody says goodbye.
func (x *sshServer) cut() {
	for _, pid := range childrenOf(x.cmd.Process.Pid) {
		_ = syscall.Kill(pid, syscall.SIGKILL)
	}
}

// freeze lets nothing more through on the connections there are, without an end of anything, until thaw is called.
func (x *sshServer) freeze() (thaw func()) {
	x.t.Helper()
	frozen := childrenOf(x.cmd.Process.Pid)
	if len(frozen) == 0 {
		x.t.Fatal("no connection to freeze")
	}
	signal := func(what syscall.Signal) {
		for _, pid := range frozen {
			if err := syscall.Kill(pid, what); err != nil {
				x.t.Errorf("signal %v to a session of sshd: %v", what, err)
			}
		}
	}
	signal(syscall.SIGSTOP)
	return func() { signal(syscall.SIGCONT) }
}

func childrenOf(parent int) (pids []int) {
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, path := range stats {
		raw, _ := os.ReadFile(path) // it may have ended meanwhile
		// The name in parentheses may hold anything; behind it come state and parent.
		fields := strings.Fields(string(raw[bytes.LastIndexByte(raw, ')')+1:]))
		if len(fields) > 1 && fields[1] == strconv.Itoa(parent) {
			pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(path)))
			pids = append(pids, pid)
		}
	}
	return pids
}

func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// A line that freezes keeps its dashboard, and with it the right to drive, until somebody takes it; a line that is cut in
// the middle of the restore is no reason to stop it.
func TestTheWorkOutlivesEverySSHConnection(t *testing.T) {
	tmux.Need(t)
	t.Parallel()
	s := sandbox.New(t)
	line := newSSHServer(t, s)
	first := line.open("rehearse --quick --size 15MB")
	first.AwaitText("REHEARSAL", "0/12 done", "● live", "driver: you")
	heroku := simulatorOf(t, s)
	engine := s.Only("engine")
	pressThrough(t, first, 3) // 1, 2 and, early, 5

	_, release := heroku.fault(sim.Fault{Kind: sim.FaultLag, Addon: fastFollower(t, heroku), Lag: 1, Times: -1})
	first.Press("a")
	first.Type(askedWord.FindStringSubmatch(first.AwaitText("and press enter"))[1])
	first.AwaitText("OUTAGE", "waiting for PostgreSQL")
	if from := statusOf(t, s).Driver.From; from != "127.0.0.1" {
		t.Errorf("the driver comes from %q, want the address of the SSH client", from)
	}
	thaw := line.freeze()
	second := line.open("attach")
	second.AwaitText("3/12 done", "● live", "OUTAGE")
	second.Press("c")
	second.Type(askedWord.FindStringSubmatch(second.AwaitText("and press enter"))[1])
	second.AwaitText("driver: you")
	release()
	awaitStep(t, s, 3, steps.Done)
	thaw()
	// It drives no longer, and shows what happened meanwhile.
	first.Await("the first dashboard follows the second", func(screen string) bool {
		return strings.Contains(screen, "4/12 done") && !strings.Contains(screen, "driver: you")
	})

	pressThrough(t, second, 5)
	second.Press("a")
	second.Await("step 6 is at work", func(screen string) bool {
		row := cursorRow.FindStringSubmatch(screen)
		return row != nil && row[2] == "6" && row[1] == "▶" || strings.Contains(screen, "6/12 done")
	})
	line.cut()
	s.Await("both clients have lost their lines", func() bool { return len(clientsOf(s)) == 0 })
	for _, x := range []*tmux.Terminal{first, second} {
		x.Close() // what the dashboard had drawn stays: nobody could clear it any more
	}
	awaitStep(t, s, 6, steps.Done)
	if again := s.Only("engine"); again.PID != engine.PID {
		t.Errorf("engine %v was replaced by %v", engine, again)
	}

	third := line.open("attach")
	third.AwaitText("6/12 done", "● live")
	s.Must("rehearse", "--stop")
	third.AwaitText("no contact")
	third.Press("q")
	third.AwaitPrompt()
	third.Close()
	line.stop()
	s.MustBeClean()
}

// clientsOf are the ssh clients that run in the sandbox.
func clientsOf(s *sandbox.Sandbox) (pids []int) {
	for _, p := range s.Processes() {
		if filepath.Base(p.Args[0]) == "ssh" {
			pids = append(pids, p.PID)
		}
	}
	return pids
}
