package sim

import (
	"fmt"
	"slices"
	"strconv"
)

// region is the state of one region.
type region struct {
	name      string
	vpc       string // the default network; empty when the account has none
	subnets   []subnet
	groups    []*group
	instances []*instance
	volumes   []*volume
	tokens    map[string]*instance
}

type subnet struct{ id, zone string }

// group is a security group.
type group struct {
	id, name, about, vpc string
	tags                 map[string]string
	rules                []ruleXML
}

func itoa(n int) string { return strconv.Itoa(n) }

func (s *Server) newRegion(name string) *region {
	g := &region{name: name, tokens: map[string]*instance{}}
	for _, letter := range "abc" {
		g.subnets = append(g.subnets, subnet{s.newID("subnet"), name + string(letter)})
	}
	vpc := s.newID("vpc")
	if !s.options.NoDefaultVPC {
		g.vpc = vpc
	}
	g.groups = []*group{{id: s.newID("sg"), name: "default", about: "default VPC security group", vpc: vpc}}
	return g
}

func (s *Server) describeRegions(*region, request) (any, *apiError) {
	type regionXML struct {
		Name     string `xml:"regionName"`
		Endpoint string `xml:"regionEndpoint"`
		OptIn    string `xml:"optInStatus"`
	}
	var reply struct {
		Regions []regionXML `xml:"regionInfo>item"`
	}
	for _, name := range s.options.Regions {
		reply.Regions = append(reply.Regions, regionXML{name, "ec2." + name + ".amazonaws.com", "opt-in-not-required"})
	}
	return reply, nil
}

func (s *Server) describeZones(g *region, _ request) (any, *apiError) {
	type zoneXML struct {
		Name   string `xml:"zoneName"`
		State  string `xml:"zoneState"`
		Region string `xml:"regionName"`
	}
	var reply struct {
		Zones []zoneXML `xml:"availabilityZoneInfo>item"`
	}
	for _, sub := range g.subnets {
		reply.Zones = append(reply.Zones, zoneXML{sub.zone, "available", g.name})
	}
	return reply, nil
}

func (s *Server) describeVPCs(g *region, r request) (any, *apiError) {
	type vpcXML struct {
		ID      string `xml:"vpcId"`
		State   string `xml:"state"`
		CIDR    string `xml:"cidrBlock"`
		Default bool   `xml:"isDefault"`
	}
	var reply struct {
		VPCs []vpcXML `xml:"vpcSet>item"`
	}
	id := g.groups[0].vpc
	ok, err := r.matches(attributes{"is-default": {strconv.FormatBool(g.vpc != "")}, "vpc-id": {id}}, nil)
	if err != nil {
		return nil, err
	}
	if ok && wanted(r.list("VpcId"), id) {
		reply.VPCs = append(reply.VPCs, vpcXML{id, "available", "172.31.0.0/16", g.vpc != ""})
	}
	return reply, nil
}

func (s *Server) describeSubnets(g *region, r request) (any, *apiError) {
	type subnetXML struct {
		ID     string `xml:"subnetId"`
		VPC    string `xml:"vpcId"`
		Zone   string `xml:"availabilityZone"`
		State  string `xml:"state"`
		Public bool   `xml:"mapPublicIpOnLaunch"`
		Def    bool   `xml:"defaultForAz"`
		Free   int    `xml:"availableIpAddressCount"`
	}
	var reply struct {
		Subnets []subnetXML `xml:"subnetSet>item"`
	}
	ids := r.list("SubnetId")
	for _, id := range ids {
		if !slices.ContainsFunc(g.subnets, func(sub subnet) bool { return sub.id == id }) {
			return nil, bad("InvalidSubnetID.NotFound", "The subnet ID '%s' does not exist", id)
		}
	}
	for _, sub := range g.subnets {
		ok, err := r.matches(attributes{
			"vpc-id": {g.groups[0].vpc}, "default-for-az": {strconv.FormatBool(g.vpc != "")}, "availability-zone": {sub.zone}, "state": {"available"},
		}, nil)
		if err != nil {
			return nil, err
		}
		if ok && wanted(ids, sub.id) {
			reply.Subnets = append(reply.Subnets, subnetXML{sub.id, g.groups[0].vpc, sub.zone, "available", true, g.vpc != "", 4091})
		}
	}
	return reply, nil
}

type ruleXML struct {
	Protocol string     `xml:"ipProtocol"`
	From     int        `xml:"fromPort"`
	To       int        `xml:"toPort"`
	Ranges   []rangeXML `xml:"ipRanges>item"`
}

type rangeXML struct {
	CIDR  string `xml:"cidrIp"`
	About string `xml:"description,omitempty"`
}

func (g *region) group(id string) *group {
	i := slices.IndexFunc(g.groups, func(sg *group) bool { return sg.id == id })
	if i < 0 {
		return nil
	}
	return g.groups[i]
}

func noGroup(id string) *apiError {
	return bad("InvalidGroup.NotFound", "The security group '%s' does not exist", id)
}

func (s *Server) describeGroups(g *region, r request) (any, *apiError) {
	type groupXML struct {
		ID    string    `xml:"groupId"`
		Name  string    `xml:"groupName"`
		About string    `xml:"groupDescription"`
		VPC   string    `xml:"vpcId"`
		Owner string    `xml:"ownerId"`
		Rules []ruleXML `xml:"ipPermissions>item"`
		Tags  []tagXML  `xml:"tagSet>item"`
	}
	var reply struct {
		Groups []groupXML `xml:"securityGroupInfo>item"`
	}
	ids := r.list("GroupId")
	for _, id := range ids {
		if g.group(id) == nil {
			return nil, noGroup(id)
		}
	}
	for _, sg := range g.groups {
		ok, err := r.matches(attributes{"group-name": {sg.name}, "vpc-id": {sg.vpc}, "group-id": {sg.id}}, sg.tags)
		if err != nil {
			return nil, err
		}
		if ok && wanted(ids, sg.id) {
			reply.Groups = append(reply.Groups, groupXML{sg.id, sg.name, sg.about, sg.vpc, account, sg.rules, tagSet(sg.tags)})
		}
	}
	return reply, nil
}

func (s *Server) createGroup(g *region, r request) (any, *apiError) {
	if r.get("GroupName") == "" || r.get("GroupDescription") == "" {
		return nil, bad("MissingParameter", "The request must contain the parameters GroupName and GroupDescription")
	}
	if err := r.dryRun(); err != nil {
		return nil, err
	}
	sg := &group{id: s.newID("sg"), name: r.get("GroupName"), about: r.get("GroupDescription"), vpc: r.get("VpcId"), tags: r.tags("security-group")}
	if sg.vpc == "" {
		if sg.vpc = g.vpc; sg.vpc == "" {
			return nil, bad("VPCIdNotSpecified", "No default VPC for this user")
		}
	}
	for _, other := range g.groups {
		if other.name == sg.name && other.vpc == sg.vpc {
			return nil, bad("InvalidGroup.Duplicate", "The security group '%s' already exists for VPC '%s'", sg.name, sg.vpc)
		}
	}
	g.groups = append(g.groups, sg)
	return struct {
		Return bool     `xml:"return"`
		ID     string   `xml:"groupId"`
		Tags   []tagXML `xml:"tagSet>item"`
	}{true, sg.id, tagSet(sg.tags)}, nil
}

func (s *Server) authorizeIngress(g *region, r request) (any, *apiError) {
	sg := g.group(r.get("GroupId"))
	if sg == nil {
		return nil, noGroup(r.get("GroupId"))
	}
	if err := r.dryRun(); err != nil {
		return nil, err
	}
	for _, item := range r.items("IpPermissions") {
		rule := ruleXML{Protocol: r.get(item + ".IpProtocol"), From: atoi(r.get(item+".FromPort"), -1), To: atoi(r.get(item+".ToPort"), -1)}
		for _, cidr := range r.items(item + ".IpRanges") {
			rule.Ranges = append(rule.Ranges, rangeXML{r.get(cidr + ".CidrIp"), r.get(cidr + ".Description")})
		}
		for _, old := range sg.rules {
			if fmt.Sprint(old.Protocol, old.From, old.To) == fmt.Sprint(rule.Protocol, rule.From, rule.To) && slices.ContainsFunc(old.Ranges, func(a rangeXML) bool {
				return slices.ContainsFunc(rule.Ranges, func(b rangeXML) bool { return a.CIDR == b.CIDR })
			}) {
				return nil, bad("InvalidPermission.Duplicate", "the specified rule \"peer: %s, TCP, from port: %d, to port: %d, ALLOW\" already exists", rule.Ranges[0].CIDR, rule.From, rule.To)
			}
		}
		sg.rules = append(sg.rules, rule)
	}
	return success(), nil
}

// deleteGroup refuses while an instance uses the group: it must have terminated, shutting down is not enough.
func (s *Server) deleteGroup(g *region, r request) (any, *apiError) {
	sg := g.group(r.get("GroupId"))
	if sg == nil {
		return nil, noGroup(r.get("GroupId"))
	}
	if err := r.dryRun(); err != nil {
		return nil, err
	}
	for _, i := range g.instances {
		if i.state != Terminated && slices.Contains(i.groups, sg.id) {
			return nil, bad("DependencyViolation", "resource %s has a dependent object", sg.id)
		}
	}
	g.groups = slices.DeleteFunc(g.groups, func(other *group) bool { return other == sg })
	return success(), nil
}
