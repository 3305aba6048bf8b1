package forms_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"changeover/heroku"
	"changeover/heroku/sim"
	"changeover/steps/preflight"
	"changeover/ui/forms"
)

// shop is a simulated Heroku with app shop, whose database blog uses too, and a follower beside it.
func shop(t *testing.T) *heroku.Client {
	t.Helper()
	server, err := sim.Start(t.Context(), sim.Options{Paper: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Close(context.Background()); err != nil {
			t.Errorf("closing the simulator: %v", err)
		}
	})
	client, err := heroku.New(heroku.Config{PlatformURL: server.URL(), DataURL: server.URL(), Token: heroku.Secret(server.Token())})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	old := server.Status().Addons[0].Name
	if err := server.AddApp("blog", nil); err != nil {
		t.Fatal(err)
	}
	if _, err := client.CreateAttachment(t.Context(), heroku.AttachmentCreate{Addon: old, App: "blog", Name: "DATABASE"}); err != nil {
		t.Fatal(err)
	}
	if _, err := client.CreateAddon(t.Context(), "shop", heroku.AddonCreate{Plan: "heroku-postgresql:standard-4", Name: "reader", Config: map[string]string{"follow": old}}); err != nil {
		t.Fatal(err)
	}
	return client
}

// defaults are those of init's flags.
func defaults() preflight.Request {
	return preflight.Request{WorkDir: "/mnt/space", Jobs: 4, Budget: 2 * time.Hour, Soak: 24 * time.Hour, Offered: []int{15, 17}}
}

func typed(lines ...string) string { return strings.Join(lines, "\n") + "\n" }

func TestTheFormAsksForEverythingARunNeeds(t *testing.T) {
	var out bytes.Buffer
	terminal := forms.Terminal{Lines: true, Out: &out, In: strings.NewReader(typed(
		"1",      // shop's database
		"1", "0", // the newest version; the preselected apps move along
		"", "", // the proposed plans
		"", "8", "never", "90m", "1h", "n", // the directory that is given, and "never" is no time
	))}
	got, err := terminal.Ask(t.Context(), shop(t), defaults())
	if err != nil {
		t.Fatalf("%v\n%s", err, out.String())
	}
	want := defaults()
	want.App, want.AlsoApps, want.ToMajor = "shop", []string{"blog"}, 17
	want.FinalPlan, want.FastPlan = "heroku-postgresql:standard-4", "heroku-postgresql:standard-7"
	want.Jobs, want.Budget, want.Soak = 8, 90*time.Minute, time.Hour
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("request (-want +got):\n%s\n%s", diff, out.String())
	}
	for _, text := range []string{"shop", "standard-4", "$1.04/h", "standard-7  $4.86/h  (proposed)", "a time such as", "[/mnt/space]"} {
		if !strings.Contains(out.String(), text) {
			t.Errorf("the form does not show %q:\n%s", text, out.String())
		}
	}
	for _, text := range []string{"reader", "standard-0", "essential", "private", "\x1b"} {
		if strings.Contains(out.String(), text) {
			t.Errorf("the form offers %q, which cannot be chosen:\n%s", text, out.String())
		}
	}
}

func TestAFormThatIsLeftSetsNothingUp(t *testing.T) {
	client := shop(t)
	for _, input := range []string{"", "1\n", typed("1", "1", "0", "", "")} {
		terminal := forms.Terminal{Lines: true, Out: &bytes.Buffer{}, In: strings.NewReader(input)}
		if _, err := terminal.Ask(t.Context(), client, defaults()); !errors.Is(err, forms.ErrAborted) {
			t.Errorf("after %q: %v", input, err)
		}
	}
}

func TestTheLastQuestionWantsAYes(t *testing.T) {
	for input, want := range map[string]error{"y\n": nil, "n\n": forms.ErrAborted, "\n": forms.ErrAborted, "": forms.ErrAborted} {
		var out bytes.Buffer
		err := forms.Terminal{Lines: true, Out: &out, In: strings.NewReader(input)}.Confirm(t.Context(), "Set it up?", "it costs")
		if !errors.Is(err, want) {
			t.Errorf("after %q: %v, want %v", input, err, want)
		}
	}
}

func TestTheDrawnFormIsAnsweredByKeys(t *testing.T) {
	for keys, want := range map[string]error{"y": nil, "n": forms.ErrAborted, "\x03": forms.ErrAborted} {
		var out bytes.Buffer
		// The reader stays open behind the keys, as a terminal does.
		in, end := io.Pipe()
		typed := make(chan struct{})
		go func() {
			defer close(typed)
			_, _ = io.WriteString(end, keys)
		}()
		err := forms.Terminal{Out: &out, In: in}.Confirm(t.Context(), "Set it up?", "it costs")
		_ = in.Close()
		<-typed
		if !errors.Is(err, want) {
			t.Errorf("after %q: %v, want %v", keys, err, want)
		}
	}
}

func TestASecondFactorIsTyped(t *testing.T) {
	var out bytes.Buffer
	code, err := forms.Terminal{Lines: true, Out: &out, In: strings.NewReader("123456\n")}.SecondFactor(t.Context(), "shop")
	if err != nil || code != "123456" || !strings.Contains(out.String(), "shop") {
		t.Errorf("code %q, %v, shown %q", code, err, out.String())
	}
}

// empty is a Heroku without databases.
type empty struct{ forms.Heroku }

func (empty) VisibleAddons(context.Context) ([]heroku.Addon, error) { return nil, nil }

func TestWithoutADatabaseTheFormSaysSo(t *testing.T) {
	_, err := forms.Terminal{Lines: true, Out: &bytes.Buffer{}, In: strings.NewReader("1\n")}.Ask(t.Context(), empty{}, defaults())
	if !errors.Is(err, forms.ErrNothingFound) {
		t.Errorf("error %v", err)
	}
}

func TestAFileSaysWhatFlagsSay(t *testing.T) {
	got, err := forms.ReadFile("run.toml", strings.NewReader(`
app = "shop"
also_app = ["blog", "api"]
jobs = 8
soak = "12h"
destroy_old_primary = true
`))
	want := []forms.Setting{
		{Flag: "also-app", Values: []string{"blog", "api"}},
		{Flag: "app", Values: []string{"shop"}},
		{Flag: "destroy-old-primary", Values: []string{"true"}},
		{Flag: "jobs", Values: []string{"8"}},
		{Flag: "soak", Values: []string{"12h"}},
	}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	for text, want := range map[string]string{"app =": "not TOML", "jobs = 1.5": "jobs must be", "also_app = [1]": "also_app must be a list of texts", "[app]\nx=1": "app must be"} {
		if _, err := forms.ReadFile("run.toml", strings.NewReader(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
}
