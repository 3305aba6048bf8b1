package ec2

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
)

// Image is what a box boots from.
type Image struct {
	ID string
	// System is "ubuntu", "debian" or "amazon", User the login that it makes.
	System, User string
	// Root is the device name of the root disk: a mapping under another name would add a disk instead of sizing this one.
	Root string
}

// system says where a publisher announces its newest image, and which account that must belong to.
type system struct {
	parameter, owner, user string
	arch                   map[string]string
}

var systems = map[string]system{
	"ubuntu": {"/aws/service/canonical/ubuntu/server/24.04/stable/current/%s/hvm/ebs-gp3/ami-id", "099720109477", "ubuntu", map[string]string{"amd64": "amd64", "arm64": "arm64"}},
	"debian": {"/aws/service/debian/release/13/latest/%s", "136693071363", "admin", map[string]string{"amd64": "amd64", "arm64": "arm64"}},
	"amazon": {"/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-%s", "137112412989", "ec2-user", map[string]string{"amd64": "x86_64", "arm64": "arm64"}},
}

// image finds the newest image of a system and checks that it is what it says.
func (c *Cloud) image(ctx context.Context, name, arch string) (Image, error) {
	s, ok := systems[name]
	if !ok {
		return Image{}, fmt.Errorf("there is no image %q; use --image %s", name, strings.Join(slices.Sorted(maps.Keys(systems)), ", "))
	}
	parameter := fmt.Sprintf(s.parameter, s.arch[arch])
	out, err := c.ssm.GetParameter(ctx, &ssm.GetParameterInput{Name: &parameter})
	if err != nil {
		return Image{}, explain("asking for the newest "+name+" image", err)
	}
	id := aws.ToString(out.Parameter.Value)
	found, err := c.ec2.DescribeImages(ctx, &ec2.DescribeImagesInput{ImageIds: []string{id}})
	if err != nil {
		return Image{}, explain("looking at image "+id, err)
	}
	if len(found.Images) != 1 {
		return Image{}, fmt.Errorf("image %s, announced as the newest %s, does not exist in %s", id, name, c.Region)
	}
	img := found.Images[0]
	if owner := aws.ToString(img.OwnerId); owner != s.owner {
		return Image{}, fmt.Errorf("image %s belongs to account %s, not to %s, who publish %s: refused", id, owner, s.owner, name)
	}
	if string(img.Architecture) != awsArch(arch) {
		return Image{}, fmt.Errorf("image %s is for %s, not for %s", id, img.Architecture, awsArch(arch))
	}
	return Image{ID: id, System: name, User: s.user, Root: aws.ToString(img.RootDeviceName)}, nil
}
