package ec2

import (
	"fmt"
	"regexp"
)

// herokuRegions is where Heroku's regions are: the Common Runtime's two, then the Private Spaces'.
// Heroku's GET /regions says the same as provider.region; the table answers without asking.
var herokuRegions = map[string]string{
	"us": "us-east-1", "eu": "eu-west-1",
	"virginia": "us-east-1", "oregon": "us-west-2", "dublin": "eu-west-1", "frankfurt": "eu-central-1", "london": "eu-west-2",
	"montreal": "ca-central-1", "mumbai": "ap-south-1", "singapore": "ap-southeast-1", "sydney": "ap-southeast-2", "tokyo": "ap-northeast-1",
}

// OfHeroku is the AWS region of a region of Heroku.
func OfHeroku(region string) (string, error) {
	if aws, ok := herokuRegions[region]; ok {
		return aws, nil
	}
	return "", fmt.Errorf("Heroku's region %q is not known here; name the AWS region with --region", region)
}

var hostRegion = regexp.MustCompile(`\.([a-z]{2}(?:-[a-z]+)+-\d)\.(?:compute|rds)\.amazonaws\.com$`)

// OfHost is the AWS region that the host name of a database tells, if it does.
func OfHost(host string) (region string, ok bool) {
	if m := hostRegion.FindStringSubmatch(host); m != nil {
		return m[1], true
	}
	// The oldest region has a name of its own.
	if old, _ := regexp.MatchString(`\.compute-1\.amazonaws\.com$`, host); old {
		return "us-east-1", true
	}
	return "", false
}
