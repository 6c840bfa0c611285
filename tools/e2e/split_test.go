//go:build e2e

package e2e_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/stretchr/testify/require"

	"github.com/postern-id/postern/libs/testkit"
)

// TestSplit runs the services of a cell and a router as processes of their own, over mTLS, beside the one process of the dev cloud: the
// same code, the same tenant, the same answers.
func TestSplit(t *testing.T) {
	t.Parallel()
	acme := newCompany(t)
	const cell = "au"
	au := acme.signup(t, cell)
	house := newSplitHouse(t, acme.cloud, cell)

	for _, service := range []string{"token", "client", "user", "log", "tenant"} {
		house.start(t, service)
	}
	house.startRouter(t)
	house.await(t)

	host, _, _ := strings.Cut(au.Domain, ":")
	issuer := fmt.Sprintf("https://%s:%d/", host, house.public)
	client := stranger(t, acme.cloud)
	t.Run("machine_tokens_and_management_calls_pass_through_all_of_them", func(t *testing.T) {
		x := &jsonCaller{client}
		var token struct {
			AccessToken string `json:"access_token"`
		}
		x.post(t, issuer+"oauth/token", map[string]string{
			"grant_type": "client_credentials", "client_id": au.ManagementAPI.ClientID, "client_secret": au.ManagementAPI.ClientSecret,
			// The split router has a port of its own, and the port is part of the tenant's own audience.
			"audience": issuer + "api/v2/",
		}, http.StatusForbidden, nil)
		// The audience that was seeded with the tenant is the one it knows.
		x.post(t, issuer+"oauth/token", map[string]string{
			"grant_type": "client_credentials", "client_id": au.ManagementAPI.ClientID, "client_secret": au.ManagementAPI.ClientSecret,
			"audience": au.ManagementAPI.Audience,
		}, http.StatusOK, &token)
		require.NotEmpty(t, token.AccessToken)
		_, body := get(t, client, issuer+".well-known/jwks.json")
		_, same := get(t, client, au.Issuer+".well-known/jwks.json")
		require.JSONEq(t, same, body)
		for _, path := range []string{"clients", "users", "logs", "tenants/settings"} {
			got, body := get(t, client, issuer+"api/v2/"+path)
			require.Equal(t, http.StatusUnauthorized, got, "%s: %s", path, body)
		}
	})
	t.Run("keys_that_one_process_rotates_and_revokes_change_in_the_others_within_a_second", func(t *testing.T) {
		m := newManager(t, client, au)
		published := func(kid string, want bool) {
			t.Helper()
			testkit.Eventually(t, time.Second, func() error {
				for _, at := range []string{issuer, au.Issuer} {
					if _, body := get(t, client, at+".well-known/jwks.json"); strings.Contains(body, `"`+kid+`"`) != want {
						return fmt.Errorf("%s: key %s published %t", at, kid, !want)
					}
				}
				return nil
			})
		}
		var made keyEntry
		m.call(t, http.MethodPost, "keys/signing/rotate", nil, &made)
		published(made.KeyID, true)
		revoked := m.keyNamed(t, func(k keyEntry) bool { return k.Previous })
		m.call(t, http.MethodPut, "keys/signing/"+revoked.KeyID+"/revoke", nil, nil)
		published(revoked.KeyID, false)
	})
	t.Run("keys_of_another_kind_are_shown_by_all_processes_before_the_first_token_by_one_is_out", func(t *testing.T) {
		m := newManager(t, client, au)
		const api = "https://elliptic.example/"
		m.call(t, http.MethodPost, "resource-servers", map[string]any{"identifier": api, "signing_alg": "ES256"}, nil)
		m.call(t, http.MethodPost, "client-grants", map[string]any{"client_id": au.ManagementAPI.ClientID, "audience": api, "scope": []string{}}, nil)
		for _, at := range []string{issuer, au.Issuer} {
			_, body := get(t, client, at+".well-known/jwks.json")
			require.NotContains(t, body, `"EC"`)
		}
		var token struct {
			AccessToken string `json:"access_token"`
		}
		(&jsonCaller{client}).post(t, issuer+"oauth/token", map[string]string{
			"grant_type": "client_credentials", "client_id": au.ManagementAPI.ClientID, "client_secret": au.ManagementAPI.ClientSecret, "audience": api,
		}, http.StatusOK, &token)
		for _, at := range []string{au.Issuer, issuer} { // who verifies may ask another process than the one that signed
			verifier := oidc.NewVerifier(au.Issuer, publicKeys(t, client, at), &oidc.Config{ClientID: api, SupportedSigningAlgs: []string{oidc.ES256}, SkipIssuerCheck: true})
			_, err := verifier.Verify(t.Context(), token.AccessToken)
			require.NoError(t, err, at)
		}
	})
	t.Run("the_description_of_the_api_is_joined_over_the_network_as_in_one_process", func(t *testing.T) {
		split, _ := describedAt(t, client, issuer)
		whole, _ := describedAt(t, client, au.Issuer)
		require.JSONEq(t, whole, strings.ReplaceAll(split, strings.TrimSuffix(issuer, "/"), strings.TrimSuffix(au.Issuer, "/")))
	})
	t.Run("the_token_service_killed_under_load", func(t *testing.T) { house.tokenKilled(t) })
	t.Run("a_request_straight_to_a_service_is_403", func(t *testing.T) {
		for service, at := range house.listen {
			for _, header := range []string{"", "9999999999.e30.AAAA"} {
				got, body := get(t, house.neighbour(t), "https://"+at+"/api/v2/clients", "Postern-Tenant", header)
				require.Equal(t, http.StatusForbidden, got, "%s: %s", service, body)
			}
		}
	})
	t.Run("nobody_without_a_certificate_of_the_cell_gets_in", func(t *testing.T) {
		anybody := &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: house.pool, MinVersion: tls.VersionTLS13}}}
		for _, at := range []map[string]string{house.listen, house.internal} {
			for service, addr := range at {
				req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://"+addr+"/", nil)
				require.NoError(t, err)
				res, err := anybody.Do(req)
				if err == nil {
					_ = res.Body.Close()
				}
				require.Error(t, err, service)
			}
		}
	})
}

// splitHouse is a cell's services as processes of their own, on the dev cloud's engines.
type splitHouse struct {
	cloud            *testkit.Cloud
	cell, dir        string
	public           int
	listen, internal map[string]string // service → address
	private          []string
	pool             *x509.CertPool
	processes        map[string]*splitProcess
}

// splitProcess is one of them, which may be killed and started again.
type splitProcess struct {
	program string
	env     []string
	cmd     *exec.Cmd
	said    bytes.Buffer
}

func (p *splitProcess) start(t *testing.T) {
	t.Helper()
	p.cmd = exec.CommandContext(context.WithoutCancel(t.Context()), p.program) // the clean-up ends it, gently
	p.cmd.Stderr, p.cmd.Env = &p.said, p.env
	require.NoError(t, p.cmd.Start())
}

// kill ends the process as a crash would, and returns when it is gone.
func (p *splitProcess) kill(t *testing.T) {
	t.Helper()
	require.NoError(t, p.cmd.Process.Kill())
	_ = p.cmd.Wait() // it was killed
}

func newSplitHouse(t *testing.T, cloud *testkit.Cloud, cell string) *splitHouse {
	t.Helper()
	h := &splitHouse{cloud: cloud, cell: cell, dir: t.TempDir(), listen: map[string]string{}, internal: map[string]string{}, processes: map[string]*splitProcess{}}
	for _, service := range []string{"token", "client", "user", "log", "tenant"} {
		h.listen[service] = freeAddr(t)
		if service != "log" { // nobody calls the log service
			h.internal[service] = freeAddr(t)
		}
	}
	h.certificates(t)
	return h
}

func freeAddr(t *testing.T) string {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { require.NoError(t, l.Close()) }()
	return l.Addr().String()
}

// certificates makes the cell's own authority, and one certificate that all of its processes share here.
func (h *splitHouse) certificates(t *testing.T) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "cell"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	require.NoError(t, err)
	private, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	cert := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	require.NoError(t, os.WriteFile(h.file("cert.pem"), cert, 0o600))
	require.NoError(t, os.WriteFile(h.file("key.pem"), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}), 0o600))
	h.pool = x509.NewCertPool()
	require.True(t, h.pool.AppendCertsFromPEM(cert))
}

func (h *splitHouse) file(name string) string { return filepath.Join(h.dir, name) }

// neighbour is a caller with a certificate of the cell.
func (h *splitHouse) neighbour(t *testing.T) *http.Client {
	t.Helper()
	cert, err := tls.LoadX509KeyPair(h.file("cert.pem"), h.file("key.pem"))
	require.NoError(t, err)
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: h.pool, Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS13}}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Timeout: 10 * time.Second, Transport: transport}
}

func (h *splitHouse) start(t *testing.T, service string) {
	t.Helper()
	secrets := filepath.Join(h.cloud.Data, "secrets")
	role := h.cell + "_" + service
	vault := filepath.Join(h.cloud.Engines.Vault.SecretsDir, h.cell+"-"+service)
	h.run(t, service, "services/"+service, "./cmd/"+service,
		"POSTERN_CELL="+h.cell, "POSTERN_REGION="+h.cell,
		"POSTERN_POSTGRES_ADDR="+h.cloud.Engines.Postgres.Addr, "POSTERN_POSTGRES_DATABASE=postern_"+h.cell, "POSTERN_POSTGRES_SCHEMA="+service,
		"POSTERN_POSTGRES_USER="+role, "POSTERN_POSTGRES_PASSWORD_FILE="+filepath.Join(h.cloud.Engines.Postgres.SecretsDir, role),
		"POSTERN_POSTGRES_OWNER_USER="+role+"_owner", "POSTERN_POSTGRES_OWNER_PASSWORD_FILE="+filepath.Join(h.cloud.Engines.Postgres.SecretsDir, role+"_owner"),
		"POSTERN_POSTGRES_MAX_CONNS=3",
		"POSTERN_VAULT_ADDR="+h.cloud.Engines.Vault.Addr, "POSTERN_VAULT_MOUNT="+h.cell+"/transit",
		"POSTERN_VAULT_ROLE_ID_FILE="+vault+".role_id", "POSTERN_VAULT_SECRET_ID_FILE="+vault+".secret_id",
		"POSTERN_NATS_URL="+h.cloud.Engines.NATS.URL, "POSTERN_NATS_USER="+h.cell, "POSTERN_NATS_PASSWORD_FILE="+filepath.Join(h.cloud.Engines.NATS.SecretsDir, h.cell),
		"POSTERN_TEMPORAL_ADDR="+h.cloud.Engines.Temporal.Addr, "POSTERN_TEMPORAL_NAMESPACE="+h.cloud.Engines.Temporal.Namespace,
		"POSTERN_EDGE_KEY_FILE="+filepath.Join(secrets, "edge", h.cell),
		"POSTERN_LISTEN_ADDR="+h.listen[service], "POSTERN_INTERNAL_ADDR="+h.internal[service],
		"POSTERN_TOKEN_URL=https://"+h.internal["token"], "POSTERN_CLIENT_URL=https://"+h.internal["client"],
		"POSTERN_USER_URL=https://"+h.internal["user"], "POSTERN_SETTINGS_URL=https://"+h.internal["tenant"],
	)
}

func (h *splitHouse) startRouter(t *testing.T) {
	t.Helper()
	https, plain := freeAddr(t), freeAddr(t)
	_, port, err := net.SplitHostPort(https)
	require.NoError(t, err)
	h.public, err = strconv.Atoi(port)
	require.NoError(t, err)
	var backends []string
	for service, at := range h.listen {
		backends = append(backends, h.cell+"/"+service+"=https://"+at)
	}
	h.run(t, "router", "services/router", "./cmd/router",
		"POSTERN_BASE_DOMAIN="+h.cloud.BaseDomain, "POSTERN_PUBLIC_PORT="+port, "POSTERN_HTTPS_ADDR="+https, "POSTERN_HTTP_ADDR="+plain,
		"POSTERN_DIRECTORY_FILE="+h.file("directory.json"), "POSTERN_EDGE_KEY_DIR="+filepath.Join(h.cloud.Data, "secrets", "edge"),
		"POSTERN_CA_CERT_FILE="+h.cloud.CAFile, "POSTERN_CA_KEY_FILE="+filepath.Join(filepath.Dir(h.cloud.CAFile), "ca.key"),
		"POSTERN_NATS_URL="+h.cloud.Engines.NATS.URL, "POSTERN_NATS_USER=control", "POSTERN_NATS_PASSWORD_FILE="+filepath.Join(h.cloud.Engines.NATS.SecretsDir, "control"),
		"POSTERN_BACKENDS="+strings.Join(backends, ","), "POSTERN_REGIONS="+h.cell,
	)
}

// run builds a process's program and starts it; it is ended with the test.
func (h *splitHouse) run(t *testing.T, name, module, target string, env ...string) {
	t.Helper()
	program := h.file(name)
	build := exec.CommandContext(t.Context(), "go", "build", "-o", program, target)
	build.Dir = filepath.Join(root(t), module)
	out, err := build.CombinedOutput()
	require.NoError(t, err, "%s", out)
	private := freeAddr(t)
	h.private = append(h.private, private)
	p := &splitProcess{program: program, env: append([]string{
		"PATH=" + os.Getenv("PATH"), "POSTERN_PRIVATE_ADDR=" + private, "POSTERN_INTERNAL_CERT_FILE=" + h.file("cert.pem"),
		"POSTERN_INTERNAL_KEY_FILE=" + h.file("key.pem"), "POSTERN_INTERNAL_CA_FILE=" + h.file("cert.pem"),
	}, env...)}
	h.processes[name] = p
	p.start(t)
	t.Cleanup(func() {
		_ = p.cmd.Process.Signal(syscall.SIGTERM) // it may have ended already; its exit code tells
		err := p.cmd.Wait()
		if t.Failed() {
			t.Logf("%s said:\n%s", name, p.said.String())
			return
		}
		require.NoError(t, err, "%s did not end cleanly: %s", name, p.said.String())
	})
}

// await waits until every process says that it is ready.
func (h *splitHouse) await(t *testing.T) {
	t.Helper()
	for _, private := range h.private {
		testkit.Eventually(t, time.Minute, func() error {
			req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+private+"/readyz", nil)
			if err != nil {
				return err
			}
			res, err := http.DefaultClient.Do(req)
			if err != nil {
				return err
			}
			defer func() { _ = res.Body.Close() }()
			if res.StatusCode != http.StatusOK {
				return fmt.Errorf("readyz of %s answered %d", private, res.StatusCode)
			}
			return nil
		})
	}
}
