package box

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/feature/ec2/imds"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// ErrNotEC2 means that no metadata service answers: this machine is not an EC2 instance.
var ErrNotEC2 = errors.New("this is not an EC2 instance")

// Metadata asks the instance metadata service, in its second version only.
type Metadata struct{ client *imds.Client }

// NewMetadata asks at an endpoint; an empty one means where EC2 has it.
func NewMetadata(endpoint string) Metadata {
	return Metadata{imds.New(imds.Options{
		Endpoint: endpoint, EnableFallback: aws.FalseTernary, ClientEnableState: imds.ClientEnabled,
		Retryer: retry.NewStandard(func(o *retry.StandardOptions) {
			o.MaxAttempts, o.MaxBackoff = 3, 200*time.Millisecond
		}),
	})}
}

// MetadataFromEnv asks where the environment variables of the AWS SDK say; ok is false when they forbid asking.
func MetadataFromEnv(getenv func(string) string) (m Metadata, ok bool) {
	return NewMetadata(getenv("AWS_EC2_METADATA_SERVICE_ENDPOINT")), !strings.EqualFold(getenv("AWS_EC2_METADATA_DISABLED"), "true")
}

// Identity is who this machine is.
type Identity struct {
	Instance, Region, Zone, Type string
	// Since is when billing began.
	Since time.Time
	// Spot says that AWS may take the machine back.
	Spot bool
	// Run and CentsHour come from our tags; Run is empty on a machine that we did not launch.
	Run       string
	CentsHour int64
}

// Identity asks who we are. Off EC2 nobody answers: the caller's ctx should end soon, one second is plenty on EC2.
func (m Metadata) Identity(ctx context.Context) (Identity, error) {
	document, err := m.client.GetInstanceIdentityDocument(ctx, nil)
	if err != nil {
		return Identity{}, fmt.Errorf("%w: %w", ErrNotEC2, err)
	}
	id := Identity{
		Instance: document.InstanceID, Region: document.Region, Zone: document.AvailabilityZone, Type: document.InstanceType,
		Since: document.PendingTime,
	}
	life, _, err := m.get(ctx, "instance-life-cycle")
	if err != nil {
		return id, err
	}
	id.Spot = life == "spot"
	if id.Run, _, err = m.get(ctx, "tags/instance/"+TagRun); err != nil {
		return id, err
	}
	cents, _, err := m.get(ctx, "tags/instance/"+TagCents)
	if err == nil {
		_, _ = fmt.Sscan(cents, &id.CentsHour) // a tag that somebody edited means an unknown price
	}
	return id, err
}

// get reads one value; ok is false when there is none.
func (m Metadata) get(ctx context.Context, path string) (value string, ok bool, err error) {
	out, err := m.client.GetMetadata(ctx, &imds.GetMetadataInput{Path: path})
	if err != nil {
		var response *smithyhttp.ResponseError
		if errors.As(err, &response) && response.HTTPStatusCode() == http.StatusNotFound {
			return "", false, nil
		}
		return "", false, fmt.Errorf("asking the metadata service for %s: %w", path, err)
	}
	defer out.Content.Close()
	raw, err := io.ReadAll(io.LimitReader(out.Content, 1<<20))
	if err != nil {
		return "", false, fmt.Errorf("asking the metadata service for %s: %w", path, err)
	}
	return strings.TrimSpace(string(raw)), true, nil
}

// Notice says that AWS is going to do something to this machine.
type Notice struct {
	// ID tells notices apart.
	ID string
	// What is "spot terminate", or a code such as "instance-retirement" or "system-reboot".
	What  string
	About string
	// At is when, as far as AWS says.
	At time.Time
}

func (n Notice) String() string {
	text := "AWS: " + n.What
	if !n.At.IsZero() {
		text += " at " + n.At.UTC().Format("2006-01-02 15:04 UTC")
	}
	if n.About != "" {
		text += " (" + n.About + ")"
	}
	return text
}

// Notices are what AWS announces now: the end of a spot instance, and maintenance that has not been done.
func (m Metadata) Notices(ctx context.Context) ([]Notice, error) {
	var list []Notice
	text, ok, err := m.get(ctx, "spot/instance-action")
	if err != nil {
		return nil, err
	}
	if ok {
		var action struct{ Action, Time string }
		if err := json.Unmarshal([]byte(text), &action); err != nil {
			return nil, fmt.Errorf("reading the spot notice: %w", err)
		}
		at, _ := time.Parse(time.RFC3339, action.Time)
		list = append(list, Notice{"spot " + action.Action + action.Time, "spot " + action.Action, "save what you need, and bail out if production is in maintenance", at})
	}
	text, ok, err = m.get(ctx, "events/maintenance/scheduled")
	if err != nil || !ok || text == "" {
		return list, err
	}
	var events []struct{ Code, Description, State, EventID, NotBefore string }
	if err := json.Unmarshal([]byte(text), &events); err != nil {
		return nil, fmt.Errorf("reading the scheduled events: %w", err)
	}
	for _, e := range events {
		if e.State == "completed" || e.State == "canceled" {
			continue
		}
		at, _ := time.Parse("2 Jan 2006 15:04:05 MST", e.NotBefore)
		list = append(list, Notice{e.EventID + e.State + e.NotBefore, e.Code, e.Description, at})
	}
	return list, nil
}
