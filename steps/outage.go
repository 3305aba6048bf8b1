package steps

// beginOutage starts the outage clock, once: called again after a crash it finds it running.
func beginOutage(env *Env) error {
	outages, _ := FactOutages.Get(env.Facts())
	if n := len(outages); n > 0 && outages[n-1].End.IsZero() {
		return nil
	}
	return FactOutages.Put(env, append(outages, Outage{FromStep: env.Step, Start: env.Now()}))
}

// endOutage stops the clock. Users are back.
func endOutage(env *Env) error {
	outages, _ := FactOutages.Get(env.Facts())
	n := len(outages)
	if n == 0 || !outages[n-1].End.IsZero() {
		return nil
	}
	outages[n-1].End, outages[n-1].ToStep = env.Now(), env.Step
	return FactOutages.Put(env, outages)
}
