package sim

import (
	"encoding/base64"
	"net/http"
	"reflect"
	"slices"
	"sort"
	"strings"
	"time"
)

// State is what an instance is doing.
type State string

// The states, as EC2 writes them.
const (
	Pending      State = "pending"
	Running      State = "running"
	ShuttingDown State = "shutting-down"
	Terminated   State = "terminated"
	Stopping     State = "stopping"
	Stopped      State = "stopped"
)

var stateCodes = map[State]int{Pending: 0, Running: 16, ShuttingDown: 32, Terminated: 48, Stopping: 64, Stopped: 80}

// instance is a machine that does not exist.
type instance struct {
	id, typ, image, arch  string
	zone, subnet, vpc     string
	address, private      string
	state                 State
	unseen, left          int // lookups until it is found, and until it is in the next state
	shutdown              string
	tags                  map[string]string
	groups                []string
	userData              []byte
	launched              time.Time
	token                 string
	asked                 map[string][]string // the request that made it, to notice a token used twice
	reason, code, message string
	http, metadataTags    string
	root                  string
	volumes               []string
	spot                  bool
	notice                *spotNotice
	events                []event
}

// volume is an EBS volume.
type volume struct {
	id, device, instance, zone, kind string
	gb, throughput                   int
	encrypted, deleteWith            bool
	tags                             map[string]string
}

// runInstances launches, in the order of checks that EC2 has: parameters, token, permission, room.
func (s *Server) runInstances(g *region, r request) (any, *apiError) {
	token := r.get("ClientToken")
	if old, ok := g.tokens[token]; ok && token != "" {
		return s.again(g, old, r)
	}
	i, t, err := s.check(g, r)
	if err != nil {
		return nil, err
	}
	if err := r.dryRun(); err != nil {
		return nil, err
	}
	if s.vcpus(g)+t.vcpus > s.options.Quota {
		return nil, bad("VcpuLimitExceeded", "You have requested more vCPU capacity than your current vCPU limit of %d allows for the instance bucket that the specified instance type belongs to. Please visit http://aws.amazon.com/contact-us/ec2-request to request an adjustment to this limit.", s.options.Quota)
	}
	if s.faults.full(i.typ, i.zone) {
		return nil, problem(http.StatusInternalServerError, "InsufficientInstanceCapacity", "We currently do not have sufficient "+i.typ+
			" capacity in the Availability Zone you requested ("+i.zone+"). Our system will be working on provisioning additional capacity.")
	}
	i.id, i.token, i.asked = s.newID("i"), token, r.form
	i.private = "172.31.0." + itoa(10+len(g.instances))
	i.address, i.launched = s.options.Address, s.options.Now().UTC().Truncate(time.Second)
	i.state, i.unseen, i.left = Pending, s.options.Unseen, s.options.Pending
	s.attach(g, i, r)
	g.instances = append(g.instances, i)
	if token != "" {
		g.tokens[token] = i
	}
	return s.reservation(g, i), nil
}

// again answers a token that was used before: the same instance for the same request, and errors otherwise.
func (s *Server) again(g *region, old *instance, r request) (any, *apiError) {
	if !reflect.DeepEqual(map[string][]string(r.form), old.asked) {
		return nil, bad("IdempotentParameterMismatch", "The client token you have provided is associated with a resource that is already deleted or the arguments on this idempotent request are inconsistent with arguments used in previous request(s).")
	}
	if old.state == Terminated || old.state == ShuttingDown {
		return nil, bad("IdempotentInstanceTerminated", "The instance %s launched with this client token is terminated", old.id)
	}
	return s.reservation(g, old), nil
}

// check reads the parameters.
func (s *Server) check(g *region, r request) (*instance, shape, *apiError) {
	t, ok := findShape(r.get("InstanceType"))
	if !ok {
		return nil, t, bad("InvalidParameterValue", "Invalid value '%s' for InstanceType.", r.get("InstanceType"))
	}
	img, ok := findImage(r.get("ImageId"))
	switch {
	case !ok:
		return nil, t, bad("InvalidAMIID.NotFound", "The image id '[%s]' does not exist", r.get("ImageId"))
	case img.arch != t.arch:
		return nil, t, bad("InvalidParameterValue", "The architecture '%s' of the specified instance type does not match the architecture '%s' of the specified AMI.", t.arch, img.arch)
	case r.get("MinCount") != "1" || r.get("MaxCount") != "1":
		return nil, t, bad("InvalidParameterCombination", "this simulator launches one instance at a time")
	}
	i := &instance{
		typ: t.name, image: img.id, arch: img.arch, root: img.root, shutdown: orElse(r.get("InstanceInitiatedShutdownBehavior"), "stop"),
		tags: r.tags("instance"), http: orElse(r.get("MetadataOptions.HttpTokens"), "optional"),
		metadataTags: orElse(r.get("MetadataOptions.InstanceMetadataTags"), "disabled"),
		spot:         r.get("InstanceMarketOptions.MarketType") == "spot",
	}
	if data := r.get("UserData"); data != "" {
		decoded, err := base64.StdEncoding.DecodeString(data)
		if err != nil {
			return nil, t, bad("InvalidUserData.Malformed", "Invalid BASE64 encoding of user data.")
		}
		i.userData = decoded
	}
	if err := i.place(g, r); err != nil {
		return nil, t, err
	}
	if !t.offered(i.zone) {
		return nil, t, bad("Unsupported", "Your requested instance type (%s) is not supported in your requested Availability Zone (%s).", t.name, i.zone)
	}
	return i, t, nil
}

// place finds network and security groups, given at the top or with the first network interface, never both.
func (i *instance) place(g *region, r request) *apiError {
	want, groups := r.get("SubnetId"), r.list("SecurityGroupId")
	if nics := r.items("NetworkInterface"); len(nics) > 0 {
		if want != "" || len(groups) > 0 {
			return bad("InvalidParameterCombination", "Network interfaces and an instance-level subnet ID may not be specified on the same request")
		}
		want, groups = r.get(nics[0]+".SubnetId"), r.list(nics[0]+".SecurityGroupId")
	}
	if want == "" && g.vpc == "" {
		return bad("VPCIdNotSpecified", "No default VPC for this user. GroupName is only supported for EC2-Classic and default VPC.")
	}
	at := 0
	if want != "" {
		if at = slices.IndexFunc(g.subnets, func(sub subnet) bool { return sub.id == want }); at < 0 {
			return bad("InvalidSubnetID.NotFound", "The subnet ID '%s' does not exist", want)
		}
	}
	for _, id := range groups {
		if g.group(id) == nil {
			return noGroup(id)
		}
	}
	i.subnet, i.zone, i.vpc, i.groups = g.subnets[at].id, g.subnets[at].zone, g.groups[0].vpc, groups
	return nil
}

// attach makes the volumes. A mapping under another name than the root's adds one, it does not resize the root.
func (s *Server) attach(g *region, i *instance, r request) {
	root := &volume{device: i.root, kind: "gp3", gb: 8, deleteWith: true}
	list := []*volume{root}
	for _, item := range r.items("BlockDeviceMapping") {
		v := root
		if r.get(item+".DeviceName") != i.root {
			v = &volume{device: r.get(item + ".DeviceName"), kind: "gp3", gb: 8}
			list = append(list, v)
		}
		ebs := item + ".Ebs."
		v.gb = atoi(r.get(ebs+"VolumeSize"), v.gb)
		v.throughput = atoi(r.get(ebs+"Throughput"), 125)
		v.kind = orElse(r.get(ebs+"VolumeType"), v.kind)
		v.encrypted = r.get(ebs+"Encrypted") == "true"
		if end := r.get(ebs + "DeleteOnTermination"); end != "" {
			v.deleteWith = end == "true"
		}
	}
	for _, v := range list {
		v.id, v.instance, v.zone, v.tags = s.newID("vol"), i.id, i.zone, r.tags("volume")
		i.volumes = append(i.volumes, v.id)
		g.volumes = append(g.volumes, v)
	}
}

// vcpus counts what the quota counts.
func (s *Server) vcpus(g *region) int {
	sum := 0
	for _, i := range g.instances {
		if i.state == Pending || i.state == Running {
			t, _ := findShape(i.typ)
			sum += t.vcpus
		}
	}
	return sum
}

func orElse(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

// Instance is what a test may know of a simulated instance.
type Instance struct {
	ID, Region, Type, Zone string
	State                  State
	Shutdown               string // what powering off does: "stop" or "terminate"
	Tags                   map[string]string
	Groups                 []string
	UserData               []byte
	Token                  string
	RootGB                 int
	Encrypted              bool
	RequiresTokens         bool // IMDSv2 only
}

// Instances are all there ever were, oldest first, without changing what state they are in.
func (s *Server) Instances() []Instance {
	s.mu.Lock()
	defer s.mu.Unlock()
	var list []Instance
	for _, g := range s.regions {
		for _, i := range g.instances {
			x := Instance{
				ID: i.id, Region: g.name, Type: i.typ, Zone: i.zone, State: i.state, Shutdown: i.shutdown, Tags: i.tags, Groups: i.groups,
				UserData: i.userData, Token: i.token, RequiresTokens: i.http == "required",
			}
			for _, v := range g.volumes {
				if v.instance == i.id && v.device == i.root {
					x.RootGB, x.Encrypted = v.gb, v.encrypted
				}
			}
			list = append(list, x)
		}
	}
	sort.Slice(list, func(a, b int) bool { return list[a].ID < list[b].ID })
	return list
}

// Groups are the names of the security groups of a region that were made, "default" left out.
func (s *Server) Groups(regionName string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var names []string
	for _, sg := range s.regions[regionName].groups[1:] {
		names = append(names, sg.name)
	}
	return names
}

// SSHRanges are the addresses that a security group lets in on port 22.
func (s *Server) SSHRanges(regionName, name string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var list []string
	for _, sg := range s.regions[regionName].groups {
		for _, rule := range sg.rules {
			if sg.name == name && rule.From == 22 && rule.To == 22 && strings.EqualFold(rule.Protocol, "tcp") {
				for _, cidr := range rule.Ranges {
					list = append(list, cidr.CIDR)
				}
			}
		}
	}
	return list
}
