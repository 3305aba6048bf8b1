package cli_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"changeover/ui/cli/internal/sandbox"
)

// machine is a machine inside this one: a network and a view of the file system of its own, where port 22 is free and what is
// installed is gone afterwards. Programs that are started in it see nothing else.
type machine struct{ work chan func() }

// newMachine skips the test where it may not be made.
func newMachine(t *testing.T) machine {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("NOT TESTED: a machine inside this one needs root")
	}
	passwd, err := os.ReadFile("/etc/passwd")
	if err != nil {
		t.Fatal(err)
	}
	// The login of the image. It is root here, because the machine has no sudo.
	file := filepath.Join(t.TempDir(), "passwd")
	if err := os.WriteFile(file, append(passwd, "ubuntu:*:0:0::/:/bin/sh\n"...), 0o644); err != nil {
		t.Fatal(err)
	}
	m := machine{make(chan func())}
	made := make(chan error)
	onOwnThread(func() {
		made <- separate(file)
		for f := range m.work {
			f()
		}
	})
	t.Cleanup(func() { close(m.work) })
	if err := <-made; err != nil {
		t.Skipf("NOT TESTED: this machine gives no machine inside it: %v", err)
	}
	return m
}

// onOwnThread runs f on a thread that is never given back and ends with it: programs inherit what the thread has that starts them. It is never
// the main one, whose mounts everybody takes for those of the whole process, and which does not end.
func onOwnThread(f func()) {
	go func() {
		runtime.LockOSThread()
		if unix.Gettid() != os.Getpid() {
			f()
			return
		}
		elsewhere := make(chan struct{})
		onOwnThread(func() { close(elsewhere); f() })
		<-elsewhere
		runtime.UnlockOSThread()
	}()
}

// separate gives the calling thread a network of its own and hides where box up installs things.
func separate(passwd string) error {
	if err := syscall.Unshare(syscall.CLONE_NEWNET | syscall.CLONE_NEWNS); err != nil {
		return fmt.Errorf("unshare: %w", err)
	}
	if err := syscall.Mount("none", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("making mounts private: %w", err)
	}
	for _, dir := range []string{"/usr/local/bin", "/var/lib", "/run"} {
		if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, ""); err != nil {
			return fmt.Errorf("hiding %s: %w", dir, err)
		}
	}
	if err := syscall.Mount(passwd, "/etc/passwd", "", syscall.MS_BIND, ""); err != nil {
		return fmt.Errorf("adding a login: %w", err)
	}
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM, 0)
	if err != nil {
		return err
	}
	loopback, err := unix.NewIfreq("lo")
	if err == nil {
		loopback.SetUint16(unix.IFF_UP | unix.IFF_RUNNING)
		err = unix.IoctlIfreq(fd, unix.SIOCSIFFLAGS, loopback)
	}
	return errors.Join(err, unix.Close(fd), os.Mkdir("/run/sshd", 0o755))
}

// in does something on the machine, and waits for it.
func (m machine) in(f func()) {
	done := make(chan struct{})
	m.work <- func() { defer close(done); f() }
	<-done
}

// sshd starts OpenSSH's server on port 22 of the machine, with the keys that user-data would give a booting box.
func (m machine) sshd(t *testing.T, box string) {
	t.Helper()
	program, err := exec.LookPath("/usr/sbin/sshd")
	if err != nil {
		t.Skip("NOT TESTED: there is no sshd here; install Debian's openssh-server")
	}
	dir := t.TempDir()
	public, err := exec.Command("ssh-keygen", "-y", "-f", filepath.Join(box, "id_ed25519")).Output()
	if err != nil {
		t.Fatal(err)
	}
	config := fmt.Sprintf("ListenAddress 127.0.0.1:22\nHostKey \"%s\"\nAuthorizedKeysFile %s\nPasswordAuthentication no\nUsePAM no\nStrictModes no\nPidFile none\nPermitRootLogin yes\n",
		filepath.Join(box, "host_ed25519"), filepath.Join(dir, "keys"))
	if err := errors.Join(os.WriteFile(filepath.Join(dir, "keys"), public, 0o600), os.WriteFile(filepath.Join(dir, "config"), []byte(config), 0o600)); err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	cmd := exec.Command(program, "-D", "-e", "-f", filepath.Join(dir, "config"))
	cmd.Stderr = &log
	m.in(func() { err = cmd.Start() })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("sshd says:\n%s", log.String())
		}
	})
}

// A whole `box up` as people type it, to a program that runs on the box when its line is used.
func TestABoxIsLaunchedAndSetUpOverARealSSHServer(t *testing.T) {
	t.Parallel()
	s := sandbox.New(t)
	m := newMachine(t)
	aws := ""
	m.in(func() { aws = simulatedEC2(t, s) })
	at := []string{"--endpoint-url", aws}

	var out bytes.Buffer
	up := s.Command(append([]string{"box", "up", "--region", "us-east-1", "--size", "100GB", "--name", "shop", "--yes", "--upload"}, at...)...)
	up.Stdout, up.Stderr = &out, &out
	m.in(func() {
		if err := up.Start(); err != nil {
			t.Error(err)
		}
	})
	// The box boots: its user-data brings keys and an SSH server.
	box := filepath.Join(s.State(), "changeover", "boxes", "shop")
	s.Await("the box is launched", func() bool { _, err := os.Stat(filepath.Join(box, "user-data")); return err == nil })
	m.sshd(t, box)
	if err := up.Wait(); err != nil {
		t.Fatalf("box up: %v\n%s", err, out.String())
	}
	line := regexp.MustCompile(`(?m)^ssh .*ubuntu@127\.0\.0\.1$`).FindString(out.String())
	if line == "" {
		t.Fatalf("no line for ssh:\n%s", out.String())
	}
	run := func(shell string) string {
		t.Helper()
		var said []byte
		var err error
		cmd := exec.Command("sh", "-c", shell)
		cmd.Env = s.Env()
		m.in(func() { said, err = cmd.CombinedOutput() })
		if err != nil {
			t.Fatalf("%s: %v\n%s", shell, err, said)
		}
		return string(said)
	}
	if got := run(line + " -F none -o BatchMode=yes changeover --version"); !strings.Contains(got, "v0.0.0-test") {
		t.Errorf("the program on the box says %q", got)
	}
	if got := run(line + " -F none -o BatchMode=yes cat /var/lib/changeover/launch.json"); !regexp.MustCompile(`"i-[0-9a-f]+".*"shop-[0-9a-f]{4}"`).MatchString(got) {
		t.Errorf("the note on the box is %q", got)
	}
	if _, err := os.Stat("/usr/local/bin/changeover"); err == nil {
		t.Error("the program was installed on this machine")
	}
	var list, down sandbox.Result
	m.in(func() {
		list = s.Run(append([]string{"box", "list"}, at...)...)
		down = s.Run(append([]string{"box", "down", "shop", "--yes"}, at...)...)
	})
	if !strings.Contains(list.Out, "running") || down.Code != 0 || !strings.Contains(down.Out, "shop has ended") {
		t.Errorf("%v\n%v", list, down)
	}
}
