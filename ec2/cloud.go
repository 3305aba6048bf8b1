package ec2

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/pricing"
	"github.com/aws/aws-sdk-go-v2/service/servicequotas"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/sts"
)

// Cloud is one region of an AWS account.
type Cloud struct {
	Region string

	ec2     *ec2.Client
	ssm     *ssm.Client
	pricing *pricing.Client
	quotas  *servicequotas.Client
	sts     *sts.Client

	connection Connection
}

// Connection says how AWS is reached.
type Connection struct {
	Region string
	// Endpoint is a simulated EC2 on loopback, for all services. Empty means AWS. Nothing but a simulator is allowed
	// here, and real credentials are never sent to it.
	Endpoint string
	// Now is the clock and Sleep waits on it until ctx ends. Default: the machine's own; with a simulated EC2, whose
	// instances move on whenever they are looked at, there is nothing to wait for and Sleep is a moment.
	Now   func() time.Time
	Sleep func(ctx context.Context, d time.Duration) error
}

// ErrCredentials means that AWS cannot be asked because nobody says who we are.
var ErrCredentials = errors.New("no AWS credentials")

// Connect prepares the calls; credentials are found as the AWS command line finds them. Nothing is sent but what the
// credentials themselves need.
func Connect(ctx context.Context, c Connection) (*Cloud, error) {
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Sleep == nil {
		c.Sleep = sleep
		if c.Endpoint != "" {
			c.Sleep = func(ctx context.Context, _ time.Duration) error { return sleep(ctx, 10*time.Millisecond) }
		}
	}
	options := []func(*config.LoadOptions) error{
		config.WithRegion(c.Region),
		config.WithRetryer(func() aws.Retryer { return impatient{retry.NewStandard()} }),
	}
	if c.Endpoint != "" {
		if err := loopbackOnly(c.Endpoint); err != nil {
			return nil, err
		}
		options = append(options, config.WithBaseEndpoint(c.Endpoint),
			config.WithCredentialsProvider(credentials.NewStaticCredentialsProvider("SIMULATED", "simulated", "")),
			config.WithSharedConfigFiles(nil), config.WithSharedCredentialsFiles(nil))
	}
	cfg, err := config.LoadDefaultConfig(ctx, options...)
	if err != nil {
		return nil, fmt.Errorf("reading the AWS configuration: %w", err)
	}
	if _, err := cfg.Credentials.Retrieve(ctx); err != nil {
		return nil, fmt.Errorf("%w: run `aws configure` or `aws sso login`, or set AWS_PROFILE (%w)", ErrCredentials, err)
	}
	return &Cloud{
		Region: c.Region, connection: c, ec2: ec2.NewFromConfig(cfg), ssm: ssm.NewFromConfig(cfg), sts: sts.NewFromConfig(cfg),
		quotas: servicequotas.NewFromConfig(cfg),
		// Prices are told in three regions only; us-east-1 knows those of all.
		pricing: pricing.NewFromConfig(cfg, func(o *pricing.Options) { o.Region = "us-east-1" }),
	}, nil
}

// In is the same account in another region.
func (c *Cloud) In(ctx context.Context, region string) (*Cloud, error) {
	if region == c.Region {
		return c, nil
	}
	other := c.connection
	other.Region = region
	return Connect(ctx, other)
}

// Account is the number of the account that would pay, and who asks.
func (c *Cloud) Account(ctx context.Context) (account, who string, err error) {
	id, err := c.sts.GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	if err != nil {
		return "", "", explain("asking AWS who we are", err)
	}
	return aws.ToString(id.Account), aws.ToString(id.Arn), nil
}

func loopbackOnly(endpoint string) error {
	u, err := url.Parse(endpoint)
	if err != nil {
		return fmt.Errorf("the EC2 endpoint is not a URL: %w", err)
	}
	if ip := net.ParseIP(u.Hostname()); ip == nil || !ip.IsLoopback() {
		return fmt.Errorf("the EC2 endpoint %s is not on this machine: only `changeover sim ec2` may stand in for AWS", u.Host)
	}
	return nil
}

// impatient is the SDK's own way to retry, but not when AWS has no room: that is told with status 500, which the SDK
// takes for a hiccup, and the next zone is a better idea than the same again.
type impatient struct{ aws.RetryerV2 }

func (i impatient) IsErrorRetryable(err error) bool {
	return code(err) != "InsufficientInstanceCapacity" && i.RetryerV2.IsErrorRetryable(err)
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
