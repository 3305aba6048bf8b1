package sim

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const sdk = "application/vnd.heroku+json; version=3.sdk"

func TestReplacingDatabaseIsDetachAndAttach(t *testing.T) {
	b := newBench(t, nil)
	old := b.oldPrimary()
	b.create(object{"plan": planBody("standard-5"), "name": "fresh"})
	body := object{"addon": object{"name": "fresh"}, "app": object{"name": "shop"}, "name": "DATABASE", "namespace": nil}
	b.call(http.MethodPost, "/addon-attachments", body).refused(423, "confirmation_required")
	if b.oldPrimary() != old {
		t.Fatal("DATABASE moved without confirmation")
	}
	body["confirm"] = "shop"
	b.call(http.MethodPost, "/addon-attachments", body).is(http.StatusCreated)
	want := []string{"Attach DATABASE (@ref:fresh)", "Detach DATABASE (@ref:" + old + ")"}
	if diff := cmp.Diff(want, b.releases("2")); diff != "" {
		t.Errorf("releases (-want +got):\n%s", diff)
	}
	if got := b.configVar("DATABASE_URL"); got != b.info("fresh").str("resource_url") {
		t.Error("DATABASE_URL is not the new database's")
	}
	b.await("all dynos run the new release", func() bool {
		dynos := b.get("/apps/shop/dynos").list()
		newest := b.call(http.MethodGet, "/apps/shop/releases", nil, "Range", "version ..; max=1, order=desc").list()[0]
		for _, d := range dynos {
			if field(d, "state") != "up" || field(d, "release.version") != field(newest, "version") {
				return false
			}
		}
		return len(dynos) == 4
	})
}

func TestLastBillingAttachmentStays(t *testing.T) {
	b := newBench(t, nil)
	old := b.oldPrimary()
	attachments := b.get("/addons/" + old + "/addon-attachments").list()
	if len(attachments) != 2 {
		t.Fatalf("%d attachments, want 2", len(attachments))
	}
	last := b.get("/apps/shop/addon-attachments/DATABASE").str("id")
	for _, at := range attachments {
		if field(at, "id") != last {
			b.call(http.MethodDelete, "/addon-attachments/"+field(at, "id"), nil).is(http.StatusOK)
		}
	}
	refusal := b.call(http.MethodDelete, "/addon-attachments/"+last, nil).refused(422, "unprocessable_entity")
	if !strings.Contains(refusal.str("message"), "last billing attachment") {
		t.Errorf("message %q", refusal.str("message"))
	}
	// Replacing the last attachment would orphan the database as well.
	b.create(object{"plan": planBody("standard-5"), "name": "fresh"})
	promote := object{"addon": object{"name": "fresh"}, "app": object{"name": "shop"}, "name": "DATABASE", "confirm": "shop"}
	b.call(http.MethodPost, "/addon-attachments", promote).refused(422, "unprocessable_entity")
	b.call(http.MethodPost, "/addon-attachments", object{"addon": object{"name": old}, "app": object{"name": "shop"}, "confirm": "shop"}).is(http.StatusCreated)
	b.call(http.MethodPost, "/addon-attachments", promote).is(http.StatusCreated)
}

func TestAttachmentsShowPlanAndVarsByInclusion(t *testing.T) {
	b := newBench(t, nil)
	plain := b.get("/apps/shop/addon-attachments").list()[0]
	if _, has := plain["config_vars"]; has {
		t.Error("config_vars without inclusion")
	}
	rich := b.get("/apps/shop/addon-attachments", "Accept", sdk, "Accept-Inclusion", "addon:plan,config_vars").list()
	for _, at := range rich {
		if field(at, "addon.plan.name") != "heroku-postgresql:standard-4" || field(at, "config_vars") != `["`+field(at, "name")+`_URL"]` {
			t.Errorf("attachment %v lacks plan or config_vars", at)
		}
		if at["namespace"] != nil {
			t.Errorf("namespace %v of the default credential, want null", at["namespace"])
		}
	}
}

func TestAttachmentsOfAnAddonOverAllApps(t *testing.T) {
	b := newBench(t, nil)
	b.call(http.MethodPost, "/apps", object{"name": "reports"}).is(http.StatusCreated)
	old := b.oldPrimary()
	at := b.call(http.MethodPost, "/addon-attachments", object{"addon": old, "app": "reports", "name": "SHOP"}).is(http.StatusCreated)
	apps := map[string]int{}
	for _, at := range b.get("/addons/" + old + "/addon-attachments").list() {
		apps[field(at, "app.name")]++
	}
	if diff := cmp.Diff(map[string]int{"shop": 2, "reports": 1}, apps); diff != "" {
		t.Errorf("attachments by app (-want +got):\n%s", diff)
	}
	if got := b.get("/apps/reports/config-vars").str("SHOP_URL"); got != b.configVar("DATABASE_URL") {
		t.Error("the other app does not get the URL")
	}
	// It does not pay for the database, so that its last attachment may go.
	b.call(http.MethodDelete, "/addon-attachments/"+at.str("id"), nil).is(http.StatusOK)
	if got := b.get("/apps/reports/config-vars").str("SHOP_URL"); got != "null" {
		t.Error("the variable outlived its attachment")
	}
}

func TestNamedCredential(t *testing.T) {
	b := newBench(t, nil)
	old := b.oldPrimary()
	basic := []string{"Authorization", "Basic OkhSS1UtZmFrZQ=="}
	b.opts.Token = "HRKU-fake"
	b.call(http.MethodPost, "/postgres/v0/databases/"+old+"/credentials", object{"name": "analyst"}).is(http.StatusCreated)
	list := b.get("/postgres/v0/databases/"+old+"/credentials", basic...).list()
	if len(list) != 2 || field(list[0], "name") != "default" || field(list[0], "state") != "active" {
		t.Fatalf("credentials %v", list)
	}
	at := b.call(http.MethodPost, "/addon-attachments", object{"addon": old, "app": "shop", "name": "READS", "namespace": "credential:analyst"}).is(http.StatusCreated)
	if at.str("namespace") != "credential:analyst" {
		t.Errorf("namespace %q", at.str("namespace"))
	}
	if got := b.configVar("READS_URL"); !strings.HasPrefix(got, "postgres://analyst:") {
		t.Error("the variable does not hold the credential's URL")
	}
	before := b.configVar("DATABASE_URL")
	b.call(http.MethodPost, "/postgres/v0/databases/"+old+"/credentials/default/credentials_rotation", object{"forced": true}, basic...).is(http.StatusOK)
	if b.configVar("DATABASE_URL") == before {
		t.Error("rotation left the password as it was")
	}
}

func TestConfigVars(t *testing.T) {
	b := newBench(t, nil)
	got := b.call(http.MethodPatch, "/apps/shop/config-vars", object{"READ_ONLY": "1", "LANG": nil}).is(http.StatusOK)
	if got.str("READ_ONLY") != "1" || got.str("LANG") != "null" {
		t.Errorf("config vars after the change: %v", got.str("READ_ONLY"))
	}
	if diff := cmp.Diff([]string{"Set READ_ONLY config vars; Unset LANG config vars"}, b.releases("1")); diff != "" {
		t.Errorf("release (-want +got):\n%s", diff)
	}
	b.call(http.MethodPatch, "/apps/shop/config-vars", object{"DATABASE_URL": "postgres://elsewhere"}).refused(422, "invalid_params")
	b.call(http.MethodPatch, "/apps/shop/config-vars", object{"DATABASE_URL": nil}).refused(422, "invalid_params")
}

func TestResolvers(t *testing.T) {
	b := newBench(t, nil)
	old := b.oldPrimary()
	resolve := func(name string) answer {
		return b.call(http.MethodPost, "/actions/addon-attachments/resolve", object{"addon_attachment": name, "app": "shop"}, "Accept", sdk, "Accept-Inclusion", "addon:plan,config_vars")
	}
	for name, want := range map[string]int{"DATABASE": 1, "DATABASE_URL": 1, "shop::DATABASE": 1, old: 2} {
		if got := len(resolve(name).is(http.StatusOK).list()); got != want {
			t.Errorf("%s resolves to %d attachments, want %d", name, got, want)
		}
	}
	if got := resolve("NOPE").refused(404, "not_found").str("resource"); got != "add_on attachment" {
		t.Errorf("resource %q", got)
	}
	for _, name := range []string{old, "DATABASE_URL"} {
		got := b.call(http.MethodPost, "/actions/addons/resolve", object{"addon": name, "app": "shop"}, "Accept-Expansion", "plan").is(http.StatusOK).list()
		if len(got) != 1 || field(got[0], "name") != old {
			t.Errorf("%s resolves to %v", name, got)
		}
	}
	if got := b.call(http.MethodPost, "/actions/addons/resolve", object{"addon": "NOPE", "app": nil}).refused(404, "not_found").str("resource"); got != "add_on" {
		t.Errorf("resource %q", got)
	}
}

func TestFollowersHaveTheirLeadersCredentials(t *testing.T) {
	b := newBench(t, nil)
	old := b.oldPrimary()
	b.call(http.MethodPost, "/postgres/v0/databases/"+old+"/credentials", object{"name": "analyst"}).is(http.StatusCreated)
	b.create(object{"plan": planBody("standard-4"), "name": "fol", "attachment": object{"name": "FOL"}, "config": object{"follow": old}})
	b.call(http.MethodPost, "/postgres/v0/databases/fol/credentials", object{"name": "other"}).refused(422, "unprocessable_entity")
	for _, name := range []string{"default", "analyst"} {
		b.call(http.MethodPost, "/postgres/v0/databases/"+old+"/credentials/"+name+"/credentials_rotation", nil).is(http.StatusOK)
		of := func(db string) string {
			var c struct {
				Credentials []struct{ User, Password string }
			}
			b.get("/postgres/v0/databases/" + db + "/credentials/" + name).into(&c)
			return c.Credentials[0].User + ":" + c.Credentials[0].Password
		}
		if of(old) != of("fol") {
			t.Errorf("credential %s of the follower is not the leader's", name)
		}
	}
	if portless(b.configVar("FOL_URL")) != portless(b.configVar("DATABASE_URL")) {
		t.Error("the follower's URL has not the leader's credentials")
	}
}

func TestPoolAttachment(t *testing.T) {
	b := newBench(t, nil)
	at := b.call(http.MethodPost, "/client/v11/databases/"+b.oldPrimary()+"/connection-pooling", object{"app": "shop", "credential": "default"}).is(http.StatusCreated)
	if at.str("name") != "DATABASE_CONNECTION_POOL" || at.str("namespace") != "connection-pooling:default" {
		t.Errorf("attachment %s", at.raw)
	}
	if b.configVar("DATABASE_CONNECTION_POOL_URL") != b.configVar("DATABASE_URL") {
		t.Error("the pool leads elsewhere")
	}
}
