package heroku

// Capacity is what a plan offers. Heroku's API does not tell, so this is its published table (2024-09); a zero
// field is not known.
type Capacity struct {
	VCPU        int
	RAM         int64 // bytes
	IOPS        int
	Connections int
	Disk        int64 // bytes
}

const (
	gib = int64(1) << 30
	tib = int64(1) << 40
)

// capacities by size. The disk of size 10 is from heroku/roadmap#311, all else from the Dev Center's
// production tier technical characterization.
var capacities = map[int]Capacity{
	0:  {2, 4 * gib, 3000, 120, 64 * gib},
	2:  {2, 8 * gib, 3000, 400, 256 * gib},
	3:  {2, 61 * gib / 4, 3000, 500, 512 * gib},
	4:  {4, 61 * gib / 2, 3000, 500, 768 * gib},
	5:  {8, 61 * gib, 4000, 500, tib},
	6:  {16, 122 * gib, 6000, 500, 3 * tib / 2},
	7:  {32, 244 * gib, 9000, 500, 2 * tib},
	8:  {64, 488 * gib, 12000, 500, 3 * tib},
	9:  {96, 768 * gib, 16000, 500, 4 * tib},
	10: {128, tib, 32000, 500, 8 * tib},
}

// largerDisks of the variants, by variant and size.
var largerDisks = map[string]map[int]int64{
	"l":  {6: 2 * tib, 9: 5 * tib},
	"xl": {6: 3 * tib, 9: 6 * tib},
}

var essentials = map[int]Capacity{
	0: {Connections: 20, Disk: gib},
	1: {Connections: 20, Disk: 10 * gib},
	2: {Connections: 40, Disk: 32 * gib},
}

// Capacity returns what the plan offers; known is false for plans outside the table.
func (s PlanSpec) Capacity() (c Capacity, known bool) {
	if s.Tier == TierEssential {
		c, known = essentials[s.Size]
		return c, known
	}
	if !s.Tier.Followable() {
		return Capacity{}, false
	}
	c, known = capacities[s.Size]
	if s.Variant != "" {
		c.Disk, known = largerDisks[s.Variant][s.Size], known && s.Tier != TierStandard && largerDisks[s.Variant][s.Size] > 0
	}
	if !known {
		return Capacity{}, false
	}
	return c, true
}
