package ec2

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"golang.org/x/sync/errgroup"
)

// Found is something of ours in an account.
type Found struct {
	Region string `json:"region"`
	// Kind is "box", "security group" or "volume"; the latter two are found only when no box needs them any more.
	Kind string `json:"kind"`
	ID   string `json:"id"`
	Run  string `json:"run"`
	Name string `json:"name,omitempty"`

	Type     string    `json:"type,omitempty"`
	State    string    `json:"state,omitempty"`
	Owner    string    `json:"owner,omitempty"`
	Address  string    `json:"address,omitempty"`
	Launched time.Time `json:"launched,omitzero"`
	Deadline time.Time `json:"deadline,omitzero"`
	// CentsHour is what the machine costs while it runs; 0 when its tag does not say.
	CentsHour int64 `json:"cents_hour,omitempty"`
}

// Cents is what a box has cost until now. A stopped one is counted as if it ran: nobody knows since when it does not.
func (f Found) Cents(now time.Time) int64 {
	if f.Launched.IsZero() {
		return 0
	}
	return int64(now.Sub(f.Launched).Hours() * float64(f.CentsHour))
}

// Overdue says that a box has outlived its deadline.
func (f Found) Overdue(now time.Time) bool {
	return f.Kind == "box" && !f.Deadline.IsZero() && now.After(f.Deadline)
}

// ours finds everything with our tag.
func ours() []types.Filter {
	return []types.Filter{{Name: aws.String("tag-key"), Values: []string{TagRun}}}
}

// Find looks for everything of ours, in all regions of the account when none is named.
func (c *Cloud) Find(ctx context.Context, regions ...string) ([]Found, error) {
	if len(regions) == 0 {
		out, err := c.ec2.DescribeRegions(ctx, &ec2.DescribeRegionsInput{})
		if err != nil {
			return nil, explain("asking which regions there are", err)
		}
		for _, r := range out.Regions {
			regions = append(regions, aws.ToString(r.RegionName))
		}
	}
	var mu sync.Mutex
	var all []Found
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(8)
	for _, name := range regions {
		group.Go(func() error {
			region, err := c.In(ctx, name)
			if err != nil {
				return err
			}
			list, err := region.findHere(ctx)
			if err != nil {
				return fmt.Errorf("in %s: %w", name, err)
			}
			mu.Lock()
			defer mu.Unlock()
			all = append(all, list...)
			return nil
		})
	}
	err := group.Wait()
	slices.SortFunc(all, func(a, b Found) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Region, b.Region), cmp.Compare(a.ID, b.ID))
	})
	return all, err
}

func (c *Cloud) findHere(ctx context.Context) ([]Found, error) {
	boxes, err := c.findBoxes(ctx)
	if err != nil {
		return nil, err
	}
	alive := map[string]bool{}
	for _, b := range boxes {
		alive[b.Run] = true
	}
	groups, err := c.ec2.DescribeSecurityGroups(ctx, &ec2.DescribeSecurityGroupsInput{Filters: ours()})
	if err != nil {
		return nil, explain("looking for security groups", err)
	}
	for _, g := range groups.SecurityGroups {
		if f := c.found("security group", aws.ToString(g.GroupId), g.Tags); !alive[f.Run] {
			boxes = append(boxes, f)
		}
	}
	volumes, err := c.ec2.DescribeVolumes(ctx, &ec2.DescribeVolumesInput{
		Filters: append(ours(), types.Filter{Name: aws.String("status"), Values: []string{"available"}}),
	})
	if err != nil {
		return nil, explain("looking for volumes", err)
	}
	for _, v := range volumes.Volumes {
		boxes = append(boxes, c.found("volume", aws.ToString(v.VolumeId), v.Tags))
	}
	return boxes, nil
}

// findBoxes finds instances that still exist; terminated ones are shown by AWS for an hour, but are gone.
func (c *Cloud) findBoxes(ctx context.Context) ([]Found, error) {
	var list []Found
	pages := ec2.NewDescribeInstancesPaginator(c.ec2, &ec2.DescribeInstancesInput{Filters: ours()})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, explain("looking for boxes", err)
		}
		for _, reservation := range page.Reservations {
			for _, i := range reservation.Instances {
				if i.State == nil || i.State.Name == types.InstanceStateNameTerminated {
					continue
				}
				f := c.found("box", aws.ToString(i.InstanceId), i.Tags)
				f.Type, f.State = string(i.InstanceType), string(i.State.Name)
				f.Address, f.Launched = aws.ToString(i.PublicIpAddress), aws.ToTime(i.LaunchTime)
				list = append(list, f)
			}
		}
	}
	return list, nil
}

func (c *Cloud) found(kind, id string, tags []types.Tag) Found {
	f := Found{Region: c.Region, Kind: kind, ID: id}
	for _, tag := range tags {
		switch value := aws.ToString(tag.Value); aws.ToString(tag.Key) {
		case TagRun:
			f.Run = value
		case "Name":
			f.Name = value
		case TagOwner:
			f.Owner = value
		case TagCents:
			f.CentsHour, _ = strconv.ParseInt(value, 10, 64) // an edited tag means an unknown price
		case TagDeadline:
			f.Deadline, _ = time.Parse(time.RFC3339, value)
		}
	}
	return f
}
