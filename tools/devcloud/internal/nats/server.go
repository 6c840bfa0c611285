// Package nats runs a NATS server with JetStream inside this process: one account a cell and one for the control plane, with the
// streams and buckets that infra/nats declares.
package nats

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/postern-id/postern/tools/devcloud/internal/folder"
)

// Secrets is the folder of password files, one a user, within the data folder.
const Secrets = "secrets/nats"

// Control is the control plane's account and user.
const Control = "control"

// Config is what a server is made of.
type Config struct {
	Folder *folder.Folder
	Port   int
	Cells  []string
	// Declarations is the folder of *.json files that name streams and buckets.
	Declarations string
}

// Server is a NATS server of this process. Start and Stop may be called in turns.
type Server struct {
	cfg Config

	mu      sync.Mutex
	running *server.Server
}

// New describes a server and starts nothing.
func New(cfg Config) *Server { return &Server{cfg: cfg} }

// URL is where clients connect.
func (s *Server) URL() string {
	return "nats://" + net.JoinHostPort("127.0.0.1", strconv.Itoa(s.cfg.Port))
}

// Start opens the store, serves it and provisions streams and buckets.
func (s *Server) Start(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.running != nil {
		return nil
	}
	declared, err := Read(s.cfg.Declarations)
	if err != nil {
		return err
	}
	options, err := s.options()
	if err != nil {
		return err
	}
	running, err := server.NewServer(options)
	if err != nil {
		return fmt.Errorf("describing the nats server: %w", err)
	}
	running.ConfigureLogger()
	running.Start()
	if !running.ReadyForConnections(20 * time.Second) {
		running.Shutdown()
		return fmt.Errorf("the nats server does not answer; see %s", options.LogFile)
	}
	s.running = running
	for _, account := range s.accounts() {
		if err := s.provision(ctx, account, declared); err != nil {
			return err
		}
	}
	return nil
}

func (s *Server) accounts() []string { return append([]string{Control}, s.cfg.Cells...) }

// options are given in the server's own configuration language, of which JSON is a part: accounts cannot be described otherwise.
func (s *Server) options() (*server.Options, error) {
	store, err := s.cfg.Folder.Dir("nats")
	if err != nil {
		return nil, err
	}
	if _, err := s.cfg.Folder.Dir("logs"); err != nil {
		return nil, err
	}
	accounts := map[string]any{}
	for _, name := range s.accounts() {
		password, err := s.password(name)
		if err != nil {
			return nil, err
		}
		accounts[name] = map[string]any{
			"jetstream": "enabled",
			"users":     []any{map[string]any{"user": name, "password": password}},
		}
	}
	conf, err := json.Marshal(map[string]any{
		"server_name": "postern-dev",
		"host":        "127.0.0.1",
		"port":        s.cfg.Port,
		"accounts":    accounts,
		"max_payload": 1 << 20,
		"jetstream": map[string]any{
			"store_dir": store,
			// A publish is acknowledged once the kernel has it, so this process may be killed at any instruction and loses nothing.
			// A power cut may cost what came in the last second, acknowledged or not. The server's own default is two minutes;
			// "always" would cost each event a flush of the disk.
			"sync_interval": "1s",
		},
	})
	if err != nil {
		return nil, fmt.Errorf("describing the nats server: %w", err)
	}
	options := &server.Options{}
	if err := options.ProcessConfigString(string(conf)); err != nil {
		return nil, fmt.Errorf("describing the nats server: %w", err)
	}
	options.NoSigs = true // signals are this program's
	options.LogFile = s.cfg.Folder.Path("logs", "nats.log")
	options.DisableJetStreamBanner = true
	return options, nil
}

func (s *Server) password(user string) (string, error) {
	return s.cfg.Folder.Password(filepath.Join(Secrets, user))
}

// Stop ends the server; what it acknowledged is in its store.
func (s *Server) Stop(context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.running != nil {
		s.running.Shutdown()
		s.running.WaitForShutdown()
		s.running = nil
	}
	return nil
}

var errNoDeclarations = errors.New("no streams are declared")

// Read reads every declaration in dir.
func Read(dir string) ([]Declaration, error) {
	files, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err == nil && len(files) == 0 {
		err = errNoDeclarations
	}
	if err != nil {
		return nil, fmt.Errorf("reading %s (set POSTERN_INFRA to the repository's infra folder): %w", dir, err)
	}
	var all []Declaration
	for _, path := range files {
		content, err := os.ReadFile(path) //nolint:gosec // the operator's own folder
		if err != nil {
			return nil, fmt.Errorf("reading a declaration: %w", err)
		}
		d, err := parse(content)
		if err != nil {
			return nil, fmt.Errorf("reading %s: %w", path, err)
		}
		all = append(all, d)
	}
	return all, nil
}
