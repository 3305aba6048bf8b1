package sim

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"time"
)

// Server is a simulated EC2.
type Server struct {
	options Options

	mu      sync.Mutex
	regions map[string]*region
	faults  faults
	calls   []Call
	next    int // numbers resources
	extra   []*http.Server
	work    sync.WaitGroup
	main    *http.Server
	url     string
}

// Call is a request that was served.
type Call struct {
	Service, Action, Region string
	Form                    url.Values // of the query protocol
	Attempt                 string     // what the SDK says of its own retries: "attempt=2; max=3"
}

// Start serves until Close.
func Start(o Options) (*Server, error) {
	o.defaults()
	host, _, err := net.SplitHostPort(o.Listen)
	if ip := net.ParseIP(host); err != nil || ip == nil || !ip.IsLoopback() {
		return nil, fmt.Errorf("a simulated EC2 listens on loopback only, not on %q: use 127.0.0.1:PORT", o.Listen)
	}
	s := &Server{options: o, regions: map[string]*region{}}
	for _, name := range o.Regions {
		s.regions[name] = s.newRegion(name)
	}
	s.main, s.url, err = s.serve(o.Listen, http.HandlerFunc(s.handle))
	if err != nil {
		return nil, err
	}
	return s, nil
}

// serve starts one more HTTP server, which Close ends.
func (s *Server) serve(listen string, h http.Handler) (*http.Server, string, error) {
	l, err := net.Listen("tcp", listen)
	if err != nil {
		return nil, "", fmt.Errorf("starting the simulated EC2: %w", err)
	}
	server := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second}
	s.work.Go(func() { _ = server.Serve(l) })
	return server, "http://" + l.Addr().String(), nil
}

// URL is the endpoint of every service, and of the metadata of the newest instance.
func (s *Server) URL() string { return s.url }

// Close ends all connections and waits until nothing of the server runs.
func (s *Server) Close(ctx context.Context) error {
	s.mu.Lock()
	all := append([]*http.Server{s.main}, s.extra...)
	s.mu.Unlock()
	var err error
	for _, server := range all {
		if e := server.Shutdown(ctx); e != nil {
			err = errors.Join(err, e, server.Close())
		}
	}
	s.work.Wait()
	return err
}

// Calls are the requests served so far, of one action, or all of them when action is empty.
func (s *Server) Calls(action string) []Call {
	s.mu.Lock()
	defer s.mu.Unlock()
	var list []Call
	for _, c := range s.calls {
		if action == "" || c.Action == action {
			list = append(list, c)
		}
	}
	return list
}

// scope is the credential scope of a signature: who asks for which service of which region.
var scope = regexp.MustCompile(`Credential=[^/]*/\d{8}/([a-z0-9-]+)/([a-z0-9-]+)/aws4_request`)

// handle tells the services apart: they share one address here.
func (s *Server) handle(w http.ResponseWriter, r *http.Request) {
	if strings.HasPrefix(r.URL.Path, "/latest/") {
		s.metadata(w, r, "")
		return
	}
	call := Call{Region: s.options.Regions[0], Attempt: r.Header.Get("Amz-Sdk-Request")}
	if m := scope.FindStringSubmatch(r.Header.Get("Authorization")); m != nil {
		call.Region, call.Service = m[1], m[2]
	} else {
		writeXMLError(w, problem(http.StatusUnauthorized, "AuthFailure", "AWS was not able to validate the provided access credentials"))
		return
	}
	if target := r.Header.Get("X-Amz-Target"); target != "" {
		_, call.Action, _ = strings.Cut(target, ".")
		s.handleJSON(w, r, call)
		return
	}
	if err := r.ParseForm(); err != nil {
		writeXMLError(w, problem(http.StatusBadRequest, "MalformedQueryString", err.Error()))
		return
	}
	call.Action, call.Form = r.Form.Get("Action"), r.Form
	s.handleQuery(w, call)
}

// handleQuery serves the query protocol of EC2 and STS.
func (s *Server) handleQuery(w http.ResponseWriter, call Call) {
	s.mu.Lock()
	reply, err := s.dispatch(call)
	drop := err == nil && s.faults.dropReply(call.Action)
	s.mu.Unlock()
	s.options.Log("%s %s %s: %v", call.Region, call.Service, call.Action, describe(err))
	switch {
	case drop:
		// The client never learns what became of its request, which was carried out.
		panic(http.ErrAbortHandler)
	case err != nil:
		writeXMLError(w, err)
	case call.Service == "sts":
		writeSTS(w, call.Action, reply)
	default:
		writeXML(w, call.Action, reply)
	}
}

// dispatch carries a call out. The caller holds the lock.
func (s *Server) dispatch(call Call) (any, *apiError) {
	s.calls = append(s.calls, call)
	if err := s.faults.take(call.Action); err != nil {
		return nil, err
	}
	if call.Action == "GetCallerIdentity" {
		return callerIdentity{ARN: "arn:aws:iam::123456789012:user/ana", UserID: "AIDASIMULATED", Account: account}, nil
	}
	region, ok := s.regions[call.Region]
	if !ok {
		return nil, problem(http.StatusUnauthorized, "AuthFailure", "AWS was not able to validate the provided access credentials")
	}
	action, ok := actions[call.Action]
	if !ok {
		return nil, problem(http.StatusBadRequest, "InvalidAction", "The action "+call.Action+" is not valid for this web service.")
	}
	return action(s, region, request{call.Form})
}

// actions are what the simulated EC2 can do.
var actions = map[string]func(*Server, *region, request) (any, *apiError){
	"DescribeRegions":               (*Server).describeRegions,
	"DescribeAvailabilityZones":     (*Server).describeZones,
	"DescribeVpcs":                  (*Server).describeVPCs,
	"DescribeSubnets":               (*Server).describeSubnets,
	"DescribeSecurityGroups":        (*Server).describeGroups,
	"CreateSecurityGroup":           (*Server).createGroup,
	"AuthorizeSecurityGroupIngress": (*Server).authorizeIngress,
	"DeleteSecurityGroup":           (*Server).deleteGroup,
	"DescribeImages":                (*Server).describeImages,
	"DescribeInstanceTypes":         (*Server).describeTypes,
	"DescribeInstanceTypeOfferings": (*Server).describeOfferings,
	"RunInstances":                  (*Server).runInstances,
	"DescribeInstances":             (*Server).describeInstances,
	"DescribeInstanceAttribute":     (*Server).describeAttribute,
	"DescribeVolumes":               (*Server).describeVolumes,
	"DeleteVolume":                  (*Server).deleteVolume,
	"TerminateInstances":            (*Server).terminateInstances,
	"StopInstances":                 (*Server).stopInstances,
	"StartInstances":                (*Server).startInstances,
	"CreateTags":                    (*Server).createTags,
	"GetConsoleOutput":              (*Server).consoleOutput,
}

const account = "123456789012"

// newID numbers a resource as EC2 writes it: 17 hexadecimal digits.
func (s *Server) newID(prefix string) string {
	s.next++
	return fmt.Sprintf("%s-0%016x", prefix, s.next)
}
