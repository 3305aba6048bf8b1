package ec2

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

// How often AWS is asked for news of an instance, and for how long.
const (
	lookEvery = 2 * time.Second
	lookFor   = 10 * time.Minute
)

// look is what AWS says of one instance now; nil when it finds none, which right after the launch means nothing.
func (c *Cloud) look(ctx context.Context, id string) (*types.Instance, error) {
	out, err := c.ec2.DescribeInstances(ctx, &ec2.DescribeInstancesInput{InstanceIds: []string{id}})
	if code(err) == "InvalidInstanceID.NotFound" {
		return nil, nil
	}
	if err != nil {
		return nil, explain("asking for news of "+id, err)
	}
	for _, reservation := range out.Reservations {
		for i := range reservation.Instances {
			return &reservation.Instances[i], nil
		}
	}
	return nil, nil
}

// await asks until done says so. Unlike the SDK's waiters it outlasts a network that is gone for a moment, and it
// can say why an instance did not start.
func (c *Cloud) await(ctx context.Context, id, what string, done func(*types.Instance) (bool, error)) error {
	until := c.connection.Now().Add(lookFor)
	for {
		instance, err := c.look(ctx, id)
		if err != nil && code(err) != "" && code(err) != "RequestLimitExceeded" {
			return err
		}
		if err == nil {
			if ok, err := done(instance); ok || err != nil {
				return err
			}
		}
		if !c.connection.Now().Before(until) {
			if err != nil {
				return fmt.Errorf("%s is not %s after %s: %w", id, what, lookFor, err)
			}
			return fmt.Errorf("%s is not %s after %s; look at it in the EC2 console", id, what, lookFor)
		}
		if err := c.connection.Sleep(ctx, lookEvery); err != nil {
			return err
		}
	}
}

// awaitRunning waits for the state and the address, and makes sure that powering off ends the box.
func (c *Cloud) awaitRunning(ctx context.Context, r *Record) error {
	err := c.await(ctx, r.Instance, "running", func(i *types.Instance) (bool, error) {
		if i == nil || i.State == nil {
			return false, nil
		}
		switch i.State.Name {
		case types.InstanceStateNamePending:
			return false, nil
		case types.InstanceStateNameRunning:
			r.Address = aws.ToString(i.PublicIpAddress)
			return r.Address != "", nil
		default:
			return false, fmt.Errorf("%s did not start, it is %s: %s; run `changeover box down %s`, then launch again", r.Instance, i.State.Name, reason(i), r.Name)
		}
	})
	if err != nil {
		return err
	}
	if err := r.save(); err != nil {
		return err
	}
	out, err := c.ec2.DescribeInstanceAttribute(ctx, &ec2.DescribeInstanceAttributeInput{
		InstanceId: &r.Instance, Attribute: types.InstanceAttributeNameInstanceInitiatedShutdownBehavior,
	})
	if err != nil {
		return explain("asking what powering off does to "+r.Instance, err)
	}
	if b := out.InstanceInitiatedShutdownBehavior; b == nil || aws.ToString(b.Value) != "terminate" {
		return fmt.Errorf("%s would only stop when it powers itself off, and go on to be paid for; run `changeover box down %s`, then launch again", r.Instance, r.Name)
	}
	return nil
}

// reason is why AWS ended an instance.
func reason(i *types.Instance) string {
	if i.StateReason != nil && aws.ToString(i.StateReason.Message) != "" {
		return aws.ToString(i.StateReason.Message)
	}
	return orElse(aws.ToString(i.StateTransitionReason), "AWS does not say why")
}
