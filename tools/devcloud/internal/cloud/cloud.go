// Package cloud is the wiring of the dev cloud: it boots the engines, starts the platform on them, signs the first owner up, writes
// dev.json, and takes everything down in order. It is the only package here that knows the others.
package cloud

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/postern-id/postern/tools/devcloud/internal/certs"
	"github.com/postern-id/postern/tools/devcloud/internal/config"
	"github.com/postern-id/postern/tools/devcloud/internal/folder"
	"github.com/postern-id/postern/tools/devcloud/internal/mail"
	"github.com/postern-id/postern/tools/devcloud/internal/nats"
	"github.com/postern-id/postern/tools/devcloud/internal/postgres"
	"github.com/postern-id/postern/tools/devcloud/internal/temporal"
	"github.com/postern-id/postern/tools/devcloud/internal/vault"
)

// engine is one that can be taken away and given back.
type engine interface {
	Start(ctx context.Context) error
	Stop(ctx context.Context) error
}

// Cloud is a dev cloud. Its life is Open, Run, and the end of Run's context.
type Cloud struct {
	cfg      config.Config
	folder   *folder.Folder
	progress *progress
	began    time.Time
	ports    map[string]int

	postgres *postgres.Server
	vault    *vault.Server
	nats     *nats.Server
	temporal *temporal.Server
	mail     *mail.Server
	admin    *admin
	platform *platform

	mu      sync.Mutex
	devFile DevFile
}

// portsFile remembers engines' ports from boot to boot.
const portsFile = "ports.json"

// Open takes the data folder and checks that a boot can work. Errors are one sentence with the remedy. Close gives the folder back.
func Open(ctx context.Context, cfg config.Config, out io.Writer) (*Cloud, error) {
	c := &Cloud{cfg: cfg, progress: &progress{out: out}, began: time.Now(), ports: map[string]int{}}
	var err error
	if c.folder, err = folder.Open(cfg.Data); err != nil {
		return nil, err
	}
	if err := c.check(ctx); err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

func (c *Cloud) check(ctx context.Context) error {
	if _, err := os.Stat(c.cfg.Infra); err != nil {
		return fmt.Errorf("the folder %s is not there; start from the repository's root or set POSTERN_INFRA to its infra folder", c.cfg.Infra)
	}
	if _, err := os.Stat(c.cfg.Bin); err != nil {
		return fmt.Errorf("the platform's binary %s is not there; build it first (make run does) or set POSTERN_BIN", c.cfg.Bin)
	}
	if err := c.cfg.CheckPublic(ctx, 3*time.Second); err != nil {
		return err
	}
	return c.pickPorts(ctx)
}

func (c *Cloud) pickPorts(ctx context.Context) error {
	last := map[string]int{}
	if err := c.folder.ReadJSON(portsFile, &last); err != nil && !errors.Is(err, os.ErrNotExist) {
		last = map[string]int{} // only a convenience
	}
	picker := &config.Picker{Asked: c.cfg.EnginePorts, Last: last}
	inner := []string{"temporal-history", "temporal-matching", "temporal-worker"}
	for _, name := range append(slices.Clone(config.Engines), inner...) {
		port, err := picker.Pick(ctx, name, "POSTERN_"+strings.ToUpper(name)+"_PORT")
		if err != nil {
			return err
		}
		c.ports[name] = port
	}
	return c.folder.WriteJSON(portsFile, c.ports)
}

// Close gives the data folder back.
func (c *Cloud) Close() { c.folder.Close() }

// Run boots everything and returns when ctx ends, with everything stopped. An error is why it could not boot or go on.
func (c *Cloud) Run(ctx context.Context) error {
	c.progress.say("Postern dev cloud: %s, regions %s, data in %s", c.cfg.BaseDomain, strings.Join(c.cfg.Regions, " "), c.cfg.Data)
	c.describe()
	defer c.stopEngines(context.WithoutCancel(ctx))
	if err := quiet(ctx, c.startEngines(ctx)); err != nil || ctx.Err() != nil {
		return err
	}
	if err := c.prepare(); err != nil {
		return err
	}
	if err := c.admin.start(ctx, c.actions()); err != nil {
		return err
	}
	defer c.admin.stop()
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return c.platform.run(ctx) })
	group.Go(func() error { return quiet(ctx, c.open(ctx)) })
	return group.Wait()
}

// quiet drops an error that only says that the person pressed Ctrl-C.
func quiet(ctx context.Context, err error) error {
	if ctx.Err() == nil {
		return err
	}
	return nil
}

// describe makes the engines, none of them started.
func (c *Cloud) describe() {
	note := c.progress.note
	c.postgres = postgres.New(postgres.Config{Folder: c.folder, Port: c.ports["postgres"], Bin: c.cfg.PostgresBin, Cells: c.cfg.Regions, Note: note})
	c.vault = vault.New(vault.Config{Folder: c.folder, Port: c.ports["vault"], Cells: c.cfg.Regions, Policies: filepath.Join(c.cfg.Infra, "vault")})
	c.nats = nats.New(nats.Config{Folder: c.folder, Port: c.ports["nats"], Cells: c.cfg.Regions, Declarations: filepath.Join(c.cfg.Infra, "nats")})
	c.temporal = temporal.New(temporal.Config{
		Folder: c.folder, Port: c.ports["temporal"],
		Inner:       [3]int{c.ports["temporal-history"], c.ports["temporal-matching"], c.ports["temporal-worker"]},
		Declaration: filepath.Join(c.cfg.Infra, "temporal", "postern.json"),
	})
	c.mail = mail.New(mail.Config{Folder: c.folder, SMTPPort: c.ports["smtp"], HTTPPort: c.ports["mail"], Now: time.Now})
	c.admin = &admin{port: c.ports["admin"]}
}

func (c *Cloud) engines() map[string]engine {
	return map[string]engine{"postgres": c.postgres, "vault": c.vault, "nats": c.nats, "temporal": c.temporal, "mail": c.mail}
}

// startEngines starts all at once; none needs another.
func (c *Cloud) startEngines(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	for name, e := range c.engines() {
		group.Go(func() error {
			began := time.Now()
			if err := e.Start(ctx); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			c.progress.step(name, "ready", began)
			return nil
		})
	}
	return group.Wait()
}

// stopEngines stops all at once, after the platform that used them.
func (c *Cloud) stopEngines(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	var wait sync.WaitGroup
	for name, e := range c.engines() {
		wait.Go(func() {
			began := time.Now()
			if err := e.Stop(ctx); err != nil {
				c.progress.note(fmt.Sprintf("stopping %s: %v", name, err))
				return
			}
			c.progress.step(name, "stopped", began)
		})
	}
	wait.Wait()
}

// prepare makes the keys and the environment that the platform starts with.
func (c *Cloud) prepare() error {
	fresh, err := certs.Ensure(c.folder, c.cfg.BaseDomain, time.Now())
	if err != nil {
		return err
	}
	if fresh {
		c.progress.note("made a certificate authority: " + c.folder.Path(certs.CertFile))
	}
	const edge = "secrets/edge"
	for _, name := range append([]string{"control"}, c.cfg.Regions...) {
		if _, err := c.folder.Key(filepath.Join(edge, name)); err != nil {
			return err
		}
	}
	if _, err := c.folder.Dir("router"); err != nil {
		return err
	}
	if c.admin.token, err = c.folder.Password("secrets/admin"); err != nil {
		return err
	}
	c.fillDevFile()
	c.platform = &platform{
		bin: c.cfg.Bin, progress: c.progress, logFile: c.folder.Path("logs", "postern.log"),
		ready: "http://" + config.Local(c.cfg.PrivateAddr) + "/readyz",
		env: environment(c.cfg, map[string]string{
			"POSTERN_CA_CERT_FILE":         c.folder.Path(certs.CertFile),
			"POSTERN_CA_KEY_FILE":          c.folder.Path(certs.KeyFile),
			"POSTERN_DIRECTORY_FILE":       c.folder.Path("router", "directory"),
			"POSTERN_EDGE_KEY_DIR":         c.folder.Path(edge),
			"POSTERN_POSTGRES_ADDR":        c.postgres.Addr(),
			"POSTERN_POSTGRES_SECRETS_DIR": c.folder.Path(postgres.Secrets),
			"POSTERN_VAULT_ADDR":           c.vault.Addr(),
			"POSTERN_VAULT_SECRETS_DIR":    c.folder.Path(vault.Secrets),
			"POSTERN_NATS_URL":             c.nats.URL(),
			"POSTERN_NATS_SECRETS_DIR":     c.folder.Path(nats.Secrets),
			"POSTERN_TEMPORAL_ADDR":        c.temporal.Addr(),
			"POSTERN_TEMPORAL_NAMESPACE":   c.temporal.Namespace(),
			"POSTERN_SMTP_ADDR":            c.mail.SMTPAddr(),
			"POSTERN_MAIL_UPSTREAM":        c.mail.URL(),
		}),
		changed: func(pid int) {
			if err := c.update(func(f *DevFile) { f.PIDs["postern"] = pid }); err != nil {
				c.progress.note(err.Error())
			}
		},
	}
	return nil
}

func (c *Cloud) fillDevFile() {
	f := &c.devFile
	f.BaseDomain, f.Regions, f.Data = c.cfg.BaseDomain, c.cfg.Regions, c.cfg.Data
	f.URLs = URLs{
		Console: c.cfg.URL("manage." + c.cfg.BaseDomain), PlatformAPI: c.cfg.URL("api." + c.cfg.BaseDomain),
		Mail: c.cfg.URL("mail." + c.cfg.BaseDomain), Private: "http://" + config.Local(c.cfg.PrivateAddr), Tenants: []string{},
	}
	f.CAFile = c.folder.Path(certs.CertFile)
	f.HTTPSAddr, f.HTTPAddr, f.PrivateAddr = c.cfg.HTTPSAddr, c.cfg.HTTPAddr, c.cfg.PrivateAddr
	e := &f.Engines
	e.Postgres.Addr, e.Postgres.Version = c.postgres.Addr(), c.postgres.Version()
	e.Postgres.AdminDSN = "postgres://" + postgres.Superuser + "@" + c.postgres.Addr() + "/postgres?sslmode=disable"
	e.Postgres.AdminPasswordFile = c.folder.Path(postgres.Secrets, postgres.Superuser)
	e.Postgres.SecretsDir = c.folder.Path(postgres.Secrets)
	e.Vault.Addr, e.Vault.RootTokenFile, e.Vault.SecretsDir = c.vault.Addr(), c.folder.Path(vault.RootTokenFile), c.folder.Path(vault.Secrets)
	e.NATS.URL, e.NATS.SecretsDir = c.nats.URL(), c.folder.Path(nats.Secrets)
	e.Temporal.Addr, e.Temporal.Namespace = c.temporal.Addr(), c.temporal.Namespace()
	e.SMTP.Addr, e.SMTP.Messages = c.mail.SMTPAddr(), c.mail.URL()+"/messages"
	e.Admin.Addr, e.Admin.TokenFile = "http://"+c.admin.addr(), c.folder.Path("secrets", "admin")
	f.PIDs = map[string]int{"devcloud": os.Getpid(), "postgres": c.postgres.PID()}
}

// update changes dev.json, whole or not at all.
func (c *Cloud) update(change func(*DevFile)) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	change(&c.devFile)
	c.devFile.PIDs["postgres"] = c.postgres.PID()
	return c.folder.WriteJSON("dev.json", c.devFile)
}

// open waits for the platform, signs the first owner up and says that all is ready.
func (c *Cloud) open(ctx context.Context) error {
	began := time.Now()
	waiting := time.AfterFunc(20*time.Second, func() {
		c.progress.note("the platform is not ready yet; it writes to " + c.platform.logFile)
	})
	err := c.platform.awaitReady(ctx)
	waiting.Stop()
	if err != nil {
		return err
	}
	c.progress.step("platform", "ready", began)
	if c.cfg.FirstOwner {
		began = time.Now()
		who := &signups{cfg: c.cfg, folder: c.folder, client: &http.Client{Timeout: 15 * time.Second}, patience: time.Minute, interval: 100 * time.Millisecond}
		owner, err := who.first(ctx)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			c.progress.note(err.Error()) // the rest of the cloud is of use without it
		} else {
			c.progress.step("owner", "ready", began)
		}
		if owner != nil {
			if err := c.update(func(f *DevFile) { f.Owner, f.URLs.Tenants = owner, tenantURLs(owner) }); err != nil {
				return err
			}
		}
	}
	if err := c.update(func(*DevFile) {}); err != nil {
		return err
	}
	c.table()
	return nil
}

// actions are what the admin endpoint does.
func (c *Cloud) actions() map[string]func(context.Context) error {
	acts := map[string]func(context.Context) error{
		"/vault/seal":   func(context.Context) error { return c.vault.Seal() },
		"/vault/unseal": func(context.Context) error { return c.vault.Unseal() },
		"/postern/kill": func(context.Context) error {
			c.platform.kill()
			return nil
		},
	}
	for name, e := range c.engines() {
		acts["/"+name+"/stop"], acts["/"+name+"/start"] = e.Stop, e.Start
		acts["/"+name+"/restart"] = func(ctx context.Context) error {
			if err := e.Stop(ctx); err != nil {
				return err
			}
			return e.Start(ctx)
		}
	}
	for path, act := range maps.Clone(acts) {
		acts[path] = func(ctx context.Context) error {
			if err := act(ctx); err != nil {
				return err
			}
			c.progress.note("admin: " + strings.TrimPrefix(path, "/"))
			return c.update(func(*DevFile) {}) // PostgreSQL may have another process ID
		}
	}
	return acts
}
