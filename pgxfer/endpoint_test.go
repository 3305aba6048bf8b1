package pgxfer_test

import (
	"testing"

	"changeover/pgxfer"
)

func TestServersOfThisMachine(t *testing.T) {
	for url, want := range map[string]bool{
		"postgres://u:p@127.0.0.1:5432/d":                        true,
		"postgres://u:p@[::1]:5432/d":                            true,
		"postgres://u:p@localhost/d":                             true,
		"postgres:///d?host=/var/run/postgresql&user=u":          true,
		"postgres://u:p@10.0.0.7/d":                              false,
		"postgres://u:p@ec2-1-2-3-4.compute-1.amazonaws.com/d":   false,
		"postgres://u:p@localhost.example.com/d?sslmode=require": false,
	} {
		e, err := pgxfer.ParseEndpoint("source", url)
		if err != nil {
			t.Fatal(err)
		}
		if got := e.Here(); got != want {
			t.Errorf("%s is here: %t, want %t", url, got, want)
		}
	}
	if (pgxfer.Endpoint{}).Here() {
		t.Error("nothing is here")
	}
}
