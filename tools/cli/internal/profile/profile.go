// Package profile keeps what the command line knows between calls: which cloud it talks to, and the keys it was given. The file
// is readable by its owner only.
package profile

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Profile is what is known of one cloud.
type Profile struct {
	Accounts map[string]Account `json:"accounts"` // by slug
	Tenants  map[string]Tenant  `json:"tenants"`  // by domain
	// Current is the account used when none is named.
	Current string `json:"current,omitempty"`
}

// Account is a key to the Platform API.
type Account struct {
	Email string `json:"email"`
	Token string `json:"token"`
}

// Tenant is a key to one tenant's Management API.
type Tenant struct {
	Account      string `json:"account"`
	Region       string `json:"region"`
	Audience     string `json:"audience"`
	ClientID     string `json:"client_id"`
	ClientSecret string `json:"client_secret"`
}

// Store is the file with one profile a cloud, by the Platform API's URL.
type Store struct {
	path   string
	clouds map[string]*Profile
}

// Open reads POSTERN_CLI_CONFIG, or postern/credentials.json in the user's configuration folder. A missing file is an empty store.
func Open() (*Store, error) {
	path := os.Getenv("POSTERN_CLI_CONFIG")
	if path == "" {
		dir, err := os.UserConfigDir()
		if err != nil {
			return nil, fmt.Errorf("finding the configuration folder (set POSTERN_CLI_CONFIG to a file): %w", err)
		}
		path = filepath.Join(dir, "postern", "credentials.json")
	}
	s := &Store{path: path, clouds: map[string]*Profile{}}
	raw, err := os.ReadFile(path) //nolint:gosec // the path is the user's own choice
	if errors.Is(err, fs.ErrNotExist) {
		return s, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading credentials: %w", err)
	}
	if err := json.Unmarshal(raw, &s.clouds); err != nil {
		return nil, fmt.Errorf("%s is not a credentials file (move it away to start anew): %w", path, err)
	}
	return s, nil
}

// Cloud gives the profile of the cloud at the URL; changes to it are kept by Save.
func (s *Store) Cloud(api string) *Profile {
	p := s.clouds[api]
	if p == nil {
		p = &Profile{}
		s.clouds[api] = p
	}
	if p.Accounts == nil {
		p.Accounts = map[string]Account{}
	}
	if p.Tenants == nil {
		p.Tenants = map[string]Tenant{}
	}
	return p
}

// Save writes the file in one step: a crash leaves the old one.
func (s *Store) Save() error {
	raw, err := json.MarshalIndent(s.clouds, "", "  ")
	if err != nil {
		return fmt.Errorf("encoding credentials: %w", err)
	}
	if err := os.MkdirAll(filepath.Dir(s.path), 0o700); err != nil {
		return fmt.Errorf("making the configuration folder: %w", err)
	}
	tmp, err := os.CreateTemp(filepath.Dir(s.path), ".credentials-*") // mode 0600
	if err != nil {
		return fmt.Errorf("writing credentials: %w", err)
	}
	defer func() { _ = os.Remove(tmp.Name()) }()
	_, err = tmp.Write(append(raw, '\n'))
	if err := errors.Join(err, tmp.Close()); err != nil {
		return fmt.Errorf("writing credentials: %w", err)
	}
	if err := os.Rename(tmp.Name(), s.path); err != nil {
		return fmt.Errorf("writing credentials: %w", err)
	}
	return nil
}
