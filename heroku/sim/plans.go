package sim

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/google/uuid"
)

// serviceName and serviceID are Heroku's for its PostgreSQL.
const (
	serviceName = "heroku-postgresql"
	serviceID   = "6c67493d-8fc2-4cd4-9161-4f1ec11cbe69"
)

const gigabyte = int64(1) << 30

// plan is a plan of heroku-postgresql.
type plan struct {
	name        string // standard-4
	tier        string // standard
	size        int    // 4
	cents       int    // a month
	connections int
	disk        int64 // bytes
	memory      string
	vcpu        int
	service     string // empty: heroku-postgresql
}

// rank is the part of a plan that its size decides and that all tiers share.
type rank struct {
	size, vcpu, connections int
	disk                    int64
	memory                  string
	standard, premium       int // cents a month
}

var ranks = []rank{
	{0, 2, 120, 64 * gigabyte, "4 GB", 5000, 20000},
	{2, 2, 400, 256 * gigabyte, "8 GB", 20000, 35000},
	{3, 2, 500, 512 * gigabyte, "15.25 GB", 40000, 75000},
	{4, 4, 500, 768 * gigabyte, "30.5 GB", 75000, 120000},
	{5, 8, 500, 1024 * gigabyte, "61 GB", 140000, 250000},
	{6, 16, 500, 1536 * gigabyte, "122 GB", 200000, 350000},
	{7, 32, 500, 2048 * gigabyte, "244 GB", 350000, 600000},
	{8, 64, 500, 3072 * gigabyte, "488 GB", 450000, 850000},
	{9, 96, 500, 4096 * gigabyte, "768 GB", 580000, 1100000},
}

var plans = allPlans()

func allPlans() []plan {
	all := []plan{
		{name: "essential-0", tier: "essential", size: 0, cents: 500, connections: 20, disk: 1 * gigabyte, memory: "shared"},
		{name: "essential-1", tier: "essential", size: 1, cents: 900, connections: 20, disk: 10 * gigabyte, memory: "shared"},
		{name: "essential-2", tier: "essential", size: 2, cents: 2000, connections: 40, disk: 32 * gigabyte, memory: "shared"},
	}
	for _, tier := range []string{"standard", "premium", "private", "shield"} {
		for _, r := range ranks {
			// Prices of private and shield are under contract, which Heroku shows as nothing.
			cents := map[string]int{"standard": r.standard, "premium": r.premium}[tier]
			all = append(all, plan{
				name: fmt.Sprintf("%s-%d", tier, r.size), tier: tier, size: r.size, cents: cents,
				connections: r.connections, disk: r.disk, memory: r.memory, vcpu: r.vcpu,
			})
		}
	}
	return all
}

// planNamed finds a plan by its name with or without the service in front.
func planNamed(name string) (plan, bool) {
	name = strings.TrimPrefix(name, serviceName+":")
	for _, p := range plans {
		if p.name == name {
			return p, true
		}
	}
	return plan{}, false
}

func (p plan) fullName() string { return cmp.Or(p.service, serviceName) + ":" + p.name }
func (p plan) essential() bool  { return p.tier == "essential" }

// inSpace says whether databases of the plan live in a Private Space.
func (p plan) inSpace() bool { return p.tier == "private" || p.tier == "shield" }

// highlyAvailable says whether Heroku keeps a hidden standby for databases of the plan.
func (p plan) highlyAvailable() bool { return p.tier == "premium" || p.inSpace() }

// serviceRef is the add-on service of the plan.
func (p plan) serviceRef() ref {
	if p.service == "" {
		return ref{serviceID, serviceName}
	}
	return ref{uuid.NewSHA1(uuid.NameSpaceURL, []byte("service:"+p.service)).String(), p.service}
}

// human is the name for people: Standard 4.
func (p plan) human() string {
	tier, size, _ := strings.Cut(p.name, "-")
	return strings.ToUpper(tier[:1]) + tier[1:] + " " + size
}

func (p plan) id() string {
	return uuid.NewSHA1(uuid.NameSpaceURL, []byte("plan:"+p.service+p.name)).String()
}

// rollback is how long production plans can go back.
func (p plan) rollback() int {
	if p.highlyAvailable() {
		return 7
	}
	return 4
}

type priceJSON struct {
	Cents    int    `json:"cents"`
	Unit     string `json:"unit"`
	Contract bool   `json:"contract"`
	Metered  bool   `json:"metered"`
}

func (p plan) price() priceJSON {
	return priceJSON{Cents: p.cents, Unit: "month", Contract: p.inSpace()}
}

type planJSON struct {
	ID           string    `json:"id"`
	Name         string    `json:"name"`
	HumanName    string    `json:"human_name"`
	Description  string    `json:"description"`
	AddonService ref       `json:"addon_service"`
	Price        priceJSON `json:"price"`
	State        string    `json:"state"`
	Visible      bool      `json:"visible"`
	Default      bool      `json:"default"`
	Inside       bool      `json:"installable_inside_private_network"`
	Outside      bool      `json:"installable_outside_private_network"`
	CreatedAt    string    `json:"created_at"`
	UpdatedAt    string    `json:"updated_at"`
}

func (p plan) json() planJSON {
	const launched = "2024-05-14T00:00:00Z"
	return planJSON{
		ID: p.id(), Name: p.fullName(), HumanName: p.human(), Description: "Heroku Postgres " + p.human(),
		AddonService: p.serviceRef(), Price: p.price(), State: "ga", Visible: true,
		Default: p.name == "essential-0", Inside: p.inSpace(), Outside: !p.inSpace(), CreatedAt: launched, UpdatedAt: launched,
	}
}

func (s *Server) listPlans(r *request) (reply, error) {
	if name := r.PathValue("service"); name != serviceName && name != serviceID {
		return reply{}, notFound("addon_service", "add-on service")
	}
	list := make([]planJSON, 0, len(plans))
	for _, p := range plans {
		list = append(list, p.json())
	}
	return paged(s, r, list, keys[planJSON]{
		"id": func(p planJSON) string { return p.ID }, "name": func(p planJSON) string { return p.Name },
	}, "")
}

func (s *Server) getPlan(r *request) (reply, error) {
	name := r.PathValue("plan")
	for _, p := range plans {
		if name == p.name || name == p.fullName() || name == p.id() {
			return ok(p.json()), nil
		}
	}
	return reply{}, notFound("plan", "plan")
}

func (s *Server) getService(r *request) (reply, error) {
	if name := r.PathValue("service"); name != serviceName && name != serviceID {
		return reply{}, notFound("addon_service", "add-on service")
	}
	return ok(map[string]any{
		"id": serviceID, "name": serviceName, "human_name": "Heroku Postgres", "state": "ga",
		"supports_multiple_installations": true, "supports_sharing": true,
	}), nil
}

// listDynoSizes serves the sizes that formations of the simulator use, with the prices known from Heroku's list.
func (s *Server) listDynoSizes(r *request) (reply, error) {
	type size struct {
		ID      string         `json:"id"`
		Name    string         `json:"name"`
		Memory  float64        `json:"memory"`
		Compute int            `json:"compute"`
		Cost    map[string]any `json:"cost"`
	}
	var list []size
	for _, d := range dynoSizes {
		list = append(list, size{
			ID: uuid.NewSHA1(uuid.NameSpaceURL, []byte("dyno-size:"+d.name)).String(), Name: d.name, Memory: d.gigabytes, Compute: d.compute,
			Cost: map[string]any{"cents": d.cents, "unit": "month"},
		})
	}
	return ok(list), nil
}

var dynoSizes = []struct {
	name      string
	gigabytes float64
	compute   int
	cents     int
}{
	{"Eco", 0.5, 1, 500},
	{"Basic", 0.5, 1, 700},
	{"Standard-1X", 0.5, 1, 2500},
	{"Standard-2X", 1, 2, 5000},
	{"Performance-M", 2.5, 12, 25000},
	{"Performance-L", 14, 50, 50000},
	{"Performance-L-RAM", 30, 25, 50000},
	{"Performance-XL", 62, 50, 75000},
	{"Performance-2XL", 126, 100, 150000},
}

func knownDynoSize(name string) (string, bool) {
	for _, d := range dynoSizes {
		if strings.EqualFold(d.name, name) {
			return d.name, true
		}
	}
	return "", false
}
