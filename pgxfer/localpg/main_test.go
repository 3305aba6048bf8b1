package localpg_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"testing"

	"go.uber.org/goleak"

	"changeover/pgxfer/localpg"
)

// envOwner makes the test program the owner of a root in the directory it names, until its standard
// input ends or it is killed.
const envOwner = "LOCALPG_TEST_OWNER"

type owned struct {
	Root string
	PIDs []int
}

func TestMain(m *testing.M) {
	if base := os.Getenv(envOwner); base != "" {
		if err := own(base); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	goleak.VerifyTestMain(m)
}

func own(base string) error {
	ctx := context.Background()
	root, err := localpg.Open(ctx, localpg.Options{Base: base, NoFsync: true})
	if err != nil {
		return err
	}
	defer root.Close(ctx)
	list, err := localpg.Installations()
	if err != nil {
		return err
	}
	leader, err := root.Init(ctx, localpg.Spec{Name: "leader", Installation: list[0]})
	if err != nil {
		return err
	}
	follower, err := root.Follow(ctx, leader, localpg.Spec{Name: "follower"})
	if err != nil {
		return err
	}
	if err := json.NewEncoder(os.Stdout).Encode(owned{Root: root.Dir(), PIDs: []int{leader.PID(), follower.PID()}}); err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, os.Stdin)
	return err
}
