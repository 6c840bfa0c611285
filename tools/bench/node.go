package main

import (
	"context"
	"net/url"
	"os"
	"os/exec"
	"strconv"
	"syscall"
)

// node is npm oidc-provider in one process, in memory or on a PostgreSQL of its own.
type node struct {
	title string
	cmd   *exec.Cmd
	db    *postgres // nil: in memory
	base  string
	apps  applications
}

func newNode(ctx context.Context, onPostgres bool) (*node, error) {
	n := &node{title: "oidc-provider, memory"}
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	n.cmd = exec.Command("node", "peer.mjs") //nolint:noctx // ended by stop
	n.cmd.Env = append(os.Environ(), "PORT="+strconv.Itoa(port), "NODE_ENV=production")
	if onPostgres {
		n.title = "oidc-provider, PostgreSQL"
		if n.db, err = startPostgres(ctx); err != nil {
			return nil, err
		}
		n.cmd.Env = append(n.cmd.Env, "DATABASE_URL="+n.db.url())
	}
	n.cmd.Stderr = os.Stderr
	if err := n.cmd.Start(); err != nil {
		return nil, err
	}
	n.base = "http://127.0.0.1:" + strconv.Itoa(port)
	walk := func(ctx context.Context, a *agent, target string) (string, error) {
		return a.walk(ctx, target, nil)
	}
	n.apps = applications{}
	for _, alg := range idTokenAlgs {
		n.apps[alg] = &application{
			authorize: n.base + "/auth", token: n.base + "/token", userinfo: n.base + "/me", id: "web-" + alg, secret: "a secret that is long enough for HMAC", scope: "openid email profile offline_access", login: walk,
			stop: func(context.Context, *agent) func(context.Context, string, int, []byte) (string, error) { return nil },
		}
	}
	return n, await(ctx, n.title, func() error {
		return newAgent().get(ctx, n.base+"/.well-known/openid-configuration", nil)
	})
}

func (n *node) name() string { return n.title }

func (n *node) cpu() float64 {
	pids := []int{n.cmd.Process.Pid}
	if n.db != nil {
		pids = append(pids, n.db.cmd.Process.Pid)
	}
	return cpuOf(pids)
}

func (*node) most() int { return anyNumber }

func (n *node) stop() {
	_ = n.cmd.Process.Signal(syscall.SIGTERM)
	_ = n.cmd.Wait()
	if n.db != nil {
		n.db.stop()
	}
}

func (n *node) calls(ctx context.Context, scenario string) func(int) (call, error) {
	switch scenario {
	case machineRS256, machineES256:
		resource := "https://bench.example/rs256"
		if scenario == machineES256 {
			resource = "https://bench.example/es256"
		}
		return machine(n.base+"/token", url.Values{"grant_type": {"client_credentials"}, "client_id": {"machine"}, "client_secret": {"machine-secret"}, "resource": {resource}, "scope": {"read:x"}})
	case discovery:
		return document(n.base + "/.well-known/openid-configuration")
	case keySet:
		return document(n.base + "/jwks")
	}
	return n.apps.calls(ctx, scenario)
}
