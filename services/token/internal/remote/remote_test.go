package remote_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"math/big"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/types/known/timestamppb"

	clientapi "github.com/postern-id/postern/libs/api/client"
	"github.com/postern-id/postern/libs/api/client/clientapiconnect"
	tenantapi "github.com/postern-id/postern/libs/api/tenant"
	"github.com/postern-id/postern/libs/api/tenant/tenantapiconnect"
	userapi "github.com/postern-id/postern/libs/api/user"
	"github.com/postern-id/postern/libs/api/user/userapiconnect"
	"github.com/postern-id/postern/libs/clock"
	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/libs/oauth"
	"github.com/postern-id/postern/services/token/internal/remote"
	"github.com/postern-id/postern/services/token/internal/token"
	"github.com/postern-id/postern/services/token/internal/tokentest"
)

type clients struct {
	clientapiconnect.ClientServiceClient

	client *clientapi.Client // nil: a native application
	hides  *clientapi.TokenEncryption
	asked  atomic.Int64
}

func (c *clients) FindClient(_ context.Context, r *clientapi.FindClientRequest) (*clientapi.Client, error) {
	c.asked.Add(1)
	if r.GetTenantId() != "tnt_a" {
		return nil, fault.NotFound("The client does not exist")
	}
	if c.client != nil {
		return c.client, nil
	}
	return &clientapi.Client{
		ClientId: r.GetClientId(), Name: "App", Secret: "s", AppType: "native", Callbacks: []string{"https://x"}, GrantTypes: []string{"authorization_code"},
		TokenEndpointAuthMethod: "none", IsFirstParty: true, IdTokenAlg: "RS256", IdTokenLifetimeSeconds: 60,
	}, nil
}

func (c *clients) FindResourceServer(_ context.Context, r *clientapi.FindResourceServerRequest) (*clientapi.ResourceServer, error) {
	c.asked.Add(1)
	return &clientapi.ResourceServer{Identifier: r.GetIdentifier(), Scopes: []string{"a"}, TokenLifetimeSeconds: 10, IsSystem: true, TokenEncryption: c.hides}, nil
}

func (c *clients) FindClientGrant(_ context.Context, r *clientapi.FindClientGrantRequest) (*clientapi.ClientGrant, error) {
	c.asked.Add(1)
	return &clientapi.ClientGrant{ClientId: r.GetClientId(), Audience: r.GetAudience(), Scope: []string{r.GetSubjectType()}}, nil
}

func (c *clients) ListConnections(context.Context, *clientapi.ListConnectionsRequest) (*clientapi.ListConnectionsResponse, error) {
	c.asked.Add(1)
	return &clientapi.ListConnectionsResponse{Connections: []*clientapi.Connection{{Id: "con_1", Name: "db", Strategy: "auth0"}}}, nil
}

type settings struct {
	tenantapiconnect.SettingsServiceClient

	asked       atomic.Int64
	authorities [][]byte
}

func (s *settings) FindSettings(context.Context, *tenantapi.FindSettingsRequest) (*tenantapi.Settings, error) {
	s.asked.Add(1)
	return &tenantapi.Settings{DefaultAudience: "https://api", SessionLifetimeSeconds: 3600, IdleSessionLifetimeSeconds: 60, MtlsAliases: true, CertificateAuthorities: s.authorities}, nil
}

func TestConfiguration(t *testing.T) {
	t.Parallel()
	cs, ss := &clients{}, &settings{}
	c := remote.NewConfiguration(cs, ss, clock.At("2026-03-01T12:00:00Z").Now)
	ctx := t.Context()
	all := func() {
		client, err := c.FindClient(ctx, "tnt_a", "app")
		require.NoError(t, err)
		require.True(t, client.Native && client.Public() && client.Allows(oauth.GrantAuthorizationCode))
		require.Equal(t, time.Minute, client.IDTokenLifetime)
		require.NotContains(t, client.Secret.String(), "s3", "a secret does not print itself")
		rs, err := c.FindResourceServer(ctx, "tnt_a", "https://api")
		require.NoError(t, err)
		require.True(t, rs.System)
		grant, err := c.FindClientGrant(ctx, "tnt_a", "app", "https://api", token.SubjectClient)
		require.NoError(t, err)
		require.Equal(t, &token.ClientGrant{ClientID: "app", Audience: "https://api", Scope: []string{"client"}}, grant)
		list, err := c.ListConnections(ctx, "tnt_a", "app")
		require.NoError(t, err)
		require.Equal(t, []token.Connection{{ID: "con_1", Name: "db", Strategy: "auth0"}}, list)
		set, err := c.FindSettings(ctx, "tnt_a")
		require.NoError(t, err)
		absolute, idle := set.Lifetimes(false)
		require.Equal(t, []time.Duration{time.Hour, time.Minute}, []time.Duration{absolute, idle})
	}
	all()
	all()
	require.EqualValues(t, 4, cs.asked.Load(), "each thing is asked for once")
	require.EqualValues(t, 1, ss.asked.Load())
	_, err := c.FindClient(ctx, "tnt_b", "app")
	require.True(t, fault.Is(err, fault.KindNotFound), "a stranger's client is not there")

	for kind, want := range map[string][2]int64{
		"client": {3, 0}, "resource_server": {2, 0}, "client_grant": {1, 0}, "connection": {1, 0}, "settings": {0, 1}, "anything else": {4, 1},
	} {
		cs.asked.Store(0)
		ss.asked.Store(0)
		c.Changed("tnt_b", kind, "app")
		all()
		require.Zero(t, cs.asked.Load()+ss.asked.Load(), "another tenant's change (%s)", kind)
		c.Changed("tnt_a", kind, "app")
		all()
		require.Equal(t, want, [2]int64{cs.asked.Load(), ss.asked.Load()}, kind)
	}
	cs.asked.Store(0)
	c.Missed()
	all()
	require.EqualValues(t, 4, cs.asked.Load(), "after a gap all is asked for again")
}

func TestConfiguration_a_client_that_proves_a_key(t *testing.T) {
	t.Parallel()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	der, err := x509.MarshalPKIXPublicKey(key.Public())
	require.NoError(t, err)
	expires := time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)
	const name = "https://app.example/client"
	cs := &clients{client: &clientapi.Client{
		ClientId: "tpc_1", ExternalClientId: name, Strict: true, AuthenticationMethods: []string{oauth.AuthPrivateKeyJWT}, OrganizationUsage: "require",
		IpHeaderTrusted: true, RequirePar: true, RequireSignedRequest: true, RequireProof: true, ComplianceLevel: "fapi2_sp_pkj_mtls", TokenQuota: &clientapi.TokenQuota{Enforce: true, PerHour: 5, PerDay: 9},
		Credentials: []*clientapi.Credential{
			{Id: "cred_1", Method: oauth.AuthPrivateKeyJWT, Kid: "k", Alg: "RS256", PublicKey: der, ExpiresUnix: expires.Unix()},
			{Id: "cred_2", Method: oauth.AuthTLS, SubjectDn: "CN=app"},
			{Id: "cred_3", Method: oauth.AuthSelfSignedTLS, ThumbprintSha256: "thumb"},
		},
	}}
	c := remote.NewConfiguration(cs, &settings{}, clock.At("2026-03-01T12:00:00Z").Now)
	for _, id := range []string{name, "tpc_1"} {
		client, err := c.FindClient(t.Context(), "tnt_a", id)
		require.NoError(t, err)
		require.Equal(t, name, client.Identifier())
		require.True(t, client.Strict && client.IPHeaderTrusted && !client.Public() && !client.FirstParty)
		require.Equal(t, []token.Demand{token.DemandPAR, token.DemandRequestObject, token.DemandProof}, client.Demands)
		require.Equal(t, token.FAPI2ByKey, client.Compliance)
		require.Equal(t, &token.Quota{PerHour: 5, PerDay: 9, Enforced: true}, client.Quota)
		require.Equal(t, []token.Credential{
			{ID: "cred_1", Method: oauth.AuthPrivateKeyJWT, KeyID: "k", Alg: "RS256", Public: key.Public(), Expires: expires},
			{ID: "cred_2", Method: oauth.AuthTLS, SubjectDN: "CN=app"},
			{ID: "cred_3", Method: oauth.AuthSelfSignedTLS, Thumbprint: "thumb"},
		}, client.Credentials)
	}
	require.EqualValues(t, 2, cs.asked.Load())
	c.Changed("tnt_a", "client", "tpc_1") // the event has its id alone
	_, err = c.FindClient(t.Context(), "tnt_a", name)
	require.NoError(t, err)
	require.EqualValues(t, 3, cs.asked.Load(), "what goes by a URL is forgotten, too")

	cs.client = &clientapi.Client{ClientId: "odd", Credentials: []*clientapi.Credential{{Id: "cred_3", PublicKey: []byte("no key")}}}
	_, err = c.FindClient(t.Context(), "tnt_a", "odd")
	require.True(t, fault.Is(err, fault.KindInternal), "%v", err)
}

func TestConfiguration_encryption(t *testing.T) {
	t.Parallel()
	public := &tokentest.SharedSigner(t, 0).Private.PublicKey
	der, err := x509.MarshalPKIXPublicKey(public)
	require.NoError(t, err)
	for _, c := range []struct {
		told *clientapi.TokenEncryption
		want *token.Encryption
	}{
		{nil, nil},
		{&clientapi.TokenEncryption{Alg: "RSA-OAEP-256", Kid: "k1", PublicKey: der}, &token.Encryption{Alg: "RSA-OAEP-256", KeyID: "k1", Public: public}},
		{&clientapi.TokenEncryption{Alg: "RSA-OAEP-256", PublicKey: []byte("no key")}, &token.Encryption{Alg: "RSA-OAEP-256"}},
		{&clientapi.TokenEncryption{}, &token.Encryption{}},
	} {
		config := remote.NewConfiguration(&clients{hides: c.told}, &settings{}, clock.At("2026-03-01T12:00:00Z").Now)
		rs, err := config.FindResourceServer(t.Context(), "tnt_a", "https://api")
		require.NoError(t, err)
		require.Equal(t, c.want, rs.Encryption)
	}
}

func TestConfiguration_grants_are_of_one_kind_of_subject(t *testing.T) {
	t.Parallel()
	cs := &clients{}
	c := remote.NewConfiguration(cs, &settings{}, clock.At("2026-03-01T12:00:00Z").Now)
	for range 2 {
		for _, subject := range []token.SubjectType{token.SubjectClient, token.SubjectUser} {
			grant, err := c.FindClientGrant(t.Context(), "tnt_a", "app", "https://api", subject)
			require.NoError(t, err)
			require.Equal(t, []string{string(subject)}, grant.Scope)
		}
	}
	require.EqualValues(t, 2, cs.asked.Load())
}

type users struct {
	userapiconnect.UserServiceClient

	outcome userapi.VerifyPasswordResponse_Outcome
	user    *userapi.User
}

func (u users) VerifyPassword(context.Context, *userapi.VerifyPasswordRequest) (*userapi.VerifyPasswordResponse, error) {
	return &userapi.VerifyPasswordResponse{Outcome: u.outcome, User: u.user}, nil
}

func (u users) FindUser(context.Context, *userapi.FindUserRequest) (*userapi.User, error) {
	return u.user, nil
}

func TestUsers(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	ada := &userapi.User{UserId: "auth0|1", Email: "ada@example.com", UpdatedAt: timestamppb.New(at)}
	for outcome, want := range map[userapi.VerifyPasswordResponse_Outcome]token.PasswordOutcome{
		userapi.VerifyPasswordResponse_OUTCOME_OK:             token.PasswordOK,
		userapi.VerifyPasswordResponse_OUTCOME_WRONG_PASSWORD: token.PasswordWrong,
		userapi.VerifyPasswordResponse_OUTCOME_UNKNOWN_USER:   token.PasswordUnknownUser,
		userapi.VerifyPasswordResponse_OUTCOME_BLOCKED:        token.PasswordBlocked,
	} {
		got, _, err := remote.Users{Service: users{outcome: outcome, user: ada}}.VerifyPassword(t.Context(), "tnt_a", "db", "ada", "pw")
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
	for _, broken := range []users{{user: ada}, {outcome: userapi.VerifyPasswordResponse_OUTCOME_OK}, {outcome: 99, user: ada}} {
		outcome, _, err := remote.Users{Service: broken}.VerifyPassword(t.Context(), "tnt_a", "db", "ada", "pw")
		require.Error(t, err, "an answer that says nothing lets nobody in")
		require.Zero(t, outcome)
	}
	u, err := remote.Users{Service: users{user: ada}}.FindUser(t.Context(), "tnt_a", "auth0|1")
	require.NoError(t, err)
	require.Equal(t, at, u.UpdatedAt)
}

func TestConfiguration_asks_and_remembers_nothing_for_absurd_names(t *testing.T) {
	t.Parallel()
	neighbour := &clients{}
	c := remote.NewConfiguration(neighbour, &settings{}, clock.At("2026-03-01T12:00:00Z").Now)
	absurd := strings.Repeat("x", 1<<20)
	_, err := c.FindClient(t.Context(), "tnt_a", absurd)
	require.True(t, fault.Is(err, fault.KindNotFound))
	_, err = c.FindResourceServer(t.Context(), "tnt_a", absurd)
	require.True(t, fault.Is(err, fault.KindNotFound))
	require.Zero(t, neighbour.asked.Load())
}

func TestConfiguration_certificate_authorities(t *testing.T) {
	t.Parallel()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	require.NoError(t, err)
	cert, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	pool := x509.NewCertPool()
	pool.AddCert(cert)
	for name, c := range map[string]struct {
		sent [][]byte
		want *x509.CertPool
	}{"none": {}, "one": {[][]byte{der}, pool}, "one_that_cannot_be_read": {[][]byte{[]byte("x")}, nil}} {
		got, err := remote.NewConfiguration(&clients{}, &settings{authorities: c.sent}, clock.At("2026-03-01T12:00:00Z").Now).FindSettings(t.Context(), "tnt_a")
		require.NoError(t, err)
		require.True(t, got.MTLSAliases)
		require.True(t, c.want.Equal(got.CertificateAuthorities), name)
	}
}
