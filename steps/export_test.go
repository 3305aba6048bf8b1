package steps

// Broken shows the comparison of two fences to tests.
func (f Fence) Broken(now Fence) string { return f.broken(now) }
