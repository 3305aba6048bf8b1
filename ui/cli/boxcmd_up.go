package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/spf13/cobra"

	"changeover/ec2"
	"changeover/heroku"
)

// boxUp is what `changeover box up` was asked for.
type boxUp struct {
	awsFlags
	ec2.Request
	app, database        string
	platformURL, dataURL string
	name, size, program  string
	dryRun, yes          bool
	// upload puts the program on a simulated box, too: an SSH server of the caller's stands in for it.
	upload bool

	// inSpace is the database when it is in a Private Space; nil when any machine can reach it.
	inSpace *spaceDatabase
}

func (a *app) boxUpCommand() *cobra.Command {
	var u boxUp
	cmd := &cobra.Command{
		Use: "up", Short: "Launch the box, near the database, and put this program on it", Args: usageArgs(cobra.NoArgs),
		Long: `Launch the machine that does the work: in the database's AWS region, with a local disk that is large enough.
The plan and its price are shown before anything is made. --dry-run shows them, and the IAM policy that is needed, and
makes nothing. When it was interrupted, run it again: it goes on with the same machine, never a second one.

The box ends itself at its deadline or when it idles, but never while a run is in progress.`,
		Example: "changeover box up --app shop\nchangeover box up --region eu-west-1 --size 300GB --hours 24",
		RunE:    func(cmd *cobra.Command, _ []string) error { return a.boxUp(cmd.Context(), u) },
	}
	u.add(cmd, "AWS region (default: the one of the app's database)")
	f := cmd.Flags()
	f.StringVar(&u.app, "app", "", "Heroku app whose database moves; says region and size")
	f.StringVar(&u.database, "database", "DATABASE", "attachment, when it is not DATABASE")
	f.StringVar(&u.size, "size", "", "how much must fit onto the disk (default: the size of the database)")
	f.StringVar(&u.name, "name", "", "name of the box (default: the app's name, or \"box\")")
	f.StringVar(&u.Arch, "arch", "amd64", "amd64 or arm64")
	f.StringVar(&u.Image, "image", "ubuntu", "ubuntu, debian or amazon")
	f.StringVar(&u.Type, "type", "", "instance type (default: chosen)")
	f.StringVar(&u.Subnet, "subnet", "", "public subnet, where the account has no default VPC")
	f.StringVar(&u.SSH, "ssh-cidr", "", "who may connect (default: this machine's public address)")
	f.DurationVar(&u.Lifetime, "lifetime", 12*time.Hour, "after what time the box ends itself, unless a run is in progress")
	f.StringVar(&u.program, "program", "", "the Linux build of changeover to upload (default: this one, or dist/ beside it)")
	f.BoolVar(&u.dryRun, "dry-run", false, "show plan, price and IAM policy; make nothing")
	f.BoolVar(&u.yes, "yes", false, "do not ask")
	f.BoolVar(&u.upload, "upload", false, "with --endpoint-url: put the program on the box, for which an SSH server at its address stands")
	if err := f.MarkHidden("upload"); err != nil {
		panic(err)
	}
	f.StringVar(&u.platformURL, "platform-url", heroku.DefaultPlatformURL, "Heroku's Platform API, or a simulator's")
	f.StringVar(&u.dataURL, "data-url", heroku.DefaultDataURL, "Heroku's data API, or a simulator's")
	return cmd
}

func (a *app) boxUp(ctx context.Context, u boxUp) error {
	if err := u.complete(ctx); err != nil {
		return err
	}
	all, err := boxes()
	if err != nil {
		return err
	}
	record, err := all.Open(u.name)
	if err != nil && !errors.Is(err, ec2.ErrNoBox) {
		return err
	}
	if record != nil && !u.dryRun {
		if record, err = u.again(ctx, record); err != nil {
			return err
		}
	}
	program := ""
	if (u.endpoint == "" || u.upload) && !u.dryRun {
		// Before anything is paid for.
		if program, err = u.findProgram(); err != nil {
			return err
		}
	}
	cloud, err := u.connect(ctx)
	if err != nil {
		return err
	}
	plan, err := cloud.MakePlan(ctx, u.Request)
	if u.dryRun && errors.Is(err, ec2.ErrPermission) {
		fmt.Fprintf(a.out, "The IAM policy that is needed:\n%s", ec2.Policy)
	}
	if err != nil {
		return err
	}
	if u.inSpace != nil {
		plan.Notes = append(plan.Notes, u.inSpace.notes(plan.Region)...)
	}
	fmt.Fprint(a.out, plan)
	if u.dryRun {
		fmt.Fprintf(a.out, "\nNothing was made. AWS would allow it. The IAM policy that is needed:\n%s", ec2.Policy)
		return nil
	}
	if record == nil {
		if err := a.yes(u.yes, fmt.Sprintf("Launch box %s?", u.name), fmt.Sprintf("It costs $%.3f per hour until it ends.", plan.Cost(0))); err != nil {
			return err
		}
		if record, err = u.begin(all, plan); err != nil {
			return err
		}
	}
	if err := a.bringUp(ctx, cloud, record, plan, program); err != nil || u.inSpace == nil {
		return err
	}
	fmt.Fprint(a.out, u.inSpace.letIn(record.Address))
	return nil
}

// again looks at a box of the same name: one that runs is in the way, one that has ended is tidied away, and one that
// was interrupted is gone on with.
func (u *boxUp) again(ctx context.Context, record *ec2.Record) (*ec2.Record, error) {
	u.region, u.SSH = record.Region, record.SSH
	if record.Instance == "" {
		return record, nil
	}
	cloud, err := u.connect(ctx)
	if err != nil {
		return nil, err
	}
	ended, err := cloud.Ended(ctx, record.Instance)
	switch {
	case err != nil:
		return nil, err
	case ended:
		if err := cloud.Down(ctx, record); err != nil {
			return nil, err
		}
		return nil, record.Forget()
	case record.Ready:
		return nil, fmt.Errorf("box %s is up already: %s", record.Name, record.SSHLine())
	default:
		return record, nil
	}
}

// begin writes the record of a new box.
func (u boxUp) begin(all ec2.Boxes, plan ec2.Plan) (*ec2.Record, error) {
	token4, err := newToken4()
	if err != nil {
		return nil, err
	}
	owner := "unknown"
	if _, after, ok := strings.Cut(plan.Who, "/"); ok {
		owner = after
	}
	now := time.Now().UTC().Truncate(time.Second)
	return all.Create(ec2.Record{
		Name: u.name, Run: u.name + "-" + token4, Region: plan.Region, Owner: owner, Created: now, Deadline: now.Add(u.Lifetime),
		SSH: plan.SSH, User: plan.Image.User,
	})
}

// bringUp launches the box, or goes on with it, and sets it up.
func (a *app) bringUp(ctx context.Context, cloud *ec2.Cloud, r *ec2.Record, plan ec2.Plan, program string) error {
	say := func(format string, args ...any) { fmt.Fprintf(a.err, format+"\n", args...) }
	if err := cloud.Launch(ctx, r, plan, say); err != nil {
		return err
	}
	if program != "" {
		volume, err := cloud.Volume(ctx, r)
		if err != nil {
			return err
		}
		say("%s runs at %s; waiting until it lets us in", r.Instance, r.Address)
		shell, err := cloud.DialWhenUp(ctx, r, net.JoinHostPort(r.Address, "22"))
		if err != nil {
			return err
		}
		defer shell.Close()
		say("setting it up")
		if err := shell.SetUp(ctx, r, volume, program, ec2.OnBox); err != nil {
			return err
		}
	}
	if err := r.SetReady(); err != nil {
		return err
	}
	fmt.Fprintln(a.out, r.SSHLine())
	return nil
}

// complete fills in what was not said: from Heroku, and from where we are.
func (u *boxUp) complete(ctx context.Context) error {
	if u.app != "" {
		if err := u.askHeroku(ctx); err != nil {
			return err
		}
	}
	if u.size != "" {
		size, err := humanize.ParseBytes(u.size)
		if err != nil {
			return usageError{fmt.Errorf("--size %s is not a size; write 300GB", u.size)}
		}
		u.Bytes = int64(size)
	}
	if u.name == "" {
		if u.name = u.app; u.name == "" {
			u.name = "box"
		}
	}
	switch {
	case u.region == "" || u.Bytes == 0:
		return usageError{errors.New("give --app NAME, or --region and --size")}
	case u.Arch != "amd64" && u.Arch != "arm64":
		return usageError{fmt.Errorf("--arch %s is neither amd64 nor arm64", u.Arch)}
	case u.Lifetime < time.Hour:
		return usageError{fmt.Errorf("--lifetime %s is too short for anything; give an hour at least", u.Lifetime)}
	}
	if u.SSH == "" {
		if u.SSH = "127.0.0.1/32"; u.endpoint == "" {
			address, err := publicAddress(ctx)
			if err != nil {
				return err
			}
			u.SSH = address + "/32"
		}
	}
	return nil
}

// findProgram finds a build of this program that runs on the box.
func (u boxUp) findProgram() (string, error) {
	exe, err := os.Executable()
	if err != nil {
		return "", fmt.Errorf("looking for this program: %w", err)
	}
	built := "changeover-linux-" + u.Arch
	candidates := []string{filepath.Join(filepath.Dir(exe), built), filepath.Join(filepath.Dir(exe), "dist", built), filepath.Join("dist", built)}
	if runtime.GOOS == "linux" && runtime.GOARCH == u.Arch {
		candidates = append([]string{exe}, candidates...)
	}
	if u.program != "" {
		candidates = []string{u.program}
	}
	for _, path := range candidates {
		if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() {
			return path, nil
		}
	}
	return "", fmt.Errorf("there is no build of changeover for Linux on %s; make one with `make dist`, or name it with --program", u.Arch)
}

// publicAddress is the IPv4 address that AWS sees when this machine connects. Over IPv4 on purpose: the security group
// lets in only that.
func publicAddress(ctx context.Context) (string, error) {
	dialer := &net.Dialer{Timeout: 5 * time.Second}
	client := &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{
		DialContext: func(ctx context.Context, _, address string) (net.Conn, error) {
			return dialer.DialContext(ctx, "tcp4", address)
		},
		Proxy: nil, // a proxy's address would let the proxy in
	}}
	defer client.CloseIdleConnections()
	const help = "say who may connect with --ssh-cidr 203.0.113.7/32"
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://checkip.amazonaws.com", nil)
	if err != nil {
		return "", err
	}
	reply, err := client.Do(request)
	if err != nil {
		return "", fmt.Errorf("finding out this machine's public address: %w; %s", err, help)
	}
	defer reply.Body.Close()
	raw, err := io.ReadAll(io.LimitReader(reply.Body, 100))
	if err != nil {
		return "", fmt.Errorf("finding out this machine's public address: %w; %s", err, help)
	}
	address, err := netip.ParseAddr(strings.TrimSpace(string(raw)))
	if err != nil || !address.Is4() {
		return "", fmt.Errorf("this machine's public IPv4 address could not be found out; %s", help)
	}
	return address.String(), nil
}
