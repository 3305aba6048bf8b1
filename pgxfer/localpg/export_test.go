package localpg

import "slices"

// OfferPorts makes the root try the given ports before it looks for free ones.
func (r *Root) OfferPorts(ports ...int) {
	r.takePort = func(addresses []string) (int, error) {
		if len(ports) == 0 {
			return takePort(addresses)
		}
		port := ports[0]
		ports = slices.Delete(ports, 0, 1)
		return port, nil
	}
}

// HideTools makes the root find no other installation.
func (r *Root) HideTools() {
	r.installations = func(...string) ([]Installation, error) { return nil, ErrNotInstalled }
}

// Secret is a password for tests of how it prints.
func Secret(s string) any { return secret(s) }
