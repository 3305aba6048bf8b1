package localpg

import "crypto/rand"

// secret is a password. Formatted, it prints ***.
type secret string

func (secret) String() string   { return "***" }
func (secret) GoString() string { return "***" }

func newSecret() secret { return secret(rand.Text()) }
