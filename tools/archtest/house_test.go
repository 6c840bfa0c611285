package archtest_test

import (
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

const house = "github.com/postern-id/postern/"

// pkg is a package as "go list" tells it. Names of our own packages and imports are relative to the house: "libs/fault".
type pkg struct {
	ImportPath, Dir, Name, Doc         string
	GoFiles                            []string
	Imports, TestImports, XTestImports []string
}

func root(t *testing.T) string {
	t.Helper()
	dir, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

var listed = sync.OnceValues(func() ([]pkg, error) {
	top, err := filepath.Abs("../..")
	if err != nil {
		return nil, err
	}
	var all []pkg
	// The tools are listed apart: they are no part of the workspace.
	for _, from := range []struct{ dir, work string }{
		{top, filepath.Join(top, "go.work")}, {filepath.Join(top, "tools"), "off"}, {filepath.Join(top, "tools", "devcloud"), "off"},
	} {
		some, err := list(from.dir, from.work)
		if err != nil {
			return nil, err
		}
		all = append(all, some...)
	}
	return all, nil
})

func list(dir, work string) ([]pkg, error) {
	args := []string{"list", "-e", "-json=ImportPath,Dir,Name,Doc,GoFiles,Imports,TestImports,XTestImports", "-tags=integration,e2e"}
	if work == "off" {
		args = append(args, "./...")
	} else {
		modules, err := workspace(work)
		if err != nil {
			return nil, err
		}
		args = append(args, modules...)
	}
	cmd := exec.Command("go", args...) //nolint:noctx // a test's, with our own arguments
	cmd.Dir, cmd.Env, cmd.Stderr = dir, append(os.Environ(), "GOWORK="+work), os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	var all []pkg
	for dec := json.NewDecoder(out); ; {
		var p pkg
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return nil, err
		}
		if !strings.HasPrefix(p.ImportPath, house) {
			continue // "./services/foo/..." of a module that has no package yet
		}
		p.ImportPath = strings.TrimPrefix(p.ImportPath, house)
		for _, names := range [][]string{p.Imports, p.TestImports, p.XTestImports} {
			for i := range names {
				names[i] = strings.TrimPrefix(names[i], house)
			}
		}
		all = append(all, p)
	}
	return all, cmd.Wait()
}

// workspace gives a pattern for each module of go.work.
func workspace(work string) ([]string, error) {
	raw, err := exec.Command("go", "work", "edit", "-json", work).Output() //nolint:noctx,gosec // as above
	if err != nil {
		return nil, err
	}
	var file struct{ Use []struct{ DiskPath string } }
	if err := json.Unmarshal(raw, &file); err != nil {
		return nil, err
	}
	patterns := make([]string, 0, len(file.Use))
	for _, use := range file.Use {
		patterns = append(patterns, use.DiskPath+"/...")
	}
	return patterns, nil
}

func packages(t *testing.T) []pkg {
	t.Helper()
	all, err := listed()
	if err != nil {
		t.Fatalf("listing packages: %v", err)
	}
	if len(all) == 0 {
		t.Fatal("no packages found; the walls would hold for nothing")
	}
	return all
}
