//go:build e2e

package e2e_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/stretchr/testify/require"
	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"

	"github.com/postern-id/postern/libs/testkit"
)

// stranger is an HTTP client that knows the authority and nothing else.
func stranger(t *testing.T, cloud *testkit.Cloud) *http.Client {
	t.Helper()
	pem, err := os.ReadFile(cloud.CAFile)
	require.NoError(t, err)
	roots := x509.NewCertPool()
	require.True(t, roots.AppendCertsFromPEM(pem))
	transport := &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12},
		DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
			_, port, err := net.SplitHostPort(addr)
			if err != nil {
				return nil, err
			}
			return (&net.Dialer{}).DialContext(ctx, network, net.JoinHostPort("127.0.0.1", port))
		},
	}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport, Timeout: 20 * time.Second, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// get asks for target; headers are names and values in turn.
func get(t *testing.T, client *http.Client, target string, headers ...string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, target, nil)
	require.NoError(t, err)
	for i := 0; i < len(headers); i += 2 {
		if headers[i] == "Host" {
			req.Host = headers[i+1]
			continue
		}
		req.Header.Set(headers[i], headers[i+1])
	}
	res, err := client.Do(req)
	require.NoError(t, err)
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	return res.StatusCode, string(body)
}

// TestTwoTenants: an account's tenants in two regions share nothing but the name.
func TestTwoTenants(t *testing.T) {
	t.Parallel()
	acme := newCompany(t)
	eu := acme.signup(t, "eu")
	var us tenant
	require.NoError(t, json.Unmarshal(acme.postern(t, "tenants", "create", "--account", acme.account, "--region", "us", "--json"), &us))
	client := stranger(t, acme.cloud)
	ctx := oidc.ClientContext(t.Context(), client)

	var inEU, inUS struct {
		Token string
		Kids  []string
	}
	acme.node(t, "machine.mjs", map[string]any{"tenant": eu}, &inEU)
	acme.node(t, "machine.mjs", map[string]any{"tenant": us}, &inUS)

	t.Run("keys_differ", func(t *testing.T) {
		for _, kid := range inEU.Kids {
			require.NotContains(t, inUS.Kids, kid)
		}
	})
	t.Run("go_oidc_verifies_each_with_its_own_issuer_only", func(t *testing.T) {
		for own, foreign := range map[*tenant]string{&eu: inUS.Token, &us: inEU.Token} {
			provider, err := oidc.NewProvider(ctx, own.Issuer)
			require.NoError(t, err)
			cc := clientcredentials.Config{
				ClientID: own.ManagementAPI.ClientID, ClientSecret: own.ManagementAPI.ClientSecret, TokenURL: provider.Endpoint().TokenURL,
				EndpointParams: map[string][]string{"audience": {own.ManagementAPI.Audience}}, AuthStyle: oauth2.AuthStyleInParams,
			}
			token, err := cc.Token(ctx)
			require.NoError(t, err)
			verifier := provider.Verifier(&oidc.Config{ClientID: own.ManagementAPI.Audience})
			_, err = verifier.Verify(ctx, token.AccessToken)
			require.NoError(t, err)
			_, err = verifier.Verify(ctx, foreign)
			require.Error(t, err)
		}
	})
	t.Run("a_token_of_one_is_refused_by_the_other", func(t *testing.T) {
		for domain, token := range map[string]string{eu.Domain: inUS.Token, us.Domain: inEU.Token} {
			got, body := get(t, client, "https://"+domain+"/api/v2/clients", "Authorization", "Bearer "+token)
			require.Equal(t, http.StatusUnauthorized, got, body)
		}
	})
	t.Run("the_default_regions_short_host_is_the_same_tenant", func(t *testing.T) {
		short := strings.Replace(us.Domain, ".us.", ".", 1)
		_, body := get(t, client, "https://"+short+"/.well-known/jwks.json")
		for _, kid := range inUS.Kids {
			require.Contains(t, body, kid)
		}
		_, body = get(t, client, "https://"+short+"/.well-known/openid-configuration")
		require.Contains(t, body, `"issuer":"https://`+short+`/"`)
		got, _ := get(t, client, "https://"+short+"/api/v2/clients", "Authorization", "Bearer "+inUS.Token)
		require.Equal(t, http.StatusUnauthorized, got, "a token asked for at one host is for that host")
	})
	t.Run("a_second_tenant_in_the_same_region_is_refused", func(t *testing.T) {
		_, errs, err := acme.tryPostern(t, "tenants", "create", "--account", acme.account, "--region", "us")
		require.Error(t, err)
		require.Contains(t, errs, "409")
	})
	t.Run("a_stranger_gets_no_account_of_that_name", func(t *testing.T) {
		other := newCompany(t)
		_, errs, err := other.tryPostern(t, "signup", "--account", acme.account, "--email", "stranger@example.com", "--region", "au")
		require.Error(t, err)
		require.Contains(t, errs, "409")
	})
	t.Run("another_account_sees_none_of_it", func(t *testing.T) {
		other := newCompany(t)
		other.signup(t, "au")
		require.NotContains(t, string(other.postern(t, "tenants", "list", "--json")), acme.account)
		_, errs, err := other.tryPostern(t, "tenants", "show", eu.ID)
		require.Error(t, err)
		require.Contains(t, errs, "404")
	})
}

// TestEdge: what is no tenant's host is nobody's, and nobody gets past the edge by saying who they are.
func TestEdge(t *testing.T) {
	t.Parallel()
	acme := newCompany(t)
	eu := acme.signup(t, "eu")
	client := stranger(t, acme.cloud)
	plain := "http://" + loopback(t, acme.cloud.HTTPAddr)

	t.Run("unknown_host_is_404", func(t *testing.T) {
		for _, host := range []string{"nobody.eu." + acme.cloud.BaseDomain, acme.cloud.BaseDomain, acme.account + ".us." + acme.cloud.BaseDomain, acme.account + "." + acme.cloud.BaseDomain, "example.com"} {
			got, body := get(t, client, plain+"/.well-known/openid-configuration", "Host", host)
			require.Equal(t, http.StatusNotFound, got, "%s: %s", host, body)
		}
	})
	t.Run("unknown_host_gets_no_certificate", func(t *testing.T) {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://nobody."+eu.Domain+"/", nil)
		require.NoError(t, err)
		res, err := client.Do(req)
		if err == nil {
			res.Body.Close()
		}
		require.Error(t, err)
	})
	t.Run("plain_http_answers_with_the_https_issuer_and_its_own_addresses", func(t *testing.T) {
		host, _, _ := strings.Cut(eu.Domain, ":")
		got, body := get(t, client, plain+"/.well-known/openid-configuration", "Host", host)
		require.Equal(t, http.StatusOK, got)
		require.Contains(t, body, `"issuer":"`+eu.Issuer+`"`)
		require.Contains(t, body, `"token_endpoint":"http://`+host)
	})
	t.Run("forged_tenant_header_changes_nothing", func(t *testing.T) {
		got, body := get(t, client, eu.Issuer+".well-known/openid-configuration", "Postern-Tenant", "9999999999.e30.AAAA")
		require.Equal(t, http.StatusOK, got)
		require.Contains(t, body, eu.Issuer)
	})
	t.Run("an_invented_operation_is_404_and_a_real_one_401", func(t *testing.T) {
		got, _ := get(t, client, eu.Issuer+"api/v2/no-such-resource-here")
		require.Equal(t, http.StatusNotFound, got)
		for _, path := range []string{"clients", "users", "logs", "connections", "resource-servers", "client-grants", "tenants/settings"} {
			got, body := get(t, client, eu.Issuer+"api/v2/"+path)
			require.Equal(t, http.StatusUnauthorized, got, "%s: %s", path, body)
			require.Contains(t, body, `"statusCode":401`)
		}
	})
}

// TestResidency: a user of the eu tenant is in the eu database and in no other.
func TestResidency(t *testing.T) {
	t.Parallel()
	acme := newCompany(t)
	eu := acme.signup(t, "eu")
	email := acme.account + "@residency.example.com"
	acme.node(t, "management.mjs", map[string]any{
		"tenant": eu, "callback": callback(t), "user": map[string]any{"email": email, "password": "Correct-horse-7-" + acme.account},
	}, nil)
	password, err := os.ReadFile(acme.cloud.Engines.Postgres.AdminPasswordFile)
	require.NoError(t, err)
	var holds []string
	databases := []string{"postern_control"}
	for _, region := range acme.cloud.Regions {
		databases = append(databases, "postern_"+region)
	}
	for _, database := range databases {
		if strings.Contains(dump(t, acme.cloud, database, strings.TrimSpace(string(password))), email) {
			holds = append(holds, database)
		}
	}
	require.Equal(t, []string{"postern_eu"}, holds)
}

// dump gives everything a database holds, as text.
func dump(t *testing.T, cloud *testkit.Cloud, database, password string) string {
	t.Helper()
	program, err := exec.LookPath("pg_dump")
	if found, globErr := filepath.Glob("/usr/lib/postgresql/*/bin/pg_dump"); globErr == nil && len(found) > 0 {
		program, err = slices.Max(found), nil // pg_dump must not be older than the server
	}
	require.NoError(t, err, "pg_dump comes with PostgreSQL")
	dsn, err := url.Parse(cloud.Engines.Postgres.AdminDSN)
	require.NoError(t, err)
	dsn.Path = "/" + database
	cmd := exec.CommandContext(t.Context(), program, "--dbname", dsn.String())
	cmd.Env = append(os.Environ(), "PGPASSWORD="+password)
	out, err := cmd.Output()
	require.NoError(t, err)
	require.Contains(t, string(out), "PostgreSQL database dump complete")
	return string(out)
}

// loopback is the address to dial for a listener's.
func loopback(t *testing.T, addr string) string {
	t.Helper()
	_, port, err := net.SplitHostPort(addr)
	require.NoError(t, err)
	return net.JoinHostPort("127.0.0.1", port)
}
