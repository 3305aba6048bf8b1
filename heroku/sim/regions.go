package sim

import "github.com/google/uuid"

type regionJSON struct {
	ID          string            `json:"id"`
	Name        string            `json:"name"`
	Description string            `json:"description"`
	Country     string            `json:"country"`
	Locale      string            `json:"locale"`
	Private     bool              `json:"private_capable"`
	Provider    map[string]string `json:"provider"`
	CreatedAt   string            `json:"created_at"`
	UpdatedAt   string            `json:"updated_at"`
}

// regions are the two of the Common Runtime, and two of those that hold Private Spaces.
var regions = []regionJSON{
	newRegion("us", "United States", "Virginia", "us-east-1"),
	newRegion("eu", "Europe", "Ireland", "eu-west-1"),
	spaceRegion("virginia", "Virginia, United States", "Virginia", "us-east-1"),
	spaceRegion("frankfurt", "Frankfurt, Germany", "Frankfurt", "eu-central-1"),
}

func regionNamed(name string) (regionJSON, bool) {
	for _, g := range regions {
		if g.Name == name || g.ID == name {
			return g, true
		}
	}
	return regionJSON{}, false
}

func spaceRegion(name, country, locale, aws string) regionJSON {
	g := newRegion(name, country, locale, aws)
	g.Private = true
	return g
}

func newRegion(name, country, locale, aws string) regionJSON {
	const launched = "2012-11-21T00:00:00Z"
	return regionJSON{
		ID: uuid.NewSHA1(uuid.NameSpaceURL, []byte("region:"+name)).String(), Name: name, Description: country, Country: country, Locale: locale,
		Provider: map[string]string{"name": "amazon-web-services", "region": aws}, CreatedAt: launched, UpdatedAt: launched,
	}
}

func (s *Server) listRegions(r *request) (reply, error) {
	return paged(s, r, regions, keys[regionJSON]{
		"id": func(g regionJSON) string { return g.ID }, "name": func(g regionJSON) string { return g.Name },
	}, "")
}

func (s *Server) getRegion(r *request) (reply, error) {
	if g, found := regionNamed(r.PathValue("region")); found {
		return ok(g), nil
	}
	return reply{}, notFound("region", "region")
}
