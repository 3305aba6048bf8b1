package sim_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"changeover/ec2/sim"
)

func start(t *testing.T, o sim.Options) *sim.Server {
	t.Helper()
	server, err := sim.Start(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := server.Close(ctx); err != nil {
			t.Error(err)
		}
	})
	return server
}

// cli is the official AWS command line, pointed at a simulator.
type cli struct {
	*testing.T
	program, url string
}

func newCLI(t *testing.T, server *sim.Server) cli {
	t.Helper()
	for _, program := range []string{"/usr/bin/aws", "aws"} {
		if path, err := exec.LookPath(program); err == nil {
			return cli{t, path, server.URL()}
		}
	}
	t.Skip("NOT TESTED: the AWS command line is not installed; it is Debian's package awscli")
	return cli{}
}

// run returns what the command line prints; code is AWS's name of the error it met.
func (c cli) run(args ...string) (out map[string]any, code string) {
	c.Helper()
	cmd := exec.CommandContext(c.Context(), c.program, append([]string{"--endpoint-url", c.url, "--region", "us-east-1", "--output", "json"}, args...)...)
	cmd.Env = []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + c.TempDir(), "AWS_ACCESS_KEY_ID=SIMULATED", "AWS_SECRET_ACCESS_KEY=simulated", "AWS_PAGER=",
		"AWS_EC2_METADATA_DISABLED=true", "AWS_MAX_ATTEMPTS=1", "PYENV_VERSION=" + os.Getenv("PYENV_VERSION"), "PYENV_ROOT=" + os.Getenv("PYENV_ROOT"),
	}
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		_, rest, ok := strings.Cut(stderr.String(), "An error occurred (")
		code, _, _ = strings.Cut(rest, ")")
		if !ok {
			c.Fatalf("aws %s: %v: %s", strings.Join(args, " "), err, stderr.String())
		}
		return nil, code
	}
	if err != nil {
		c.Fatal(err)
	}
	if stdout.Len() > 0 {
		if err := json.Unmarshal(stdout.Bytes(), &out); err != nil {
			c.Fatalf("aws %s printed %s: %v", strings.Join(args, " "), stdout.String(), err)
		}
	}
	return out, ""
}

func (c cli) must(args ...string) map[string]any {
	c.Helper()
	out, code := c.run(args...)
	if code != "" {
		c.Fatalf("aws %s: %s", strings.Join(args, " "), code)
	}
	return out
}

// at walks into an answer: strings are keys, numbers are places in a list.
func at(v any, path ...any) any {
	for _, p := range path {
		switch p := p.(type) {
		case string:
			m, _ := v.(map[string]any)
			v = m[p]
		case int:
			l, _ := v.([]any)
			if p >= len(l) {
				return nil
			}
			v = l[p]
		}
	}
	return v
}

func (c cli) want(v any, want any, path ...any) {
	c.Helper()
	if got := at(v, path...); got != want {
		c.Errorf("%v is %v, want %v, in %v", path, got, want, v)
	}
}

func TestTheOfficialCommandLineLaunchesFindsAndEndsABox(t *testing.T) {
	t.Parallel()
	server := start(t, sim.Options{Unseen: -1, Pending: 1, ShuttingDown: 1})
	aws := newCLI(t, server)

	aws.want(aws.must("sts", "get-caller-identity"), "123456789012", "Account")
	image := at(aws.must("ssm", "get-parameter", "--name", "/aws/service/canonical/ubuntu/server/24.04/stable/current/amd64/hvm/ebs-gp3/ami-id"), "Parameter", "Value").(string)
	aws.want(aws.must("ec2", "describe-images", "--image-ids", image), "/dev/sda1", "Images", 0, "RootDeviceName")
	types := aws.must("ec2", "describe-instance-types", "--filters", "Name=instance-storage-supported,Values=true", "Name=processor-info.supported-architecture,Values=arm64")
	aws.want(types, "i4g.2xlarge", "InstanceTypes", 0, "InstanceType")
	aws.want(types, float64(1875), "InstanceTypes", 0, "InstanceStorageInfo", "TotalSizeInGB")

	group := at(aws.must("ec2", "create-security-group", "--group-name", "box", "--description", "SSH"), "GroupId").(string)
	aws.must("ec2", "authorize-security-group-ingress", "--group-id", group, "--protocol", "tcp", "--port", "22", "--cidr", "203.0.113.7/32")
	launch := []string{
		"ec2", "run-instances", "--image-id", image, "--instance-type", "i7i.2xlarge", "--security-group-ids", group, "--client-token", "once",
		"--instance-initiated-shutdown-behavior", "terminate", "--metadata-options", "HttpTokens=required", "--user-data", "hello",
		"--tag-specifications", "ResourceType=instance,Tags=[{Key=changeover-run,Value=shop-1}]",
	}
	if _, code := aws.run(append(launch, "--dry-run")...); code != "DryRunOperation" {
		t.Errorf("a dry run says %q", code)
	}
	id := at(aws.must(launch...), "Instances", 0, "InstanceId").(string)
	aws.want(aws.must(launch...), id, "Instances", 0, "InstanceId")
	if _, code := aws.run(append(launch, "--instance-type", "i4i.2xlarge")...); code != "IdempotentParameterMismatch" {
		t.Errorf("the token for another machine: %q", code)
	}
	if made := server.Instances(); len(made) != 1 || string(made[0].UserData) != "hello" || !made[0].RequiresTokens {
		t.Fatalf("made %+v", made)
	}
	find := []string{"ec2", "describe-instances", "--filters", "Name=tag:changeover-run,Values=shop-1"}
	aws.want(aws.must(find...), "pending", "Reservations", 0, "Instances", 0, "State", "Name")
	aws.want(aws.must(find...), "running", "Reservations", 0, "Instances", 0, "State", "Name")
	attribute := aws.must("ec2", "describe-instance-attribute", "--instance-id", id, "--attribute", "instanceInitiatedShutdownBehavior")
	aws.want(attribute, "terminate", "InstanceInitiatedShutdownBehavior", "Value")
	aws.must("ec2", "terminate-instances", "--instance-ids", id)
	if _, code := aws.run("ec2", "delete-security-group", "--group-id", group); code != "DependencyViolation" {
		t.Errorf("deleting the group of a live box: %q", code)
	}
	aws.must(find...)
	aws.want(aws.must(find...), "terminated", "Reservations", 0, "Instances", 0, "State", "Name")
	aws.must("ec2", "delete-security-group", "--group-id", group)
	if _, code := aws.run(launch...); code != "InvalidGroup.NotFound" && code != "IdempotentInstanceTerminated" {
		t.Errorf("the token of a terminated box: %q", code)
	}
}

func TestTheOfficialCommandLineMeetsWhatGoesWrong(t *testing.T) {
	t.Parallel()
	server := start(t, sim.Options{Quota: 8})
	aws := newCLI(t, server)
	launch := []string{"ec2", "run-instances", "--image-id", "ami-0debian13amd64", "--instance-type"}
	server.NoCapacity("i7i.2xlarge", "")
	for kind, want := range map[string]string{
		"i7i.2xlarge": "InsufficientInstanceCapacity", "i7i.4xlarge": "VcpuLimitExceeded", "i8g.2xlarge": "InvalidParameterValue",
	} {
		if _, code := aws.run(append(launch, kind)...); code != want {
			t.Errorf("%s: %q, want %s", kind, code, want)
		}
	}
	id := at(aws.must(append(launch, "t3.micro")...), "Instances", 0, "InstanceId").(string)
	describe := []string{"ec2", "describe-instances", "--instance-ids", id}
	if _, code := aws.run(describe...); code != "InvalidInstanceID.NotFound" {
		t.Errorf("right after the launch: %q", code)
	}
	aws.must(describe...)
	aws.must(describe...)
	aws.want(aws.must(describe...), "running", "Reservations", 0, "Instances", 0, "State", "Name")
	// Launched without the choice, powering off only stops it.
	if err := server.PowerOff(id); err != nil {
		t.Fatal(err)
	}
	aws.must(describe...)
	aws.want(aws.must(describe...), "stopped", "Reservations", 0, "Instances", 0, "State", "Name")
	server.Deny("TerminateInstances")
	if _, code := aws.run("ec2", "terminate-instances", "--instance-ids", id); code != "UnauthorizedOperation" {
		t.Errorf("without permission: %q", code)
	}
}
