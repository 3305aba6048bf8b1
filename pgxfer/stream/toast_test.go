package stream_test

import (
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"changeover/pgxfer"
	"changeover/pgxfer/localpg/pgtest"
	"changeover/pgxfer/stream"
)

// Large values are compressed in the quickest way the target has, unless somebody has chosen one: for the column, for the role, or for the copy.
func TestLargeValuesAreCompressedQuickly(t *testing.T) {
	server, source, _ := pair(t)
	statements(t, source, `CREATE TABLE letters (id int PRIMARY KEY, free text, chosen text)`, `ALTER TABLE letters ALTER chosen SET COMPRESSION pglz`,
		`INSERT INTO letters SELECT i, repeat('free ' || i, 2000), repeat('chosen ' || i, 2000) FROM generate_series(1, 20) i`)
	if can := ask[bool](t, source, `SELECT 'lz4' = ANY (enumvals) FROM pg_settings WHERE name = 'default_toast_compression'`); !can {
		t.Skip("this server was built without lz4")
	}
	for _, c := range []struct {
		name, choice, role string
		want               string
		said               bool
	}{
		{"nobody has chosen", "", "", "lz4", true},
		{"auto", pgxfer.ToastAuto, "", "lz4", true},
		{"the server's own", pgxfer.ToastServer, "", "pglz", false},
		{"chosen for the role", pgxfer.ToastAuto, "pglz", "pglz", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			target := pgtest.Database(t, server)
			if c.role != "" {
				statements(t, target, `ALTER ROLE CURRENT_USER IN DATABASE `+pgx.Identifier{target.Name}.Sanitize()+` SET default_toast_compression = `+c.role)
			}
			obs := &recorder{}
			_, err := fast.Copy(t.Context(), stream.CopyOptions{
				Source: endpoint(t, "old-primary", source.URL), Target: endpoint(t, "fast-primary", target.URL), Jobs: 2, Tag: "toast", ToastCompression: c.choice,
			}, obs)
			if err != nil {
				t.Fatal(err)
			}
			got := ask[string](t, target, `SELECT string_agg(DISTINCT pg_column_compression(free) || ' ' || pg_column_compression(chosen), ',') FROM letters`)
			if got != c.want+" pglz" {
				t.Errorf("the column without a choice, and that with pglz: %s, want %s pglz", got, c.want)
			}
			if said := strings.Contains(obs.text(), "lz4"); said != c.said {
				t.Errorf("the log speaks of lz4: %t, want %t:\n%s", said, c.said, obs.text())
			}
		})
	}
	t.Run("an unknown choice", func(t *testing.T) {
		target := pgtest.Database(t, server)
		_, err := fast.Copy(t.Context(), stream.CopyOptions{
			Source: endpoint(t, "old-primary", source.URL), Target: endpoint(t, "fast-primary", target.URL), Jobs: 2, Tag: "toast", ToastCompression: "zip",
		}, nil)
		if err == nil || !strings.Contains(err.Error(), `"zip"`) {
			t.Errorf("got %v", err)
		}
	})
}
