package heroku

import "context"

// Region is a place where apps and databases run.
type Region struct {
	ID             string         `json:"id"`
	Name           string         `json:"name" heroku:"required"` // us, eu, virginia …
	Description    string         `json:"description"`
	Country        string         `json:"country"`
	Locale         string         `json:"locale"`
	PrivateCapable bool           `json:"private_capable"`
	Provider       RegionProvider `json:"provider"`
}

// RegionProvider is where the region really is.
type RegionProvider struct {
	Name   string `json:"name"`   // amazon-web-services
	Region string `json:"region"` // us-east-1
}

// Regions returns all regions.
func (c *Client) Regions(ctx context.Context) ([]Region, error) {
	return list[Region](ctx, c, get(platformHost, "regions"))
}
