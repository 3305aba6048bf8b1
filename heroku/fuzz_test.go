package heroku

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode"
)

// FuzzDatabaseDecode: whatever the data host sends, decoding neither panics nor takes a follower for a leader.
func FuzzDatabaseDecode(f *testing.F) {
	for _, name := range []string{"leader", "follower", "essential"} {
		f.Add([]byte(sample(f, name)))
	}
	f.Add([]byte(`{"addon_id":"a","following":[],"info":[{"name":"Behind By","values":["-1 commits"]}]}`))
	f.Add([]byte(`{"addon_id":1e400,"plan":[],"leader":0,"info":[[]]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		var d Database
		if err := decode(data, &d); err != nil {
			return
		}
		if d.AddonID == "" && !strings.Contains(string(data), `""`) {
			t.Error("a database without an id was accepted")
		}
		var members map[string]json.RawMessage
		if err := json.Unmarshal(data, &members); err != nil {
			t.Fatalf("accepted what is not an object: %v", err)
		}
		raw, ok := members["following"]
		if follower := ok && kindOf(raw) != "null" && string(raw) != `""`; follower != d.Following() {
			t.Errorf("following is %s, and Following() is %t", raw, d.Following())
		}
		if n, known := d.BehindBy(); n < 0 || !known && n != 0 {
			t.Errorf("behind by %d, known %t", n, known)
		}
		_, _, _, _ = d.ForkFollow(), d.Status(), d.Version(), d.Essential()
		if _, err := json.Marshal(d); err != nil {
			t.Errorf("cannot be journaled: %v", err)
		}
	})
}

// FuzzPlatformDecode does the same for every other type that is decoded.
func FuzzPlatformDecode(f *testing.F) {
	for _, name := range []string{"app", "addon", "attachment", "release"} {
		f.Add([]byte(sample(f, name)))
		f.Add([]byte("[" + sample(f, name) + "]"))
	}
	f.Add([]byte(`{"waiting?":true,"message":"preparing"}`))
	f.Add([]byte(`[{"type":"web","quantity":"2"},{"name":"run.1","type":"run","state":7}]`))
	f.Add([]byte(`{"status":"none","name":"default","credentials":[{"user":1}],"maintenances":null}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		var apps []App
		if decode(data, &apps) == nil {
			for _, a := range apps {
				_ = a.Fir()
			}
		}
		var formation []Formation
		_ = decode(data, &formation)
		for _, into := range []any{
			&App{}, &Addon{}, &Attachment{}, &Release{}, &WaitStatus{}, &Maintenance{}, &Credential{}, &Account{}, &Plan{},
			&[]Dyno{}, &[]Release{}, &[]Plan{}, &[]Region{}, &[]BackupSchedule{}, &[]Link{}, &[]Monitor{},
			&map[string]Setting{}, &ConfigVars{}, &UnfollowResult{},
		} {
			if err := decode(data, into); err == nil {
				if _, err := json.Marshal(into); err != nil {
					t.Errorf("%T cannot be journaled: %v", into, err)
				}
			}
		}
	})
}

// FuzzErrorBody: any body becomes one short line without control characters.
func FuzzErrorBody(f *testing.F) {
	for _, body := range []string{
		``, `{"error":"not found"}`, `<h1>Not Found</h1>`, `{"id":"not_found","message":"x","resource":"app"}`,
		`{"id":"two_factor","app":{"id":"1","name":"shop"}}`, `{"id":`, `[]`, `null`, "<script>x</script>\x1b[0m", `{"error":{"message":"x"}}`,
	} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		body := decodeErrorBody(data)
		for _, text := range []string{body.ID, body.Message, body.Resource} {
			if len([]rune(text)) > maxMessage+1 || strings.ContainsFunc(text, unicode.IsControl) {
				t.Errorf("%q is not a short line", text)
			}
		}
	})
}

// FuzzNetrc: no file makes the reader panic or take another machine's password.
func FuzzNetrc(f *testing.F) {
	f.Add("machine a login b password c")
	f.Add("machine \"a b\" password \"c\\")
	f.Add("macdef x\nmachine api.heroku.com password p\n\nmachine")
	f.Fuzz(func(t *testing.T, text string) {
		got := netrcPassword(text, "api.heroku.com").Reveal()
		if got != "" && !strings.Contains(text, "password") {
			t.Errorf("password %q out of nothing", got)
		}
	})
}

// FuzzScrub: the token and the password of a database URL never come through.
func FuzzScrub(f *testing.F) {
	f.Add("before ", " after")
	f.Add("a://", "@b")
	f.Fuzz(func(t *testing.T, before, after string) {
		got := scrub(before+" "+canaryURL+" "+testToken.Reveal()+after, testToken)
		if strings.Contains(got, "canary") && !strings.Contains(before+after, "canary") {
			t.Errorf("%q", got)
		}
	})
}
