// Package awsmock runs AWS's own mock of the metadata service for tests: an independent judge of how we talk to it.
package awsmock

import (
	"context"
	"net"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"testing"
	"time"
)

// Env names the variable that names the mock; .ci/ec2-metadata-mock builds one.
const Env = "CHANGEOVER_EC2_MOCK"

// patience bounds the start of the mock.
const patience = 90 * time.Second

// Start runs the mock with arguments of its own, such as "spot", until the test ends, and returns its address once it
// answers. Without the mock the test is skipped.
func Start(t testing.TB, args ...string) (endpoint string) {
	t.Helper()
	program := os.Getenv(Env)
	if program == "" {
		t.Skip("NOT TESTED: " + Env + " names no ec2-metadata-mock; .ci/ec2-metadata-mock builds one")
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	// It cannot choose a free port by itself, and the one that was free may be taken meanwhile.
	for ctx.Err() == nil {
		if endpoint, ok := try(ctx, t, program, args); ok {
			return endpoint
		}
	}
	t.Fatal("ec2-metadata-mock does not answer")
	return ""
}

// try starts the mock on a port that is free now; ok is false when it ended.
func try(ctx context.Context, t testing.TB, program string, args []string) (endpoint string, ok bool) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := strconv.Itoa(l.Addr().(*net.TCPAddr).Port)
	_ = l.Close()
	// It listens everywhere unless told otherwise, and refuses version 1 when told to.
	cmd := exec.Command(program, append(slices.Clone(args), "-n", "127.0.0.1", "-p", port, "-I")...)
	cmd.Dir, cmd.Env = t.TempDir(), []string{"HOME=" + t.TempDir(), "PATH=" + os.Getenv("PATH")}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = cmd.Wait()
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // it may have ended
		<-ended
	})
	endpoint = "http://127.0.0.1:" + port
	for {
		select {
		case <-ended:
			return "", false
		case <-ctx.Done():
			return "", false
		case <-time.After(20 * time.Millisecond):
		}
		if answers(ctx, endpoint) {
			return endpoint, true
		}
	}
}

// answers says whether the service hands out the token that everything else needs.
func answers(ctx context.Context, endpoint string) bool {
	request, err := http.NewRequestWithContext(ctx, http.MethodPut, endpoint+"/latest/api/token", http.NoBody)
	if err != nil {
		return false
	}
	request.Header.Set("X-aws-ec2-metadata-token-ttl-seconds", "60")
	reply, err := http.DefaultClient.Do(request)
	if err != nil {
		return false
	}
	_ = reply.Body.Close()
	return reply.StatusCode == http.StatusOK
}
