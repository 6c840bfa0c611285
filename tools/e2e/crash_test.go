//go:build e2e

package e2e_test

import (
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"

	"github.com/postern-id/postern/libs/testkit"
)

// TestProvisioningSurvivesKills kills the product inside each step of a sign-up: it ends as if nothing had happened.
func TestProvisioningSurvivesKills(t *testing.T) {
	cloud := breakable(t)
	calm := cloud.signUp(t, randomName(), "calm@example.com", "us")
	calm.await(t, over)
	settled := cloud.settled(t, calm.tenant.ID)

	for _, kill := range []struct {
		name string // of the subtest: the step, and where in it
		hold func(*testing.T) hold
	}{
		{"choose_cell", func(t *testing.T) hold {
			return cloud.holdWrites(t, "postern_control", "update of cell on control.tenants")
		}},
		{"create_keys/none_made", func(t *testing.T) hold { return cloud.holdEngine(t, "/vault/seal", "/vault/unseal") }},
		{"create_keys/made_and_not_published", func(t *testing.T) hold {
			return cloud.holdWrites(t, "postern_us", "insert on token.signing_keys")
		}},
		{"seed_tenant", func(t *testing.T) hold { return cloud.holdWrites(t, "postern_us", "insert on client.clients") }},
		{"open_hostnames/not_kept", func(t *testing.T) hold {
			return cloud.holdWrites(t, "postern_control", "insert on control.hostnames")
		}},
		{"open_hostnames/kept_and_not_published", func(t *testing.T) hold {
			held := cloud.holdEngine(t, "/nats/stop", "/nats/start")
			held.inside = func() bool {
				return one[int](t, cloud, "postern_control", `
select count(*) from control.hostnames h join control.tenants t on t.id = h.tenant_id where t.state = 'provisioning'`) == 2
			}
			return held
		}},
		{"await_routers", cloud.holdRouters},
		{"mark_ready", func(t *testing.T) hold {
			return cloud.holdWrites(t, "postern_control", "update of state on control.accounts")
		}},
		{"welcome", func(t *testing.T) hold { return cloud.holdEngine(t, "/mail/stop", "/mail/start") }},
	} {
		step, _, _ := strings.Cut(kill.name, "/")
		t.Run(kill.name, func(t *testing.T) {
			held := kill.hold(t)
			s := cloud.signUp(t, randomName(), randomName()+"@example.com", "us")
			s.await(t, func(p progress) bool {
				return p.step(step) == "running" && (held.inside == nil || held.inside())
			})
			began := time.Now()
			cloud.kill(t)
			held.release()
			s.await(t, over)
			t.Logf("over %s after the kill", time.Since(began).Round(100*time.Millisecond))
			cloud.mended(t)
			s.requireWhole(t, settled)
		})
	}

	// What a process leaves that dies between the two versions of a key; no hold from outside gets there.
	t.Run("create_keys/half_made", func(t *testing.T) {
		held := cloud.holdWrites(t, "postern_control", "update of cell on control.tenants")
		s := cloud.signUp(t, randomName(), randomName()+"@example.com", "us")
		s.await(t, func(progress) bool { return held.inside() })
		made := cloud.vault(t, http.MethodPost, "us/transit/keys/sign-"+s.tenantID(t)+"-rs256", map[string]any{"type": "rsa-2048"})
		require.Less(t, made.status, 300, made.body)
		held.release()
		s.await(t, over)
		s.requireWhole(t, settled)
	})
}

// TestFailedProvisioningIsCompensated makes a step of a sign-up fail for good: nothing of it stays, and the name is free.
func TestFailedProvisioningIsCompensated(t *testing.T) {
	cloud := breakable(t)
	calm := cloud.signUp(t, randomName(), randomName()+"@example.com", "us")
	calm.await(t, over)
	settled := cloud.settled(t, calm.tenant.ID)
	t.Run("create_keys_finds_a_key_of_another_kind", func(t *testing.T) {
		held := cloud.holdWrites(t, "postern_control", "update of cell on control.tenants")
		s := cloud.signUp(t, randomName(), randomName()+"@example.com", "us")
		s.await(t, func(progress) bool { return held.inside() })
		planted := cloud.vault(t, http.MethodPost, "us/transit/keys/sign-"+s.tenantID(t)+"-rs256", map[string]any{"type": "ecdsa-p256"})
		require.Less(t, planted.status, 300, planted.body)
		held.release()
		s.requireUndone(t, "create_keys", s.tenantID(t))
		s.again(t, settled)
	})
	t.Run("open_hostnames_finds_a_host_taken", func(t *testing.T) {
		account := randomName()
		taken := account + "." + cloud.BaseDomain // the second of its two hosts
		db := cloud.database(t, "postern_control")
		_, err := db.Exec(t.Context(), "insert into control.hostnames (host, tenant_id, kind) values ($1, $2, 'alias')", taken, calm.tenant.ID)
		require.NoError(t, err)
		s := cloud.signUp(t, account, randomName()+"@example.com", "us")
		s.requireUndone(t, "open_hostnames", s.tenantID(t))
		done, err := db.Exec(t.Context(), "delete from control.hostnames where host = $1 and tenant_id = $2", taken, calm.tenant.ID)
		require.NoError(t, err)
		require.EqualValues(t, 1, done.RowsAffected(), "another tenant's host is not touched")
		s.again(t, settled)
	})
	calm.requireWhole(t, settled)
}

// requireUndone waits for the sign-up to fail at step and looks for what it left.
func (s *signup) requireUndone(t *testing.T, step, id string) {
	t.Helper()
	c := s.cloud
	p := s.await(t, failed)
	require.Equal(t, "failed", p.step(step), "%+v", p)
	require.Contains(t, p.Error, step)
	require.Nil(t, p.Tenant)
	require.Zero(t, s.shown)

	testkit.Eventually(t, soon, func() error {
		rows := c.rows(t, id)
		delete(rows, "control: control.operations") // the failure itself can be asked for
		if len(rows) > 0 {
			return fmt.Errorf("left behind: %v", rows)
		}
		return nil
	})
	require.Equal(t, "failed", one[string](t, c, "postern_control", "select state from control.tenants where id = $1", id))
	require.Zero(t, c.keyVersions(t, "sign-"+id+"-rs256"))
	require.Zero(t, c.keyVersions(t, "sign-"+id+"-es256"))
	require.Zero(t, c.keyVersions(t, "wrap-"+id))
	directory := c.bucket(t, "directory")
	host := s.account + ".us." + c.BaseDomain
	_, err := directory.Get(t.Context(), host)
	require.ErrorIs(t, err, jetstream.ErrKeyNotFound)
	got, body := get(t, s.person.Client, "http://"+loopback(t, c.HTTPAddr)+"/.well-known/jwks.json", "Host", host)
	require.Equal(t, http.StatusNotFound, got, body)
	r := s.person.send(t, http.MethodGet, c.URLs.PlatformAPI+"/v1/tenants", s.token, nil)
	require.Equal(t, http.StatusUnauthorized, r.status, "who failed to sign up is nobody's member: %s", r.body)
}

// again signs somebody else up by the name of the failed sign-up.
func (s *signup) again(t *testing.T, settled map[string]int) {
	t.Helper()
	next := s.cloud.signUp(t, s.account, randomName()+"@example.com", "us")
	next.await(t, over)
	next.requireWhole(t, settled)
}

// settled gives what a tenant's tables hold once all that was to be told of them has been told.
func (c *ownCloud) settled(t *testing.T, id string) map[string]int {
	t.Helper()
	var rows map[string]int
	testkit.Eventually(t, soon, func() error {
		rows = c.rows(t, id)
		for table := range rows {
			if strings.HasSuffix(table, ".outbox") {
				return fmt.Errorf("%s: %w", table, errNotYet)
			}
		}
		return nil
	})
	return rows
}

// requireWhole holds a finished sign-up against one that nobody disturbed: the same is there, each of it once.
func (s *signup) requireWhole(t *testing.T, undisturbed map[string]int) {
	t.Helper()
	c, id := s.cloud, s.tenant.ID
	require.Equal(t, 1, s.shown, "the secret is shown once")
	again, err := s.look(t)
	require.NoError(t, err)
	require.True(t, over(again))
	require.Equal(t, 1, s.shown, "the secret is shown once")
	require.Equal(t, s.tenant.ManagementAPI.ClientID, again.Tenant.ManagementAPI.ClientID)

	require.Equal(t, 1, one[int](t, c, "postern_control", "select count(*) from control.accounts where slug = $1 and state = 'open'", s.account))
	require.Equal(t, 1, one[int](t, c, "postern_control", `
select count(*) from control.tenants t join control.accounts a on a.id = t.account_id where a.slug = $1 and t.state <> 'failed'`, s.account))
	require.Equal(t, id, one[string](t, c, "postern_control", `
select o.tenant_id from control.operations o join control.accounts a on a.id = o.account_id where a.slug = $1 and o.status = 'ready'`, s.account))
	testkit.Eventually(t, soon, func() error {
		if rows := c.rows(t, id); !maps.Equal(undisturbed, rows) {
			return fmt.Errorf("the tenant has %v, an undisturbed one %v", rows, undisturbed)
		}
		return nil
	})
	for _, alg := range []string{"rs256", "es256"} {
		require.Equal(t, 2, c.keyVersions(t, "sign-"+id+"-"+alg), "one set of keys: the current and the next")
	}
	require.Equal(t, 1, c.keyVersions(t, "wrap-"+id))

	var jwks struct{ Keys []struct{ Kid string } }
	s.person.send(t, http.MethodGet, s.tenant.Issuer+".well-known/jwks.json", "", nil).into(t, http.StatusOK, &jwks)
	require.Len(t, jwks.Keys, 6, "two versions of the RSA key, each by three algorithms; no token wanted the other one")

	token := s.manage(t)
	provider, err := oidc.NewProvider(oidc.ClientContext(t.Context(), s.person.Client), s.tenant.Issuer)
	require.NoError(t, err)
	_, err = provider.Verifier(&oidc.Config{ClientID: s.tenant.ManagementAPI.Audience}).Verify(t.Context(), token)
	require.NoError(t, err)
	var clients []struct {
		ID string `json:"client_id"`
	}
	s.call(t, http.MethodGet, "clients?per_page=100", token, nil, &clients)
	mine := 0
	for _, client := range clients {
		if client.ID == s.tenant.ManagementAPI.ClientID {
			mine++
		}
	}
	require.Equal(t, 1, mine, "%v", clients)

	var mails []any
	s.person.send(t, http.MethodGet, c.Engines.SMTP.Messages+"?to="+url.QueryEscape(s.email), "", nil).into(t, http.StatusOK, &mails)
	require.Len(t, mails, 1, "one welcome")

	taken := s.person.send(t, http.MethodPost, c.URLs.PlatformAPI+"/v1/signups", "", map[string]string{
		"account": s.account, "email": "stranger@example.com", "password": "a long e2e password", "region": "eu",
	})
	require.Equal(t, http.StatusConflict, taken.status, taken.body)
}
