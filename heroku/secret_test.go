package heroku

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"
)

const canaryURL = "postgres://uabc:canary-password@ec2-1-2-3-4.compute-1.amazonaws.com:5432/d9ip89b6vojscq"

// printed returns v in every form a careless line of code could print it.
func printed(t *testing.T, v any) string {
	t.Helper()
	var b bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d"} {
		fmt.Fprintf(&b, verb+"\n", v)
	}
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	b.Write(data)
	slog.New(slog.NewTextHandler(&b, nil)).Info("x", "v", v)
	slog.New(slog.NewJSONHandler(&b, nil)).Info("x", "v", v)
	return b.String()
}

// checkNoCanary fails when text shows the token or the password, in plain, hexadecimal or Basic form.
func checkNoCanary(t *testing.T, what, text string) {
	t.Helper()
	for _, c := range []string{
		"canary", fmt.Sprintf("%x", "canary"), strings.ToUpper(fmt.Sprintf("%x", "canary")),
		base64.StdEncoding.EncodeToString([]byte(":" + testToken.Reveal())), "d9ip89b6vojscq@", "uabc:",
	} {
		if strings.Contains(text, c) {
			t.Errorf("%s shows %q: %s", what, c, text)
		}
	}
}

func TestSecretsAreNeverPrinted(t *testing.T) {
	var d Database
	if err := json.Unmarshal([]byte(sample(t, "follower")), &d); err != nil {
		t.Fatal(err)
	}
	values := map[string]any{
		"secret": testToken, "pointer": struct{ S *Secret }{new(testToken)}, "database": d,
		"database pointer": &d,
		"config vars":      ConfigVars{"DATABASE_URL": canaryURL},
		"credential":       Credential{Users: []CredentialUser{{Password: "canary-password"}}},
		"config":           struct{ Token Secret }{testToken},
	}
	for what, v := range values {
		checkNoCanary(t, what, printed(t, v))
	}
	if testToken.Reveal() != "HRKU-canary-token" {
		t.Error("Reveal does not give the value")
	}
}

// TestServersCannotMakeUsPrintSecrets: error texts and logs quote the server, which quotes what it was sent.
func TestServersCannotMakeUsPrintSecrets(t *testing.T) {
	basic := base64.StdEncoding.EncodeToString([]byte(":" + testToken.Reveal()))
	quote := "cannot follow " + canaryURL + " with " + testToken.Reveal() + " or " + basic + " or redis://uabc:canary-password@h"
	bodies := map[string]string{
		"message": `{"id":"invalid_params","message":"` + quote + `"}`, "error": `{"error":"` + quote + `"}`,
		"HTML": "<p>" + quote + "</p>", "text": quote, "id": `{"id":"` + quote + `","resource":"` + quote + `"}`,
		"second factor": `{"id":"two_factor","message":"` + quote + `","app":{"name":"` + quote + `"}}`,
	}
	for name, body := range bodies {
		t.Run(name, func(t *testing.T) {
			var log strings.Builder
			s := serve(t, answer(422, body, "X-Heroku-Warning", quote, "Request-Id", testToken.Reveal()))
			c := client(t, s, func(cfg *Config) { cfg.Log = func(c Call) { fmt.Fprintf(&log, "%s\n%+v\n", c, c) } })
			_, err := c.CreateAddon(t.Context(), "shop", AddonCreate{
				Plan: "heroku-postgresql:standard-5", Name: "fast", Config: map[string]string{"follow": canaryURL},
			})
			checkNoCanary(t, "error", fmt.Sprintf("%v %+v", err, err))
			checkNoCanary(t, "log", log.String())
			if log.Len() == 0 {
				t.Error("nothing was logged")
			}
		})
	}
}

func TestTransportAndDecodeErrorsHideSecrets(t *testing.T) {
	s := serve(t, answer(200, `{"id":"`+canaryURL+`","name":`+`"n","state":"`))
	_, err := client(t, s).Addon(t.Context(), "fast")
	checkNoCanary(t, "decode error", fmt.Sprint(err))
	broken := &http.Client{Transport: silent{fmt.Errorf("proxy http://uabc:canary-password@proxy with %s", testToken.Reveal())}}
	c := client(t, s, func(cfg *Config) { cfg.HTTPClient = broken })
	_, err = c.Unfollow(t.Context(), grayID)
	checkNoCanary(t, "transport error", fmt.Sprint(err))
	_, err = c.Database(t.Context(), canaryURL)
	checkNoCanary(t, "identifier error", fmt.Sprint(err))
}
