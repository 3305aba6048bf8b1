package sim

import (
	"net/http"
	"slices"
)

// faults are what shall go wrong.
type faults struct {
	fail     map[string][]*apiError // by action, used up one by one
	denied   map[string]bool
	drop     map[string]int
	capacity map[string]bool // "i7i.2xlarge us-east-1a" has no room; either half may be missing
}

// Fail lets the next calls of an action fail with an error of AWS, one per status and code given.
func (s *Server) Fail(action string, status int, code, message string, times int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.faults.fail == nil {
		s.faults.fail = map[string][]*apiError{}
	}
	for range times {
		s.faults.fail[action] = append(s.faults.fail[action], problem(status, code, message))
	}
}

// Deny takes the permission for an action away.
func (s *Server) Deny(action string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.faults.denied == nil {
		s.faults.denied = map[string]bool{}
	}
	s.faults.denied[action] = true
}

// DropReplies carries the next calls of an action out and then cuts the connection instead of answering.
func (s *Server) DropReplies(action string, times int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.faults.drop == nil {
		s.faults.drop = map[string]int{}
	}
	s.faults.drop[action] = times
}

// NoCapacity lets AWS have no machine of a type in a zone; an empty type or zone means every one.
func (s *Server) NoCapacity(instanceType, zone string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.faults.capacity == nil {
		s.faults.capacity = map[string]bool{}
	}
	s.faults.capacity[instanceType+" "+zone] = true
}

// take is the error that an action meets now, if any.
func (f *faults) take(action string) *apiError {
	if f.denied[action] {
		return problem(http.StatusForbidden, "UnauthorizedOperation", "You are not authorized to perform this operation. User: arn:aws:iam::"+
			account+":user/ana is not authorized to perform: ec2:"+action)
	}
	queue := f.fail[action]
	if len(queue) == 0 {
		return nil
	}
	f.fail[action] = slices.Delete(queue, 0, 1)
	return queue[0]
}

func (f *faults) dropReply(action string) bool {
	if f.drop[action] == 0 {
		return false
	}
	f.drop[action]--
	return true
}

func (f *faults) full(instanceType, zone string) bool {
	return f.capacity[instanceType+" "+zone] || f.capacity[instanceType+" "] || f.capacity[" "+zone] || f.capacity[" "]
}
