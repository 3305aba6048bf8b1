package session

import (
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func modeOf(t *testing.T, path string) fs.FileMode {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info.Mode()
}

func TestSocketIsPrivateAndGoesWithItsServer(t *testing.T) {
	dir := shortDir(t)
	s := serving(t, dir, newFakeEngine(), nil)
	if mode := modeOf(t, s.Socket()); mode != fs.ModeSocket|0o600 {
		t.Errorf("socket has mode %v", mode)
	}
	closed(t, s)
	if exists(dir, socketName) {
		t.Error("the socket was left behind")
	}
}

func TestStaleSocketIsReplaced(t *testing.T) {
	dir := shortDir(t)
	deadSocket(t, dir)
	serving(t, dir, newFakeEngine(), nil)
	if _, err := opened(t, dir, "ana").View(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestLivingSocketIsLeftAlone(t *testing.T) {
	dir, e := shortDir(t), newFakeEngine()
	serving(t, dir, e, nil)
	_, err := Serve(Options{Dir: dir, Engine: e, Subscribe: Subscriber(e.Subscribe)})
	want(t, err, ErrListening)
	if _, err := opened(t, dir, "ana").View(t.Context()); err != nil {
		t.Errorf("the first engine cannot be reached any more: %v", err)
	}
}

func TestSomethingElseInTheWayIsNotRemoved(t *testing.T) {
	dir, e := shortDir(t), newFakeEngine()
	path := filepath.Join(dir, socketName)
	if err := os.WriteFile(path, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := Serve(Options{Dir: dir, Engine: e, Subscribe: Subscriber(e.Subscribe)})
	if err == nil || !strings.Contains(err.Error(), "is in the way") {
		t.Errorf("got %v", err)
	}
	if raw, _ := os.ReadFile(path); string(raw) != "precious" {
		t.Error("the file is gone")
	}
}

// longDir is a run directory whose own path is too long for a socket.
func longDir(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(shortDir(t), strings.Repeat("long", 20), strings.Repeat("er", 20))
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestLongPathsFallBackToAShortDirectory(t *testing.T) {
	dir, tmp := longDir(t), shortDir(t)
	s := serving(t, dir, newFakeEngine(), func(o *Options) { o.tmp = tmp })
	short := filepath.Dir(s.Socket())
	if filepath.Dir(short) != tmp || modeOf(t, short).Perm() != 0o700 {
		t.Errorf("socket is %s in a directory of mode %v", s.Socket(), modeOf(t, short))
	}
	c := opened(t, dir, "ana")
	if _, err := c.View(t.Context()); err != nil {
		t.Error(err)
	}
	closed(t, s)
	if exists(dir, socketName) || exists(short) {
		t.Error("pointer or short directory were left behind")
	}
	_, err := c.View(t.Context())
	want(t, err, ErrNoEngine)
	serving(t, dir, newFakeEngine(), func(o *Options) { o.tmp = tmp })
	if _, err := c.View(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestDeadEngineWithALongPathIsReplaced(t *testing.T) {
	dir, tmp := longDir(t), shortDir(t)
	path, _, err := placeSocket(dir, tmp)
	if err != nil {
		t.Fatal(err)
	}
	deadSocket(t, filepath.Dir(path))
	c := opened(t, dir, "ana")
	_, err = c.View(t.Context())
	want(t, err, ErrRefused)
	serving(t, dir, newFakeEngine(), func(o *Options) { o.tmp = tmp })
	if _, err := c.View(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestShortDirectoryOfSomebodyElseIsNotUsed(t *testing.T) {
	dir, tmp := longDir(t), shortDir(t)
	first, _, err := placeSocket(dir, tmp)
	if err != nil {
		t.Fatal(err)
	}
	squat := filepath.Dir(first)
	cases := map[string]func(){
		"open to others": func() { os.Mkdir(squat, 0o700); os.Chmod(squat, 0o777) },
		"a link":         func() { os.Symlink(shortDir(t), squat) },
		"a file":         func() { os.WriteFile(squat, nil, 0o600) },
	}
	if os.Geteuid() == 0 { // only root can make directories for others
		cases["another uid's"] = func() { os.Mkdir(squat, 0o700); os.Chown(squat, 4711, 4711) }
	}
	for name, prepare := range cases {
		t.Run(name, func(t *testing.T) {
			if err := os.RemoveAll(squat); err != nil {
				t.Fatal(err)
			}
			prepare()
			path, made, err := placeSocket(dir, tmp)
			if err != nil || path == first || made == squat {
				t.Errorf("placed at %s, %v", path, err)
			}
			// A client that is pointed there all the same refuses to talk.
			if err := pointTo(filepath.Join(dir, socketName), first); err != nil {
				t.Fatal(err)
			}
			if _, err := findSocket(dir); err == nil || errors.Is(err, ErrNoEngine) {
				t.Errorf("trusted: %v", err)
			}
		})
	}
}

func TestTheKernelSaysWhoIsThere(t *testing.T) {
	dir := shortDir(t)
	l, err := listenPrivate(filepath.Join(dir, "s"))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	conn, err := net.Dial("unix", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	other, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	if got, want := lookAtPeer(other), (peer{uid: os.Geteuid(), pid: os.Getpid(), known: true}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	for p, want := range map[peer]bool{
		{uid: 0, known: true}: true, {uid: os.Geteuid(), known: true}: true, {uid: 4711, known: true}: false, {uid: 0}: false, {uid: -1}: false,
	} {
		if got := p.mayWrite(); got != want {
			t.Errorf("%+v may write: %v, want %v", p, got, want)
		}
	}
}
