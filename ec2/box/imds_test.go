package box

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"changeover/ec2/sim"
)

// onEC2 launches a simulated instance and is what its metadata service tells.
func onEC2(t *testing.T, form url.Values) (*sim.Server, string, Metadata) {
	t.Helper()
	server, err := sim.Start(sim.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := server.Close(ctx); err != nil {
			t.Error(err)
		}
	})
	for key, value := range map[string]string{
		"Action": "RunInstances", "ImageId": "ami-0ubuntu2404amd64", "InstanceType": "i7i.2xlarge", "MinCount": "1", "MaxCount": "1",
		"MetadataOptions.HttpTokens": "required", "MetadataOptions.InstanceMetadataTags": "enabled",
		"TagSpecification.1.ResourceType": "instance", "TagSpecification.1.Tag.1.Key": TagRun, "TagSpecification.1.Tag.1.Value": "shop-1a2b",
		"TagSpecification.1.Tag.2.Key": TagCents, "TagSpecification.1.Tag.2.Value": "76",
	} {
		if !form.Has(key) {
			form.Set(key, value)
		}
	}
	request, _ := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL(), strings.NewReader(form.Encode()))
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	request.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=AKID/20261123/us-east-1/ec2/aws4_request, SignedHeaders=host, Signature=0")
	reply, err := http.DefaultClient.Do(request)
	if err != nil || reply.StatusCode != http.StatusOK {
		t.Fatal(reply, err)
	}
	_ = reply.Body.Close()
	id := server.Instances()[0].ID
	endpoint, err := server.Metadata(id)
	if err != nil {
		t.Fatal(err)
	}
	return server, id, NewMetadata(endpoint)
}

func TestIdentityIsWhatTheMetadataServiceSays(t *testing.T) {
	_, id, m := onEC2(t, url.Values{"InstanceMarketOptions.MarketType": {"spot"}})
	got, err := m.Identity(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if got.Instance != id || got.Region != "us-east-1" || got.Zone != "us-east-1a" || got.Type != "i7i.2xlarge" || !got.Spot || got.Run != "shop-1a2b" || got.CentsHour != 76 || got.Since.IsZero() {
		t.Errorf("identity %+v", got)
	}
}

func TestAMachineLaunchedByHandHasNoTag(t *testing.T) {
	_, _, m := onEC2(t, url.Values{"MetadataOptions.InstanceMetadataTags": {"disabled"}})
	if got, err := m.Identity(t.Context()); err != nil || got.Run != "" {
		t.Errorf("identity %+v, %v", got, err)
	}
}

func TestOffEC2NobodyAnswers(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	_ = l.Close()
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	if _, err := NewMetadata("http://" + address).Identity(ctx); !errors.Is(err, ErrNotEC2) {
		t.Errorf("Identity = %v", err)
	}
}

func TestNoticesReachWhoeverWatchesUntilTheyAreOver(t *testing.T) {
	server, id, m := onEC2(t, url.Values{})
	ctx, cancel := context.WithCancel(t.Context())
	heard := make(chan []Notice, 10)
	var work sync.WaitGroup
	work.Go(func() { m.Watch(ctx, 10*time.Millisecond, func(now []Notice) { heard <- now }, nil) })
	defer work.Wait()
	defer cancel()
	// want awaits the next list: only what has changed is told.
	want := func(what ...string) {
		t.Helper()
		select {
		case now := <-heard:
			var got []string
			for _, n := range now {
				got = append(got, n.What)
			}
			if !slices.Equal(got, what) {
				t.Fatalf("heard %q, want %q", got, what)
			}
		case <-time.After(patience):
			t.Fatalf("never heard %q", what)
		}
	}
	do := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	at := time.Date(2026, 11, 23, 9, 2, 0, 0, time.UTC)
	do(server.Interrupt(id, "terminate", at))
	want("spot terminate")
	do(server.Schedule(id, "instance-retirement", "The instance is running on degraded hardware", at))
	want("spot terminate", "instance-retirement")
	do(server.Unschedule(id))
	want("spot terminate")
}

func TestPeopleHearInTime(t *testing.T) {
	if WatchEvery > 5*time.Second || WatchEvery+watchFor >= 10*time.Second {
		t.Errorf("asked every %s, each time for %s at most; a notice must be seen within 10 s", WatchEvery, watchFor)
	}
}

// ending is an instance that is about to be turned off, all guards content.
func ending(t *testing.T) (*sim.Server, *Instance, *int) {
	t.Helper()
	server, id, m := onEC2(t, url.Values{"InstanceInitiatedShutdownBehavior": {"terminate"}})
	identity, err := m.Identity(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	times := 0
	return server, &Instance{
		Adopted: machine(t), ID: identity, Note: Note{Instance: id, Run: identity.Run}, Metadata: m, Guard: Guard{Dir: t.TempDir()},
		PowerOff: func(context.Context) error { times++; return server.PowerOff(id) },
	}, &times
}

func TestTheBoxOfTheRunIsTurnedOff(t *testing.T) {
	server, i, times := ending(t)
	if err := i.Guard.Hold("run shop is in progress"); err != nil {
		t.Fatal(err)
	}
	if err := i.TurnOff(t.Context()); err != nil {
		t.Fatal(err)
	}
	if state := server.Instances()[0].State; *times != 1 || state != sim.ShuttingDown {
		t.Errorf("powered off %d times, state %s", *times, state)
	}
	if held, err := i.Guard.Held(); held != "" || err != nil {
		t.Errorf("still held: %q, %v", held, err)
	}
}

func TestCredentialsEndTheBoxThroughAWS(t *testing.T) {
	_, i, times := ending(t)
	ended := 0
	i.End = func(context.Context) error { ended++; return nil }
	if err := i.TurnOff(t.Context()); err != nil || ended != 1 || *times != 0 {
		t.Errorf("TurnOff = %v, %d times by AWS, %d by poweroff", err, ended, *times)
	}
}

func TestTheCommandThatTurnsTheBoxOffIsTheOneThatWould(t *testing.T) {
	_, ours, _ := ending(t)
	id := ours.ID.Instance
	for name, c := range map[string]struct {
		change func(i *Instance)
		want   string
	}{
		"without credentials it powers itself off": {func(*Instance) {}, "sudo systemctl poweroff"},
		"with credentials AWS is told": {
			func(i *Instance) { i.End = func(context.Context) error { return nil } },
			"aws ec2 terminate-instances --region us-east-1 --instance-ids " + id,
		},
		"powering off might only stop it": {
			func(i *Instance) { i.Note = Note{} }, "aws ec2 terminate-instances --region us-east-1 --instance-ids " + id,
		},
		"a simulated AWS is named": {
			func(i *Instance) {
				i.End, i.Endpoint = func(context.Context) error { return nil }, "http://127.0.0.1:9"
			},
			"aws ec2 terminate-instances --region us-east-1 --instance-ids " + id + " --endpoint-url http://127.0.0.1:9",
		},
	} {
		i := *ours
		c.change(&i)
		if got := i.OffCommand(); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
	if got := machine(t).OffCommand(); got != "" {
		t.Errorf("a machine that is not ours would be turned off by %q", got)
	}
}

func TestWhatIsNotProvablyTheBoxOfTheRunStaysOn(t *testing.T) {
	for name, change := range map[string]func(i *Instance){
		"the run was copied from another box": func(i *Instance) { i.ID.Instance = "i-0other" },
		"the tag is of another run":           func(i *Instance) { i.ID.Run = "other-1" },
		"no tag was there at the start":       func(i *Instance) { i.ID.Run = "" },
		"the note is of another box":          func(i *Instance) { i.Note.Instance = "i-0other" },
		"a box launched by hand":              func(i *Instance) { i.Note = Note{} },
		"nobody exported the report": func(i *Instance) {
			i.Exported = func(context.Context) error { return errors.New("report not fetched") }
		},
		"the metadata service is silent": func(i *Instance) { i.Metadata = NewMetadata("http://127.0.0.1:1") },
	} {
		t.Run(name, func(t *testing.T) {
			server, i, times := ending(t)
			change(i)
			if err := i.TurnOff(t.Context()); !errors.Is(err, ErrGuard) || strings.Contains(err.Error(), "\n") {
				t.Errorf("TurnOff = %v", err)
			}
			if state := server.Instances()[0].State; *times != 0 || state != sim.Pending {
				t.Errorf("powered off %d times, state %s", *times, state)
			}
		})
	}
}
