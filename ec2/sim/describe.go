package sim

import (
	"encoding/base64"
	"slices"
	"strconv"
	"time"
)

func timestamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

type reservationXML struct {
	ID        string        `xml:"reservationId"`
	Owner     string        `xml:"ownerId"`
	Instances []instanceXML `xml:"instancesSet>item"`
}

type instanceXML struct {
	ID          string       `xml:"instanceId"`
	Image       string       `xml:"imageId"`
	State       stateXML     `xml:"instanceState"`
	PrivateDNS  string       `xml:"privateDnsName"`
	DNS         string       `xml:"dnsName"`
	Reason      string       `xml:"reason"`
	StateReason *reasonXML   `xml:"stateReason,omitempty"`
	Type        string       `xml:"instanceType"`
	Launched    string       `xml:"launchTime"`
	Zone        string       `xml:"placement>availabilityZone"`
	Tenancy     string       `xml:"placement>tenancy"`
	Subnet      string       `xml:"subnetId"`
	VPC         string       `xml:"vpcId"`
	Private     string       `xml:"privateIpAddress"`
	Address     string       `xml:"ipAddress,omitempty"`
	Arch        string       `xml:"architecture"`
	Root        string       `xml:"rootDeviceName"`
	Token       string       `xml:"clientToken,omitempty"`
	Lifecycle   string       `xml:"instanceLifecycle,omitempty"`
	Groups      []groupRef   `xml:"groupSet>item"`
	Volumes     []mappingXML `xml:"blockDeviceMapping>item"`
	Tags        []tagXML     `xml:"tagSet>item"`
	Metadata    metadataXML  `xml:"metadataOptions"`
}

type reasonXML struct {
	Code    string `xml:"code"`
	Message string `xml:"message"`
}

type groupRef struct {
	ID   string `xml:"groupId"`
	Name string `xml:"groupName"`
}

type mappingXML struct {
	Device string `xml:"deviceName"`
	Volume string `xml:"ebs>volumeId"`
	Status string `xml:"ebs>status"`
	Delete bool   `xml:"ebs>deleteOnTermination"`
}

type metadataXML struct {
	State string `xml:"state"`
	HTTP  string `xml:"httpEndpoint"`
	Token string `xml:"httpTokens"`
	Hops  int    `xml:"httpPutResponseHopLimit"`
	Tags  string `xml:"instanceMetadataTags"`
}

func (s *Server) reservation(g *region, i *instance) reservationXML {
	x := instanceXML{
		ID: i.id, Image: i.image, State: i.stateXML(), Reason: i.reason, Type: i.typ, Launched: timestamp(i.launched),
		Zone: i.zone, Tenancy: "default", Subnet: i.subnet, VPC: i.vpc, Private: i.private, Arch: i.arch, Root: i.root, Token: i.token,
		Tags: tagSet(i.tags), Metadata: metadataXML{"applied", "enabled", i.http, 1, i.metadataTags},
	}
	// As on EC2, the public address appears with the state running.
	if i.state == Running {
		x.Address, x.DNS = i.address, i.address
	}
	if i.code != "" {
		x.StateReason = &reasonXML{i.code, i.message}
	}
	if i.spot {
		x.Lifecycle = "spot"
	}
	for _, id := range i.groups {
		if sg := g.group(id); sg != nil {
			x.Groups = append(x.Groups, groupRef{sg.id, sg.name})
		}
	}
	for _, v := range g.volumes {
		if v.instance == i.id {
			x.Volumes = append(x.Volumes, mappingXML{v.device, v.id, "attached", v.deleteWith})
		}
	}
	return reservationXML{"r-" + i.id[2:], account, []instanceXML{x}}
}

func (s *Server) describeInstances(g *region, r request) (any, *apiError) {
	var reply struct {
		Reservations []reservationXML `xml:"reservationSet>item"`
	}
	ids := r.list("InstanceId")
	for _, id := range ids {
		// A lookup of what is not visible yet counts as a look, and fails.
		at := slices.IndexFunc(g.instances, func(i *instance) bool { return i.id == id })
		if at >= 0 && g.instances[at].unseen > 0 {
			s.look(g, g.instances[at])
			return nil, bad("InvalidInstanceID.NotFound", "The instance ID '%s' does not exist", id)
		}
	}
	if _, err := g.find(ids); err != nil {
		return nil, err
	}
	for _, i := range g.instances {
		ok, err := r.matches(attributes{
			"instance-state-name": {string(i.state)}, "instance-type": {i.typ}, "availability-zone": {i.zone}, "vpc-id": {i.vpc},
			"client-token": {i.token}, "instance-id": {i.id}, "instance.group-id": i.groups,
		}, i.tags)
		if err != nil {
			return nil, err
		}
		if ok && wanted(ids, i.id) && s.look(g, i) {
			reply.Reservations = append(reply.Reservations, s.reservation(g, i))
		}
	}
	return reply, nil
}

func (s *Server) describeAttribute(g *region, r request) (any, *apiError) {
	list, err := g.find([]string{r.get("InstanceId")})
	if err != nil {
		return nil, err
	}
	i := list[0]
	type value struct {
		Value string `xml:"value"`
	}
	reply := struct {
		ID       string `xml:"instanceId"`
		Shutdown *value `xml:"instanceInitiatedShutdownBehavior,omitempty"`
		Type     *value `xml:"instanceType,omitempty"`
		UserData *value `xml:"userData,omitempty"`
	}{ID: i.id}
	switch attribute := r.get("Attribute"); attribute {
	case "instanceInitiatedShutdownBehavior":
		reply.Shutdown = &value{i.shutdown}
	case "instanceType":
		reply.Type = &value{i.typ}
	case "userData":
		reply.UserData = &value{base64.StdEncoding.EncodeToString(i.userData)}
	default:
		return nil, bad("InvalidParameterValue", "Value (%s) for parameter attribute is invalid.", attribute)
	}
	return reply, nil
}

func (s *Server) describeVolumes(g *region, r request) (any, *apiError) {
	type volumeXML struct {
		ID         string       `xml:"volumeId"`
		GB         int          `xml:"size"`
		Zone       string       `xml:"availabilityZone"`
		Status     string       `xml:"status"`
		Type       string       `xml:"volumeType"`
		Throughput int          `xml:"throughput"`
		Encrypted  bool         `xml:"encrypted"`
		Attached   []attachment `xml:"attachmentSet>item"`
		Tags       []tagXML     `xml:"tagSet>item"`
	}
	var reply struct {
		Volumes []volumeXML `xml:"volumeSet>item"`
	}
	for _, v := range g.volumes {
		status := "available"
		var attached []attachment
		if v.instance != "" {
			status, attached = "in-use", []attachment{{v.id, v.instance, v.device, "attached", v.deleteWith}}
		}
		ok, err := r.matches(attributes{"status": {status}, "attachment.instance-id": {v.instance}, "encrypted": {strconv.FormatBool(v.encrypted)}}, v.tags)
		if err != nil {
			return nil, err
		}
		if ok && wanted(r.list("VolumeId"), v.id) {
			reply.Volumes = append(reply.Volumes, volumeXML{v.id, v.gb, v.zone, status, v.kind, v.throughput, v.encrypted, attached, tagSet(v.tags)})
		}
	}
	return reply, nil
}

type attachment struct {
	Volume   string `xml:"volumeId"`
	Instance string `xml:"instanceId"`
	Device   string `xml:"device"`
	Status   string `xml:"status"`
	Delete   bool   `xml:"deleteOnTermination"`
}

func (s *Server) deleteVolume(g *region, r request) (any, *apiError) {
	at := slices.IndexFunc(g.volumes, func(v *volume) bool { return v.id == r.get("VolumeId") })
	if at < 0 {
		return nil, bad("InvalidVolume.NotFound", "The volume '%s' does not exist.", r.get("VolumeId"))
	}
	if g.volumes[at].instance != "" {
		return nil, bad("VolumeInUse", "Volume %s is currently attached to %s", g.volumes[at].id, g.volumes[at].instance)
	}
	if err := r.dryRun(); err != nil {
		return nil, err
	}
	g.volumes = slices.Delete(g.volumes, at, at+1)
	return success(), nil
}
