package plan

// Speeds of one session, in bytes per second, as measured on one core of a server of 2024 without waiting for disks. They decide about
// order only, so that proportions are what counts.
const (
	loadSpeed = 90e6
	scanSpeed = 1e9
)

// buildSpeed is how fast an index grows, by access method: a GIN of 60 MB takes twenty times as long as a B-tree of that size.
var buildSpeed = map[string]float64{
	"btree": 50e6, "hash": 40e6, "gin": 8e6, "gist": 8e6, "spgist": 15e6, "brin": 50e6,
}

// BuildCost is an estimate of the seconds it takes to build an index of a table of the given size.
func BuildCost(x Index, table int64) float64 {
	speed := buildSpeed[x.Method]
	if speed == 0 {
		speed = 8e6
	}
	return float64(x.Bytes)/speed + float64(table)/scanSpeed
}

// LoadCost is an estimate of the seconds it takes to load so many bytes of a table.
func LoadCost(bytes int64) float64 { return float64(bytes) / loadSpeed }

type costs struct {
	indexes map[uint32]float64 // of all indexes of a table
	dearest map[uint32]float64
}

func (costs) load(bytes int64) float64 { return LoadCost(bytes) }

func (p *Plan) costs() costs {
	sizes := map[uint32]int64{}
	for _, t := range p.Tables {
		sizes[t.OID] = t.Bytes()
	}
	c := costs{indexes: map[uint32]float64{}, dearest: map[uint32]float64{}}
	for _, x := range p.Indexes {
		cost := BuildCost(x, sizes[x.Table])
		c.indexes[x.Table] += cost
		c.dearest[x.Table] = max(c.dearest[x.Table], cost)
	}
	return c
}

// Tails is, for each table, what its dearest index takes once its rows are loaded.
func Tails(p *Plan) map[uint32]float64 { return p.costs().dearest }
