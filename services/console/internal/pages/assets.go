// Package pages is the console's HTML: one layout, one style sheet, no script, nothing from elsewhere.
package pages

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"io/fs"
	"net/http"
	"strings"
)

//go:embed assets
var files embed.FS

// AssetPath is where Assets is served.
const AssetPath = "/assets/"

// version changes with the content of the assets, so that browsers may keep them for good.
var version = digest()

func digest() string {
	h := sha256.New()
	err := fs.WalkDir(files, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		raw, err := files.ReadFile(path)
		h.Write(raw)
		return err
	})
	if err != nil {
		panic(err) // the files are part of the program
	}
	return hex.EncodeToString(h.Sum(nil))[:12]
}

// Asset is the address of an asset.
func Asset(name string) string { return AssetPath + version + "/" + name }

// Assets serves the assets at their addresses, for good.
func Assets() http.Handler {
	server := http.FileServerFS(files)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name, ok := strings.CutPrefix(r.URL.Path, AssetPath+version+"/")
		if !ok || name == "" || strings.Contains(name, "/") {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
		r.URL.Path = "/assets/" + name
		server.ServeHTTP(w, r)
	})
}
