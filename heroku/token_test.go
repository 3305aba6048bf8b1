package heroku

import (
	"errors"
	"io/fs"
	"testing"
)

func TestTokenFromEnv(t *testing.T) {
	netrc := `# machine api.heroku.com password commented
machine other.example
  login me
  password other
machine api.heroku.com
  login password
  password real-token # a comment
machine 127.0.0.1:9999 login me account a password "with \"quote"
macdef init
machine api.heroku.com password macro

default login anonymous password nobody`
	tests := map[string]struct {
		env, files    map[string]string
		platform      string
		token, source string
		err           error
	}{
		"environment first": {map[string]string{"HEROKU_API_KEY": " key \n"}, map[string]string{"/home/ana/.netrc": netrc}, DefaultPlatformURL, "key", "HEROKU_API_KEY", nil},
		"netrc":             {nil, map[string]string{"/home/ana/.netrc": netrc}, DefaultPlatformURL, "real-token", "/home/ana/.netrc", nil},
		"with the port":     {nil, map[string]string{"/home/ana/.netrc": netrc}, "http://127.0.0.1:9999", "", "", ErrBadConfig}, // found, but holds a quote with a blank
		"another port":      {nil, map[string]string{"/home/ana/.netrc": netrc}, "http://127.0.0.1:9998", "", "", ErrNoToken},
		"simple port":       {nil, map[string]string{"/home/ana/.netrc": "machine 127.0.0.1:9 login x password tok"}, "http://127.0.0.1:9", "tok", "/home/ana/.netrc", nil},
		"no default entry":  {nil, map[string]string{"/home/ana/.netrc": "default password nobody"}, DefaultPlatformURL, "", "", ErrNoToken},
		"hash in the token": {nil, map[string]string{"/home/ana/.netrc": "machine api.heroku.com password a#b"}, DefaultPlatformURL, "a#b", "/home/ana/.netrc", nil},
		"nothing":           {nil, nil, DefaultPlatformURL, "", "", ErrNoToken},
		"cut off":           {nil, map[string]string{"/home/ana/.netrc": "machine api.heroku.com password"}, DefaultPlatformURL, "", "", ErrNoToken},
		"bad URL":           {nil, nil, "::", "", "", ErrBadConfig},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			token, source, err := TokenFromEnv(
				func(k string) string { return test.env[k] },
				func(path string) ([]byte, error) {
					if text, ok := test.files[path]; ok {
						return []byte(text), nil
					}
					return nil, fs.ErrNotExist
				}, "/home/ana", test.platform)
			if !errors.Is(err, test.err) {
				t.Fatalf("error %v, want %v", err, test.err)
			}
			if err == nil && (token.Reveal() != test.token || source != test.source) {
				t.Errorf("token %q from %s, want %q from %s", token.Reveal(), source, test.token, test.source)
			}
		})
	}
}

func TestUnreadableNetrcIsSaid(t *testing.T) {
	_, _, err := TokenFromEnv(func(string) string { return "" }, func(string) ([]byte, error) { return nil, fs.ErrPermission }, "/home/ana", DefaultPlatformURL)
	if !errors.Is(err, fs.ErrPermission) {
		t.Errorf("error %v does not say why the file cannot be read", err)
	}
}
