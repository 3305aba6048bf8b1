package sim

import (
	"encoding/json"
	"fmt"
	"net/http"
	"sort"
	"strings"
	"time"
)

// spotNotice says that AWS takes a spot instance back.
type spotNotice struct {
	Action string `json:"action"`
	Time   string `json:"time"`
}

// event is maintenance that AWS has planned, as the metadata service writes it.
type event struct {
	Code        string `json:"Code"`
	Description string `json:"Description"`
	State       string `json:"State"`
	ID          string `json:"EventId"`
	NotBefore   string `json:"NotBefore"`
	NotAfter    string `json:"NotAfter,omitempty"`
}

const metadataToken = "AQAAAsimulatedtoken=="

// Metadata serves the metadata service of one instance on an address of its own.
func (s *Server) Metadata(id string) (endpoint string, err error) {
	if err := s.with(id, func(*instance) {}); err != nil {
		return "", err
	}
	server, url, err := s.serve("127.0.0.1:0", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { s.metadata(w, r, id) }))
	if err != nil {
		return "", err
	}
	s.mu.Lock()
	s.extra = append(s.extra, server)
	s.mu.Unlock()
	return url, nil
}

// Interrupt announces that a spot instance ends at a time.
func (s *Server) Interrupt(id, action string, at time.Time) error {
	return s.with(id, func(i *instance) { i.notice = &spotNotice{action, at.UTC().Format(time.RFC3339)} })
}

// Schedule announces maintenance: a code such as "instance-retirement" or "system-reboot".
func (s *Server) Schedule(id, code, about string, notBefore time.Time) error {
	return s.with(id, func(i *instance) {
		i.events = append(i.events, event{
			Code: code, Description: about, State: "active", ID: fmt.Sprintf("instance-event-0%016x", len(i.events)+1),
			NotBefore: notBefore.UTC().Format("2 Jan 2006 15:04:05 GMT"),
		})
	})
}

// Unschedule takes all planned maintenance back; AWS goes on to tell of it for a while, as canceled.
func (s *Server) Unschedule(id string) error {
	return s.with(id, func(i *instance) {
		for n := range i.events {
			i.events[n].State = "canceled"
		}
	})
}

// metadata serves version 2 of the protocol, and version 1 only to instances that allow it.
func (s *Server) metadata(w http.ResponseWriter, r *http.Request, id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	g, i := s.newest(id)
	if i == nil {
		http.NotFound(w, r)
		return
	}
	if r.Method == http.MethodPut && r.URL.Path == "/latest/api/token" {
		if r.Header.Get("X-Aws-Ec2-Metadata-Token-Ttl-Seconds") == "" {
			http.Error(w, "Bad Request", http.StatusBadRequest)
			return
		}
		w.Header().Set("X-Aws-Ec2-Metadata-Token-Ttl-Seconds", r.Header.Get("X-Aws-Ec2-Metadata-Token-Ttl-Seconds"))
		fmt.Fprint(w, metadataToken)
		return
	}
	if token := r.Header.Get("X-Aws-Ec2-Metadata-Token"); token != metadataToken && (token != "" || i.http == "required") {
		http.Error(w, "Unauthorized", http.StatusUnauthorized)
		return
	}
	if text, ok := i.read(g, strings.TrimPrefix(r.URL.Path, "/latest/")); ok {
		fmt.Fprint(w, text)
		return
	}
	http.NotFound(w, r)
}

// newest is the instance with an id, or the one launched last that still lives.
func (s *Server) newest(id string) (*region, *instance) {
	var in *region
	var last *instance
	for _, name := range s.options.Regions {
		g := s.regions[name]
		for _, i := range g.instances {
			if i.id == id || id == "" && i.state != Terminated && (last == nil || i.id > last.id) {
				in, last = g, i
			}
		}
	}
	return in, last
}

// read is one value of the metadata.
func (i *instance) read(g *region, path string) (string, bool) {
	switch path {
	case "dynamic/instance-identity/document":
		return document(map[string]any{
			"instanceId": i.id, "region": g.name, "availabilityZone": i.zone, "instanceType": i.typ, "imageId": i.image, "accountId": account,
			"architecture": i.arch, "privateIp": i.private, "pendingTime": i.launched.Format(time.RFC3339), "version": "2017-09-30",
		}), true
	case "user-data":
		return string(i.userData), len(i.userData) > 0
	}
	key, ok := strings.CutPrefix(path, "meta-data/")
	if !ok {
		return "", false
	}
	if name, ok := strings.CutPrefix(key, "tags/instance/"); ok && i.metadataTags == "enabled" {
		value, there := i.tags[name]
		return value, there
	}
	switch key {
	case "instance-id":
		return i.id, true
	case "instance-type":
		return i.typ, true
	case "placement/region":
		return g.name, true
	case "placement/availability-zone":
		return i.zone, true
	case "local-ipv4":
		return i.private, true
	case "public-ipv4":
		return i.address, i.address != ""
	case "instance-life-cycle":
		if i.spot {
			return "spot", true
		}
		return "on-demand", true
	case "tags/instance":
		var names []string
		for name := range i.tags {
			names = append(names, name)
		}
		sort.Strings(names)
		return strings.Join(names, "\n"), i.metadataTags == "enabled"
	case "spot/instance-action":
		if i.notice == nil {
			return "", false
		}
		return document(i.notice), true
	case "events/maintenance/scheduled":
		if len(i.events) == 0 {
			return "[]", true
		}
		return document(i.events), true
	}
	return "", false
}

func document(v any) string {
	raw, err := json.Marshal(v)
	if err != nil {
		panic(err) // maps and structs of strings
	}
	return string(raw)
}
