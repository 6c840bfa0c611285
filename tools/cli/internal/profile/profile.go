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
	"time"
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
	// Signup is the sign-up whose tenant has not been received yet; empty when there is none.
	Signup string `json:"signup,omitempty"`
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

// Open reads POSTERN_CLI_CONFIG, else the file given, else postern/credentials.json in the user's configuration folder. A missing
// file is an empty store.
func Open(file string) (*Store, error) {
	if path := os.Getenv("POSTERN_CLI_CONFIG"); path != "" {
		file = path
	}
	if file == "" {
		dir, err := os.UserConfigDir()
		if err != nil {
			return nil, fmt.Errorf("finding the configuration folder (set POSTERN_CLI_CONFIG to a file): %w", err)
		}
		file = filepath.Join(dir, "postern", "credentials.json")
	}
	clouds, err := read(file)
	if err != nil {
		return nil, err
	}
	return &Store{path: file, clouds: clouds}, nil
}

func read(path string) (map[string]*Profile, error) {
	clouds := map[string]*Profile{}
	raw, err := os.ReadFile(path) //nolint:gosec // the path is the user's own choice
	if errors.Is(err, fs.ErrNotExist) {
		return clouds, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading credentials: %w", err)
	}
	if err := json.Unmarshal(raw, &clouds); err != nil {
		return nil, fmt.Errorf("%s is not a credentials file (move it away to start anew): %w", path, err)
	}
	return clouds, nil
}

// Cloud gives the profile of the cloud at the URL, as far as this process knows it. What Update did not do to it is not kept.
func (s *Store) Cloud(api string) *Profile { return cloudOf(s.clouds, api) }

func cloudOf(clouds map[string]*Profile, api string) *Profile {
	p := clouds[api]
	if p == nil {
		p = &Profile{}
		clouds[api] = p
	}
	if p.Accounts == nil {
		p.Accounts = map[string]Account{}
	}
	if p.Tenants == nil {
		p.Tenants = map[string]Tenant{}
	}
	return p
}

// Update changes the profile of a cloud in the file as it is now, so that commands which run at the same time keep each other's keys.
// The file is written in one step: a crash leaves the old one.
func (s *Store) Update(api string, change func(*Profile)) error {
	if err := os.MkdirAll(filepath.Dir(s.path), 0o700); err != nil {
		return fmt.Errorf("making the configuration folder: %w", err)
	}
	unlock, err := lock(s.path + ".lock")
	if err != nil {
		return err
	}
	defer unlock()
	clouds, err := read(s.path)
	if err != nil {
		return err
	}
	change(cloudOf(clouds, api))
	change(s.Cloud(api))
	return write(s.path, clouds)
}

func write(path string, clouds map[string]*Profile) error {
	raw, err := json.MarshalIndent(clouds, "", "  ")
	if err != nil {
		return fmt.Errorf("encoding credentials: %w", err)
	}
	tmp, err := os.CreateTemp(filepath.Dir(path), ".credentials-*") // mode 0600
	if err != nil {
		return fmt.Errorf("writing credentials: %w", err)
	}
	defer func() { _ = os.Remove(tmp.Name()) }()
	_, err = tmp.Write(append(raw, '\n'))
	if err := errors.Join(err, tmp.Sync(), tmp.Close()); err != nil {
		return fmt.Errorf("writing credentials: %w", err)
	}
	if err := os.Rename(tmp.Name(), path); err != nil {
		return fmt.Errorf("writing credentials: %w", err)
	}
	return nil
}

const (
	lockWait  = 5 * time.Second
	lockAgain = 5 * time.Millisecond
	lockLife  = 10 * time.Second // a lock this old was left by a command that was killed
)

// lock makes a file that only one process can make.
func lock(path string) (unlock func(), err error) {
	for end := time.Now().Add(lockWait); ; time.Sleep(lockAgain) {
		f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600) //nolint:gosec // beside the user's own file
		if err == nil {
			_ = f.Close()
			return func() { _ = os.Remove(path) }, nil
		}
		if !errors.Is(err, fs.ErrExist) {
			return nil, fmt.Errorf("locking credentials: %w", err)
		}
		if info, statErr := os.Stat(path); statErr == nil && time.Since(info.ModTime()) > lockLife {
			_ = os.Remove(path)
			continue
		}
		if time.Now().After(end) {
			return nil, fmt.Errorf("another command is writing the credentials; if none is, remove %s", path)
		}
	}
}
