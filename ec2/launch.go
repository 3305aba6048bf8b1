package ec2

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"changeover/ec2/box"
)

// Tags of everything that is ours. The box reads its own from the metadata service.
const (
	TagRun      = box.TagRun
	TagCents    = box.TagCents
	TagOwner    = "changeover-owner"
	TagDeadline = "changeover-deadline"
)

// Launch brings the box of a record up to where it runs and has an address. It may be called again after any
// interruption: what AWS was asked for is asked for again with the same token, and never twice.
func (c *Cloud) Launch(ctx context.Context, r *Record, p Plan, say func(format string, args ...any)) error {
	if r.Instance == "" {
		if err := r.makeKeys(); err != nil {
			return err
		}
		data, err := r.userData()
		if err != nil {
			return err
		}
		if err := c.group(ctx, r, p); err != nil {
			return err
		}
		if err := c.run(ctx, r, p, data, say); err != nil {
			return err
		}
	}
	say("%s is %s; waiting until it runs", r.Name, r.Instance)
	if err := c.awaitRunning(ctx, r); err != nil {
		return err
	}
	return r.writeKnownHosts()
}

// run tries one type and zone after the other. An attempt that a killed launcher left open comes first.
func (c *Cloud) run(ctx context.Context, r *Record, p Plan, data []byte, say func(string, ...any)) error {
	if a, ok := r.open(); ok {
		if done, err := c.attempt(ctx, r, a, data); done || err != nil {
			return err
		}
	}
	var last error
	limit := 1 << 30 // vCPUs from which the quota refuses
	for _, t := range p.Types {
		if t.VCPUs >= limit {
			continue
		}
		for _, sub := range p.Subnets {
			if sub.ID != "" && !slices.Contains(t.Zones, sub.Zone) {
				continue
			}
			a := Attempt{
				Type: t.Name, Arch: t.Arch, Subnet: sub.ID, Image: p.Image.ID, Root: p.Image.Root, Volume: t.volume(p.Bytes),
				CentsHour: t.Price.Cents(), Disks: t.Disks, DiskGB: t.DiskGB, Token: r.token(len(r.Attempts), t.Name, sub.ID),
			}
			if err := r.begin(a); err != nil {
				return err
			}
			done, err := c.attempt(ctx, r, a, data)
			if done {
				return nil
			}
			last = err
			switch code(err) {
			case "InsufficientInstanceCapacity", "Unsupported", "InsufficientFreeAddressesInSubnet":
				say("no %s in %s: %s", t.Name, orElse(sub.Zone, "the zone AWS chose"), code(err))
			case "VcpuLimitExceeded":
				say("%s is more than the vCPU quota leaves", t.Name)
				limit = min(limit, t.VCPUs)
			default:
				return err
			}
			if limit <= t.VCPUs {
				break
			}
		}
	}
	if code(last) == "VcpuLimitExceeded" {
		return last
	}
	return fmt.Errorf("%w in %s: tried %s; try again later, or name another --type: %w", ErrNoRoom, c.Region, tried(r), last)
}

// attempt asks AWS once. done says that there is an instance; an error with a code says that there is none.
func (c *Cloud) attempt(ctx context.Context, r *Record, a Attempt, data []byte) (done bool, err error) {
	out, err := c.ec2.RunInstances(ctx, r.input(a, data))
	if err == nil {
		launched := out.Instances[0]
		r.Instance, r.Type, r.CentsHour = aws.ToString(launched.InstanceId), a.Type, a.CentsHour
		r.Launched = aws.ToTime(launched.LaunchTime)
		return true, r.finish("ok")
	}
	if outcome := code(err); outcome != "" && outcome != "RequestLimitExceeded" && outcome != "InternalError" && outcome != "Unavailable" {
		if e := r.finish(outcome); e != nil {
			return false, errors.Join(explain("launching "+a.Type, err), e)
		}
		// A machine launched with this token has ended meanwhile: the next attempt has another token.
		if outcome == "IdempotentInstanceTerminated" || outcome == "IdempotentParameterMismatch" {
			return false, nil
		}
		return false, explain("launching "+a.Type, err)
	}
	// Nobody knows whether it was launched: the attempt stays open, and `box up` asks again with the same token.
	return false, fmt.Errorf("%w; run `changeover box up` again: it goes on with the same machine, never a second one", explain("launching "+a.Type, err))
}

// input is the request of an attempt. It must come out the same whenever an attempt is repeated: it depends on
// nothing but the record, the attempt and the kept user-data.
func (r *Record) input(a Attempt, data []byte) *ec2.RunInstancesInput {
	all := tags(map[string]string{
		"Name": "changeover " + r.Name, TagRun: r.Run, TagOwner: r.Owner, TagCents: strconv.FormatInt(a.CentsHour, 10),
		TagDeadline: r.Deadline.UTC().Format(time.RFC3339),
	})
	disk := func(name string, ebs types.EbsBlockDevice) types.BlockDeviceMapping {
		ebs.VolumeType, ebs.Encrypted, ebs.DeleteOnTermination = types.VolumeTypeGp3, aws.Bool(true), aws.Bool(true)
		return types.BlockDeviceMapping{DeviceName: &name, Ebs: &ebs}
	}
	in := &ec2.RunInstancesInput{
		MinCount: aws.Int32(1), MaxCount: aws.Int32(1), ClientToken: &a.Token,
		ImageId: &a.Image, InstanceType: types.InstanceType(a.Type),
		// By powering itself off the box ends itself, with no credentials on it.
		InstanceInitiatedShutdownBehavior: types.ShutdownBehaviorTerminate,
		MetadataOptions: &types.InstanceMetadataOptionsRequest{
			HttpTokens: types.HttpTokensStateRequired, HttpEndpoint: types.InstanceMetadataEndpointStateEnabled,
			HttpPutResponseHopLimit: aws.Int32(1), InstanceMetadataTags: types.InstanceMetadataTagsStateEnabled,
		},
		BlockDeviceMappings: []types.BlockDeviceMapping{disk(a.Root, types.EbsBlockDevice{VolumeSize: aws.Int32(RootGB)})},
		NetworkInterfaces: []types.InstanceNetworkInterfaceSpecification{{
			DeviceIndex: aws.Int32(0), AssociatePublicIpAddress: aws.Bool(true), DeleteOnTermination: aws.Bool(true),
		}},
		TagSpecifications: []types.TagSpecification{
			{ResourceType: types.ResourceTypeInstance, Tags: all},
			{ResourceType: types.ResourceTypeVolume, Tags: all},
			{ResourceType: types.ResourceTypeNetworkInterface, Tags: all},
		},
	}
	if a.Volume > 0 {
		in.BlockDeviceMappings = append(in.BlockDeviceMappings, disk("/dev/sdf", types.EbsBlockDevice{
			VolumeSize: aws.Int32(int32(a.Volume)), Throughput: aws.Int32(500), Iops: aws.Int32(3000),
		}))
	}
	if r.Group != "" {
		in.NetworkInterfaces[0].Groups = []string{r.Group}
	}
	if a.Subnet != "" {
		in.NetworkInterfaces[0].SubnetId = &a.Subnet
	}
	if len(data) > 0 {
		in.UserData = aws.String(base64.StdEncoding.EncodeToString(data))
	}
	return in
}

func tags(values map[string]string) []types.Tag {
	var list []types.Tag
	for _, key := range slices.Sorted(mapKeys(values)) {
		list = append(list, types.Tag{Key: aws.String(key), Value: aws.String(values[key])})
	}
	return list
}

func mapKeys(m map[string]string) func(func(string) bool) {
	return func(yield func(string) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

func tried(r *Record) string {
	var names []string
	for _, a := range r.Attempts {
		if !slices.Contains(names, a.Type) {
			names = append(names, a.Type)
		}
	}
	return fmt.Sprint(names)
}

// group makes the security group that lets the caller in by SSH, and nobody else in at all. It is found by its name
// when a launcher made it and was killed before it could write that down.
func (c *Cloud) group(ctx context.Context, r *Record, p Plan) error {
	name := "changeover-" + r.Run
	if r.Group == "" {
		out, err := c.ec2.CreateSecurityGroup(ctx, &ec2.CreateSecurityGroupInput{
			GroupName: &name, Description: aws.String("SSH to a changeover box"), VpcId: &p.VPC,
			TagSpecifications: []types.TagSpecification{{ResourceType: types.ResourceTypeSecurityGroup, Tags: tags(map[string]string{TagRun: r.Run, TagOwner: r.Owner, "Name": name})}},
		})
		switch {
		case err == nil:
			r.Group = aws.ToString(out.GroupId)
		case code(err) == "InvalidGroup.Duplicate":
			found, err := c.ec2.DescribeSecurityGroups(ctx, &ec2.DescribeSecurityGroupsInput{Filters: []types.Filter{
				{Name: aws.String("tag:" + TagRun), Values: []string{r.Run}}, {Name: aws.String("group-name"), Values: []string{name}},
			}})
			if err != nil {
				return explain("looking for our security group", err)
			}
			if len(found.SecurityGroups) != 1 {
				return fmt.Errorf("%w: there is a security group %s without our tag; delete it, or launch again", ErrNotOurs, name)
			}
			r.Group = aws.ToString(found.SecurityGroups[0].GroupId)
		default:
			return explain("making a security group", err)
		}
		if err := r.save(); err != nil {
			return err
		}
	}
	_, err := c.ec2.AuthorizeSecurityGroupIngress(ctx, &ec2.AuthorizeSecurityGroupIngressInput{
		GroupId: &r.Group, IpPermissions: []types.IpPermission{{
			IpProtocol: aws.String("tcp"), FromPort: aws.Int32(22), ToPort: aws.Int32(22),
			IpRanges: []types.IpRange{{CidrIp: aws.String(r.SSH), Description: aws.String("whoever launched the box")}},
		}},
	})
	if err != nil && code(err) != "InvalidPermission.Duplicate" {
		return explain("letting "+r.SSH+" in", err)
	}
	return nil
}
