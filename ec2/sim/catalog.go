package sim

import (
	"slices"
	"strings"
)

// shape is an instance type, as DescribeInstanceTypes told it in 2026.
type shape struct {
	name       string
	arch       string // x86_64 or arm64
	vcpus, gib int
	disks      int // local disks
	diskGB     int // each
	base, peak float64
	cents      float64 // per hour in us-east-1; elsewhere a tenth more
	zones      string  // letters of the zones that offer it; empty means all
}

var shapes = []shape{
	{"i7i.xlarge", "x86_64", 4, 32, 1, 937, 2.3, 10, 37.75, ""},
	{"i7i.2xlarge", "x86_64", 8, 64, 1, 1875, 4.7, 12, 75.5, ""},
	{"i7i.4xlarge", "x86_64", 16, 128, 1, 3750, 9.4, 25, 151.01, ""},
	{"i7i.8xlarge", "x86_64", 32, 256, 2, 3750, 25, 25, 302.02, ""},
	{"i4i.2xlarge", "x86_64", 8, 64, 1, 1875, 4.7, 12, 68.6, ""},
	{"i4i.4xlarge", "x86_64", 16, 128, 1, 3750, 9.4, 25, 137.3, "ab"},
	{"i7ie.2xlarge", "x86_64", 8, 64, 2, 2500, 8.3, 25, 103.96, ""},
	{"i7ie.3xlarge", "x86_64", 12, 96, 1, 7500, 12.5, 25, 155.94, ""},
	{"i3en.3xlarge", "x86_64", 12, 96, 1, 7500, 12.5, 25, 135.6, ""},
	{"c6id.4xlarge", "x86_64", 16, 32, 1, 950, 6.3, 12.5, 80.64, ""},
	{"i4g.2xlarge", "arm64", 8, 64, 1, 1875, 4.7, 12, 61.78, ""},
	{"i8g.2xlarge", "arm64", 8, 64, 1, 1875, 4.7, 12, 68.64, ""},
	{"im4gn.2xlarge", "arm64", 8, 32, 1, 3750, 12.5, 25, 72.76, ""},
	{"m7i.2xlarge", "x86_64", 8, 32, 0, 0, 3.1, 12.5, 40.32, ""},
	{"t3.micro", "x86_64", 2, 1, 0, 0, 0.1, 5, 1.04, ""},
}

func findShape(name string) (shape, bool) {
	i := slices.IndexFunc(shapes, func(s shape) bool { return s.name == name })
	if i < 0 {
		return shape{}, false
	}
	return shapes[i], true
}

func (s shape) offered(zone string) bool {
	return s.zones == "" || strings.Contains(s.zones, zone[len(zone)-1:])
}

// price is what the type costs in a region, in US dollars per hour.
func (s shape) price(region string) float64 {
	if region == "us-east-1" {
		return s.cents / 100
	}
	return s.cents * 1.1 / 100
}

type typeXML struct {
	Name     string   `xml:"instanceType"`
	Current  bool     `xml:"currentGeneration"`
	Usage    []string `xml:"supportedUsageClasses>item"`
	Bare     bool     `xml:"bareMetal"`
	Arch     []string `xml:"processorInfo>supportedArchitectures>item"`
	VCPUs    int      `xml:"vCpuInfo>defaultVCpus"`
	MiB      int      `xml:"memoryInfo>sizeInMiB"`
	Storage  bool     `xml:"instanceStorageSupported"`
	Disks    *diskXML `xml:"instanceStorageInfo,omitempty"`
	Network  cardXML  `xml:"networkInfo"`
	Recovery bool     `xml:"autoRecoverySupported"`
}

type diskXML struct {
	Total int    `xml:"totalSizeInGB"`
	GB    int    `xml:"disks>item>sizeInGB"`
	Count int    `xml:"disks>item>count"`
	Type  string `xml:"disks>item>type"`
	NVMe  string `xml:"nvmeSupport"`
}

type cardXML struct {
	Performance string  `xml:"networkPerformance"`
	Base        float64 `xml:"networkCards>item>baselineBandwidthInGbps"`
	Peak        float64 `xml:"networkCards>item>peakBandwidthInGbps"`
}

func (s shape) xml() typeXML {
	x := typeXML{
		Name: s.name, Current: true, Usage: []string{"on-demand", "spot"}, Arch: []string{s.arch}, VCPUs: s.vcpus, MiB: s.gib << 10,
		Storage: s.disks > 0, Network: cardXML{"Up to 25 Gigabit", s.base, s.peak},
	}
	if s.disks > 0 {
		x.Disks = &diskXML{s.disks * s.diskGB, s.diskGB, s.disks, "ssd", "required"}
	}
	return x
}

func (s shape) attributes() attributes {
	a := attributes{
		"instance-type": {s.name}, "current-generation": {"true"}, "bare-metal": {"false"}, "supported-usage-class": {"on-demand", "spot"},
		"processor-info.supported-architecture": {s.arch}, "instance-storage-supported": {"false"},
		"instance-storage-info.nvme-support": nil, "instance-storage-info.disk.type": nil,
	}
	if s.disks > 0 {
		a["instance-storage-supported"] = []string{"true"}
		a["instance-storage-info.nvme-support"] = []string{"required"}
		a["instance-storage-info.disk.type"] = []string{"ssd"}
	}
	return a
}

// describeTypes answers in pages, so that whoever forgets the second one is found out.
func (s *Server) describeTypes(_ *region, r request) (any, *apiError) {
	names := r.list("InstanceType")
	var all []typeXML
	for _, t := range shapes {
		ok, err := r.matches(t.attributes(), nil)
		if err != nil {
			return nil, err
		}
		if ok && wanted(names, t.name) {
			all = append(all, t.xml())
		}
	}
	for _, name := range names {
		if _, ok := findShape(name); !ok {
			return nil, bad("InvalidInstanceType", "The following supplied instance types do not exist: [%s]", name)
		}
	}
	from := min(atoi(r.get("NextToken"), 0), len(all))
	to := min(from+5, len(all))
	reply := struct {
		Types []typeXML `xml:"instanceTypeSet>item"`
		Next  string    `xml:"nextToken,omitempty"`
	}{Types: all[from:to]}
	if to < len(all) {
		reply.Next = itoa(to)
	}
	return reply, nil
}

func (s *Server) describeOfferings(g *region, r request) (any, *apiError) {
	type offering struct {
		Type     string `xml:"instanceType"`
		Where    string `xml:"locationType"`
		Location string `xml:"location"`
	}
	var reply struct {
		Offerings []offering `xml:"instanceTypeOfferingSet>item"`
	}
	where := r.get("LocationType")
	for _, t := range shapes {
		places := []string{g.name}
		if where == "availability-zone" {
			places = nil
			for _, sub := range g.subnets {
				if t.offered(sub.zone) {
					places = append(places, sub.zone)
				}
			}
		}
		for _, place := range places {
			ok, err := r.matches(attributes{"instance-type": {t.name}, "location": {place}}, nil)
			if err != nil {
				return nil, err
			}
			if ok {
				reply.Offerings = append(reply.Offerings, offering{t.name, where, place})
			}
		}
	}
	return reply, nil
}

// image is a machine image that Systems Manager names.
type image struct{ id, name, owner, arch, root, parameter string }

var images = []image{
	{"ami-0ubuntu2404amd64", "ubuntu/images/hvm-ssd-gp3/ubuntu-noble-24.04-amd64-server", "099720109477", "x86_64", "/dev/sda1", "/aws/service/canonical/ubuntu/server/24.04/stable/current/amd64/hvm/ebs-gp3/ami-id"},
	{"ami-0ubuntu2404arm64", "ubuntu/images/hvm-ssd-gp3/ubuntu-noble-24.04-arm64-server", "099720109477", "arm64", "/dev/sda1", "/aws/service/canonical/ubuntu/server/24.04/stable/current/arm64/hvm/ebs-gp3/ami-id"},
	{"ami-0debian13amd64", "debian-13-amd64", "136693071363", "x86_64", "/dev/xvda", "/aws/service/debian/release/13/latest/amd64"},
	{"ami-0debian13arm64", "debian-13-arm64", "136693071363", "arm64", "/dev/xvda", "/aws/service/debian/release/13/latest/arm64"},
	{"ami-0al2023x8664", "al2023-ami-2023-kernel-default-x86_64", "137112412989", "x86_64", "/dev/xvda", "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64"},
	{"ami-0al2023arm64", "al2023-ami-2023-kernel-default-arm64", "137112412989", "arm64", "/dev/xvda", "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-arm64"},
}

func findImage(id string) (image, bool) {
	i := slices.IndexFunc(images, func(i image) bool { return i.id == id })
	if i < 0 {
		return image{}, false
	}
	return images[i], true
}

func (s *Server) describeImages(_ *region, r request) (any, *apiError) {
	type imageXML struct {
		ID    string `xml:"imageId"`
		Name  string `xml:"name"`
		Owner string `xml:"imageOwnerId"`
		State string `xml:"imageState"`
		Arch  string `xml:"architecture"`
		Root  string `xml:"rootDeviceName"`
		Type  string `xml:"rootDeviceType"`
	}
	var reply struct {
		Images []imageXML `xml:"imagesSet>item"`
	}
	ids := r.list("ImageId")
	for _, id := range ids {
		if _, ok := findImage(id); !ok {
			return nil, bad("InvalidAMIID.NotFound", "The image id '[%s]' does not exist", id)
		}
	}
	for _, i := range images {
		ok, err := r.matches(attributes{"architecture": {i.arch}, "name": {i.name}, "owner-id": {i.owner}}, nil)
		if err != nil {
			return nil, err
		}
		if ok && wanted(ids, i.id) {
			reply.Images = append(reply.Images, imageXML{i.id, i.name, i.owner, "available", i.arch, i.root, "ebs"})
		}
	}
	return reply, nil
}
