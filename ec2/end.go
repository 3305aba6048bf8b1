package ec2

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

// Terminate ends an instance that carries the tag of the run, and nothing else, and waits until it has ended. One that
// is gone already is fine.
func (c *Cloud) Terminate(ctx context.Context, id, run string) error {
	if err := c.BeginTerminate(ctx, id, run); err != nil {
		return err
	}
	return c.await(ctx, id, "terminated", func(i *types.Instance) (bool, error) {
		return i == nil || i.State != nil && i.State.Name == types.InstanceStateNameTerminated, nil
	})
}

// BeginTerminate is Terminate without the wait, for a box that ends itself.
func (c *Cloud) BeginTerminate(ctx context.Context, id, run string) error {
	instance, err := c.look(ctx, id)
	if err != nil || instance == nil {
		return err
	}
	if instance.State != nil && instance.State.Name == types.InstanceStateNameTerminated {
		return nil
	}
	if f := c.found("box", id, instance.Tags); run == "" || f.Run != run {
		return fmt.Errorf("%w: %s has the tag %s=%q, not %q; it is left alone", ErrNotOurs, id, TagRun, f.Run, run)
	}
	if _, err := c.ec2.TerminateInstances(ctx, &ec2.TerminateInstancesInput{InstanceIds: []string{id}}); err != nil && code(err) != "InvalidInstanceID.NotFound" {
		return explain("ending "+id, err)
	}
	return nil
}

// Ended says whether an instance is gone, or on its way: billing ends with shutting-down.
func (c *Cloud) Ended(ctx context.Context, id string) (bool, error) {
	i, err := c.look(ctx, id)
	if err != nil {
		return false, err
	}
	return i == nil || i.State != nil && (i.State.Name == types.InstanceStateNameTerminated || i.State.Name == types.InstanceStateNameShuttingDown), nil
}

// Remove ends or deletes one thing of ours, and what a box leaves behind.
func (c *Cloud) Remove(ctx context.Context, f Found) error {
	here, err := c.In(ctx, f.Region)
	if err != nil {
		return err
	}
	switch f.Kind {
	case "box":
		if err := here.Terminate(ctx, f.ID, f.Run); err != nil {
			return err
		}
		return here.removeGroups(ctx, f.Run)
	case "security group":
		_, err := here.ec2.DeleteSecurityGroup(ctx, &ec2.DeleteSecurityGroupInput{GroupId: &f.ID})
		if err != nil && code(err) != "InvalidGroup.NotFound" {
			return explain("deleting security group "+f.ID, err)
		}
	case "volume":
		_, err := here.ec2.DeleteVolume(ctx, &ec2.DeleteVolumeInput{VolumeId: &f.ID})
		if err != nil && code(err) != "InvalidVolume.NotFound" {
			return explain("deleting volume "+f.ID, err)
		}
	default:
		return fmt.Errorf("%s %s cannot be removed", f.Kind, f.ID)
	}
	return nil
}

// Down ends everything of a record: the instance, also one that a killed launcher never heard of, and its security
// group.
func (c *Cloud) Down(ctx context.Context, r *Record) error {
	here, err := c.In(ctx, r.Region)
	if err != nil {
		return err
	}
	boxes, err := here.findBoxes(ctx)
	if err != nil {
		return err
	}
	for _, b := range boxes {
		if b.Run == r.Run {
			if err := here.Terminate(ctx, b.ID, r.Run); err != nil {
				return err
			}
		}
	}
	if r.Instance != "" {
		if err := here.Terminate(ctx, r.Instance, r.Run); err != nil {
			return err
		}
	}
	return here.removeGroups(ctx, r.Run)
}

// removeGroups deletes the security groups of a run. AWS refuses while an instance that uses one has not terminated.
func (c *Cloud) removeGroups(ctx context.Context, run string) error {
	out, err := c.ec2.DescribeSecurityGroups(ctx, &ec2.DescribeSecurityGroupsInput{
		Filters: []types.Filter{{Name: aws.String("tag:" + TagRun), Values: []string{run}}},
	})
	if err != nil {
		return explain("looking for the security group", err)
	}
	for _, g := range out.SecurityGroups {
		if err := c.Remove(ctx, Found{Region: c.Region, Kind: "security group", ID: aws.ToString(g.GroupId), Run: run}); err != nil {
			return err
		}
	}
	return nil
}
