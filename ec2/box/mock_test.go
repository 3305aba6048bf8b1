package box

import (
	"context"
	"net"
	"os"
	"os/exec"
	"strconv"
	"testing"
	"time"
)

// mock runs AWS's own mock of the metadata service, an independent judge of how we talk to it.
func mock(t *testing.T, args ...string) Metadata {
	t.Helper()
	program, err := exec.LookPath("ec2-metadata-mock")
	if err != nil {
		t.Skip("NOT TESTED: ec2-metadata-mock is not on PATH; go install github.com/aws/amazon-ec2-metadata-mock/cmd/ec2-metadata-mock@v1.13.0")
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := l.Addr().(*net.TCPAddr).Port
	_ = l.Close()
	// It listens everywhere unless told otherwise, and refuses version 1 when told to.
	cmd := exec.Command(program, append(args, "-n", "127.0.0.1", "-p", strconv.Itoa(port), "-I")...)
	cmd.Dir, cmd.Env = t.TempDir(), []string{"HOME=" + t.TempDir(), "PATH=" + os.Getenv("PATH")}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	m := NewMetadata("http://127.0.0.1:" + strconv.Itoa(port))
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for {
		if _, err := m.Identity(ctx); err == nil {
			return m
		}
		select {
		case <-ctx.Done():
			t.Fatal("ec2-metadata-mock does not answer")
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// notice waits until AWS announces something.
func notice(t *testing.T, m Metadata) Notice {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	heard := make(chan Notice, 10)
	done := make(chan struct{})
	go func() {
		defer close(done)
		m.Watch(ctx, 20*time.Millisecond, func(n Notice) { heard <- n }, nil)
	}()
	defer func() { cancel(); <-done }()
	select {
	case n := <-heard:
		return n
	case <-ctx.Done():
		t.Fatal("heard nothing")
		return Notice{}
	}
}

func TestAWSsOwnMockIsUnderstood(t *testing.T) {
	m := mock(t, "spot", "-a", "terminate", "-d", "0")
	id, err := m.Identity(t.Context())
	if err != nil || id.Instance == "" || id.Region == "" || id.Type != "m4.xlarge" || id.Run != "" {
		t.Errorf("identity %+v, %v", id, err)
	}
	if n := notice(t, m); n.What != "spot terminate" || n.At.IsZero() {
		t.Errorf("notice %+v", n)
	}
}

func TestScheduledEventsOfAWSsOwnMockAreUnderstood(t *testing.T) {
	m := mock(t, "events", "--code", "instance-retirement", "--state", "active")
	if n := notice(t, m); n.What != "instance-retirement" || n.At.IsZero() || n.About == "" {
		t.Errorf("notice %+v", n)
	}
}
