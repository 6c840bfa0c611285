package postgres

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/postern-id/postern/tools/devcloud/internal/folder"
	"github.com/postern-id/postern/tools/devcloud/internal/supervise"
)

// Superuser owns the server. Its password lies in the secrets folder under this name, like every role's.
const Superuser = "postgres"

// Secrets is the folder of password files, one a role, within the data folder.
const Secrets = "secrets/postgres"

const invalidPassword = "28P01" // SQLSTATE

// Config is what a server is made of.
type Config struct {
	Folder *folder.Folder
	Port   int
	// Bin is a folder of binaries to use; empty finds or fetches them.
	Bin string
	// Cells get a database each, beside the control plane's.
	Cells []string
	// Note tells the person at the terminal something that takes time or went wrong.
	Note func(string)
}

// Server is a private PostgreSQL server. Start and Stop may be called in turns.
type Server struct {
	cfg      Config
	as       runAs
	bin      binaries
	password string

	mu      sync.Mutex
	process *supervise.Process
	wanted  bool // somebody wants it to run: an end is an accident
}

// New describes a server and starts nothing.
func New(cfg Config) *Server { return &Server{cfg: cfg} }

// Addr is where the server listens.
func (s *Server) Addr() string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(s.cfg.Port)) }

// Version is the server's major version, once started.
func (s *Server) Version() int { return s.bin.major }

// PID is the postmaster's, zero when it does not run.
func (s *Server) PID() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.process == nil {
		return 0
	}
	return s.process.PID()
}

// Start makes the data directory if there is none, starts the server, waits until it answers and provisions databases and roles.
func (s *Server) Start(ctx context.Context) error {
	if err := s.prepare(ctx); err != nil {
		return err
	}
	if err := s.launch(ctx); err != nil {
		return err
	}
	return s.provision(ctx)
}

func (s *Server) prepare(ctx context.Context) error {
	var err error
	if s.as, err = unprivileged(); err != nil {
		return err
	}
	if s.password, err = s.cfg.Folder.Password(filepath.Join(Secrets, Superuser)); err != nil {
		return err
	}
	dir, err := s.cfg.Folder.Dir("postgres")
	if err != nil {
		return err
	}
	if _, err := s.cfg.Folder.Dir("logs"); err != nil {
		return err
	}
	made, err := os.ReadFile(filepath.Join(dir, "data", "PG_VERSION")) //nolint:gosec // our data folder
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("reading the data directory's version: %w", err)
	}
	major, _ := strconv.Atoi(strings.TrimSpace(string(made))) // zero: none yet
	if s.bin, err = findBinaries(s.cfg.Bin, major, cache(), s.cfg.Note); err != nil {
		return err
	}
	if major == 0 {
		if err := s.initialise(ctx, dir); err != nil {
			return err
		}
	}
	if err := s.as.own(dir); err != nil {
		return err
	}
	return s.awaitPrevious(ctx, filepath.Join(dir, "data"))
}

// initialise makes the data directory beside its place and moves it there whole, so that an interrupted first boot leaves nothing.
func (s *Server) initialise(ctx context.Context, dir string) error {
	scratch := filepath.Join(dir, "data.new")
	if err := os.RemoveAll(scratch); err != nil {
		return fmt.Errorf("removing a half-made data directory: %w", err)
	}
	within, err := os.OpenRoot(dir) // the server's user may write there, and must not lead root out by a link
	if err != nil {
		return fmt.Errorf("opening the server's folder: %w", err)
	}
	defer func() { _ = within.Close() }()
	const secret = "superuser"
	if err := within.WriteFile(secret, []byte(s.password), 0o600); err != nil {
		return fmt.Errorf("handing the password over: %w", err)
	}
	defer func() { _ = within.Remove(secret) }()
	if err := s.as.own(dir); err != nil {
		return err
	}
	locale := "C"
	if runtime.GOOS == "linux" {
		locale = "C.UTF-8" // in every C library: byte order, and lower() beyond ASCII
	}
	cmd := exec.CommandContext(ctx, s.bin.path("initdb")) //nolint:gosec // a binary found by us
	path, closeDir, err := s.as.folder(cmd, dir)
	if err != nil {
		return err
	}
	defer closeDir()
	cmd.Args = append(cmd.Args, "-D", path+"/data.new", "-U", Superuser, "--pwfile="+path+"/superuser", "--auth=scram-sha-256",
		"--data-checksums", "--encoding=UTF8", "--locale="+locale, "--no-instructions")
	out, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("making the data directory: %w: %s", err, strings.TrimSpace(string(out)))
	}
	if err := os.Rename(scratch, filepath.Join(dir, "data")); err != nil {
		return fmt.Errorf("moving the data directory into place: %w", err)
	}
	return nil
}

// awaitPrevious waits for the postmaster of a dev cloud that was killed: it got its own signal and is on its way out. The data folder
// is locked to us, so one that stays is nobody's and is told again.
func (s *Server) awaitPrevious(ctx context.Context, data string) error {
	const patience, wait = 3 * time.Second, 30 * time.Second
	for began, told := time.Now(), false; ; {
		pid := previous(data)
		if pid == 0 {
			return nil
		}
		switch since := time.Since(began); {
		case since > wait:
			return fmt.Errorf("a PostgreSQL server (pid %d) still uses %s; end it with kill -QUIT %d", pid, data, pid)
		case since > patience && !told:
			_ = syscall.Kill(pid, syscall.SIGQUIT)
			told = true
		}
		if err := pause(ctx, 20*time.Millisecond); err != nil {
			return err
		}
	}
}

// previous is the living postmaster that data belongs to, or zero. The number in postmaster.pid alone says nothing: after a reboot it
// may be anybody's.
func previous(data string) int {
	content, err := os.ReadFile(filepath.Join(data, "postmaster.pid")) //nolint:gosec // our data folder
	if err != nil {
		return 0
	}
	first, _, _ := strings.Cut(string(content), "\n")
	pid, err := strconv.Atoi(strings.TrimSpace(first))
	if err != nil || pid <= 1 || syscall.Kill(pid, 0) != nil {
		return 0
	}
	if runtime.GOOS != "linux" {
		return pid
	}
	theirs, err := os.Stat(fmt.Sprintf("/proc/%d/cwd", pid)) // a postmaster stands in its data directory
	if err != nil {
		return 0
	}
	ours, err := os.Stat(data)
	if err != nil || !os.SameFile(theirs, ours) {
		return 0
	}
	return pid
}

// settings of a laptop's server: durable as shipped, room for every service's pool, no surprises in the log.
func (s *Server) settings() []string {
	var args []string
	for _, kv := range []string{
		"listen_addresses=127.0.0.1", "port=" + strconv.Itoa(s.cfg.Port), "unix_socket_directories=",
		"max_connections=300", "shared_buffers=256MB", "password_encryption=scram-sha-256", "timezone=UTC", "log_timezone=UTC",
		"jit=off", // compiling costs more than the short statements here take
		// Tables fill within seconds of a start; a planner that knows nothing of them takes any index that begins with the tenant.
		"autovacuum_naptime=5s",
		"log_line_prefix=%m [%p] %u@%d ", "log_checkpoints=off", "log_min_messages=warning",
	} {
		args = append(args, "-c", kv)
	}
	return args
}

func (s *Server) launch(ctx context.Context) error {
	log, err := os.OpenFile(s.cfg.Folder.Path("logs", "postgres.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("opening the server's log: %w", err)
	}
	defer func() { _ = log.Close() }()
	// Not CommandContext: a server must end by Stop, in order.
	cmd := exec.Command(s.bin.path("postgres")) //nolint:gosec,noctx // a binary found by us
	path, closeDir, err := s.as.folder(cmd, s.cfg.Folder.Path("postgres"))
	if err != nil {
		return err
	}
	defer closeDir()
	cmd.Args = append(append(cmd.Args, "-D", path+"/data"), s.settings()...)
	cmd.Env = []string{"LANG=C", "PATH=/usr/bin:/bin"}
	cmd.Stdout, cmd.Stderr = log, log
	// Orphaned, it gets SIGQUIT: end at once, recover from the write-ahead log at the next start.
	process, err := supervise.Start(cmd, syscall.SIGQUIT)
	if err != nil {
		return err
	}
	if err := s.awaitReady(ctx, process); err != nil {
		process.Stop(ctx, syscall.SIGQUIT, 5*time.Second)
		return err
	}
	s.mu.Lock()
	s.process, s.wanted = process, true
	s.mu.Unlock()
	go s.watch(context.WithoutCancel(ctx), process)
	return nil
}

func (s *Server) awaitReady(ctx context.Context, process *supervise.Process) error {
	ctx, cancel := context.WithTimeout(ctx, 60*time.Second)
	defer cancel()
	for {
		conn, err := s.connect(ctx, "postgres")
		if err == nil {
			return conn.Close(ctx)
		}
		select {
		case <-process.Done():
			return fmt.Errorf("PostgreSQL ended while starting (%w); see %s", process.Err(), s.cfg.Folder.Path("logs", "postgres.log"))
		default:
		}
		var refused *pgconn.PgError
		if errors.As(err, &refused) && refused.Code == invalidPassword {
			return fmt.Errorf("the password in %s is not the one that %s was made with; put the right file back, or move the data folder away "+
				"to start afresh", s.cfg.Folder.Path(Secrets, Superuser), s.cfg.Folder.Path("postgres"))
		}
		if perr := pause(ctx, 20*time.Millisecond); perr != nil {
			return fmt.Errorf("waiting for PostgreSQL: %w", errors.Join(perr, err))
		}
	}
}

// watch starts the server anew when it ends unasked, as when the kernel ran out of memory.
func (s *Server) watch(ctx context.Context, process *supervise.Process) {
	<-process.Done()
	s.mu.Lock()
	accident := s.wanted && s.process == process
	if accident {
		s.process = nil
	}
	s.mu.Unlock()
	if !accident {
		return
	}
	for {
		s.cfg.Note("PostgreSQL ended unasked; starting it again")
		if err := pause(ctx, time.Second); err != nil {
			return
		}
		s.mu.Lock()
		wanted := s.wanted
		s.mu.Unlock()
		if !wanted || s.launch(ctx) == nil {
			return
		}
	}
}

// Stop ends the server by a fast shutdown: running statements are broken off, everything committed is on disk.
func (s *Server) Stop(ctx context.Context) error {
	s.mu.Lock()
	process := s.process
	s.process, s.wanted = nil, false
	s.mu.Unlock()
	if process != nil {
		process.Stop(ctx, syscall.SIGINT, 15*time.Second)
	}
	return nil
}

func (s *Server) connect(ctx context.Context, database string) (*pgx.Conn, error) {
	cfg, err := pgx.ParseConfig("sslmode=disable")
	if err != nil {
		return nil, fmt.Errorf("describing a connection: %w", err)
	}
	cfg.Host, cfg.Port = "127.0.0.1", uint16(s.cfg.Port) //nolint:gosec // a port
	cfg.User, cfg.Password, cfg.Database = Superuser, s.password, database
	cfg.Fallbacks = nil // of a PGHOST in the caller's environment
	cfg.ConnectTimeout = 5 * time.Second
	conn, err := pgx.ConnectConfig(ctx, cfg)
	if err != nil {
		return nil, fmt.Errorf("connecting to %s: %w", database, err)
	}
	return conn, nil
}

func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
