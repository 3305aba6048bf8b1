package rundir

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/pelletier/go-toml/v2"

	"changeover/pgxfer"
	"changeover/steps"
)

const preamble = "# What this run was set up with. The engine reads it when it starts; it holds no secret.\n\n"

// WriteConfig stores the config: whoever reads the file finds the old content or the new one, never half of it.
func (d Dir) WriteConfig(c steps.Config) error {
	if err := Validate(c); err != nil {
		return err
	}
	if c.Run != d.Name {
		return fmt.Errorf("the config of run %s cannot be stored as run %s", c.Run, d.Name)
	}
	text, err := toml.Marshal(c)
	if err != nil {
		return fmt.Errorf("encoding the run's config: %w", err)
	}
	if err := WriteFile(d.Config(), append([]byte(preamble), text...)); err != nil {
		return fmt.Errorf("writing the run's config: %w", err)
	}
	return nil
}

// ReadConfig reads what WriteConfig stored. A field that is not known is an error: it is a misspelt one, or one that
// a newer version of the program honours and this one would silently ignore.
func (d Dir) ReadConfig() (steps.Config, error) {
	file, err := os.Open(d.Config())
	if errors.Is(err, fs.ErrNotExist) {
		return steps.Config{}, fmt.Errorf("%w: %s has no config; set it up with `changeover init`", ErrNoRun, d.Name)
	}
	if err != nil {
		return steps.Config{}, fmt.Errorf("reading the run's config: %w", err)
	}
	defer file.Close()
	var c steps.Config
	if err := toml.NewDecoder(file).DisallowUnknownFields().Decode(&c); err != nil {
		return steps.Config{}, fmt.Errorf("%s: %s", d.Config(), decodeProblem(err))
	}
	if err := Validate(c); err != nil {
		return steps.Config{}, fmt.Errorf("%s: %w", d.Config(), err)
	}
	if c.Run != d.Name {
		return steps.Config{}, fmt.Errorf("%s belongs to run %s, not %s; a run directory cannot be renamed", d.Config(), c.Run, d.Name)
	}
	return c, nil
}

// decodeProblem is one line with the place in the file: the library's own text draws the lines around it.
func decodeProblem(err error) string {
	var missing *toml.StrictMissingError
	if errors.As(err, &missing) && len(missing.Errors) > 0 {
		first := missing.Errors[0]
		row, _ := first.Position()
		return fmt.Sprintf("line %d: unknown field %s", row, strings.Join(first.Key(), "."))
	}
	var decode *toml.DecodeError
	if errors.As(err, &decode) {
		row, column := decode.Position()
		return fmt.Sprintf("line %d, column %d: %s", row, column, strings.TrimPrefix(decode.Error(), "toml: "))
	}
	return err.Error()
}

var tokens = regexp.MustCompile(`^[0-9a-f]{4}$`)

// Validate says what no run can work with, whoever wrote the config.
func Validate(c steps.Config) error {
	if err := CheckName(c.Run); err != nil {
		return err
	}
	for _, field := range []struct{ name, value string }{
		{"app", c.App},
		{"app_id", c.AppID},
		{"old_primary.id", c.OldPrimary.ID},
		{"old_primary.name", c.OldPrimary.Name},
		{"fast_plan", c.FastPlan},
		{"final_plan", c.FinalPlan},
		{"platform_url", c.PlatformURL},
		{"data_url", c.DataURL},
	} {
		if field.value == "" {
			return fmt.Errorf("%s is missing", field.name)
		}
	}
	switch {
	case !tokens.MatchString(c.Token4):
		return fmt.Errorf("token is %q; it must be four hex digits", c.Token4)
	case c.FromMajor < 1 || c.ToMajor < 1:
		return errors.New("from_major and to_major must be PostgreSQL major versions")
	case c.ToMajor < c.FromMajor:
		return fmt.Errorf("to_major %d is older than from_major %d; a dump cannot go back", c.ToMajor, c.FromMajor)
	case !filepath.IsAbs(c.WorkDir):
		return fmt.Errorf("work_dir is %q; it must be an absolute path", c.WorkDir)
	case c.Engine != "classic" && c.Engine != "stream":
		return fmt.Errorf("engine is %q; it must be classic or stream", c.Engine)
	case c.Engine == "stream" && !slices.Contains([]string{"", "auto", "none", "lz4", "zstd"}, c.Compress):
		return fmt.Errorf("compress is %q; the engine stream can do auto, none, lz4 or zstd", c.Compress)
	case pgxfer.KnownToast(c.ToastCompression) != nil:
		return pgxfer.KnownToast(c.ToastCompression)
	case c.Jobs < 1:
		return fmt.Errorf("jobs is %d; it must be at least 1", c.Jobs)
	case c.Poll <= 0:
		return errors.New("poll must be longer than 0s")
	case c.Quiet < 0 || c.Soak < 0 || c.Budget < 0 || c.Bytes < 0:
		return errors.New("quiet, soak, budget and bytes cannot be negative")
	}
	return nil
}

// WriteFile replaces a file by way of a synced temporary one beside it. Its mode is 0600.
func WriteFile(path string, content []byte) error {
	tmp, err := os.CreateTemp(filepath.Dir(path), ".new-") // made with mode 0600
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(tmp.Name()) }() // finds nothing after the rename
	if _, err := tmp.Write(content); err != nil {
		return errors.Join(err, tmp.Close())
	}
	if err := tmp.Sync(); err != nil {
		return errors.Join(err, tmp.Close())
	}
	if err := tmp.Close(); err != nil {
		return err
	}
	if err := os.Rename(tmp.Name(), path); err != nil {
		return err
	}
	return syncDir(filepath.Dir(path))
}
