package ec2

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"changeover/ec2/sim"
)

// world is a simulated AWS, and a laptop.
type world struct {
	*testing.T
	sim   *sim.Server
	cloud *Cloud
	boxes Boxes
}

func newWorld(t *testing.T, o sim.Options) *world {
	t.Helper()
	// Nothing of the machine's own configuration may matter.
	for _, name := range []string{"AWS_PROFILE", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_ENDPOINT_URL"} {
		t.Setenv(name, "")
	}
	server, err := sim.Start(o)
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
	w := &world{T: t, sim: server, boxes: Boxes{Dir: t.TempDir()}}
	w.cloud = w.connect("us-east-1")
	return w
}

// connect is a client whose waits take no time.
func (w *world) connect(region string) *Cloud {
	w.Helper()
	clock := time.Date(2026, 11, 23, 8, 0, 0, 0, time.UTC)
	cloud, err := Connect(w.Context(), Connection{
		Region: region, Endpoint: w.sim.URL(), Now: func() time.Time { return clock },
		Sleep: func(ctx context.Context, d time.Duration) error { clock = clock.Add(d); return ctx.Err() },
	})
	if err != nil {
		w.Fatal(err)
	}
	return cloud
}

func request() Request {
	return Request{Bytes: 100e9, Arch: "amd64", Image: "ubuntu", SSH: "203.0.113.7/32", Lifetime: 12 * time.Hour}
}

func (w *world) plan(r Request) Plan {
	w.Helper()
	p, err := w.cloud.MakePlan(w.Context(), r)
	if err != nil {
		w.Fatal(err)
	}
	return p
}

func (w *world) record(p Plan) *Record {
	w.Helper()
	r, err := w.boxes.Create(Record{
		Name: "shop", Run: "shop-1a2b", Region: p.Region, Owner: "ana", SSH: p.SSH, User: p.Image.User,
		Created: time.Date(2026, 11, 23, 8, 0, 0, 0, time.UTC), Deadline: time.Date(2026, 11, 23, 20, 0, 0, 0, time.UTC),
	})
	if err != nil {
		w.Fatal(err)
	}
	return r
}

func (w *world) launch(r *Record, p Plan) error {
	return w.cloud.Launch(w.Context(), r, p, w.Logf)
}

// launched launches a box and expects that to work.
func (w *world) launched() *Record {
	w.Helper()
	p := w.plan(request())
	r := w.record(p)
	if err := w.launch(r, p); err != nil {
		w.Fatal(err)
	}
	return r
}

func (w *world) wantInstances(n int) []sim.Instance {
	w.Helper()
	list := w.sim.Instances()
	if len(list) != n {
		w.Fatalf("%d instances were made, want %d: %+v", len(list), n, list)
	}
	return list
}

func names(list []Type) []string {
	var names []string
	for _, t := range list {
		names = append(names, t.Name)
	}
	return names
}

func TestTheDefaultIsTheNewestStorageMachineWithOneDisk(t *testing.T) {
	w := newWorld(t, sim.Options{})
	p := w.plan(request())
	want := []string{"i7i.2xlarge", "i4i.2xlarge", "i7ie.3xlarge", "i3en.3xlarge", "i7i.4xlarge"}
	if got := names(p.Types); !slices.Equal(got, want) {
		t.Errorf("types %v, want %v", got, want)
	}
	if p.Types[0].Price.USD != 0.755 || p.Types[0].Price.Source != "AWS price list" {
		t.Errorf("price %+v", p.Types[0].Price)
	}
	if got := w.sim.Instances(); len(got) != 0 || len(w.sim.Groups("us-east-1")) != 0 {
		t.Errorf("a plan made something: %v, %v", got, w.sim.Groups("us-east-1"))
	}
	text := p.String()
	for _, part := range []string{"123456789012", "us-east-1", "i7i.2xlarge", "$0.755/h", "AWS price list", "203.0.113.7/32", "until it ends itself after 12h", "login ubuntu"} {
		if !strings.Contains(text, part) {
			t.Errorf("the plan does not say %q:\n%s", part, text)
		}
	}
}

func TestLargeDatabasesGetMoreProcessors(t *testing.T) {
	w := newWorld(t, sim.Options{})
	r := request()
	r.Bytes = 900e9
	if p := w.plan(r); p.Types[0].Name != "i7i.4xlarge" {
		t.Errorf("types %v", names(p.Types))
	}
	r.Arch = "arm64"
	if p := w.plan(r); p.Types[0].Arch != "arm64" || p.Types[0].Name != "i8g.2xlarge" || p.Image.ID != "ami-0ubuntu2404arm64" {
		t.Errorf("arm64: %v, %s", names(p.Types), p.Image.ID)
	}
}

func TestWithoutThePriceListTheDatedTableAnswers(t *testing.T) {
	w := newWorld(t, sim.Options{})
	w.sim.Deny("GetProducts")
	p := w.plan(request())
	if p.Types[0].Price.USD != 0.755 || !strings.Contains(p.Types[0].Price.Source, "July 2026") || !strings.Contains(p.Types[0].Price.Source, "AccessDenied") {
		t.Errorf("price %+v", p.Types[0].Price)
	}
}

func TestAQuotaTooSmallIsNoticedBeforeAnythingIsMade(t *testing.T) {
	w := newWorld(t, sim.Options{Quota: 5})
	_, err := w.cloud.MakePlan(t.Context(), request())
	if !errors.Is(err, ErrQuota) || !strings.Contains(err.Error(), "L-1216C47A") {
		t.Errorf("MakePlan = %v", err)
	}
	w = newWorld(t, sim.Options{Quota: 8})
	if got := names(w.plan(request()).Types); !slices.Equal(got, []string{"i7i.2xlarge", "i4i.2xlarge", "i7ie.2xlarge"}) {
		t.Errorf("with 8 vCPUs: %v", got)
	}
}

func TestAMissingPermissionIsNamedByTheDryRun(t *testing.T) {
	w := newWorld(t, sim.Options{})
	w.sim.Deny("RunInstances")
	_, err := w.cloud.MakePlan(t.Context(), request())
	if !errors.Is(err, ErrPermission) || !strings.Contains(err.Error(), "ec2:RunInstances") {
		t.Errorf("MakePlan = %v", err)
	}
}

func TestWithoutADefaultNetworkASubnetMustBeNamed(t *testing.T) {
	w := newWorld(t, sim.Options{NoDefaultVPC: true})
	if _, err := w.cloud.MakePlan(t.Context(), request()); !errors.Is(err, ErrNoNetwork) || !strings.Contains(err.Error(), "--subnet") {
		t.Errorf("MakePlan = %v", err)
	}
}

func TestALaunchedBoxIsAsSafeAsItSays(t *testing.T) {
	w := newWorld(t, sim.Options{})
	r := w.launched()
	i := w.wantInstances(1)[0]
	if i.ID != r.Instance || i.State != sim.Running || i.Shutdown != "terminate" || !i.RequiresTokens || !i.Encrypted || i.RootGB != RootGB {
		t.Errorf("instance %+v", i)
	}
	if i.Tags[TagRun] != "shop-1a2b" || i.Tags[TagOwner] != "ana" || i.Tags[TagCents] != "76" || i.Tags[TagDeadline] != "2026-11-23T20:00:00Z" {
		t.Errorf("tags %v", i.Tags)
	}
	if got := w.sim.SSHRanges("us-east-1", "changeover-shop-1a2b"); !slices.Equal(got, []string{"203.0.113.7/32"}) || !slices.Equal(i.Groups, []string{r.Group}) {
		t.Errorf("SSH is open to %v, groups %v", got, i.Groups)
	}
	if line := r.SSHLine(); !strings.Contains(line, "ubuntu@127.0.0.1") || !strings.Contains(line, "StrictHostKeyChecking=yes") {
		t.Errorf("ssh line %q", line)
	}
	again, err := w.boxes.Open("shop")
	if err != nil || again.Instance != r.Instance || again.Address != r.Address {
		t.Errorf("record on disk %+v, %v", again, err)
	}
}

func TestAKilledLauncherMakesOneBoxNotTwo(t *testing.T) {
	w := newWorld(t, sim.Options{})
	p := w.plan(request())
	r := w.record(p)
	// The instance is made; neither the SDK's own retries nor we learn of it, as when the process dies here.
	w.sim.DropReplies("RunInstances", 3)
	if err := w.launch(r, p); err == nil || !strings.Contains(err.Error(), "box up") {
		t.Fatalf("Launch = %v", err)
	}
	w.wantInstances(1)

	// Another process, which has nothing but the disk.
	r, err := w.boxes.Open("shop")
	if err != nil {
		t.Fatal(err)
	}
	if r.Instance != "" || len(r.Attempts) != 1 || r.Attempts[0].Token == "" {
		t.Fatalf("record %+v", r)
	}
	if err := w.launch(r, w.plan(request())); err != nil {
		t.Fatal(err)
	}
	if made := w.wantInstances(1); made[0].ID != r.Instance {
		t.Errorf("record has %s, made was %s", r.Instance, made[0].ID)
	}
	tokens := map[string]bool{}
	for _, call := range w.sim.Calls("RunInstances") {
		if call.Form.Get("DryRun") == "" {
			tokens[call.Form.Get("ClientToken")] = true
		}
	}
	if len(tokens) != 1 {
		t.Errorf("tokens %v", tokens)
	}
}

func TestTheTokenIsOnDiskBeforeTheCall(t *testing.T) {
	w := newWorld(t, sim.Options{})
	p := w.plan(request())
	r := w.record(p)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	// With a cancelled context nothing can be sent after the token was written.
	r.Group = "sg-made"
	if err := r.makeKeys(); err != nil {
		t.Fatal(err)
	}
	data, err := r.userData()
	if err != nil {
		t.Fatal(err)
	}
	if err := w.cloud.run(ctx, r, p, data, t.Logf); err == nil {
		t.Fatal("run with a cancelled context succeeded")
	}
	w.wantInstances(0)
	onDisk, err := w.boxes.Open("shop")
	if err != nil || len(onDisk.Attempts) != 1 || onDisk.Attempts[0].Token == "" || onDisk.Attempts[0].Outcome != "" {
		t.Errorf("record %+v, %v", onDisk, err)
	}
}

func TestALauncherKilledAfterTheGroupFindsItAgain(t *testing.T) {
	w := newWorld(t, sim.Options{})
	p := w.plan(request())
	r := w.record(p)
	w.sim.DropReplies("CreateSecurityGroup", 1) // the SDK asks again and is told that it is there
	if err := w.launch(r, p); err != nil {
		t.Fatal(err)
	}
	if got := w.sim.Groups("us-east-1"); len(got) != 1 {
		t.Errorf("groups %v", got)
	}
}

func TestNoRoomGoesToTheNextZoneThenTheNextType(t *testing.T) {
	w := newWorld(t, sim.Options{})
	w.sim.NoCapacity("i7i.2xlarge", "")
	w.sim.NoCapacity("i4i.2xlarge", "us-east-1a")
	p := w.plan(request())
	r := w.record(p)
	if err := w.launch(r, p); err != nil {
		t.Fatal(err)
	}
	if i := w.wantInstances(1)[0]; i.Type != "i4i.2xlarge" || i.Zone != "us-east-1b" || r.Type != i.Type {
		t.Errorf("launched %s in %s", i.Type, i.Zone)
	}
	tokens := map[string]bool{}
	for _, a := range r.Attempts {
		if tokens[a.Token] {
			t.Errorf("token %s is used for two requests", a.Token)
		}
		tokens[a.Token] = true
	}
	for _, call := range w.sim.Calls("RunInstances") {
		if strings.HasPrefix(call.Attempt, "attempt=2") {
			t.Error("the SDK asked again for what is sold out")
		}
	}
}

func TestNoRoomAnywhereIsALine(t *testing.T) {
	w := newWorld(t, sim.Options{})
	w.sim.NoCapacity("", "")
	p := w.plan(request())
	err := w.launch(w.record(p), p)
	if !errors.Is(err, ErrNoRoom) || !strings.Contains(err.Error(), "i3en.3xlarge") || strings.Contains(err.Error(), "\n") {
		t.Errorf("Launch = %v", err)
	}
	w.wantInstances(0)
}

func TestAQuotaThatOthersUseUpEndsInTheLink(t *testing.T) {
	w := newWorld(t, sim.Options{Quota: 8})
	w.launched()
	p := w.plan(request())
	second, err := w.boxes.Create(Record{Name: "other", Run: "other-1", Region: p.Region, SSH: p.SSH, User: "ubuntu"})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.launch(second, p); !errors.Is(err, ErrQuota) || !strings.Contains(err.Error(), quotaLink) {
		t.Errorf("Launch = %v", err)
	}
}

func TestAMachineThatDoesNotStartSaysWhy(t *testing.T) {
	w := newWorld(t, sim.Options{})
	p := w.plan(request())
	r := w.record(p)
	w.sim.DropReplies("RunInstances", 3)
	if err := w.launch(r, p); err == nil {
		t.Fatal("no error")
	}
	if err := w.sim.FailLaunch(w.sim.Instances()[0].ID, "Client.VolumeLimitExceeded", "Volume limit exceeded"); err != nil {
		t.Fatal(err)
	}
	// Its token answers that it has ended; the next attempt has another one.
	if err := w.launch(r, p); err != nil {
		t.Fatal(err)
	}
	w.wantInstances(2)
	if err := w.sim.FailLaunch(r.Instance, "Client.VolumeLimitExceeded", "Volume limit exceeded"); err != nil {
		t.Fatal(err)
	}
	if err := w.launch(r, p); err == nil || !strings.Contains(err.Error(), "Volume limit exceeded") {
		t.Errorf("Launch = %v", err)
	}
}

func TestATypeWithoutDiskGetsAVolumeThatGoesWithIt(t *testing.T) {
	w := newWorld(t, sim.Options{})
	req := request()
	req.Type = "m7i.2xlarge"
	p := w.plan(req)
	r := w.record(p)
	if err := w.launch(r, p); err != nil {
		t.Fatal(err)
	}
	if id, err := w.cloud.Volume(t.Context(), r); err != nil || !strings.HasPrefix(id, "vol-") {
		t.Errorf("Volume = %q, %v", id, err)
	}
	if err := w.cloud.Down(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	if left, err := w.cloud.Find(t.Context()); err != nil || len(left) != 0 {
		t.Errorf("left %+v, %v", left, err)
	}
}

func TestAForgedImageIsRefused(t *testing.T) {
	w := newWorld(t, sim.Options{})
	debian := systems["debian"]
	systems["debian"] = system{debian.parameter, "000000000000", debian.user, debian.arch}
	defer func() { systems["debian"] = debian }()
	req := request()
	req.Image = "debian"
	if _, err := w.cloud.MakePlan(t.Context(), req); err == nil || !strings.Contains(err.Error(), "refused") {
		t.Errorf("MakePlan = %v", err)
	}
}

func TestRealEndpointsTakeNoSimulator(t *testing.T) {
	if _, err := Connect(t.Context(), Connection{Region: "us-east-1", Endpoint: "https://ec2.example.com"}); err == nil {
		t.Error("an endpoint that is not on loopback was taken")
	}
}

func TestAThrottledLaunchStaysOneLaunch(t *testing.T) {
	w := newWorld(t, sim.Options{})
	p := w.plan(request())
	r := w.record(p)
	w.sim.Fail("RunInstances", http.StatusServiceUnavailable, "RequestLimitExceeded", "Request limit exceeded.", 1)
	if err := w.launch(r, p); err != nil {
		t.Fatal(err)
	}
	w.wantInstances(1)
	if len(r.Attempts) != 1 {
		t.Errorf("attempts %+v", r.Attempts)
	}
}
