package cli_test

import (
	"context"
	"regexp"
	"strings"
	"testing"

	"changeover/heroku/sim"
	"changeover/ui/cli/internal/sandbox"
)

// herokuOf is an account with app shop, whose database of 8 MB is on a plan and in a region, and no server behind it.
func herokuOf(t *testing.T, s *sandbox.Sandbox, plan, region string) *sim.Server {
	t.Helper()
	server, err := sim.Start(t.Context(), sim.Options{Paper: true, Plan: plan, Region: region})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Close(context.Background()); err != nil {
			t.Errorf("closing the simulator: %v", err)
		}
	})
	s.Setenv("HEROKU_API_KEY", server.Token())
	return server
}

func TestABoxGoesWhereTheDatabaseOfTheAppIs(t *testing.T) {
	t.Parallel()
	s := sandbox.New(t)
	aws := simulatedEC2(t, s)
	for _, c := range []struct {
		name, plan, region string
		args               []string
		code               int
		// says and lacks are patterns of what is printed.
		says, lacks string
	}{
		{
			name: "Common Runtime", plan: "standard-4", region: "eu", args: []string{"--app", "shop", "--dry-run"},
			says: `region +eu-west-1.*i7i\.2xlarge.*Nothing was made.*ec2:RunInstances`, lacks: `mutual TLS`,
		},
		{
			name: "another region on purpose", plan: "standard-4", region: "eu", args: []string{"--app", "shop", "--region", "us-west-2", "--dry-run"},
			says: `region +us-west-2`,
		},
		{
			name: "more room on purpose", plan: "standard-4", region: "us", args: []string{"--app", "shop", "--size", "4TB", "--dry-run"},
			says: `region +us-east-1.*i7ie\.3xlarge`, lacks: `i7i\.2xlarge`,
		},
		{
			name: "a database by its attachment", plan: "premium-4", region: "us", args: []string{"--app", "shop", "--database", "DATABASE", "--dry-run"},
			says: `region +us-east-1`, lacks: `mutual TLS`,
		},
		{
			name: "in a Private Space", plan: "private-4", region: "frankfurt", args: []string{"--app", "shop", "--dry-run"},
			says: `region +eu-central-1.*note.*\(private-4\) is in Private Space shop-space.*mutual TLS.*PrivateLink from a VPC of yours in eu-central-1.*Nothing was made`,
		},
		{
			name: "in a Shield Space", plan: "shield-4", region: "virginia", args: []string{"--app", "shop", "--yes"},
			says: `\(shield-4\) is in Private Space shop-space.*ubuntu@127\.0\.0\.1.*data:mtls:ip-rules:create \S+ -a shop --cidr 127\.0\.0\.1/32`,
		},
		{name: "no such app", plan: "standard-4", region: "us", args: []string{"--app", "nosuch", "--dry-run"}, code: 1, says: `^changeover: looking for app nosuch: [^\n]*\n$`},
		{
			name: "no such database", plan: "standard-4", region: "us", args: []string{"--app", "shop", "--database", "CRIMSON", "--dry-run"}, code: 1,
			says: `^changeover: shop has no database CRIMSON; name its attachment with --database\n$`,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			heroku := herokuOf(t, s, c.plan, c.region)
			args := []string{"box", "up", "--endpoint-url", aws, "--platform-url", heroku.URL(), "--data-url", heroku.URL()}
			r := s.Run(append(args, c.args...)...)
			text := r.Out + r.Err
			if r.Code != c.code || !regexp.MustCompile(`(?s)`+c.says).MatchString(text) {
				t.Errorf("want exit code %d and %q:\n%v", c.code, c.says, r)
			}
			if c.lacks != "" && regexp.MustCompile(c.lacks).MatchString(text) {
				t.Errorf("it says %q:\n%v", c.lacks, r)
			}
			if strings.Contains(text, heroku.Token()) {
				t.Errorf("the token is printed:\n%v", r)
			}
		})
	}
}

func TestWithoutAHerokuTokenABoxSaysHowToLogIn(t *testing.T) {
	t.Parallel()
	s := sandbox.New(t)
	r := s.Run("box", "up", "--app", "shop", "--dry-run")
	if line := strings.TrimSpace(r.Err); r.Code != 1 || !strings.Contains(line, "heroku login") || strings.Contains(line, "\n") || r.Out != "" {
		t.Errorf("want one line that says how to log in:\n%v", r)
	}
}
