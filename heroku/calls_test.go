package heroku

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const (
	appID    = "01234567-89ab-4def-8123-456789abcdef"
	leaderID = "11111111-1111-4111-8111-111111111111"
	grayID   = "22222222-2222-4222-8222-222222222222"
)

// sent is the part of a request that the recordings of the official CLI fix.
type sent struct {
	Method, Path, Body string
	Header             map[string]string // only those that differ from the default
}

// callTest is one method, what the server answers and what it must have been sent.
type callTest struct {
	answer string
	call   func(context.Context, *Client) error
	want   sent
}

const (
	sdk   = "application/vnd.heroku+json; version=3.sdk"
	basic = "Basic OkhSS1UtY2FuYXJ5LXRva2Vu"
)

// TestRequests holds the client to the requests recorded from the official CLI.
func TestRequests(t *testing.T) {
	for _, tests := range []map[string]callTest{appCalls(t), addonCalls(t), attachmentCalls(t), dataCalls(t)} {
		for name, test := range tests {
			t.Run(name, func(t *testing.T) { checkCall(t, test) })
		}
	}
}

func checkCall(t *testing.T, test callTest) {
	t.Helper()
	s := serve(t, answer(200, test.answer))
	c := client(t, s, func(cfg *Config) { cfg.UserAgent, cfg.NewID = "changeover/test", func() string { return "id-1" } })
	if err := test.call(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	seen := s.seen()
	if len(seen) != 1 {
		t.Fatalf("%d requests, want 1", len(seen))
	}
	got := seen[0]
	if got.Length != int64(len(got.Body)) {
		t.Errorf("Content-Length %d for a body of %d bytes", got.Length, len(got.Body))
	}
	if got.Method == "PUT" || got.Method == "POST" {
		if l := got.Header.Get("Content-Length"); got.Body == "" && l != "0" {
			t.Errorf("Content-Length %q, want 0", l)
		}
	}
	want := map[string]string{
		"Accept": "application/vnd.heroku+json; version=3", "Authorization": "Bearer HRKU-canary-token",
		"User-Agent": "changeover/test", "Request-Id": "id-1",
	}
	if test.want.Body != "" {
		want["Content-Type"] = "application/json"
	}
	for k, v := range test.want.Header {
		want[k] = v
	}
	header := map[string]string{}
	for k := range got.Header {
		if k != "Accept-Encoding" && k != "Content-Length" {
			header[k] = got.Header.Get(k)
		}
	}
	if diff := cmp.Diff(want, header); diff != "" {
		t.Errorf("headers (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{test.want.Method, test.want.Path, test.want.Body}, []string{got.Method, got.Path, got.Body}); diff != "" {
		t.Errorf("request (-want +got):\n%s", diff)
	}
}

// appCalls: calls on apps, formation, dynos and releases.
func appCalls(t *testing.T) map[string]callTest {
	t.Helper()
	return map[string]callTest{
		"account": {
			`{"email":"me@example.com"}`, func(ctx context.Context, c *Client) error { _, err := c.Account(ctx); return err },
			sent{Method: "GET", Path: "/account"},
		},
		"rate limit": {
			`{"remaining":2399}`, func(ctx context.Context, c *Client) error { _, err := c.RateLimit(ctx); return err },
			sent{Method: "GET", Path: "/account/rate-limits"},
		},
		"token life": {
			`[]`, func(ctx context.Context, c *Client) error { _, err := c.TokenLife(ctx); return err },
			sent{Method: "GET", Path: "/oauth/authorizations"},
		},
		"app": {
			sample(t, "app"), func(ctx context.Context, c *Client) error { _, err := c.App(ctx, "x"); return err },
			sent{Method: "GET", Path: "/apps/x"},
		},
		"apps": {
			`[` + sample(t, "app") + `]`, func(ctx context.Context, c *Client) error { _, err := c.Apps(ctx); return err },
			sent{Method: "GET", Path: "/apps"},
		},
		"maintenance on": {
			sample(t, "app"), func(ctx context.Context, c *Client) error { _, err := c.SetMaintenance(ctx, "x", true); return err },
			sent{Method: "PATCH", Path: "/apps/x", Body: `{"maintenance":true}`},
		},
		"maintenance off": {
			sample(t, "app"), func(ctx context.Context, c *Client) error { _, err := c.SetMaintenance(ctx, "x", false); return err },
			sent{Method: "PATCH", Path: "/apps/x", Body: `{"maintenance":false}`},
		},
		"preboot": {
			`{"name":"preboot","enabled":false}`, func(ctx context.Context, c *Client) error { _, err := c.Feature(ctx, "x", "preboot"); return err },
			sent{Method: "GET", Path: "/apps/x/features/preboot"},
		},
		"formation": {
			`[]`, func(ctx context.Context, c *Client) error { _, err := c.Formation(ctx, "x"); return err },
			sent{Method: "GET", Path: "/apps/x/formation"},
		},
		"scale": {`[]`, func(ctx context.Context, c *Client) error {
			_, err := c.Scale(ctx, "x", []ScaleUpdate{{Type: "web", Quantity: 2, Size: "Standard-2X"}, {Type: "worker"}})
			return err
		}, sent{
			Method: "PATCH", Path: "/apps/x/formation",
			Body: `{"updates":[{"quantity":2,"size":"Standard-2X","type":"web"},{"quantity":0,"type":"worker"}]}`,
		}},
		"dynos": {
			`[]`, func(ctx context.Context, c *Client) error { _, err := c.Dynos(ctx, "x"); return err },
			sent{Method: "GET", Path: "/apps/x/dynos", Header: map[string]string{"Accept": sdk}},
		},
		"stop dyno": {
			``, func(ctx context.Context, c *Client) error { return c.StopDyno(ctx, "x", "run.1828") },
			sent{Method: "POST", Path: "/apps/x/dynos/run.1828/actions/stop", Header: map[string]string{"Accept": sdk}},
		},
		"stop type": {
			``, func(ctx context.Context, c *Client) error { return c.StopType(ctx, "x", "worker") },
			sent{Method: "POST", Path: "/apps/x/formations/worker/actions/stop", Header: map[string]string{"Accept": sdk}},
		},
		"releases": {
			`[]`, func(ctx context.Context, c *Client) error { _, err := c.Releases(ctx, "x", 5); return err },
			sent{Method: "GET", Path: "/apps/x/releases", Header: map[string]string{"Range": "version ..; max=5, order=desc"}},
		},
		"release": {
			sample(t, "release"), func(ctx context.Context, c *Client) error { _, err := c.ReleaseVersion(ctx, "x", 813); return err },
			sent{Method: "GET", Path: "/apps/x/releases/813"},
		},
		"config vars": {
			`{}`, func(ctx context.Context, c *Client) error { _, err := c.ConfigVars(ctx, "x"); return err },
			sent{Method: "GET", Path: "/apps/x/config-vars"},
		},
	}
}

// addonCalls: calls on add-ons.
func addonCalls(t *testing.T) map[string]callTest {
	t.Helper()
	return map[string]callTest{
		"add-ons of an app": {
			`[]`, func(ctx context.Context, c *Client) error { _, err := c.Addons(ctx, "x"); return err },
			sent{Method: "GET", Path: "/apps/x/addons", Header: map[string]string{"Accept": sdk, "Accept-Expansion": "addon_service,plan"}},
		},
		"visible add-ons": {
			`[]`, func(ctx context.Context, c *Client) error { _, err := c.VisibleAddons(ctx); return err },
			sent{Method: "GET", Path: "/addons", Header: map[string]string{"Accept": sdk, "Accept-Expansion": "addon_service,plan"}},
		},
		"add-on": {
			sample(t, "addon"), func(ctx context.Context, c *Client) error {
				_, err := c.Addon(ctx, "postgresql-gray-10002")
				return err
			},
			sent{Method: "GET", Path: "/addons/postgresql-gray-10002", Header: map[string]string{"Accept-Expansion": "addon_service,plan"}},
		},
		"add-on of an app": {
			sample(t, "addon"), func(ctx context.Context, c *Client) error { _, err := c.AppAddon(ctx, "x", "fast"); return err },
			sent{Method: "GET", Path: "/apps/x/addons/fast", Header: map[string]string{"Accept-Expansion": "addon_service,plan"}},
		},
		"create follower": {sample(t, "addon"), func(ctx context.Context, c *Client) error {
			_, err := c.CreateAddon(ctx, "x", AddonCreate{
				Plan: "heroku-postgresql:standard-5", Name: "mig-fast-follower", AttachmentName: "MIGRATION_FAST",
				Config: map[string]string{"follow": "postgresql-white-10001"},
			})
			return err
		}, sent{
			Method: "POST", Path: "/apps/x/addons",
			Header: map[string]string{"Accept-Expansion": "plan", "X-Heroku-Legacy-Provider-Messages": "true"},
			Body:   `{"attachment":{"name":"MIGRATION_FAST"},"config":{"follow":"postgresql-white-10001"},"name":"mig-fast-follower","plan":{"name":"heroku-postgresql:standard-5"}}`,
		}},
		"create with defaults, confirmed": {sample(t, "addon"), func(ctx context.Context, c *Client) error {
			_, err := c.CreateAddon(ctx, "x", AddonCreate{Plan: "heroku-postgresql:standard-5", Name: "fast", Confirm: "x"})
			return err
		}, sent{
			Method: "POST", Path: "/apps/x/addons",
			Header: map[string]string{"Accept-Expansion": "plan", "X-Heroku-Legacy-Provider-Messages": "true"},
			Body:   `{"attachment":{},"config":{},"confirm":"x","name":"fast","plan":{"name":"heroku-postgresql:standard-5"}}`,
		}},
		"destroy": {
			sample(t, "addon"), func(ctx context.Context, c *Client) error { _, err := c.DestroyAddon(ctx, appID, leaderID); return err },
			sent{
				Method: "DELETE", Path: "/apps/" + appID + "/addons/" + leaderID, Body: `{"force":false}`,
				Header: map[string]string{"Accept-Expansion": "plan"},
			},
		},
		"add-on config": {
			`[]`, func(ctx context.Context, c *Client) error { _, err := c.AddonConfig(ctx, "fast"); return err },
			sent{Method: "GET", Path: "/addons/fast/config"},
		},
	}
}

// attachmentCalls: calls on attachments, plans and regions.
func attachmentCalls(t *testing.T) map[string]callTest {
	t.Helper()
	pool := "connection-pooling:default"
	return map[string]callTest{
		"attachments of an add-on": {
			`[]`, func(ctx context.Context, c *Client) error { _, err := c.AddonAttachments(ctx, leaderID); return err },
			sent{Method: "GET", Path: "/addons/" + leaderID + "/addon-attachments"},
		},
		"attachments of an app": {
			`[]`, func(ctx context.Context, c *Client) error { _, err := c.AppAttachments(ctx, "x"); return err },
			sent{Method: "GET", Path: "/apps/x/addon-attachments", Header: map[string]string{"Accept": sdk, "Accept-Inclusion": "addon:plan,config_vars"}},
		},
		"promote": {sample(t, "attachment"), func(ctx context.Context, c *Client) error {
			_, err := c.CreateAttachment(ctx, AttachmentCreate{Addon: "postgresql-gray-10002", App: "x", Name: "DATABASE", Confirm: "x"})
			return err
		}, sent{
			Method: "POST", Path: "/addon-attachments",
			Body: `{"addon":{"name":"postgresql-gray-10002"},"app":{"name":"x"},"confirm":"x","name":"DATABASE","namespace":null}`,
		}},
		"keep the old primary attached": {sample(t, "attachment"), func(ctx context.Context, c *Client) error {
			_, err := c.CreateAttachment(ctx, AttachmentCreate{Addon: "postgresql-white-10001", App: "x", Confirm: "x"})
			return err
		}, sent{
			Method: "POST", Path: "/addon-attachments",
			Body: `{"addon":{"name":"postgresql-white-10001"},"app":{"name":"x"},"confirm":"x","namespace":null}`,
		}},
		"promote the pool, add-on by id": {sample(t, "attachment"), func(ctx context.Context, c *Client) error {
			_, err := c.CreateAttachment(ctx, AttachmentCreate{Addon: grayID, App: appID, Name: PoolAttachment, Namespace: &pool, Confirm: "x"})
			return err
		}, sent{
			Method: "POST", Path: "/addon-attachments",
			Body: `{"addon":{"id":"` + grayID + `"},"app":{"id":"` + appID + `"},"confirm":"x","name":"DATABASE_CONNECTION_POOL","namespace":"connection-pooling:default"}`,
		}},
		"detach": {
			``, func(ctx context.Context, c *Client) error { return c.DeleteAttachment(ctx, leaderID) },
			sent{Method: "DELETE", Path: "/addon-attachments/" + leaderID},
		},
		"plans": {
			`[]`, func(ctx context.Context, c *Client) error { _, err := c.Plans(ctx, PostgresService); return err },
			sent{Method: "GET", Path: "/addon-services/heroku-postgresql/plans"},
		},
		"regions": {
			`[]`, func(ctx context.Context, c *Client) error { _, err := c.Regions(ctx); return err },
			sent{Method: "GET", Path: "/regions"},
		},
	}
}

// dataCalls: calls of the data API, and second factors.
func dataCalls(t *testing.T) map[string]callTest {
	t.Helper()
	return map[string]callTest{
		"database": {
			sample(t, "leader"), func(ctx context.Context, c *Client) error { _, err := c.Database(ctx, leaderID); return err },
			sent{Method: "GET", Path: "/client/v11/databases/" + leaderID},
		},
		"wait status": {
			`{"waiting?":false}`, func(ctx context.Context, c *Client) error { _, err := c.WaitStatus(ctx, leaderID); return err },
			sent{Method: "GET", Path: "/client/v11/databases/" + leaderID + "/wait_status"},
		},
		"unfollow": {
			`{"message":"done"}`, func(ctx context.Context, c *Client) error { _, err := c.Unfollow(ctx, grayID); return err },
			sent{Method: "PUT", Path: "/client/v11/databases/" + grayID + "/unfollow"},
		},
		"connection reset": {
			``, func(ctx context.Context, c *Client) error { return c.ConnectionReset(ctx, leaderID) },
			sent{Method: "POST", Path: "/client/v11/databases/" + leaderID + "/connection_reset"},
		},
		"credentials": {
			`[]`, func(ctx context.Context, c *Client) error { _, err := c.Credentials(ctx, leaderID); return err },
			sent{Method: "GET", Path: "/postgres/v0/databases/" + leaderID + "/credentials", Header: map[string]string{"Authorization": basic}},
		},
		"credential": {
			`{"name":"default"}`, func(ctx context.Context, c *Client) error {
				_, err := c.Credential(ctx, "white", "default")
				return err
			},
			sent{Method: "GET", Path: "/postgres/v0/databases/white/credentials/default", Header: map[string]string{"Authorization": basic}},
		},
		"maintenance": {
			`{"status":"none"}`, func(ctx context.Context, c *Client) error { _, err := c.Maintenance(ctx, leaderID); return err },
			sent{Method: "GET", Path: "/data/maintenances/v1/" + leaderID},
		},
		"maintenances of an app": {
			`{"maintenances":[]}`, func(ctx context.Context, c *Client) error { _, err := c.AppMaintenances(ctx, appID); return err },
			sent{Method: "GET", Path: "/data/maintenances/v1/apps/" + appID},
		},
		"backup schedules": {
			`[]`, func(ctx context.Context, c *Client) error { _, err := c.BackupSchedules(ctx, leaderID); return err },
			sent{Method: "GET", Path: "/client/v11/databases/" + leaderID + "/transfer-schedules"},
		},
		"settings": {
			`{}`, func(ctx context.Context, c *Client) error { _, err := c.DatabaseSettings(ctx, leaderID); return err },
			sent{Method: "GET", Path: "/postgres/v0/databases/" + leaderID + "/config"},
		},
		"links": {
			`[]`, func(ctx context.Context, c *Client) error { _, err := c.Links(ctx, leaderID); return err },
			sent{Method: "GET", Path: "/client/v11/databases/" + leaderID + "/links"},
		},
		"monitors": {
			`[]`, func(ctx context.Context, c *Client) error { _, err := c.Monitors(ctx, appID); return err },
			sent{Method: "GET", Path: "/apps/" + appID + "/formation/web/monitors"},
		},
		"second factor": {
			`{}`, func(ctx context.Context, c *Client) error { return c.PreAuthorize(ctx, "x", "123456") },
			sent{Method: "PUT", Path: "/apps/x/pre-authorizations", Header: map[string]string{"Heroku-Two-Factor-Code": "123456"}},
		},
		"code for the account": {sample(t, "app"), func(ctx context.Context, c *Client) error {
			_, err := c.SetMaintenance(WithTwoFactorCode(ctx, "654321"), "x", true)
			return err
		}, sent{Method: "PATCH", Path: "/apps/x", Body: `{"maintenance":true}`, Header: map[string]string{"Heroku-Two-Factor-Code": "654321"}}},
	}
}

// TestRefusedBeforeSending: calls that could mean something else than intended never leave the program.
func TestRefusedBeforeSending(t *testing.T) {
	tests := map[string]func(context.Context, *Client) error{
		"empty app":      func(ctx context.Context, c *Client) error { _, err := c.App(ctx, ""); return err },
		"path in a name": func(ctx context.Context, c *Client) error { _, err := c.Addon(ctx, "../apps/x"); return err },
		"dots":           func(ctx context.Context, c *Client) error { _, err := c.App(ctx, ".."); return err },
		"database URL as name": func(ctx context.Context, c *Client) error {
			_, err := c.Database(ctx, "postgres://u:pw@h/d")
			return err
		},
		"destroy without id": func(ctx context.Context, c *Client) error { _, err := c.DestroyAddon(ctx, appID, ""); return err },
		"destroy by name": func(ctx context.Context, c *Client) error {
			_, err := c.DestroyAddon(ctx, appID, "DATABASE")
			return err
		},
		"unfollow by name": func(ctx context.Context, c *Client) error { _, err := c.Unfollow(ctx, "DATABASE"); return err },
		"detach by name":   func(ctx context.Context, c *Client) error { return c.DeleteAttachment(ctx, "DATABASE") },
		"create without name": func(ctx context.Context, c *Client) error {
			_, err := c.CreateAddon(ctx, "x", AddonCreate{Plan: "p"})
			return err
		},
		"create without plan": func(ctx context.Context, c *Client) error {
			_, err := c.CreateAddon(ctx, "x", AddonCreate{Name: "n-1"})
			return err
		},
		"scale nothing": func(ctx context.Context, c *Client) error { _, err := c.Scale(ctx, "x", nil); return err },
		"scale below zero": func(ctx context.Context, c *Client) error {
			_, err := c.Scale(ctx, "x", []ScaleUpdate{{Type: "web", Quantity: -1}})
			return err
		},
		"attach without add-on": func(ctx context.Context, c *Client) error {
			_, err := c.CreateAttachment(ctx, AttachmentCreate{App: "x"})
			return err
		},
	}
	for name, call := range tests {
		t.Run(name, func(t *testing.T) {
			s := serve(t, answer(200, `{}`))
			if err := call(t.Context(), client(t, s)); err == nil {
				t.Error("accepted")
			}
			if n := len(s.seen()); n != 0 {
				t.Errorf("%d requests sent, want none", n)
			}
		})
	}
}
