package testkit

import (
	"io"
	"net"
	"sync"
	"testing"
)

// Proxy stands between a client and an engine that must not be stopped for one test, so that the client can lose it.
type Proxy struct {
	Addr string // "127.0.0.1:<port>", for the client

	target   string
	listener net.Listener
	mu       sync.Mutex
	down     bool
	conns    map[net.Conn]struct{}
}

// NewProxy forwards to target ("host:port") until the end of the test.
func NewProxy(tb testing.TB, target string) *Proxy {
	tb.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // ends with the test
	if err != nil {
		tb.Fatalf("listening for a proxy: %v", err)
	}
	p := &Proxy{Addr: l.Addr().String(), target: target, listener: l, conns: map[net.Conn]struct{}{}}
	go p.serve()
	tb.Cleanup(func() {
		_ = l.Close()
		p.Down()
	})
	return p
}

// Down breaks every connection and accepts no more of them.
func (p *Proxy) Down() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.down = true
	for c := range p.conns {
		if tcp, ok := c.(*net.TCPConn); ok {
			_ = tcp.SetLinger(0) // what is in flight is lost, as with a cable that is pulled
		}
		_ = c.Close()
	}
	clear(p.conns)
}

// Up forwards again.
func (p *Proxy) Up() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.down = false
}

func (p *Proxy) serve() {
	for {
		near, err := p.listener.Accept()
		if err != nil {
			return
		}
		far, err := net.Dial("tcp", p.target) //nolint:noctx // ends with the test
		if err != nil {
			_ = near.Close()
			continue
		}
		if !p.keep(near, far) {
			continue
		}
		go p.copy(near, far)
		go p.copy(far, near)
	}
}

// keep remembers both ends, or closes them while the proxy is down.
func (p *Proxy) keep(conns ...net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range conns {
		if p.down {
			_ = c.Close()
			continue
		}
		p.conns[c] = struct{}{}
	}
	return !p.down
}

func (p *Proxy) copy(to, from net.Conn) {
	_, _ = io.Copy(to, from)
	_, _ = to.Close(), from.Close()
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.conns, to)
	delete(p.conns, from)
}
