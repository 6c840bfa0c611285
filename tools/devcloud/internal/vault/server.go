// Package vault runs the real Vault core inside this process, sealed at rest, and provisions what the platform's services find there:
// mounts, policies and AppRoles. It serves plain HTTP on a loopback address: for development only.
package vault

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"
	kv "github.com/hashicorp/vault-plugin-secrets-kv"
	"github.com/hashicorp/vault/builtin/credential/approle"
	"github.com/hashicorp/vault/builtin/logical/pki"
	"github.com/hashicorp/vault/builtin/logical/transit"
	vaulthttp "github.com/hashicorp/vault/http"
	"github.com/hashicorp/vault/internalshared/configutil"
	"github.com/hashicorp/vault/sdk/logical"
	"github.com/hashicorp/vault/sdk/physical/file"
	core "github.com/hashicorp/vault/vault"

	"github.com/postern-id/postern/tools/devcloud/internal/folder"
)

// Secrets is the folder of AppRole credentials within the data folder.
const Secrets = "secrets/vault"

const (
	unsealFile = "secrets/vault-unseal.json"
	// RootTokenFile holds the root token alone, for tools and tests.
	RootTokenFile = "secrets/vault-root-token"
	storage       = "vault"
	initialising  = "vault.initialising"
)

// Config is what a server is made of.
type Config struct {
	Folder *folder.Folder
	Port   int
	Cells  []string
	// Policies is the folder with one <service>.hcl for each service.
	Policies string
}

// Server is a Vault server of this process. Start and Stop may be called in turns, and between them Seal and Unseal.
type Server struct {
	cfg Config

	mu   sync.Mutex
	core *core.Core
	http *http.Server
	log  *os.File
	keys keys
}

// keys are what Vault gives out once, when it is initialised. They open everything: hence one file, readable to its owner only.
type keys struct {
	Unseal string `json:"unseal_key_hex"`
	Root   string `json:"root_token"`
}

// New describes a server and starts nothing.
func New(cfg Config) *Server { return &Server{cfg: cfg} }

// Addr is the server's URL.
func (s *Server) Addr() string {
	return "http://" + net.JoinHostPort("127.0.0.1", strconv.Itoa(s.cfg.Port))
}

// Start opens the storage, initialises it the first time, unseals it, serves it and provisions it.
func (s *Server) Start(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.core != nil {
		return nil
	}
	if err := s.discardHalfMade(); err != nil {
		return err
	}
	c, err := s.open()
	if err != nil {
		return err
	}
	err = s.initialise(ctx, c)
	if err == nil {
		err = s.unseal(c)
	}
	if err == nil {
		err = s.serve(ctx, c)
	}
	if err != nil {
		_ = c.Shutdown()
		return err
	}
	s.core = c
	return s.provision(ctx)
}

// discardHalfMade removes a storage whose keys never reached their file: nobody can ever open it.
func (s *Server) discardHalfMade() error {
	_, err := s.cfg.Folder.Read(initialising)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err == nil {
		err = os.RemoveAll(s.cfg.Folder.Path(storage))
	}
	if err != nil {
		return fmt.Errorf("removing a half-made vault: %w", err)
	}
	return nil
}

func (s *Server) open() (*core.Core, error) {
	dir, err := s.cfg.Folder.Dir(storage)
	if err != nil {
		return nil, err
	}
	if _, err := s.cfg.Folder.Dir("logs"); err != nil {
		return nil, err
	}
	s.log, err = os.OpenFile(s.cfg.Folder.Path("logs", "vault.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("opening vault's log: %w", err)
	}
	logger := hclog.New(&hclog.LoggerOptions{Name: "vault", Level: hclog.Warn, Output: s.log, JSONFormat: true, IndependentLevels: true})
	backend, err := file.NewFileBackend(map[string]string{"path": dir}, logger)
	if err != nil {
		return nil, fmt.Errorf("opening vault's storage: %w", err)
	}
	c, err := core.NewCore(&core.CoreConfig{
		Physical:           backend,
		StorageType:        "file",
		Logger:             logger,
		DisableMlock:       true, // needs a right that ordinary users and containers lack
		BuiltinRegistry:    builtins{},
		LogicalBackends:    map[string]logical.Factory{"transit": transit.Factory, "pki": pki.Factory, "kv": kv.Factory},
		CredentialBackends: map[string]logical.Factory{"approle": approle.Factory},
		ClusterName:        "postern-dev",
		RedirectAddr:       s.Addr(),
		RollbackPeriod:     10 * time.Minute, // nothing here leaves work half done
	})
	if err != nil {
		return nil, fmt.Errorf("opening vault: %w", err)
	}
	return c, nil
}

// initialise makes the keys the first time and reads them at every other.
func (s *Server) initialise(ctx context.Context, c *core.Core) error {
	done, err := c.Initialized(ctx)
	if err != nil {
		return fmt.Errorf("asking vault whether it is initialised: %w", err)
	}
	if done {
		err := s.cfg.Folder.ReadJSON(unsealFile, &s.keys)
		if errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("the key that opens %s is gone (%s); put the file back, or move the data folder away to start afresh",
				s.cfg.Folder.Path(storage), s.cfg.Folder.Path(unsealFile))
		}
		return err
	}
	if err := s.cfg.Folder.Write(initialising, nil); err != nil {
		return err
	}
	shares := &core.SealConfig{SecretShares: 1, SecretThreshold: 1}
	made, err := c.Initialize(ctx, &core.InitParams{BarrierConfig: shares, RecoveryConfig: &core.SealConfig{}})
	if err != nil {
		return fmt.Errorf("initialising vault: %w", err)
	}
	s.keys = keys{Unseal: hex.EncodeToString(made.SecretShares[0]), Root: made.RootToken}
	if err := s.cfg.Folder.WriteJSON(unsealFile, s.keys); err != nil {
		return err
	}
	if err := s.cfg.Folder.Write(RootTokenFile, []byte(s.keys.Root)); err != nil {
		return err
	}
	if err := os.Remove(s.cfg.Folder.Path(initialising)); err != nil {
		return fmt.Errorf("ending the initialisation of vault: %w", err)
	}
	return nil
}

func (s *Server) unseal(c *core.Core) error {
	key, err := hex.DecodeString(s.keys.Unseal)
	if err != nil {
		return fmt.Errorf("reading the unseal key: %w", err)
	}
	open, err := c.Unseal(key)
	if err != nil {
		return fmt.Errorf("unsealing vault: %w", err)
	}
	if !open {
		return errors.New("vault stays sealed: one key was not enough")
	}
	return nil
}

func (s *Server) serve(ctx context.Context, c *core.Core) error {
	var lc net.ListenConfig
	listener, err := lc.Listen(ctx, "tcp", strings.TrimPrefix(s.Addr(), "http://"))
	if err != nil {
		return fmt.Errorf("listening for vault: %w", err)
	}
	s.http = &http.Server{
		ReadHeaderTimeout: 10 * time.Second,
		Handler: vaulthttp.Handler.Handler(&core.HandlerProperties{Core: c, ListenerConfig: &configutil.Listener{
			Type: "tcp", Address: listener.Addr().String(),
			// Both read the whole body a second time, which a batch of signatures pays for; callers are the platform's own services.
			DisableJSONLimitParsing: true,
			DisableRequestLimiter:   true,
		}}),
	}
	server := s.http
	go func() { _ = server.Serve(listener) }() // ends by Stop
	return nil
}

// Stop answers what is under way, then seals the vault: what is on disk is encrypted and the key is in no memory.
func (s *Server) Stop(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.core == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	if err := s.http.Shutdown(ctx); err != nil {
		_ = s.http.Close() // what is still under way is broken off
	}
	err := s.core.Shutdown()
	s.core = nil
	return errors.Join(err, s.log.Close())
}

// Seal makes the vault answer 503 to everything until Unseal, as an operator's seal does.
func (s *Server) Seal() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.core == nil {
		return errors.New("vault is stopped")
	}
	if err := s.core.Seal(s.keys.Root); err != nil {
		return fmt.Errorf("sealing vault: %w", err)
	}
	return nil
}

// Unseal opens a sealed vault.
func (s *Server) Unseal() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.core == nil {
		return errors.New("vault is stopped")
	}
	if !s.core.Sealed() {
		return nil
	}
	return s.unseal(s.core)
}
