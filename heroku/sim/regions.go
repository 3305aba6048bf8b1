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

var regions = []regionJSON{
	newRegion("us", "United States", "Virginia", "us-east-1"),
	newRegion("eu", "Europe", "Ireland", "eu-west-1"),
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
	for _, g := range regions {
		if want := r.PathValue("region"); want == g.ID || want == g.Name {
			return ok(g), nil
		}
	}
	return reply{}, notFound("region", "region")
}
