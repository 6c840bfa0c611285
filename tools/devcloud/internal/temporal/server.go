// Package temporal runs the real Temporal server inside this process, on a SQLite file.
package temporal

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"sync"
	"time"

	"go.temporal.io/server/common/authorization"
	"go.temporal.io/server/common/cluster"
	"go.temporal.io/server/common/config"
	"go.temporal.io/server/common/dynamicconfig"
	"go.temporal.io/server/common/log"
	"go.temporal.io/server/common/membership/static"
	sqliteplugin "go.temporal.io/server/common/persistence/sql/sqlplugin/sqlite"
	"go.temporal.io/server/common/primitives"
	"go.temporal.io/server/schema/sqlite"
	"go.temporal.io/server/temporal"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/postern-id/postern/tools/devcloud/internal/folder"
)

// Config is what a server is made of.
type Config struct {
	Folder *folder.Folder
	// Port is the frontend's; the three inner services of Temporal take Inner, a port each.
	Port  int
	Inner [3]int
	// Declaration is the file that names the namespace.
	Declaration string
}

// Server is a Temporal server of this process. Start and Stop may be called in turns.
type Server struct {
	cfg Config

	mu        sync.Mutex
	running   temporal.Server
	namespace string
}

// New describes a server and starts nothing.
func New(cfg Config) *Server { return &Server{cfg: cfg} }

const loopback, clusterName = "127.0.0.1", "active"

func address(port int) string { return net.JoinHostPort(loopback, strconv.Itoa(port)) }

// Addr is where clients connect.
func (s *Server) Addr() string { return address(s.cfg.Port) }

// Namespace is the platform's, once started.
func (s *Server) Namespace() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.namespace
}

// Start makes the database the first time, registers the namespace and serves. Workflows that were running go on.
func (s *Server) Start(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.running != nil {
		return nil
	}
	store, err := s.database()
	if err != nil {
		return err
	}
	if err := s.register(store); err != nil {
		return err
	}
	server, err := s.build(store)
	if err != nil {
		return err
	}
	if err := server.Start(); err != nil {
		return fmt.Errorf("starting temporal: %w", err)
	}
	s.running = server
	return ctx.Err()
}

// database is the SQLite file with its schema. The schema goes into a file beside it first, so that an interrupted first boot
// leaves nothing.
func (s *Server) database() (*config.SQL, error) {
	dir, err := s.cfg.Folder.Dir("temporal")
	if err != nil {
		return nil, err
	}
	path := dir + "/temporal.db"
	store := &config.SQL{
		PluginName:   sqliteplugin.PluginName,
		DatabaseName: path,
		ConnectAttributes: map[string]string{
			"mode": "rwc", "journal_mode": "wal", "busy_timeout": "10000",
			"synchronous": "full", // a workflow step that was acknowledged survives a power cut
		},
	}
	if _, err := os.Stat(path); err == nil || !errors.Is(err, os.ErrNotExist) {
		return store, err
	}
	scratch := path + ".new"
	if err := os.RemoveAll(scratch); err != nil {
		return nil, fmt.Errorf("removing a half-made database: %w", err)
	}
	making := *store
	making.DatabaseName = scratch
	making.ConnectAttributes = map[string]string{"mode": "rwc"} // no write-ahead log to leave behind at the rename
	if err := sqlite.SetupSchema(&making); err != nil {
		return nil, fmt.Errorf("making temporal's schema: %w", err)
	}
	if err := os.Chmod(scratch, 0o600); err != nil {
		return nil, fmt.Errorf("closing temporal's database to others: %w", err)
	}
	if err := os.Rename(scratch, path); err != nil {
		return nil, fmt.Errorf("moving temporal's database into place: %w", err)
	}
	return store, nil
}

// register writes the namespace into the database before the server reads it, so that it serves from its first second.
func (s *Server) register(store *config.SQL) error {
	content, err := os.ReadFile(s.cfg.Declaration)
	if err != nil {
		return fmt.Errorf("reading the namespace (set POSTERN_INFRA to the repository's infra folder): %w", err)
	}
	var declared struct {
		Namespace string `json:"namespace"`
		Retention string `json:"retention"`
	}
	if err := json.Unmarshal(content, &declared); err != nil {
		return fmt.Errorf("reading %s: %w", s.cfg.Declaration, err)
	}
	retention, err := time.ParseDuration(declared.Retention)
	if err != nil {
		return fmt.Errorf("reading %s: %w", s.cfg.Declaration, err)
	}
	namespace, err := sqlite.NewNamespaceConfig(clusterName, declared.Namespace, false, nil)
	if err != nil {
		return fmt.Errorf("describing the namespace: %w", err)
	}
	namespace.Detail.Config.Retention = durationpb.New(retention)
	if err := sqlite.CreateNamespaces(store, namespace); err != nil {
		return fmt.Errorf("registering the namespace: %w", err)
	}
	s.namespace = declared.Namespace
	return nil
}

func (s *Server) build(store *config.SQL) (temporal.Server, error) {
	cfg := s.config(store)
	if _, err := s.cfg.Folder.Dir("logs"); err != nil {
		return nil, err
	}
	logger := log.NewZapLogger(log.BuildZapLogger(log.Config{Level: "warn", OutputFile: s.cfg.Folder.Path("logs", "temporal.log")}))
	authorizer, err := authorization.GetAuthorizerFromConfig(&cfg.Global.Authorization)
	if err != nil {
		return nil, fmt.Errorf("describing temporal: %w", err)
	}
	claims, err := authorization.GetClaimMapperFromConfig(&cfg.Global.Authorization, logger)
	if err != nil {
		return nil, fmt.Errorf("describing temporal: %w", err)
	}
	// One process needs no gossip about who serves what.
	hosts := map[primitives.ServiceName]static.Hosts{}
	for name, port := range s.ports() {
		hosts[name] = static.SingleLocalHost(address(port))
	}
	server, err := temporal.NewServer(
		temporal.WithConfig(cfg),
		temporal.ForServices(temporal.DefaultServices),
		temporal.WithStaticHosts(hosts),
		temporal.WithLogger(logger),
		temporal.WithAuthorizer(authorizer),
		temporal.WithClaimMapper(func(*config.Config) authorization.ClaimMapper { return claims }),
		temporal.WithDynamicConfigClient(dynamicconfig.StaticClient{
			// One partition a task queue: a task meets its poller at once instead of being forwarded between partitions.
			dynamicconfig.MatchingNumTaskqueueReadPartitions.Key():  1,
			dynamicconfig.MatchingNumTaskqueueWritePartitions.Key(): 1,
			// A laptop's tests ask as fast as they like.
			dynamicconfig.FrontendMaxNamespaceVisibilityRPSPerInstance.Key(): 1000,
		}),
	)
	if err != nil {
		return nil, fmt.Errorf("describing temporal: %w", err)
	}
	return server, nil
}

func (s *Server) ports() map[primitives.ServiceName]int {
	return map[primitives.ServiceName]int{
		primitives.FrontendService: s.cfg.Port, primitives.HistoryService: s.cfg.Inner[0],
		primitives.MatchingService: s.cfg.Inner[1], primitives.WorkerService: s.cfg.Inner[2],
	}
}

func (s *Server) config(store *config.SQL) *config.Config {
	const storeName = "sqlite"
	var cfg config.Config
	cfg.Global.Membership.MaxJoinDuration = 30 * time.Second
	cfg.Global.Membership.BroadcastAddress = loopback
	cfg.Persistence = config.Persistence{
		DefaultStore: storeName, VisibilityStore: storeName, NumHistoryShards: 1,
		DataStores: map[string]config.DataStore{storeName: {SQL: store}},
	}
	cfg.ClusterMetadata = &cluster.Config{
		FailoverVersionIncrement: 10, MasterClusterName: clusterName, CurrentClusterName: clusterName,
		ClusterInformation: map[string]cluster.ClusterInformation{
			clusterName: {Enabled: true, InitialFailoverVersion: 1, RPCAddress: s.Addr()},
		},
	}
	cfg.DCRedirectionPolicy.Policy = "noop"
	cfg.Services = map[string]config.Service{}
	for name, port := range s.ports() {
		cfg.Services[string(name)] = config.Service{RPC: config.RPC{GRPCPort: port, BindOnIP: loopback}}
	}
	const off = "disabled"
	cfg.Archival.History.State, cfg.Archival.Visibility.State = off, off
	cfg.NamespaceDefaults.Archival.History.State, cfg.NamespaceDefaults.Archival.Visibility.State = off, off
	cfg.PublicClient.HostPort = s.Addr()
	return &cfg
}

// Stop ends the server; workflows wait in the database.
func (s *Server) Stop(context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.running == nil {
		return nil
	}
	err := s.running.Stop()
	s.running = nil
	if err != nil {
		return fmt.Errorf("stopping temporal: %w", err)
	}
	return nil
}
