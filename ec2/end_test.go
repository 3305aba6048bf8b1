package ec2

import (
	"errors"
	"strings"
	"testing"
	"time"

	"changeover/ec2/sim"
)

func TestListFindsBoxesOfEveryRegion(t *testing.T) {
	w := newWorld(t, sim.Options{})
	r := w.launched()
	w.cloud = w.connect("eu-west-1")
	p := w.plan(request())
	other, err := w.boxes.Create(Record{Name: "other", Run: "other-9", Region: p.Region, SSH: p.SSH, User: "ubuntu"})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.launch(other, p); err != nil {
		t.Fatal(err)
	}
	list, err := w.cloud.Find(t.Context())
	if err != nil || len(list) != 2 {
		t.Fatalf("Find = %+v, %v", list, err)
	}
	got := list[1]
	if got.Region != "us-east-1" || got.ID != r.Instance || got.Run != r.Run || got.Kind != "box" || got.CentsHour != 76 || got.State != "running" {
		t.Errorf("found %+v", got)
	}
	if cents := got.Cents(got.Launched.Add(10 * time.Hour)); cents != 760 {
		t.Errorf("10 hours cost %d cents", cents)
	}
	if !got.Overdue(r.Deadline.Add(time.Minute)) || got.Overdue(r.Deadline.Add(-time.Minute)) {
		t.Error("overdue at the wrong time")
	}
}

func TestDownLeavesNothing(t *testing.T) {
	w := newWorld(t, sim.Options{})
	r := w.launched()
	for range 2 { // a second time finds nothing and is fine
		if err := w.cloud.Down(t.Context(), r); err != nil {
			t.Fatal(err)
		}
	}
	if i := w.wantInstances(1)[0]; i.State != sim.Terminated {
		t.Errorf("state %s", i.State)
	}
	if got := w.sim.Groups("us-east-1"); len(got) != 0 {
		t.Errorf("groups left: %v", got)
	}
}

func TestDownFindsTheBoxThatAKilledLauncherNeverHeardOf(t *testing.T) {
	w := newWorld(t, sim.Options{})
	p := w.plan(request())
	r := w.record(p)
	w.sim.DropReplies("RunInstances", 3)
	if err := w.launch(r, p); err == nil {
		t.Fatal("no error")
	}
	// EC2 does not show it at once; people look at the list first.
	if _, err := w.cloud.Find(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := w.cloud.Down(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	if i := w.wantInstances(1)[0]; i.State != sim.Terminated {
		t.Errorf("state %s", i.State)
	}
}

func TestAStrangersMachineIsNeverEnded(t *testing.T) {
	w := newWorld(t, sim.Options{})
	r := w.launched()
	for _, run := range []string{"", "other-run"} {
		if err := w.cloud.Terminate(t.Context(), r.Instance, run); !errors.Is(err, ErrNotOurs) {
			t.Errorf("Terminate with tag %q = %v", run, err)
		}
	}
	if calls := w.sim.Calls("TerminateInstances"); len(calls) != 0 {
		t.Errorf("TerminateInstances was called %d times", len(calls))
	}
}

func TestSweepFindsTheGroupOfABoxThatEndedItself(t *testing.T) {
	w := newWorld(t, sim.Options{})
	r := w.launched()
	if err := w.sim.PowerOff(r.Instance); err != nil {
		t.Fatal(err)
	}
	var left []Found
	for range 4 { // shutting-down, then terminated
		var err error
		if left, err = w.cloud.Find(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if len(left) != 1 || left[0].Kind != "security group" || left[0].ID != r.Group {
		t.Fatalf("left %+v", left)
	}
	if err := w.cloud.Remove(t.Context(), left[0]); err != nil {
		t.Fatal(err)
	}
	if left, err := w.cloud.Find(t.Context()); err != nil || len(left) != 0 {
		t.Errorf("left %+v, %v", left, err)
	}
}

func TestRegionsOfHerokuAndOfHosts(t *testing.T) {
	if got, err := OfHeroku("eu"); got != "eu-west-1" || err != nil {
		t.Errorf("eu = %q, %v", got, err)
	}
	if _, err := OfHeroku("mars"); err == nil || !strings.Contains(err.Error(), "--region") {
		t.Errorf("mars = %v", err)
	}
	for host, want := range map[string]string{
		"ec2-1-2-3-4.compute-1.amazonaws.com":             "us-east-1",
		"ec2-1-2-3-4.eu-west-1.compute.amazonaws.com":     "eu-west-1",
		"c1.cluster-abc.ap-southeast-2.rds.amazonaws.com": "ap-southeast-2",
		"localhost": "",
		"evil.compute-1.amazonaws.com.example.com":             "",
		"compute-1.amazonaws.com.eu-west-1.compute.example.it": "",
	} {
		if got, _ := OfHost(host); got != want {
			t.Errorf("%s is in %q, want %q", host, got, want)
		}
	}
}
