package heroku

import "context"

// hoursPerMonth is Heroku's convention for hourly prices.
const hoursPerMonth = 720

// Plan is a plan of an add-on service.
type Plan struct {
	ID             string `json:"id"`
	Name           string `json:"name"` // heroku-postgresql:standard-5
	HumanName      string `json:"human_name"`
	Price          *Price `json:"price"` // nil in the short form
	State          string `json:"state"` // ga, beta, deprecated …
	Visible        bool   `json:"visible"`
	InsidePrivate  bool   `json:"installable_inside_private_network"`
	OutsidePrivate bool   `json:"installable_outside_private_network"`
}

func (p *Plan) decodeLenient(raw []byte) error {
	*p = Plan{}
	if kindOf(raw) == "string" {
		name, err := textOf(raw)
		p.Name = name
		return err
	}
	type plain Plan
	return decodeInto(raw, (*plain)(p))
}

// Spec returns what the plan's name says about it.
func (p Plan) Spec() PlanSpec { return ParsePlan(p.Name) }

// Price is a price in US cents per unit of time.
type Price struct {
	Cents    int64  `json:"cents" heroku:"required"`
	Unit     string `json:"unit"` // month
	Contract bool   `json:"contract"`
	Metered  bool   `json:"metered"`
}

// HourlyCents returns the price of one hour in cents, by Heroku's convention of 720 hours a month. Heroku
// shows a price under contract as zero.
func (p Price) HourlyCents() float64 {
	if p.Unit == "hour" {
		return float64(p.Cents)
	}
	return float64(p.Cents) / hoursPerMonth
}

// Plans returns the plans of an add-on service, normally PostgresService, with prices.
func (c *Client) Plans(ctx context.Context, service string) ([]Plan, error) {
	return list[Plan](ctx, c, get(platformHost, "addon-services", service, "plans"))
}
