package config

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
	"syscall"
	"time"
)

// CheckPublic sees that the platform will be able to listen where it is told to. A port that is taken is tried again for grace, since
// a platform that was killed a moment ago may still be letting go of it. The error is one sentence with the remedy.
func (c *Config) CheckPublic(ctx context.Context, grace time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, grace)
	defer cancel()
	for _, p := range []struct{ env, addr string }{
		{"POSTERN_HTTPS_ADDR", c.HTTPSAddr}, {"POSTERN_HTTP_ADDR", c.HTTPAddr}, {"POSTERN_PRIVATE_ADDR", c.PrivateAddr},
	} {
		err := listenable(ctx, p.addr)
		for errors.Is(err, syscall.EADDRINUSE) && ctx.Err() == nil {
			sleep(ctx, 50*time.Millisecond)
			err = listenable(context.WithoutCancel(ctx), p.addr)
		}
		port := portOf(p.addr)
		switch {
		case err == nil:
		case errors.Is(err, syscall.EADDRINUSE):
			return fmt.Errorf("port %s is in use by %s; stop it or set %s=%s", port, holder(port), p.env, instead(p.addr))
		case errors.Is(err, syscall.EACCES):
			return fmt.Errorf("port %s is reserved for root; run as root, or set %s=%s", port, p.env, instead(p.addr))
		default:
			return fmt.Errorf("the address %s cannot be listened on (%w); set %s to another, like %s", p.addr, err, p.env, instead(p.addr))
		}
	}
	return nil
}

// instead is an address to propose in place of addr: :8443 gives :9443, and :443 gives :8443.
func instead(addr string) string {
	host, port, err := net.SplitHostPort(addr)
	n, aerr := strconv.Atoi(port)
	switch {
	case err != nil || aerr != nil:
		return ":8443"
	case n < 1024:
		n += 8000
	case n < 60000:
		n += 1000
	default:
		n -= 1000
	}
	return net.JoinHostPort(host, strconv.Itoa(n))
}

func listenable(ctx context.Context, addr string) error {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", addr)
	if err != nil {
		return err
	}
	return l.Close()
}

func sleep(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// Picker hands out free loopback ports, no port twice.
type Picker struct {
	// Asked are ports that must be had as they are; Last are those of the boot before, kept when they are still free, so that tools
	// which remember them go on working.
	Asked, Last map[string]int
	taken       map[int]bool
}

// Ports below the range that the kernel gives to outgoing connections (32768 and up on Linux): there, a connection of anybody's could
// take an engine's port between picking and listening.
const lowPort, highPort = 20000, 29999

// Pick gives name its port. The error is one sentence with the remedy.
func (p *Picker) Pick(ctx context.Context, name, env string) (int, error) {
	if p.taken == nil {
		p.taken = map[int]bool{}
	}
	free := func(port int) bool {
		return port > 0 && !p.taken[port] && listenable(ctx, loopback(port)) == nil
	}
	port := p.Asked[name]
	switch {
	case port != 0:
		if !free(port) {
			return 0, fmt.Errorf("port %d, asked for by %s, is in use by %s; stop it or leave %s out for a free port", port, env, holder(strconv.Itoa(port)), env)
		}
	case free(p.Last[name]):
		port = p.Last[name]
	default:
		for range 1000 {
			if try := lowPort + rand.IntN(highPort-lowPort); free(try) { //nolint:gosec // a port, not a secret
				port = try
				break
			}
		}
		if port == 0 {
			return 0, fmt.Errorf("no free port between %d and %d on 127.0.0.1; set %s", lowPort, highPort, env)
		}
	}
	p.taken[port] = true
	return port, nil
}

func loopback(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }
