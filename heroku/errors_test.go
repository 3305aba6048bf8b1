package heroku

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var sentinels = map[string]error{
	"unauthorized": ErrUnauthorized, "forbidden": ErrForbidden, "payment": ErrPaymentRequired, "not found": ErrNotFound,
	"confirmation": ErrConfirmationRequired, "invalid": ErrInvalid, "conflict": ErrConflict, "rate": ErrRateLimited,
	"server": ErrServer, "not yet": ErrNotYetKnown, "unreachable": ErrUnreachable, "unknown outcome": ErrUnknownOutcome,
}

func matching(err error) map[string]bool {
	m := map[string]bool{}
	for name, s := range sentinels {
		if errors.Is(err, s) {
			m[name] = true
		}
	}
	return m
}

func is(names ...string) map[string]bool {
	m := map[string]bool{}
	for _, n := range names {
		m[n] = true
	}
	return m
}

// TestErrorAnswers sends every shape of error body by a Platform read, a Platform write and a data read.
func TestErrorAnswers(t *testing.T) {
	read := func(ctx context.Context, c *Client) error { _, err := c.App(ctx, "shop"); return err }
	write := func(ctx context.Context, c *Client) error {
		_, err := c.CreateAttachment(ctx, AttachmentCreate{Addon: "a", App: "shop", Name: "DATABASE"})
		return err
	}
	data := func(ctx context.Context, c *Client) error { _, err := c.Database(ctx, leaderID); return err }
	html := "<html><head><title>x</title></head><body><h1>Application\n Error</h1></body></html>"
	tests := map[string]struct {
		status  int
		body    string
		call    func(context.Context, *Client) error
		is      map[string]bool
		id      string
		message string
		advice  string // must appear in the text
	}{
		"401":                     {401, `{"id":"unauthorized","message":"Invalid credentials provided."}`, read, is("unauthorized"), "unauthorized", "Invalid credentials provided.", "heroku login"},
		"402":                     {402, `{"id":"delinquent","message":"Please verify."}`, write, is("payment"), "delinquent", "Please verify.", "billing"},
		"403":                     {403, `{"id":"forbidden","message":"You do not have access."}`, read, is("forbidden"), "forbidden", "You do not have access.", "token"},
		"403 suspended":           {403, `{"id":"suspended","message":"Suspended."}`, read, is("forbidden"), "suspended", "Suspended.", "support"},
		"404":                     {404, `{"id":"not_found","message":"Couldn't find that app.","resource":"app"}`, read, is("not found"), "not_found", "Couldn't find that app.", "check the name"},
		"404 data, error":         {404, `{"error":"not found"}`, data, is("not found", "not yet"), "", "not found", "wait a moment"},
		"404 data, HTML as JSON":  {404, `<h1>Not Found</h1>`, data, is("not found", "not yet"), "", "Not Found", "wait a moment"},
		"404 data, empty":         {404, ``, data, is("not found", "not yet"), "", "", "wait a moment"},
		"404 data, with a reason": {404, `{"id":"not_found","message":"gone for good"}`, data, is("not found"), "not_found", "gone for good", "check the name"},
		"404 platform, empty":     {404, ``, read, is("not found"), "", "", "check the name"},
		"410":                     {410, `{"id":"gone","message":"Gone."}`, read, is("not found"), "gone", "Gone.", "check"},
		"409":                     {409, `{"id":"conflict","message":"Busy."}`, write, is("conflict"), "conflict", "Busy.", "wait"},
		"422":                     {422, `{"id":"invalid_params","message":"Unknown params:\n follow"}`, write, is("invalid"), "invalid_params", "Unknown params: follow", "message says"},
		"400 data":                {400, `{"id":"bad_request","message":"No."}`, data, is("invalid"), "bad_request", "No.", "message says"},
		"423":                     {423, `{"id":"confirmation_required","message":"Taken."}`, write, is("confirmation"), "confirmation_required", "Taken.", "confirm with"},
		"confirmation as 400":     {400, `{"id":"confirmation_required","message":"Taken."}`, write, is("confirmation"), "confirmation_required", "Taken.", "confirm with"},
		"429 for a write":         {429, `{"id":"rate_limit","message":"Limit."}`, write, is("rate"), "rate_limit", "Limit.", "share the limit"},
		"500 for a read":          {500, `{"id":"internal_server_error","message":"Oops."}`, read, is("server"), "internal_server_error", "Oops.", "status.heroku.com"},
		"503 for a write":         {503, html, write, is("server", "unknown outcome"), "", "Application Error", "look at the state"},
		"408 for a write":         {408, ``, write, is("unknown outcome"), "", "", "look at the state"},
		"broken JSON":             {400, `{"id":"bad_request"`, read, is("invalid"), "", `{"id":"bad_request"`, "message says"},
		"numbers for texts":       {422, `{"id":7,"message":{"a":1}}`, read, is("invalid"), "7", "", "message says"},
		"redirect of a write":     {307, ``, write, is(), "", "", "base URLs"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			s := serve(t, answer(test.status, test.body, "Request-Id", "srv-1", "Location", "https://elsewhere.example/"))
			err := test.call(t.Context(), client(t, s, func(c *Config) { c.MaxTries = 1 }))
			if diff := cmp.Diff(test.is, matching(err)); diff != "" {
				t.Errorf("sentinels (-want +got):\n%s", diff)
			}
			var api *APIError
			if !errors.As(err, &api) {
				t.Fatalf("error %v is no APIError", err)
			}
			want := []string{test.id, test.message, "srv-1"}
			if diff := cmp.Diff(want, []string{api.ID, api.Message, api.RequestID}); diff != "" {
				t.Errorf("id, message, request (-want +got):\n%s", diff)
			}
			if text := err.Error(); !strings.Contains(text, test.advice) || strings.ContainsAny(text, "\n\r") {
				t.Errorf("text %q must be one line and contain %q", text, test.advice)
			}
			if len(s.seen()) != 1 {
				t.Errorf("%d requests, want 1", len(s.seen()))
			}
		})
	}
}

func TestTwoFactor(t *testing.T) {
	tests := map[string]struct{ body, app string }{
		"of an app":      {`{"id":"two_factor","message":"code?","app":{"id":"` + appID + `","name":"shop"}}`, "shop"},
		"of the account": {`{"id":"two_factor","message":"code?"}`, ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			c := client(t, serve(t, answer(403, test.body)))
			_, err := c.SetMaintenance(t.Context(), "shop", true)
			var two *TwoFactorError
			if !errors.As(err, &two) || two.App != test.app {
				t.Fatalf("error %v, want a TwoFactorError of app %q", err, test.app)
			}
			if diff := cmp.Diff(is("forbidden"), matching(err)); diff != "" {
				t.Errorf("sentinels (-want +got):\n%s", diff)
			}
		})
	}
}

func TestLongAndHostileMessagesStayOneLine(t *testing.T) {
	body := `{"id":"x","message":"` + strings.Repeat("long ", 1000) + `\u001b[31mred\u0007"}`
	c := client(t, serve(t, answer(422, body)))
	_, err := c.App(t.Context(), "shop")
	if text := err.Error(); len(text) > 600 || strings.ContainsAny(text, "\x1b\x07\n") {
		t.Errorf("text of %d bytes: %q", len(text), text)
	}
}

// TestUnreadableSuccessOfAWriteIsUnknown: a 2xx without sense did something, and only the state tells what.
func TestUnreadableSuccessOfAWriteIsUnknown(t *testing.T) {
	for name, body := range map[string]string{"HTML": "<p>ok</p>", "empty": "", "no state": `{"id":"i","name":"n"}`} {
		t.Run(name, func(t *testing.T) {
			c := client(t, serve(t, answer(http.StatusCreated, body)))
			_, err := c.CreateAddon(t.Context(), "shop", AddonCreate{Plan: "p", Name: "fast"})
			if !errors.Is(err, ErrUnknownOutcome) {
				t.Errorf("write: %v does not say that the outcome is unknown", err)
			}
			if _, err = c.Addon(t.Context(), "fast"); err == nil || errors.Is(err, ErrUnknownOutcome) {
				t.Errorf("read: %v", err)
			}
		})
	}
}

// TestUnfollowSucceedsWhateverTheBody: its answer is not documented, and the status has decided.
func TestUnfollowSucceedsWhateverTheBody(t *testing.T) {
	for _, body := range []string{"", "<p>ok</p>", `{"message":7}`, "null", "[]"} {
		if _, err := client(t, serve(t, answer(202, body))).Unfollow(t.Context(), grayID); err != nil {
			t.Errorf("body %q: %v", body, err)
		}
	}
	got, err := client(t, serve(t, answer(200, `{"message":"ok","leader_xact":"12","follower_xact":10}`))).Unfollow(t.Context(), grayID)
	if err != nil || got.LeaderXact == nil || *got.LeaderXact != 12 || got.FollowerXact == nil || *got.FollowerXact != 10 {
		t.Errorf("positions %+v, error %v", got, err)
	}
}
