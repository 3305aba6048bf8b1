package ec2

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"changeover/ec2/box"
	"changeover/ec2/sim"
)

// sshd runs OpenSSH's server on loopback, with the host key and the authorized key of a box, under our own login.
func sshd(t *testing.T, r *Record) (address string) {
	t.Helper()
	program, err := exec.LookPath("sshd")
	if err != nil {
		if program = "/usr/sbin/sshd"; !exists(program) {
			t.Skip("NOT TESTED: there is no sshd here; install Debian's openssh-server to try upload over a real one")
		}
	}
	dir := t.TempDir()
	key, _, err := r.key(userKeyFile)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "authorized_keys"), []byte(authorized(key.PublicKey())+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if os.Geteuid() == 0 {
		// Its directory for the process that knows no secrets; it will not start without.
		if err := os.MkdirAll("/run/sshd", 0o755); err != nil {
			t.Fatal(err)
		}
	}
	port := freePort(t)
	config := fmt.Sprintf("Port %d\nListenAddress 127.0.0.1\nHostKey \"%s\"\nAuthorizedKeysFile %s\nPasswordAuthentication no\nUsePAM no\nStrictModes no\nPidFile none\nPermitRootLogin yes\n",
		port, r.Path(hostKeyFile), filepath.Join(dir, "authorized_keys"))
	if err := os.WriteFile(filepath.Join(dir, "sshd_config"), []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	cmd := exec.Command(program, "-D", "-e", "-f", filepath.Join(dir, "sshd_config"))
	cmd.Stderr = &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("sshd says:\n%s", log.String())
		}
	})
	return fmt.Sprintf("127.0.0.1:%d", port)
}

func exists(path string) bool { _, err := os.Stat(path); return err == nil }

func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// keyed is a record with keys, for the login of this test.
func keyed(t *testing.T, boxes Boxes, name string) *Record {
	t.Helper()
	me, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	r, err := boxes.Create(Record{Name: name, Run: name + "-1", User: me.Username, Address: "127.0.0.1", Deadline: time.Unix(1800000000, 0)})
	if err != nil {
		t.Fatal(err)
	}
	if err := r.makeKeys(); err != nil {
		t.Fatal(err)
	}
	return r
}

// patient dials in real time, because a real server takes some to start.
func patient(t *testing.T, r *Record, address string) (*Shell, error) {
	t.Helper()
	c := &Cloud{connection: Connection{Now: time.Now, Sleep: func(ctx context.Context, _ time.Duration) error { return sleep(ctx, 20*time.Millisecond) }}}
	ctx, cancel := context.WithTimeout(t.Context(), 90*time.Second)
	defer cancel()
	return c.DialWhenUp(ctx, r, address)
}

func TestUploadOverARealSSHServer(t *testing.T) {
	r := keyed(t, Boxes{Dir: t.TempDir()}, "shop")
	address := sshd(t, r)
	shell, err := patient(t, r, address)
	if err != nil {
		t.Fatal(err)
	}
	defer shell.Close()
	if os.Geteuid() != 0 {
		t.Skip("NOT TESTED: uploading becomes root by sudo, which tests must not")
	}
	local := filepath.Join(t.TempDir(), "program")
	content := bytes.Repeat([]byte("a program of some size\n"), 1<<16)
	if err := os.WriteFile(local, content, 0o600); err != nil {
		t.Fatal(err)
	}
	remote := filepath.Join(t.TempDir(), "it's here", "changeover")
	for range 2 { // an upload again replaces a program that may be running
		if err := shell.Upload(t.Context(), local, remote, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(remote)
	info, _ := os.Stat(remote)
	if err != nil || !bytes.Equal(got, content) || info.Mode().Perm() != 0o755 {
		t.Errorf("%d of %d bytes arrived, %v, %v", len(got), len(content), info, err)
	}
	entries, _ := os.ReadDir(filepath.Dir(remote))
	if len(entries) != 1 {
		t.Errorf("left beside it: %v", entries)
	}
	if _, err := shell.Run(t.Context(), "echo no >&2; exit 3", nil); err == nil || !strings.Contains(err.Error(), "no") {
		t.Errorf("Run = %v", err)
	}
	// A checksum that does not fit replaces nothing.
	if err := shell.put(t.Context(), strings.NewReader("half"), strings.Repeat("0", 64), remote, 0o755); err == nil {
		t.Error("half an upload was taken")
	}
	if after, _ := os.ReadFile(remote); !bytes.Equal(after, content) {
		t.Error("half an upload replaced the program")
	}
}

func TestAnotherHostKeyIsSentNothing(t *testing.T) {
	boxes := Boxes{Dir: t.TempDir()}
	r, other := keyed(t, boxes, "shop"), keyed(t, boxes, "other")
	address := sshd(t, other)
	if _, err := patient(t, r, address); !errors.Is(err, ErrHostKey) {
		t.Errorf("Dial = %v, want ErrHostKey", err)
	}
}

func TestPlainSSHKnowsTheBoxByItsPrintedLine(t *testing.T) {
	if _, err := exec.LookPath("ssh"); err != nil {
		t.Skip("NOT TESTED: there is no ssh here")
	}
	r := keyed(t, Boxes{Dir: filepath.Join(t.TempDir(), "with space")}, "shop")
	address := sshd(t, r)
	shell, err := patient(t, r, address)
	if err != nil {
		t.Fatal(err)
	}
	_ = shell.Close()
	// The box itself listens on 22; here it is another port, which known_hosts writes in brackets.
	_, port, _ := net.SplitHostPort(address)
	r.Address = "[127.0.0.1]:" + port
	if err := r.writeKnownHosts(); err != nil {
		t.Fatal(err)
	}
	r.Address = "127.0.0.1"
	out, err := exec.CommandContext(t.Context(), "sh", "-c", r.SSHLine()+" -F none -o BatchMode=yes -p "+port+" echo hello").CombinedOutput()
	if err != nil || !strings.HasSuffix(strings.TrimSpace(string(out)), "hello") {
		t.Errorf("%s: %s, %v", r.SSHLine(), out, err)
	}
}

func TestUserDataHoldsKeysAndGuardAndNoSecretOfTheMigration(t *testing.T) {
	r := keyed(t, Boxes{Dir: t.TempDir()}, "shop")
	data, err := r.userData()
	if err != nil {
		t.Fatal(err)
	}
	again, err := r.userData()
	if err != nil || !bytes.Equal(data, again) {
		t.Errorf("user-data differs the second time, %v", err)
	}
	text, ok := strings.CutPrefix(string(data), "#cloud-config\n")
	if !ok || len(data) > maxUserData {
		t.Fatalf("user-data of %d bytes begins %.40q", len(data), data)
	}
	var config struct {
		Authorized []string                         `json:"ssh_authorized_keys"`
		Host       map[string]string                `json:"ssh_keys"`
		Write      []struct{ Path, Content string } `json:"write_files"`
		Run        []string                         `json:"runcmd"`
	}
	if err := json.Unmarshal([]byte(text), &config); err != nil {
		t.Fatal(err)
	}
	host, err := ssh.ParsePrivateKey([]byte(config.Host["ed25519_private"]))
	if err != nil || authorized(host.PublicKey()) != config.Host["ed25519_public"] {
		t.Errorf("host key %v, %v", config.Host["ed25519_public"], err)
	}
	user, _, err := r.key(userKeyFile)
	if err != nil || !slices.Equal(config.Authorized, []string{authorized(user.PublicKey())}) {
		t.Errorf("authorized %v", config.Authorized)
	}
	files := map[string]string{}
	for _, f := range config.Write {
		raw, err := base64.StdEncoding.DecodeString(f.Content)
		if err != nil {
			t.Fatal(err)
		}
		files[f.Path] = string(raw)
	}
	if files[box.GuardDir+"/deadline"] != "1800000000\n" || files[box.GuardScriptPath] != box.GuardScript || !strings.Contains(files["/etc/systemd/system/changeover-guard.timer"], "OnBootSec") {
		t.Errorf("files %v", files)
	}
	if !slices.Contains(config.Run, "systemctl enable --now changeover-guard.timer") {
		t.Errorf("runcmd %v", config.Run)
	}
}

func TestTheWholeLaunchOverARealSSHServer(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("NOT TESTED: setting a box up becomes root by sudo, which tests must not")
	}
	w := newWorld(t, sim.Options{})
	r := w.launched()
	address := sshd(t, r)
	me, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	r.User = me.Username
	shell, err := patient(t, r, address)
	if err != nil {
		t.Fatal(err)
	}
	defer shell.Close()
	dir := t.TempDir()
	program := filepath.Join(dir, "changeover")
	if err := os.WriteFile(program, []byte("#!/bin/sh\necho it runs\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	at := Places{Program: filepath.Join(dir, "bin", "changeover"), Note: filepath.Join(dir, "lib", "launch.json")}
	if err := shell.SetUp(t.Context(), r, "", program, at); err != nil {
		t.Fatal(err)
	}
	if out, err := shell.Run(t.Context(), quote(at.Program), nil); err != nil || out != "it runs\n" {
		t.Errorf("the uploaded program says %q, %v", out, err)
	}
	note, ok, err := box.ReadNote(at.Note)
	want := box.Note{Instance: r.Instance, Run: r.Run, Disks: 1, DiskGB: 1875, CentsHour: 76}
	if err != nil || !ok || note != want {
		t.Errorf("note %+v, %v, want %+v", note, err, want)
	}
}
