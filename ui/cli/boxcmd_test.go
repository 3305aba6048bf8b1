package cli_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"

	ec2sim "changeover/ec2/sim"
	"changeover/ui/cli/internal/sandbox"
)

// simulatedEC2 runs `changeover sim ec2` and returns its address.
func simulatedEC2(t *testing.T, s *sandbox.Sandbox) string {
	t.Helper()
	cmd := s.Command("sim", "ec2")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGINT)
		_ = cmd.Wait()
	})
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if _, url, ok := strings.Cut(lines.Text(), "export AWS_ENDPOINT_URL="); ok {
			return url
		}
	}
	t.Fatal("sim ec2 does not say its address")
	return ""
}

func TestABoxIsLaunchedListedAndEnded(t *testing.T) {
	t.Parallel()
	s := sandbox.New(t)
	at := []string{"--endpoint-url", simulatedEC2(t, s)}
	run := func(want int, says string, args ...string) string {
		t.Helper()
		r := s.Run(append(args, at...)...)
		if r.Code != want || !regexp.MustCompile(`(?s)`+says).MatchString(r.Out+r.Err) {
			t.Fatalf("want exit code %d and %q:\n%v", want, says, r)
		}
		return r.Out
	}
	up := []string{"box", "up", "--region", "eu-west-1", "--size", "100GB", "--name", "shop"}
	run(0, `i7i\.2xlarge.*\$0\.8305/h.*Nothing was made.*ec2:RunInstances`, append(up, "--dry-run")...)
	run(0, `nothing of ours runs`, "box", "list")
	run(3, `Launch box shop.*--yes`, up...)
	run(0, `nothing of ours runs`, "box", "list")
	run(0, `ssh -i .*ubuntu@127\.0\.0\.1`, append(up, "--yes")...)
	run(1, `shop is up already`, append(up, "--yes")...)
	run(0, `eu-west-1 .*i7i\.2xlarge.*running.*\$0\.84/h`, "box", "list")
	run(0, `nothing is left over`, "box", "sweep")
	run(3, `End box shop.*--yes`, "box", "down", "shop")
	run(0, `shop has ended`, "box", "down", "shop", "--yes")
	run(0, `nothing of ours runs`, "box", "list")
	run(1, `no such box: shop`, "box", "down", "shop", "--yes")
	run(0, `ubuntu@`, append(up, "--yes")...)
	run(0, `box i-.* is gone`, "box", "sweep", "--all", "--yes")
	run(0, `shop \(i-.*\) has ended; tidy up with`, "box", "list")
	run(0, `ubuntu@`, append(up, "--yes")...) // one that ended is tidied away by the next
}

func TestALauncherThatIsKilledWhileAWSWorksMakesOneBoxNotTwo(t *testing.T) {
	t.Parallel()
	s := sandbox.New(t)
	var server *ec2sim.Server
	var launcher *exec.Cmd
	started := make(chan struct{})
	var once sync.Once
	// A call is logged when it has been carried out and before it is answered.
	log := func(format string, args ...any) {
		if !strings.Contains(fmt.Sprintf(format, args...), "RunInstances") {
			return
		}
		<-started
		if len(server.Instances()) > 0 { // the one before is a dry run
			once.Do(func() { _ = launcher.Process.Kill() })
		}
	}
	made, err := ec2sim.Start(ec2sim.Options{Log: log})
	if err != nil {
		t.Fatal(err)
	}
	server = made
	t.Cleanup(func() {
		if err := made.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	up := []string{"box", "up", "--region", "us-east-1", "--size", "100GB", "--name", "shop", "--yes", "--endpoint-url", made.URL()}
	launcher = s.Command(up...)
	var out bytes.Buffer
	launcher.Stdout, launcher.Stderr = &out, &out
	if err := launcher.Start(); err != nil {
		t.Fatal(err)
	}
	close(started)
	if err := launcher.Wait(); err == nil || launcher.ProcessState.Exited() {
		t.Fatalf("the launcher was not killed: %v\n%s", err, out.String())
	}
	if out := s.Must(up...); !strings.Contains(out, "ubuntu@127.0.0.1") {
		t.Errorf("the second box up does not say how to get in:\n%s", out)
	}
	if all := server.Instances(); len(all) != 1 || all[0].State != ec2sim.Running {
		t.Errorf("instances %+v, want one", all)
	}
}

func TestBoxCommandsThatCannotWorkSayWhy(t *testing.T) {
	t.Parallel()
	for name, r := range map[string]refusal{
		"no region":           {args: []string{"box", "up"}, code: 2, says: `give --app NAME, or --region and --size`},
		"no size":             {args: []string{"box", "up", "--region", "us-east-1", "--size", "big"}, code: 2, says: `--size big is not a size`},
		"an architecture":     {args: []string{"box", "up", "--region", "us-east-1", "--size", "1GB", "--arch", "vax"}, code: 2, says: `vax is neither`},
		"too short":           {args: []string{"box", "up", "--region", "us-east-1", "--size", "1GB", "--lifetime", "5m"}, code: 2, says: `too short`},
		"a remote simulator":  {args: []string{"box", "list", "--endpoint-url", "http://192.0.2.1:1"}, code: 1, says: `not on this machine`},
		"a public simulator":  {args: []string{"sim", "ec2", "--listen", "0.0.0.0:0"}, code: 1, says: `loopback only`},
		"not on a box":        {args: []string{"box", "keep", "--guard-dir", "/nonexistent"}, code: 1, says: `not a box that`},
		"a box nobody knows":  {args: []string{"box", "fetch", "nosuch"}, code: 1, says: `no such box: nosuch; see .changeover box list`},
		"hours without sense": {args: []string{"box", "keep", "--hours", "-1"}, code: 2, says: `not between`},
	} {
		t.Run(name, func(t *testing.T) {
			s := sandbox.New(t)
			got := s.Run(r.args...)
			if line := strings.TrimSpace(got.Err); got.Code != r.code || !regexp.MustCompile(r.says).MatchString(line) || strings.Contains(line, "\n") {
				t.Errorf("want exit code %d and one line with %q:\n%v", r.code, r.says, got)
			}
		})
	}
}

func TestABoxIsKeptLonger(t *testing.T) {
	t.Parallel()
	s := sandbox.New(t)
	dir := t.TempDir()
	s.Must("box", "keep", "--hours", "2", "--guard-dir", dir)
	if raw, err := os.ReadFile(dir + "/deadline"); err != nil || !regexp.MustCompile(`^\d{10,}\n$`).Match(raw) {
		t.Errorf("deadline %q, %v", raw, err)
	}
}
