package sim

import (
	"slices"
	"strings"

	"github.com/google/uuid"
)

type featureJSON struct {
	ID          string `json:"id"`
	Name        string `json:"name"`
	Description string `json:"description"`
	Enabled     bool   `json:"enabled"`
	State       string `json:"state"`
}

func (a *app) feature(name string) featureJSON {
	return featureJSON{
		ID:   uuid.NewSHA1(uuid.NameSpaceURL, []byte(a.id+name)).String(),
		Name: name, Description: "Provide seamless web dyno deploys", Enabled: a.features[name], State: "general",
	}
}

func (s *Server) listFeatures(r *request) (reply, error) {
	a, err := s.appOf(r)
	if err != nil {
		return reply{}, err
	}
	list := []featureJSON{}
	for name := range a.features {
		list = append(list, a.feature(name))
	}
	slices.SortFunc(list, func(x, y featureJSON) int { return strings.Compare(x.Name, y.Name) })
	return ok(list), nil
}

func (s *Server) getFeature(r *request) (reply, error) {
	a, err := s.appOf(r)
	if err != nil {
		return reply{}, err
	}
	name := r.PathValue("feature")
	if _, known := a.features[name]; !known {
		return reply{}, notFound("feature", "feature")
	}
	return ok(a.feature(name)), nil
}

func (s *Server) patchFeature(r *request) (reply, error) {
	a, err := s.appOf(r)
	if err != nil {
		return reply{}, err
	}
	name := r.PathValue("feature")
	if _, known := a.features[name]; !known {
		return reply{}, notFound("feature", "feature")
	}
	var in struct {
		Enabled bool `json:"enabled"`
	}
	if err := r.decode(&in); err != nil {
		return reply{}, err
	}
	a.features[name] = in.Enabled
	return ok(a.feature(name)), nil
}
