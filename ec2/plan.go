package ec2

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/servicequotas"
)

// Request is what a box shall be like.
type Request struct {
	// Bytes is what must fit onto its disk.
	Bytes int64
	// Arch is amd64 or arm64, Image a system: "ubuntu", "debian" or "amazon".
	Arch, Image string
	// Type forces an instance type; one without a local disk gets a volume.
	Type string
	// Subnet is needed where there is no default VPC.
	Subnet string
	// SSH is who may connect: an IPv4 range such as 203.0.113.7/32.
	SSH string
	// Lifetime is after what time the box ends itself, unless work keeps it.
	Lifetime time.Duration
}

// Plan is what would be launched, and what that costs. Making it changes nothing.
type Plan struct {
	Request
	Account, Who, Region string
	Image                Image
	// Types are tried in this order; there is at least one.
	Types []Type
	// Subnets are tried in this order. The empty one leaves the zone to AWS, which knows best where there is room.
	Subnets []Subnet
	VPC     string
	// Notes are what people should know before they agree.
	Notes []string
}

// Subnet is a network in one zone.
type Subnet struct{ ID, Zone string }

// RootGB is the size of the root disk. The work goes onto the local disks.
const RootGB = 16

// Prices of what comes with every machine, in US dollars, as of 2026.
const (
	addressHour   = 0.005
	gp3GBMonth    = 0.08
	hoursPerMonth = 730
)

// maxTypes is how many types are tried: enough to survive a bad day, few enough that nobody pays four times as much
// without having read it.
const maxTypes = 5

// MakePlan asks AWS what there is, whether we may have it, and what it costs. Nothing is made.
func (c *Cloud) MakePlan(ctx context.Context, r Request) (Plan, error) {
	p := Plan{Request: r, Region: c.Region}
	if prefix, err := netip.ParsePrefix(r.SSH); err != nil || !prefix.Addr().Is4() {
		return p, fmt.Errorf("%q is not an IPv4 range; say who may connect with --ssh-cidr 203.0.113.7/32", r.SSH)
	}
	var err error
	if p.Account, p.Who, err = c.Account(ctx); err != nil {
		return p, err
	}
	if err := c.planTypes(ctx, &p); err != nil {
		return p, err
	}
	if p.Image, err = c.image(ctx, r.Image, p.Types[0].Arch); err != nil {
		return p, err
	}
	if err := c.planNetwork(ctx, &p); err != nil {
		return p, err
	}
	return p, c.rehearse(ctx, p)
}

// planTypes chooses the types, prices them, and drops what the account's quota does not allow.
func (c *Cloud) planTypes(ctx context.Context, p *Plan) error {
	if p.Type != "" {
		t, err := c.typeNamed(ctx, p.Type)
		if err != nil {
			return err
		}
		if t.Disks > 0 && t.LocalBytes() < p.Bytes {
			return fmt.Errorf("%s has %d GB on local disks, but %d GB are needed; name a larger --type or none", t.Name, t.LocalBytes()/1e9, p.Bytes/1e9)
		}
		p.Types = []Type{t}
	} else {
		all, err := c.types(ctx, p.Arch)
		if err != nil {
			return err
		}
		p.Types = choose(all, p.Arch, p.Bytes)
		if len(p.Types) == 0 {
			return fmt.Errorf("no %s machine in %s has %d GB on local disks; name one with --type, it gets a volume", p.Arch, c.Region, p.Bytes/1e9)
		}
	}
	if err := c.quota(ctx, p); err != nil {
		return err
	}
	p.Types = p.Types[:min(len(p.Types), maxTypes)]
	for i := range p.Types {
		p.Types[i].Price = c.price(ctx, p.Types[i].Name)
	}
	return nil
}

// quota drops types with more vCPUs than the account may run at all. What runs already counts too, which only
// launching tells.
func (c *Cloud) quota(ctx context.Context, p *Plan) error {
	out, err := c.quotas.GetServiceQuota(ctx, &servicequotas.GetServiceQuotaInput{ServiceCode: aws.String("ec2"), QuotaCode: aws.String("L-1216C47A")})
	if err != nil || out.Quota == nil {
		p.Notes = append(p.Notes, "the vCPU quota of the account could not be read ("+orElse(code(err), "no answer")+"); launching will tell")
		return nil
	}
	limit := int(aws.ToFloat64(out.Quota.Value))
	fit := slices.DeleteFunc(slices.Clone(p.Types), func(t Type) bool { return t.VCPUs > limit })
	if len(fit) == 0 {
		return fmt.Errorf("%w: it is %d in %s, and the smallest machine that suits has %d; ask for more at %s", ErrQuota, limit, c.Region, p.Types[0].VCPUs, quotaLink)
	}
	p.Types = fit
	return nil
}

// planNetwork finds the subnets: of the default VPC, or the one that was named.
func (c *Cloud) planNetwork(ctx context.Context, p *Plan) error {
	filter := func(name, value string) types.Filter { return types.Filter{Name: &name, Values: []string{value}} }
	in := &ec2.DescribeSubnetsInput{SubnetIds: []string{p.Subnet}}
	if p.Subnet == "" {
		vpcs, err := c.ec2.DescribeVpcs(ctx, &ec2.DescribeVpcsInput{Filters: []types.Filter{filter("is-default", "true")}})
		if err != nil {
			return explain("looking for the default VPC", err)
		}
		if len(vpcs.Vpcs) == 0 {
			return fmt.Errorf("%w in %s; name a public subnet with --subnet", ErrNoNetwork, c.Region)
		}
		p.VPC = aws.ToString(vpcs.Vpcs[0].VpcId)
		p.Subnets = []Subnet{{}}
		in = &ec2.DescribeSubnetsInput{Filters: []types.Filter{filter("vpc-id", p.VPC), filter("default-for-az", "true")}}
	}
	found, err := c.ec2.DescribeSubnets(ctx, in)
	if err != nil {
		return explain("looking for a network", err)
	}
	for _, s := range found.Subnets {
		p.VPC = aws.ToString(s.VpcId)
		p.Subnets = append(p.Subnets, Subnet{aws.ToString(s.SubnetId), aws.ToString(s.AvailabilityZone)})
	}
	return nil
}

// rehearse asks AWS whether it would let us do what the plan says. A dry run that would succeed is told as an error.
func (c *Cloud) rehearse(ctx context.Context, p Plan) error {
	_, err := c.ec2.CreateSecurityGroup(ctx, &ec2.CreateSecurityGroupInput{
		DryRun: aws.Bool(true), GroupName: aws.String("changeover-dry-run"), Description: aws.String("SSH to a changeover box"), VpcId: &p.VPC,
		TagSpecifications: []types.TagSpecification{{ResourceType: types.ResourceTypeSecurityGroup, Tags: tags(map[string]string{TagRun: "dry-run"})}},
	})
	if code(err) != "DryRunOperation" {
		return explain("asking whether a security group may be made", refused(err))
	}
	in := (&Record{Run: "dry-run"}).input(Attempt{Type: p.Types[0].Name, Image: p.Image.ID, Root: p.Image.Root, Volume: p.Types[0].volume(p.Bytes)}, nil)
	// AWS picks a subnet and zone that suits; the group does not exist yet.
	in.DryRun, in.ClientToken = aws.Bool(true), nil
	if p.Subnet != "" {
		in.NetworkInterfaces[0].SubnetId = &p.Subnet
	}
	_, err = c.ec2.RunInstances(ctx, in)
	if code(err) != "DryRunOperation" {
		return explain("asking whether a machine may be launched", refused(err))
	}
	return nil
}

// refused is the error of a dry run; none at all would mean that AWS did it.
func refused(err error) error {
	if err == nil {
		return errors.New("AWS ignored that it was a dry run; look at the EC2 console for what it made")
	}
	return err
}

// Cost is what an hour costs at most, everything of ours included, if the type at index i is launched.
func (p Plan) Cost(i int) float64 {
	t := p.Types[i]
	return t.Price.USD + addressHour + float64(RootGB+t.volume(p.Bytes))*gp3GBMonth/hoursPerMonth
}

// volume is how many GB an EBS volume needs to have, 0 for types with local disks.
func (t Type) volume(bytes int64) int {
	if t.Disks > 0 {
		return 0
	}
	return int(max(bytes*11/10/1e9, 20))
}

// String is the plan as people read it before they agree.
func (p Plan) String() string {
	var b strings.Builder
	line := func(label, format string, args ...any) {
		fmt.Fprintf(&b, "%-10s %s\n", label, fmt.Sprintf(format, args...))
	}
	line("account", "%s (%s)", p.Account, p.Who)
	line("region", "%s", p.Region)
	for i, t := range p.Types {
		label := "machine"
		if i > 0 {
			label = "or"
		}
		disk := fmt.Sprintf("%d × %d GB local NVMe", t.Disks, t.DiskGB)
		if t.Disks == 0 {
			disk = fmt.Sprintf("no local disk: a volume of %d GB, 500 MB/s", t.volume(p.Bytes))
		}
		line(label, "%-13s %2d vCPU  %3d GiB  %s  %s (%s)", t.Name, t.VCPUs, t.MiB>>10, disk, t.Price, t.Price.Source)
	}
	line("image", "%s %s, login %s", p.Image.System, p.Image.ID, p.Image.User)
	line("disk", "%d GB encrypted root; everything goes with the machine", RootGB)
	line("SSH", "from %s only, with a key made for this box", p.SSH)
	line("cost", "$%.3f per hour with address and root disk; $%.2f until it ends itself after %s", p.Cost(0), p.Cost(0)*p.Lifetime.Hours(), hours(p.Lifetime))
	if last := len(p.Types) - 1; last > 0 {
		line("", "at most $%.3f per hour, if AWS has room only for another of these machines", p.highest())
	}
	line("traffic", "about $0.01 per GB each way within %s, more across regions", p.Region)
	for _, note := range p.Notes {
		line("note", "%s", note)
	}
	return b.String()
}

func (p Plan) highest() float64 {
	highest := 0.0
	for i := range p.Types {
		highest = max(highest, p.Cost(i))
	}
	return highest
}

func hours(d time.Duration) string {
	return strings.TrimSuffix(strings.TrimSuffix(d.Round(time.Minute).String(), "0s"), "0m")
}
