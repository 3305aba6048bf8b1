package sim

import "time"

// Options say how the simulated EC2 behaves. The zero value is usable: every field has a default.
type Options struct {
	// Listen is the loopback address to serve on. Default: any free port of 127.0.0.1.
	Listen string
	// Regions exist; the first is where metadata says an instance is when nobody chose. Default: DefaultRegions.
	Regions []string
	// Unseen is how many lookups after RunInstances do not find the instance yet: EC2 is eventually consistent.
	// Pending and ShuttingDown are how many lookups then find it in that state. Default: 1, 2 and 1; negative means 0.
	Unseen, Pending, ShuttingDown int
	// Quota is how many vCPUs of standard on-demand instances a region gives. Default: 64.
	Quota int
	// NoDefaultVPC takes the default network away, as on some accounts.
	NoDefaultVPC bool
	// Address is the public address of instances. Default: 127.0.0.1, so that what is uploaded stays here.
	Address string
	// Now is the clock. Default: time.Now.
	Now func() time.Time
	// Log gets one line per call. Default: nobody.
	Log func(format string, args ...any)
}

// DefaultRegions are where Heroku's databases are: the Common Runtime's two, and two of the Private Spaces.
var DefaultRegions = []string{"us-east-1", "eu-west-1", "us-west-2", "eu-central-1"}

func (o *Options) defaults() {
	if o.Listen == "" {
		o.Listen = "127.0.0.1:0"
	}
	if len(o.Regions) == 0 {
		o.Regions = DefaultRegions
	}
	for _, d := range []struct {
		field *int
		def   int
	}{{&o.Unseen, 1}, {&o.Pending, 2}, {&o.ShuttingDown, 1}, {&o.Quota, 64}} {
		if *d.field == 0 {
			*d.field = d.def
		}
		*d.field = max(*d.field, 0)
	}
	if o.Address == "" {
		o.Address = "127.0.0.1"
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = func(string, ...any) {}
	}
}
