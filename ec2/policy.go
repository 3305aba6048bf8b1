package ec2

import _ "embed"

// Policy is the IAM policy that allows what launching, listing and ending boxes takes, and nothing beyond boxes.
//
//go:embed policy.json
var Policy string
