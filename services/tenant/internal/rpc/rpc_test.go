package rpc_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"log/slog"
	"math/big"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/postern-id/postern/libs/api/tenant"
	"github.com/postern-id/postern/libs/api/tenant/tenantapiconnect"
	"github.com/postern-id/postern/libs/clock"
	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/libs/rpckit"
	"github.com/postern-id/postern/services/tenant/internal/rpc"
	cellstore "github.com/postern-id/postern/services/tenant/internal/store/cell/storetest"
	"github.com/postern-id/postern/services/tenant/internal/store/control/storetest"
	"github.com/postern-id/postern/services/tenant/internal/tenant"
)

type plain struct{}

func (plain) Hash(_ context.Context, password string) (string, error) {
	return "$argon2id$" + password, nil
}

func (plain) Matches(_ context.Context, hash, password string) (bool, error) {
	return hash == "$argon2id$"+password, nil
}

type console struct {
	tenantapiconnect.AccountServiceClient

	store *storetest.Fake
	now   *clock.Fake
}

// open gives the accounts as the console reaches them: through the wire's own encoding.
func open() *console {
	c := &console{store: storetest.NewFake(), now: clock.At("2026-03-01T12:00:00Z")}
	accounts := tenant.NewAccounts(tenant.AccountsDeps{
		Map:   tenant.Map{Base: "example.com", Cells: []tenant.Cell{{Name: "us", Region: "us"}, {Name: "eu", Region: "eu"}}},
		Store: c.store, Passwords: plain{}, Kick: func() {}, Now: c.now.Now,
	})
	mux := http.NewServeMux()
	mux.Handle(tenantapiconnect.NewAccountServiceHandler(&rpc.Accounts{Accounts: accounts}, rpckit.ServerOption(slog.New(slog.DiscardHandler))))
	c.AccountServiceClient = tenantapiconnect.NewAccountServiceClient(rpckit.Client(mux), rpckit.InProcessURL, rpckit.ClientOption())
	return c
}

func (c *console) signUp(t *testing.T, account string) *tenantapi.SignUpResponse {
	t.Helper()
	res, err := c.SignUp(t.Context(), &tenantapi.SignUpRequest{Email: "o@" + account + ".com", Password: "correct horse", Account: account, Region: "eu"})
	require.NoError(t, err)
	ops, err := c.store.ListOpen(t.Context(), c.now.Now(), 100)
	require.NoError(t, err)
	for _, op := range ops {
		sealed, err := tenant.SealBox(op.BoxKey, op.ID, "s3cret")
		require.NoError(t, err)
		require.NoError(t, c.store.Complete(t.Context(), op.ID, tenant.Result{ManagementClientID: "client", SealedSecret: sealed}, c.now.Now()))
	}
	return res
}

func TestAccounts(t *testing.T) {
	t.Parallel()
	t.Run("sign_up_to_secret_once", func(t *testing.T) {
		t.Parallel()
		c := open()
		begun := c.signUp(t, "acme")
		s, err := c.FindSignup(t.Context(), &tenantapi.FindSignupRequest{Id: begun.GetId(), Token: begun.GetToken()})
		require.NoError(t, err)
		require.Equal(t, "ready", s.GetStatus())
		require.Equal(t, "s3cret", s.GetManagementClientSecret())
		require.Equal(t, "acme.eu.example.com", s.GetTenant().GetDomain())
		require.Equal(t, "https://acme.eu.example.com/api/v2/", s.GetTenant().GetManagementAudience())
		s, err = c.FindSignup(t.Context(), &tenantapi.FindSignupRequest{Id: begun.GetId(), Token: begun.GetToken()})
		require.NoError(t, err)
		require.Empty(t, s.GetManagementClientSecret())
	})
	t.Run("session_lives_until_sign_out", func(t *testing.T) {
		t.Parallel()
		c := open()
		c.signUp(t, "acme")
		session, err := c.SignIn(t.Context(), &tenantapi.SignInRequest{Email: "o@acme.com", Password: "correct horse"})
		require.NoError(t, err)
		require.Equal(t, c.now.Now().Add(12*time.Hour), session.GetExpires().AsTime())
		member, err := c.FindMember(t.Context(), &tenantapi.FindMemberRequest{Token: session.GetToken()})
		require.NoError(t, err)
		require.Equal(t, "acme", member.GetAccount())
		created, err := c.CreateTenant(t.Context(), &tenantapi.CreateTenantRequest{Token: session.GetToken(), Region: "us"})
		require.NoError(t, err)
		require.Equal(t, "provisioning", created.GetState())
		tenants, err := c.ListTenants(t.Context(), &tenantapi.ListTenantsRequest{Token: session.GetToken()})
		require.NoError(t, err)
		require.Len(t, tenants.GetTenants(), 2)
		require.NotEmpty(t, tenants.GetTenants()[1].GetSteps())
		_, err = c.SignOut(t.Context(), &tenantapi.SignOutRequest{Token: session.GetToken()})
		require.NoError(t, err)
		_, err = c.FindMember(t.Context(), &tenantapi.FindMemberRequest{Token: session.GetToken()})
		require.True(t, fault.Is(err, fault.KindUnauthenticated))
	})
	t.Run("faults_come_through", func(t *testing.T) {
		t.Parallel()
		c := open()
		begun := c.signUp(t, "acme")
		_, err := c.SignUp(t.Context(), &tenantapi.SignUpRequest{Email: "x@y.org", Password: "correct horse", Account: "acme"})
		require.Equal(t, "account_taken", fault.Of(err).Code)
		_, err = c.FindSignup(t.Context(), &tenantapi.FindSignupRequest{Id: begun.GetId(), Token: "ptk_other"})
		require.True(t, fault.Is(err, fault.KindNotFound))
		_, err = c.ListTenants(t.Context(), &tenantapi.ListTenantsRequest{Token: "ptk_other"})
		require.True(t, fault.Is(err, fault.KindUnauthenticated))
		_, err = c.CreateTenant(t.Context(), &tenantapi.CreateTenantRequest{Token: "ptk_other", Region: "us"})
		require.True(t, fault.Is(err, fault.KindUnauthenticated))
	})
	t.Run("regions_default_first", func(t *testing.T) {
		t.Parallel()
		res, err := open().ListRegions(t.Context(), &tenantapi.ListRegionsRequest{})
		require.NoError(t, err)
		require.Equal(t, "us", res.GetRegions()[0].GetName())
		require.True(t, res.GetRegions()[0].GetIsDefault())
	})
}

func TestSettings_FindSettings(t *testing.T) {
	t.Parallel()
	store := cellstore.NewFake()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	require.NoError(t, err)
	require.NoError(t, store.Create(t.Context(), "tnt_1", tenant.Settings{
		"session_lifetime_in_minutes": 15.0, "allowed_logout_urls": []any{"https://a.example"}, "mtls": map[string]any{"enable_endpoint_aliases": true},
		tenant.CertificateAuthorities: []any{string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))},
	}))
	require.NoError(t, store.Create(t.Context(), "tnt_3", tenant.Settings{"default_token_quota": map[string]any{"clients": map[string]any{"client_credentials": map[string]any{"per_hour": 5.0, "per_day": 9.0}}}}))
	mux := http.NewServeMux()
	mux.Handle(tenantapiconnect.NewSettingsServiceHandler(&rpc.Settings{Settings: tenant.NewSettingsService(store)}, rpckit.ServerOption(slog.New(slog.DiscardHandler))))
	client := tenantapiconnect.NewSettingsServiceClient(rpckit.Client(mux), rpckit.InProcessURL, rpckit.ClientOption())

	s, err := client.FindSettings(t.Context(), &tenantapi.FindSettingsRequest{TenantId: "tnt_1"})
	require.NoError(t, err)
	require.EqualValues(t, 15*60, s.GetSessionLifetimeSeconds())
	require.EqualValues(t, 72*3600, s.GetIdleSessionLifetimeSeconds())
	require.Equal(t, []string{"https://a.example"}, s.GetAllowedLogoutUrls())
	require.True(t, s.GetFlags()["enable_client_connections"])
	require.True(t, s.GetMtlsAliases())
	require.Equal(t, [][]byte{der}, s.GetCertificateAuthorities())
	require.Nil(t, s.GetClientQuota())

	s, err = client.FindSettings(t.Context(), &tenantapi.FindSettingsRequest{TenantId: "tnt_3"})
	require.NoError(t, err)
	require.True(t, s.GetClientQuota().GetEnforce(), "unless it says otherwise")
	require.Equal(t, []int64{5, 9}, []int64{s.GetClientQuota().GetPerHour(), s.GetClientQuota().GetPerDay()})

	_, err = client.FindSettings(t.Context(), &tenantapi.FindSettingsRequest{TenantId: "tnt_2"})
	require.True(t, fault.Is(err, fault.KindNotFound))
}
