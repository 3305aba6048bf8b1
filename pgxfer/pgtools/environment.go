package pgtools

import (
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"changeover/pgxfer/pgserver"
)

// conninfo carries what libpq has no environment variable for. Short keepalives: an index build keeps a socket silent for
// hours, and NAT devices on the way forget it after minutes.
//
// tcp_user_timeout bounds what keepalives do not: how long something that was sent is sent again. It is for pg_dump, which only ever sends
// short questions. It would end a pg_restore, too, whose server is alive and has no room for more rows for a while, and with that the whole
// restore. Client libraries before 12 do not know it, and refuse what they do not know.
func (c Command) conninfo() string {
	keep := c.Endpoint.Keepalive()
	info := fmt.Sprintf("keepalives=1 keepalives_idle=%d keepalives_interval=%d keepalives_count=%d",
		keep.Idle/time.Second, keep.Interval/time.Second, keep.Count)
	if c.Asks && c.Major >= 12 {
		info += fmt.Sprintf(" tcp_user_timeout=%d", (keep.Idle + time.Duration(keep.Count)*keep.Interval).Milliseconds())
	}
	return info
}

// environment is everything a child gets to know. Nothing of ours is inherited but PATH: a PGPASSWORD, PGSERVICE or PGOPTIONS of
// the operator's shell must neither leak nor decide which database is read.
func environment(config *pgx.ConnConfig, server pgserver.Version, appName, home string) []string {
	env := []string{
		"PATH=" + os.Getenv("PATH"),
		"HOME=" + home,
		"LC_ALL=C", // messages are parsed
		"PGHOST=" + config.Host,
		"PGPORT=" + strconv.Itoa(int(config.Port)),
		"PGUSER=" + config.User,
		"PGDATABASE=" + config.Database,
		"PGPASSFILE=" + passFile(home),
		"PGSERVICEFILE=" + filepath.Join(home, "none"),
		"PGSSLMODE=" + sslMode(config),
		"PGGSSENCMODE=disable",
		"PGCONNECT_TIMEOUT=30",
		"PGAPPNAME=" + appName,
		"PGOPTIONS=" + serverOptions(server),
	}
	return append(env, sslFiles(config.ConnString())...)
}

// serverOptions are settings for each session, as the server's command line spells them.
func serverOptions(server pgserver.Version) string {
	var options []string
	if server.Major() >= 14 {
		// Without the first a CREATE INDEX or COPY whose client was killed runs on to its end, and commits.
		// pg_dump and pg_restore reset the other timeouts, but not that of idle sessions.
		options = append(options, "-c client_connection_check_interval=1000", "-c idle_session_timeout=0")
	}
	return strings.Join(options, " ")
}

// sslMode finds out which sslmode pgx was told: it keeps only what follows from it.
func sslMode(config *pgx.ConnConfig) string {
	var fallbackTLS, fallbackPlain bool
	for _, f := range config.Fallbacks {
		if f.Host == config.Host && f.Port == config.Port {
			fallbackTLS = fallbackTLS || f.TLSConfig != nil
			fallbackPlain = fallbackPlain || f.TLSConfig == nil
		}
	}
	tls := config.TLSConfig
	switch {
	case tls == nil && fallbackTLS:
		return "allow"
	case tls == nil:
		return "disable"
	case fallbackPlain:
		return "prefer"
	case tls.InsecureSkipVerify && tls.VerifyPeerCertificate != nil:
		return "verify-ca"
	case tls.InsecureSkipVerify:
		return "require"
	default:
		return "verify-full"
	}
}

// sslFiles hands on the certificate files named in the URL, and those in ~/.postgresql, where pgx finds them by itself and a
// child with another home does not: a database that asks for a certificate asks all who connect. A password for the key is not
// handed on: it has no safe place.
func sslFiles(connString string) []string {
	files := homeFiles()
	if parsed, err := url.Parse(connString); err == nil && strings.HasPrefix(parsed.Scheme, "postgres") {
		for name, variable := range map[string]string{"sslrootcert": "PGSSLROOTCERT", "sslcert": "PGSSLCERT", "sslkey": "PGSSLKEY"} {
			if file := parsed.Query().Get(name); file != "" {
				files[variable] = file
			}
		}
	}
	var env []string
	for variable, file := range files {
		env = append(env, variable+"="+file)
	}
	return env
}

// homeFiles are the certificate files that libpq and pgx take from the home directory, by the variables that name them.
// Certificate and key count only together.
func homeFiles() map[string]string {
	files := map[string]string{}
	home, err := os.UserHomeDir()
	if err != nil {
		return files
	}
	there := func(name string) (string, bool) {
		path := filepath.Join(home, ".postgresql", name)
		_, err := os.Stat(path)
		return path, err == nil
	}
	cert, hasCert := there("postgresql.crt")
	if key, hasKey := there("postgresql.key"); hasCert && hasKey {
		files["PGSSLCERT"], files["PGSSLKEY"] = cert, key
	}
	if root, ok := there("root.crt"); ok {
		files["PGSSLROOTCERT"] = root
	}
	return files
}

// homePrefix starts the name of each attempt's private directory; the number of the owning process follows.
const homePrefix = "changeover-pgpass-"

func passFile(home string) string { return filepath.Join(home, "pgpass") }

// makeHome makes the private directory of one attempt, with the password in a file of mode 0600: libpq ignores one that others can read.
func makeHome(config *pgx.ConnConfig) (string, error) {
	if strings.ContainsAny(config.Password, "\n\r\x00") {
		return "", errors.New("the database password holds a line break, which no password file can")
	}
	home, err := os.MkdirTemp("", homePrefix+strconv.Itoa(os.Getpid())+"-") // MkdirTemp makes it 0700
	if err != nil {
		return "", fmt.Errorf("making a private directory: %w", err)
	}
	escaped := strings.NewReplacer(`\`, `\\`, `:`, `\:`).Replace(config.Password)
	line := ""
	if escaped != "" {
		line = "*:*:*:*:" + escaped + "\n"
	}
	if err := os.WriteFile(passFile(home), []byte(line), 0o600); err != nil {
		return "", errors.Join(fmt.Errorf("writing the password file: %w", err), os.RemoveAll(home))
	}
	return home, nil
}

// homePattern is the whole name of such a directory.
var homePattern = regexp.MustCompile(`^` + homePrefix + `(\d+)-\d+$`)

// Sweep removes the private directories, and the passwords in them, of processes of ours that were killed before they could. It deletes by
// name only the one file we put there, so a mistaken match can do no harm. Every start of a program does it; an engine that comes back after a
// kill does it at once, because it may not need a program again.
func Sweep() {
	left, _ := filepath.Glob(filepath.Join(os.TempDir(), homePrefix+"*"))
	for _, dir := range left {
		owner := homePattern.FindStringSubmatch(filepath.Base(dir))
		if owner == nil {
			continue
		}
		pid, err := strconv.Atoi(owner[1])
		if err != nil || pid == os.Getpid() || processExists(pid) {
			continue
		}
		// Of another user: refused, and none of our business.
		_ = os.Remove(passFile(dir))
		_ = os.Remove(dir)
	}
}
