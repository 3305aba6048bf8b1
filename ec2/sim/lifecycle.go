package sim

import (
	"encoding/base64"
	"fmt"
	"slices"
)

// look lets time pass for an instance: it is looked at. It says whether EC2 finds it yet.
func (s *Server) look(g *region, i *instance) bool {
	if i.unseen > 0 {
		i.unseen--
		return false
	}
	switch i.state {
	case Pending, ShuttingDown, Stopping:
		if i.left > 0 {
			i.left--
			return true
		}
	}
	switch i.state {
	case Pending:
		i.state = Running
	case Stopping:
		i.state, i.address = Stopped, ""
	case ShuttingDown:
		i.state, i.address = Terminated, ""
		for _, v := range g.volumes {
			if v.instance == i.id {
				v.instance = ""
			}
		}
		g.volumes = slices.DeleteFunc(g.volumes, func(v *volume) bool { return v.deleteWith && slices.Contains(i.volumes, v.id) })
	}
	return true
}

func (s *Server) end(i *instance, code, message string) {
	if i.state == Terminated || i.state == ShuttingDown {
		return
	}
	i.state, i.left, i.code, i.message = ShuttingDown, s.options.ShuttingDown, code, message
	i.reason = fmt.Sprintf("%s (%s)", message, s.options.Now().UTC().Format("2006-01-02 15:04:05 GMT"))
}

func (s *Server) stop(i *instance, code, message string) {
	if i.state == Running || i.state == Pending {
		i.state, i.left, i.code, i.message = Stopping, s.options.ShuttingDown, code, message
		i.reason = message
	}
}

// PowerOff is what `poweroff` on the instance does: it stops or terminates it, as was chosen at launch.
func (s *Server) PowerOff(id string) error {
	return s.with(id, func(i *instance) {
		if i.shutdown == "terminate" {
			s.end(i, "Client.InstanceInitiatedShutdown", "Client.InstanceInitiatedShutdown: Instance initiated shutdown")
		} else {
			s.stop(i, "Client.InstanceInitiatedShutdown", "Client.InstanceInitiatedShutdown: Instance initiated shutdown")
		}
	})
}

// FailLaunch lets an instance go from pending to terminated, as it does when AWS finds no room after all.
func (s *Server) FailLaunch(id, code, message string) error {
	return s.with(id, func(i *instance) { s.end(i, code, message) })
}

// with changes an instance.
func (s *Server) with(id string, change func(*instance)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, g := range s.regions {
		for _, i := range g.instances {
			if i.id == id {
				change(i)
				return nil
			}
		}
	}
	return fmt.Errorf("there is no instance %s", id)
}

func (g *region) find(ids []string) ([]*instance, *apiError) {
	var list []*instance
	for _, id := range ids {
		at := slices.IndexFunc(g.instances, func(i *instance) bool { return i.id == id && i.unseen == 0 })
		if at < 0 {
			return nil, bad("InvalidInstanceID.NotFound", "The instance ID '%s' does not exist", id)
		}
		list = append(list, g.instances[at])
	}
	return list, nil
}

type changeXML struct {
	ID  string   `xml:"instanceId"`
	Now stateXML `xml:"currentState"`
	Was stateXML `xml:"previousState"`
}

type stateXML struct {
	Code int    `xml:"code"`
	Name string `xml:"name"`
}

func (i *instance) stateXML() stateXML { return stateXML{stateCodes[i.state], string(i.state)} }

type changesXML struct {
	Changes []changeXML `xml:"instancesSet>item"`
}

func (s *Server) change(g *region, r request, change func(*instance) *apiError) (any, *apiError) {
	list, err := g.find(r.list("InstanceId"))
	if err != nil {
		return nil, err
	}
	if err := r.dryRun(); err != nil {
		return nil, err
	}
	var reply changesXML
	for _, i := range list {
		was := i.stateXML()
		if err := change(i); err != nil {
			return nil, err
		}
		reply.Changes = append(reply.Changes, changeXML{i.id, i.stateXML(), was})
	}
	return reply, nil
}

func (s *Server) terminateInstances(g *region, r request) (any, *apiError) {
	return s.change(g, r, func(i *instance) *apiError {
		s.end(i, "Client.UserInitiatedShutdown", "Client.UserInitiatedShutdown: User initiated shutdown")
		return nil
	})
}

func (s *Server) stopInstances(g *region, r request) (any, *apiError) {
	return s.change(g, r, func(i *instance) *apiError {
		if i.state != Running {
			return bad("IncorrectInstanceState", "The instance '%s' is not in a state from which it can be stopped.", i.id)
		}
		s.stop(i, "Client.UserInitiatedShutdown", "Client.UserInitiatedShutdown: User initiated shutdown")
		return nil
	})
}

func (s *Server) startInstances(g *region, r request) (any, *apiError) {
	return s.change(g, r, func(i *instance) *apiError {
		if i.state != Stopped {
			return bad("IncorrectInstanceState", "The instance '%s' is not in a state from which it can be started.", i.id)
		}
		i.state, i.left, i.address = Pending, s.options.Pending, s.options.Address
		i.reason, i.code, i.message = "", "", ""
		return nil
	})
}

func (s *Server) createTags(g *region, r request) (any, *apiError) {
	if err := r.dryRun(); err != nil {
		return nil, err
	}
	for _, id := range r.list("ResourceId") {
		var tags map[string]string
		if list, err := g.find([]string{id}); err == nil {
			tags = list[0].tags
		} else if sg := g.group(id); sg != nil {
			tags = sg.tags
		} else if at := slices.IndexFunc(g.volumes, func(v *volume) bool { return v.id == id }); at >= 0 {
			tags = g.volumes[at].tags
		} else {
			return nil, bad("InvalidID", "The ID '%s' is not valid", id)
		}
		r.readTags("Tag", tags)
	}
	return success(), nil
}

func (s *Server) consoleOutput(g *region, r request) (any, *apiError) {
	list, err := g.find([]string{r.get("InstanceId")})
	if err != nil {
		return nil, err
	}
	return struct {
		ID     string `xml:"instanceId"`
		At     string `xml:"timestamp"`
		Output string `xml:"output"`
	}{list[0].id, timestamp(s.options.Now()), base64.StdEncoding.EncodeToString([]byte("simulated; nothing was ever booted\n"))}, nil
}
