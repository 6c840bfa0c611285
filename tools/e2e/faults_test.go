//go:build e2e

package e2e_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// fault is something that goes away under load, and the line of the failure table that holds then.
type fault struct {
	name string
	// strike takes it away and gives it back, and tells when it was gone for certain.
	strike func(t *testing.T, l *load) window
	// refuses are the kinds of requests that are answered 503 meanwhile. All others go on.
	refuses []string
	// breaks says that connections break, and what was on its way with them.
	breaks bool
	// lossy says that the events of machine grants which were answered in the window may be lost: they were in memory alone.
	lossy bool
}

// window is a time in which an engine was away.
type window struct{ gone, back time.Time }

// faults is the failure table for who wants tokens.
func faults(c *ownCloud) []fault {
	return []fault{
		{
			name: "vault_sealed", refuses: []string{machine, exchange, refresh},
			strike: func(t *testing.T, l *load) window {
				return l.without(t, c.away(t, "/vault/seal", "/vault/unseal"), []string{machine, exchange, refresh})
			},
		},
		{
			name: "postgres_restarted", refuses: []string{silent, password, exchange, refresh, userinfo},
			strike: func(t *testing.T, l *load) window {
				return l.without(t, c.away(t, "/postgres/stop", "/postgres/start"), []string{silent, password, exchange, refresh, userinfo})
			},
		},
		{
			name:   "nats_away",
			strike: func(t *testing.T, l *load) window { return l.without(t, c.away(t, "/nats/stop", "/nats/start"), nil) },
		},
		{
			name: "product_killed", breaks: true,
			strike: func(t *testing.T, l *load) window {
				began := time.Now()
				l.await(t, began, 10, isGranted)
				c.kill(t)
				c.mended(t)
				return window{gone: began, back: time.Now()}
			},
		},
		{
			name: "product_killed_while_nats_is_away", breaks: true, lossy: true,
			strike: func(t *testing.T, l *load) window {
				began := time.Now()
				back := c.away(t, "/nats/stop", "/nats/start")
				l.await(t, time.Now(), 10, isGranted)
				c.kill(t)
				killed := time.Now()
				l.await(t, killed, 5, isGranted) // it starts without NATS, and goes on without it
				back()
				c.mended(t)
				return window{gone: began, back: killed}
			},
		},
	}
}

func isGranted(s *shot) bool { return s.verdict == granted }

// without waits, while an engine is away, until it has shown what each kind of request is answered then, and gives it back.
func (l *load) without(t *testing.T, back func(), refuses []string) window {
	t.Helper()
	w := window{gone: time.Now()}
	l.await(t, w.gone, 5, func(s *shot) bool {
		return s.verdict == refused && slices.Contains(refuses, s.kind) || s.verdict == granted && !slices.Contains(refuses, s.kind)
	})
	w.back = time.Now()
	back()
	return w
}

// TestFaults takes away what tokens are made with while a crowd asks for them, and counts: every answer is a success or the refusal of
// the failure table, and the audit log has what was answered, once, and nothing else.
func TestFaults(t *testing.T) {
	cloud := breakable(t)
	c := newCrowd(t, cloud, "us", func(ten tenant) string { return ten.Issuer })
	keys := publicKeys(t, c.person.Client, c.tenant.Issuer)
	for _, f := range faults(cloud) {
		t.Run(f.name, func(t *testing.T) { f.run(t, c, keys) })
	}
	c.strict.requireUsedUp(t)
}

func (f fault) run(t *testing.T, c *crowd, keys *oidc.StaticKeySet) {
	t.Helper()
	before := c.settledLogs(t)
	began := time.Now()
	l := c.begin(t)
	t.Cleanup(l.end)
	l.await(t, began, 5, isGranted)
	w := f.strike(t, l)
	back := time.Now()
	l.await(t, back, 5, isGranted)
	mended := time.Since(back)
	l.end()

	b := newLedger(t, l.sent(), c.settledBehind(t, before[len(before)-1].ID))
	b.lossy = func(s *shot) bool {
		return f.lossy && s.kind == machine && s.ended.After(w.gone) && s.began.Before(w.back)
	}
	b.check(t)
	b.checkSignatures(t, keys)
	codes, families := b.checkOnce(t, func(s *shot) bool { return s.client == c.patient.id })
	t.Logf("well again after %s; a lost answer cost %d codes and %d families of refresh tokens without leeway; %d events of machine grants are lost\n%s",
		mended.Round(time.Millisecond), codes, families, b.lost, b.table())
	for _, s := range l.sent() {
		assert.True(t, f.breaks || s.verdict != broken, "a connection broke: %s", s)
	}
	if f.breaks {
		return
	}
	require.Zero(t, codes+families, "nobody lost anything")
	for _, s := range during(l.sent(), w) {
		if slices.Contains(f.refuses, s.kind) {
			assert.Equal(t, refused, s.verdict, "%s", s)
		} else {
			assert.Contains(t, []verdict{granted, denied}, s.verdict, "%s", s)
		}
	}
}

// tokenKilled kills the token service under load, and nobody else: the router, which lives, answers in its place until it is back.
func (h *splitHouse) tokenKilled(t *testing.T) {
	t.Helper()
	c := newCrowd(t, &ownCloud{Cloud: h.cloud}, h.cell, func(ten tenant) string {
		host, _, _ := strings.Cut(ten.Domain, ":")
		return fmt.Sprintf("https://%s:%d/", host, h.public)
	})
	f := fault{breaks: true, strike: func(t *testing.T, l *load) window {
		began := time.Now()
		l.await(t, began, 10, isGranted)
		h.processes["token"].kill(t)
		killed := time.Now()
		l.await(t, killed, 3, func(s *shot) bool { return s.verdict == broken && s.status == http.StatusServiceUnavailable })
		h.processes["token"].start(t)
		h.await(t)
		return window{gone: began, back: time.Now()}
	}}
	f.run(t, c, publicKeys(t, c.person.Client, c.tenant.Issuer))
}
