package ec2

import (
	"errors"
	"fmt"

	"github.com/aws/smithy-go"
)

// Errors that a caller acts on.
var (
	// ErrNotOurs means that a machine lacks our tag, or carries that of another box.
	ErrNotOurs = errors.New("not our box")
	// ErrNoRoom means that AWS has none of the machines we asked for, in none of the zones.
	ErrNoRoom = errors.New("AWS has no such machine free")
	// ErrQuota means that the account may not run so many vCPUs.
	ErrQuota = errors.New("the account's vCPU quota is too small")
	// ErrPermission means that the credentials lack a permission.
	ErrPermission = errors.New("AWS permission missing")
	// ErrNoNetwork means that there is no default VPC, and nobody named a subnet.
	ErrNoNetwork = errors.New("no default VPC")
)

// code is AWS's name for what went wrong, empty when AWS did not answer.
func code(err error) string {
	var api smithy.APIError
	if errors.As(err, &api) {
		return api.ErrorCode()
	}
	return ""
}

// quotaLink is where more vCPUs are asked for.
const quotaLink = "https://console.aws.amazon.com/servicequotas/home/services/ec2/quotas/L-1216C47A"

// explain says what was being done and, for errors people meet, what to do next.
func explain(doing string, err error) error {
	var api smithy.APIError
	if !errors.As(err, &api) {
		return fmt.Errorf("%s: AWS did not answer: %w", doing, err)
	}
	switch api.ErrorCode() {
	case "UnauthorizedOperation", "AccessDenied", "AccessDeniedException":
		var operation *smithy.OperationError
		action := doing
		if errors.As(err, &operation) {
			action = fmt.Sprintf("%s (%s:%s)", doing, service(operation.ServiceID), operation.OperationName)
		}
		return fmt.Errorf("%w: %s; `changeover box up --dry-run` prints the policy that allows everything needed: %w", ErrPermission, action, err)
	case "VcpuLimitExceeded":
		return fmt.Errorf("%w; ask for more at %s: %w", ErrQuota, quotaLink, err)
	case "MaxSpotInstanceCountExceeded":
		return fmt.Errorf("%w for spot instances, which have one of their own: %w", ErrQuota, err)
	case "VPCIdNotSpecified":
		return fmt.Errorf("%w in this region; name a public subnet with --subnet: %w", ErrNoNetwork, err)
	case "PendingVerification", "OptInRequired", "Blocked":
		return fmt.Errorf("%s: AWS does not let this account launch yet; finish its sign-up in the AWS console: %w", doing, err)
	case "ExpiredToken", "RequestExpired", "AuthFailure", "InvalidClientTokenId", "ExpiredTokenException":
		return fmt.Errorf("%w that AWS accepts (%s): log in again, for instance with `aws sso login`", ErrCredentials, api.ErrorCode())
	default:
		return fmt.Errorf("%s: %w", doing, err)
	}
}

// service is the prefix that IAM gives to the actions of a service.
func service(id string) string {
	switch id {
	case "EC2":
		return "ec2"
	case "SSM":
		return "ssm"
	case "Pricing":
		return "pricing"
	case "Service Quotas":
		return "servicequotas"
	case "STS":
		return "sts"
	default:
		return id
	}
}
