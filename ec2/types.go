package ec2

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

// Type is an instance type.
type Type struct {
	Name  string
	Arch  string // amd64 or arm64, as Go names them
	VCPUs int
	MiB   int
	// Disks is how many local disks there are, DiskGB how large each is, in decimal GB.
	Disks, DiskGB int
	// Gbps is the network's baseline.
	Gbps float64
	// Zones offer the type.
	Zones []string
	// Price is what an hour costs.
	Price Price
}

// LocalBytes is the room on local disks.
func (t Type) LocalBytes() int64 { return int64(t.Disks) * int64(t.DiskGB) * 1e9 }

// families are the types made for storage, the best first: newest, then most disk for the money. Within a size all of
// them are limited by the same 5 Gbps through the internet gateway, so that the disk decides.
var families = map[string][]string{
	"amd64": {"i7i", "i4i", "i7ie", "i3en"},
	"arm64": {"i8g", "i4g", "i8ge", "im4gn", "is4gen"},
}

// large is the database size from which 16 vCPUs pay: dumping compresses here, on our CPUs.
const large = 500e9

// choose keeps the types that suit, the best first: one disk before several, which would need RAID; then the smallest;
// then the better family; then the price.
func choose(all []Type, arch string, bytes int64) []Type {
	least := 8
	if bytes > large {
		least = 16
	}
	rank := func(t Type) int { return slices.Index(families[arch], family(t.Name)) }
	var fit []Type
	for _, t := range all {
		if t.Arch == arch && rank(t) >= 0 && t.VCPUs >= 8 && t.VCPUs <= 32 && t.LocalBytes() >= bytes && len(t.Zones) > 0 {
			fit = append(fit, t)
		}
	}
	slices.SortFunc(fit, func(a, b Type) int {
		return cmp.Or(
			yes(a.Disks > 1)-yes(b.Disks > 1), yes(a.VCPUs < least)-yes(b.VCPUs < least), cmp.Compare(a.VCPUs, b.VCPUs), cmp.Compare(rank(a), rank(b)),
			cmp.Compare(a.Name, b.Name),
		)
	})
	return fit
}

func yes(b bool) int {
	if b {
		return 1
	}
	return 0
}

func family(name string) string {
	f, _, _ := strings.Cut(name, ".")
	return f
}

// types asks which types with local NVMe disks the region has, and in which zones.
func (c *Cloud) types(ctx context.Context, arch string) ([]Type, error) {
	filter := func(name, value string) types.Filter { return types.Filter{Name: &name, Values: []string{value}} }
	return c.describeTypes(ctx, &ec2.DescribeInstanceTypesInput{Filters: []types.Filter{
		filter("instance-storage-supported", "true"), filter("instance-storage-info.nvme-support", "required"),
		filter("instance-storage-info.disk.type", "ssd"), filter("processor-info.supported-architecture", awsArch(arch)),
		filter("supported-usage-class", "on-demand"), filter("bare-metal", "false"), filter("current-generation", "true"),
	}})
}

// typeNamed asks about one type, which may have no local disk.
func (c *Cloud) typeNamed(ctx context.Context, name string) (Type, error) {
	list, err := c.describeTypes(ctx, &ec2.DescribeInstanceTypesInput{InstanceTypes: []types.InstanceType{types.InstanceType(name)}})
	if err != nil {
		return Type{}, err
	}
	if len(list) == 0 || len(list[0].Zones) == 0 {
		return Type{}, fmt.Errorf("%s has no %s; leave --type out or name another", c.Region, name)
	}
	return list[0], nil
}

func (c *Cloud) describeTypes(ctx context.Context, in *ec2.DescribeInstanceTypesInput) ([]Type, error) {
	var list []Type
	pages := ec2.NewDescribeInstanceTypesPaginator(c.ec2, in)
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, explain("asking which machines there are", err)
		}
		for _, info := range page.InstanceTypes {
			// Those come with hardware that we would pay for and not use.
			if info.GpuInfo == nil && info.FpgaInfo == nil && info.InferenceAcceleratorInfo == nil && info.NeuronInfo == nil {
				list = append(list, readType(info))
			}
		}
	}
	if len(list) == 0 {
		return nil, nil
	}
	zones, err := c.zones(ctx, list)
	for i := range list {
		list[i].Zones = zones[list[i].Name]
	}
	return list, err
}

func readType(info types.InstanceTypeInfo) Type {
	t := Type{Name: string(info.InstanceType), Arch: "amd64"}
	if info.ProcessorInfo != nil && slices.Contains(info.ProcessorInfo.SupportedArchitectures, types.ArchitectureTypeArm64) {
		t.Arch = "arm64"
	}
	if info.VCpuInfo != nil {
		t.VCPUs = int(aws.ToInt32(info.VCpuInfo.DefaultVCpus))
	}
	if info.MemoryInfo != nil {
		t.MiB = int(aws.ToInt64(info.MemoryInfo.SizeInMiB))
	}
	if info.InstanceStorageInfo != nil {
		for _, d := range info.InstanceStorageInfo.Disks {
			t.Disks += int(aws.ToInt32(d.Count))
			t.DiskGB = int(aws.ToInt64(d.SizeInGB))
		}
	}
	if info.NetworkInfo != nil && len(info.NetworkInfo.NetworkCards) > 0 {
		t.Gbps = aws.ToFloat64(info.NetworkInfo.NetworkCards[0].BaselineBandwidthInGbps)
	}
	return t
}

// zones asks which zones offer the types: not every zone of a region does.
func (c *Cloud) zones(ctx context.Context, list []Type) (map[string][]string, error) {
	zones := map[string][]string{}
	// A filter takes at most 200 values.
	for names := range slices.Chunk(list, 200) {
		name := "instance-type"
		filter := types.Filter{Name: &name}
		for _, t := range names {
			filter.Values = append(filter.Values, t.Name)
		}
		pages := ec2.NewDescribeInstanceTypeOfferingsPaginator(c.ec2, &ec2.DescribeInstanceTypeOfferingsInput{
			LocationType: types.LocationTypeAvailabilityZone, Filters: []types.Filter{filter},
		})
		for pages.HasMorePages() {
			page, err := pages.NextPage(ctx)
			if err != nil {
				return nil, explain("asking which zones have the machines", err)
			}
			for _, o := range page.InstanceTypeOfferings {
				zones[string(o.InstanceType)] = append(zones[string(o.InstanceType)], aws.ToString(o.Location))
			}
		}
	}
	for _, z := range zones {
		slices.Sort(z)
	}
	return zones, nil
}

func awsArch(arch string) string {
	if arch == "amd64" {
		return "x86_64"
	}
	return arch
}
