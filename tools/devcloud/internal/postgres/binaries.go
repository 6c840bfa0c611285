package postgres

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	embedded "github.com/fergusstrange/embedded-postgres"
)

// binaries is a folder with initdb and postgres of one major version.
type binaries struct {
	dir   string
	major int
}

func (b binaries) path(name string) string { return filepath.Join(b.dir, name) }

// forceFetch, in place of a folder, asks for fetched binaries whatever the machine has.
const forceFetch = "fetch"

// needed is the major version that existing data asks for; zero takes the newest. asked is a folder, or forceFetch, or nothing.
// The error is one sentence with the remedy.
func findBinaries(asked string, needed int, cacheDir string, note func(string)) (binaries, error) {
	var found []binaries
	switch asked {
	case "":
		found = installed()
	case forceFetch:
	default:
		b, err := inspect(asked)
		if err == nil && needed != 0 && b.major != needed {
			err = fmt.Errorf("it has version %d and the data folder was made by %d", b.major, needed)
		}
		if err != nil {
			return b, fmt.Errorf("POSTERN_POSTGRES_BIN is %s, and that does not serve (%w); set it to a folder with initdb and postgres, or leave it out", asked, err)
		}
		return b, nil
	}
	if needed == 0 && len(found) > 0 {
		return found[0], nil
	}
	for _, b := range found {
		if b.major == needed {
			return b, nil
		}
	}
	note("looking for PostgreSQL in " + cacheDir + "; if it is not there it is fetched (about 10 MB, once)")
	b, err := fetch(needed, cacheDir)
	if err != nil {
		which := "PostgreSQL"
		if needed != 0 {
			which = fmt.Sprintf("PostgreSQL %d, which the data folder was made by,", needed)
		}
		return binaries{}, fmt.Errorf("%s is not on this machine and could not be fetched (%w); install it (on Debian: apt-get install postgresql) "+
			"or put its bin folder on PATH", which, err)
	}
	return b, nil
}

// installed lists what the machine has, newest first.
func installed() []binaries {
	dirs, _ := filepath.Glob("/usr/lib/postgresql/*/bin") // the pattern is well-formed
	for _, pattern := range []string{"/usr/pgsql-*/bin", "/opt/homebrew/opt/postgresql@*/bin", "/usr/local/opt/postgresql@*/bin"} {
		more, _ := filepath.Glob(pattern)
		dirs = append(dirs, more...)
	}
	if onPath, err := exec.LookPath("postgres"); err == nil {
		if target, err := filepath.EvalSymlinks(onPath); err == nil {
			dirs = append(dirs, filepath.Dir(target))
		}
	}
	var found []binaries
	for _, dir := range dirs {
		if b, err := inspect(dir); err == nil {
			found = append(found, b)
		}
	}
	slices.SortStableFunc(found, func(a, b binaries) int { return cmp.Compare(b.major, a.major) })
	return found
}

func inspect(dir string) (binaries, error) {
	for _, name := range []string{"postgres", "initdb"} {
		if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
			return binaries{}, err
		}
	}
	out, err := exec.Command(filepath.Join(dir, "postgres"), "--version").Output() //nolint:gosec,noctx // a server that answers at once
	if err != nil {
		return binaries{}, fmt.Errorf("asking postgres for its version: %w", err)
	}
	fields := strings.Fields(string(out)) // postgres (PostgreSQL) 15.14 (Debian 15.14-0+deb12u1)
	if len(fields) < 3 {
		return binaries{}, fmt.Errorf("postgres says %q for its version", out)
	}
	major, err := strconv.Atoi(strings.FieldsFunc(fields[2], func(r rune) bool { return r < '0' || r > '9' })[0])
	if err != nil {
		return binaries{}, fmt.Errorf("reading the version of postgres: %w", err)
	}
	return binaries{dir: dir, major: major}, nil
}

var fetchable = map[int]embedded.PostgresVersion{
	18: embedded.V18, 17: embedded.V17, 16: embedded.V16, 15: embedded.V15, 14: embedded.V14,
}

const fetchedByDefault = 17

func fetch(major int, cacheDir string) (binaries, error) {
	if major == 0 {
		major = fetchedByDefault
	}
	version, ok := fetchable[major]
	if !ok {
		return binaries{}, fmt.Errorf("version %d is not to be had", major)
	}
	dir := filepath.Join(cacheDir, "postgresql-"+string(version))
	bin := filepath.Join(dir, "bin")
	if b, err := inspect(bin); err == nil {
		return b, nil
	}
	if err := os.MkdirAll(cacheDir, 0o755); err != nil { //nolint:gosec // binaries for the unprivileged user to run
		return binaries{}, fmt.Errorf("making the cache folder: %w", err)
	}
	throwaway, err := os.MkdirTemp("", "postern-postgres-*")
	if err != nil {
		return binaries{}, fmt.Errorf("making a folder: %w", err)
	}
	defer func() { _ = os.RemoveAll(throwaway) }()
	// The library only fetches on the way to starting a server of its own: let it, in a folder to throw away, and stop it. As root
	// that server does not start, which is no matter once the binaries are there.
	server := embedded.NewDatabase(embedded.DefaultConfig().Version(version).CachePath(cacheDir).BinariesPath(dir).
		RuntimePath(filepath.Join(throwaway, "run")).DataPath(filepath.Join(throwaway, "data")).Logger(io.Discard).Port(freePort()))
	startErr := server.Start()
	if startErr == nil {
		startErr = server.Stop()
	}
	b, err := inspect(bin)
	if err != nil {
		return binaries{}, errors.Join(startErr, err)
	}
	return b, nil
}

// cache is where fetched binaries lie: as root not in root's home, which the unprivileged user cannot enter.
func cache() string {
	if os.Geteuid() == 0 {
		return "/var/cache/postern"
	}
	dir, err := os.UserCacheDir()
	if err != nil {
		dir = os.TempDir()
	}
	return filepath.Join(dir, "postern")
}
