package main

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

func TestFuzzing_finds_every_target(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	for name, text := range map[string]string{
		"libs/go.mod":            "module libs\n",
		"libs/a/a_test.go":       "package a\n\nfunc FuzzTwo(f *testing.F) {}\n\nfunc FuzzOne(f *testing.F) {}\n\nfunc TestThree(t *testing.T) {}\n",
		"libs/a/a.go":            "package a\n\nfunc FuzzNot(f *testing.F) {}\n",
		"libs/b/b_test.go":       "//go:build integration\n\npackage b\n\nfunc FuzzTagged(f *testing.F) {}\n",
		"libs/c/c_test.go":       "package c\n\n// FuzzTalk is spoken of.\nfunc fuzzHelper(f *testing.F) {}\n\nfunc FuzzHelper(t *testing.T) {}\n",
		"services/s/go.mod":      "module s\n",
		"services/s/d/d_test.go": "package d\n\nfunc FuzzFour(f *testing.F) {\n}\n",
	} {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var titles []string
	for _, run := range plan(fuzz, root, []string{"libs", "services/s"}) {
		titles = append(titles, run.title)
		if run.dir != root || len(run.args) != 4 || run.args[0] != "-run=^$" {
			t.Errorf("%+v", run)
		}
	}
	want := []string{"fuzz libs/a FuzzOne", "fuzz libs/a FuzzTwo", "fuzz services/s/d FuzzFour"}
	if !slices.Equal(titles, want) {
		t.Errorf("found %q, want %q", titles, want)
	}
}
