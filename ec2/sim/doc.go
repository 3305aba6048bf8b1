// Package sim is a simulated EC2: the query protocol, and the few calls of Systems Manager, Price List, Service Quotas
// and Security Token Service that launching takes, and the instance metadata service. It is good enough for
// aws-sdk-go-v2 and for the official AWS command line. Nothing is started: an instance is a record that goes through
// the states a real one goes through, as often as somebody looks, so that nobody's test has to wait.
package sim
