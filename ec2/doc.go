// Package ec2 launches the machine that does a migration, finds it again, and ends it.
//
// It is the only package that imports the EC2 part of the AWS SDK, which takes minutes to compile. What happens on the
// machine itself is in package box; a simulated EC2 to try all this against is in package sim.
package ec2
