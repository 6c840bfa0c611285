package router_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/postern-id/postern/libs/clock"
	"github.com/postern-id/postern/libs/httpkit"
	"github.com/postern-id/postern/libs/natskit"
	"github.com/postern-id/postern/libs/runner"
	"github.com/postern-id/postern/libs/tenancy"
	"github.com/postern-id/postern/services/router"
)

// authority writes a certificate authority into dir and gives the pool that trusts it.
func authority(t *testing.T, dir string) *x509.CertPool {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test authority"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour * 24 * 365),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	require.NoError(t, err)
	private, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "ca.pem"), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "ca.key"), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}), 0o600))
	pool := x509.NewCertPool()
	cert, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	pool.AddCert(cert)
	return pool
}

// world is a router whose NATS is away from the start, over real sockets.
type world struct {
	service *router.Service
	pool    *x509.CertPool
	addr    string
	plain   string
}

func newWorld(t *testing.T, directory string, regions ...string) *world {
	t.Helper()
	dir := t.TempDir()
	w := &world{pool: authority(t, dir)}
	file := filepath.Join(dir, "directory.json")
	if directory != "" {
		require.NoError(t, os.WriteFile(file, []byte(directory), 0o600))
	}
	seal, err := tenancy.NewSeal(make([]byte, 32), clock.Now(time.Now))
	require.NoError(t, err)
	says := func(word string) http.Handler {
		return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			tenant, _ := seal.Open(r.Header.Get(tenancy.Header))
			rw.Header().Set("Saw", r.Method+" "+word+" "+string(tenant.ID))
			rw.Header().Set("Certificates", tenant.Certificates)
			_, _ = fmt.Fprint(rw, "a body")
		})
	}
	log := slog.New(slog.DiscardHandler)
	w.service, err = router.New(t.Context(), router.Config{
		BaseDomain: "example.test", Regions: regions, DirectoryFile: file, CACertFile: filepath.Join(dir, "ca.pem"), CAKeyFile: filepath.Join(dir, "ca.key"),
		NATS: natskit.Config{URL: "nats://127.0.0.1:1"},
	}, router.Deps{
		Log: log, Now: time.Now, Seals: map[string]*tenancy.Seal{"eu": seal}, Cells: map[string]map[string]http.Handler{"eu": {"token": says("token")}},
		System: map[string]http.Handler{"manage.example.test": says("console")},
	})
	require.NoError(t, err, "NATS that is away is no reason not to start")
	t.Cleanup(w.service.Close)
	https, err := httpkit.Listen(t.Context(), "127.0.0.1:0")
	require.NoError(t, err)
	plain, err := httpkit.Listen(t.Context(), "127.0.0.1:0")
	require.NoError(t, err)
	w.addr, w.plain = https.Addr().String(), plain.Addr().String()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		ended <- runner.Run(ctx, w.service.Run, httpkit.Server{Listener: https, Handler: w.service.HTTPS(), TLS: w.service.TLS(), Log: log}.Run,
			httpkit.Server{Listener: plain, Handler: w.service.HTTP(), Log: log}.Run)
	}()
	t.Cleanup(func() {
		cancel()
		require.NoError(t, <-ended)
	})
	return w
}

func (w *world) ask(t *testing.T, method, target string) (*http.Response, error) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, target, nil)
	require.NoError(t, err)
	addr := w.addr
	if r.URL.Scheme == "http" {
		addr = w.plain
	}
	transport := &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: w.pool, MinVersion: tls.VersionTLS12}, ForceAttemptHTTP2: true,
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, network, addr)
		},
	}
	t.Cleanup(transport.CloseIdleConnections)
	res, err := (&http.Client{Transport: transport}).Do(r)
	if err == nil {
		t.Cleanup(func() { _ = res.Body.Close() })
	}
	return res, err
}

const known = `{"revision":500,"hosts":{
	"acme.eu.example.test":{"tenant_id":"tnt_eu","name":"acme","region":"eu","cell":"eu","kind":"canonical","state":"active","canonical":"acme.eu.example.test"},
	"gone.eu.example.test":{"tenant_id":"tnt_gone","name":"gone","region":"eu","cell":"eu","kind":"canonical","state":"deleted","canonical":"gone.eu.example.test"}}}`

// Static stability: the engines are away from the first moment on.
func TestRouter_WithEverythingElseAway(t *testing.T) {
	t.Parallel()
	t.Run("known_hosts_are_served_from_the_file_and_it_is_ready", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t, known)
		require.NoError(t, w.service.Ready(t.Context()))
		res, err := w.ask(t, http.MethodGet, "https://acme.eu.example.test/authorize") //nolint:bodyclose // closed by ask
		require.NoError(t, err)
		require.Equal(t, "GET token tnt_eu", res.Header.Get("Saw"))
		require.Equal(t, 2, res.ProtoMajor)
	})
	t.Run("without_a_file_a_host_is_503_not_404_and_it_is_not_ready", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t, "")
		require.Error(t, w.service.Ready(t.Context()))
		res, err := w.ask(t, http.MethodGet, "http://acme.eu.example.test/authorize") //nolint:bodyclose // closed by ask
		require.NoError(t, err)
		require.Equal(t, http.StatusServiceUnavailable, res.StatusCode)
		require.NotEmpty(t, res.Header.Get("Retry-After"))
		res, err = w.ask(t, http.MethodGet, "https://manage.example.test/") //nolint:bodyclose // closed by ask
		require.NoError(t, err)
		require.Equal(t, "GET console ", res.Header.Get("Saw"), "the platform's own hosts need no directory")
	})
	t.Run("a_broken_file_is_none", func(t *testing.T) {
		t.Parallel()
		require.Error(t, newWorld(t, known[:100]).service.Ready(t.Context()))
	})
}

func TestRouter_Certificates(t *testing.T) {
	t.Parallel()
	w := newWorld(t, known)
	for _, stranger := range []string{"nobody.eu.example.test", "example.test", "x.acme.eu.example.test", "gone.eu.example.test", "127.0.0.1"} {
		t.Run("none_for_"+stranger, func(t *testing.T) {
			t.Parallel()
			_, err := w.ask(t, http.MethodGet, "https://"+stranger+"/") //nolint:bodyclose // there is no answer
			require.Error(t, err)
		})
	}
	t.Run("none_for_another_regions_hosts", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t, known, "us")
		_, err := w.ask(t, http.MethodGet, "https://acme.eu.example.test/") //nolint:bodyclose // there is no answer
		require.Error(t, err)
	})
	t.Run("one_a_host_kept_for_the_next", func(t *testing.T) {
		t.Parallel()
		first, err := w.service.TLS().GetCertificate(&tls.ClientHelloInfo{ServerName: "ACME.eu.example.test"})
		require.NoError(t, err)
		require.Equal(t, []string{"acme.eu.example.test"}, first.Leaf.DNSNames)
		again, err := w.service.TLS().GetCertificate(&tls.ClientHelloInfo{ServerName: "acme.eu.example.test"})
		require.NoError(t, err)
		require.Same(t, first, again)
	})
}

func TestRouter_Head(t *testing.T) {
	t.Parallel()
	w := newWorld(t, known)
	for _, target := range []string{"https://acme.eu.example.test/.well-known/jwks.json", "http://manage.example.test/"} {
		res, err := w.ask(t, http.MethodHead, target) //nolint:bodyclose // closed by ask
		require.NoError(t, err)
		require.Equal(t, http.StatusOK, res.StatusCode)
		require.Contains(t, res.Header.Get("Saw"), "GET ", "services know GET (RFC 9110 §9.3.2)")
		require.EqualValues(t, len("a body"), res.ContentLength)
	}
}

func TestConfig(t *testing.T) {
	t.Parallel()
	good := router.Config{CACertFile: "a", CAKeyFile: "b", NATS: natskit.Config{URL: "nats://localhost"}, TenantRPS: 10}
	require.NoError(t, good.Validate())
	require.Equal(t, "postern.localhost", good.BaseDomain)
	require.Equal(t, 443, good.PublicPort)
	require.Equal(t, 20, good.TenantBurst)
	require.InDelta(t, 500, good.ManagementRPS, 0)
	require.Equal(t, 1000, good.ManagementBurst)
	none := router.Config{CACertFile: "a", CAKeyFile: "b", NATS: natskit.Config{URL: "nats://localhost"}, ManagementRPS: -1}
	require.NoError(t, none.Validate())
	require.Negative(t, none.ManagementRPS)
	require.ErrorContains(t, (&router.Config{CACertFile: "a"}).Validate(), "POSTERN_CA_KEY_FILE")
	require.ErrorContains(t, (&router.Config{CACertFile: "a", CAKeyFile: "b"}).Validate(), "POSTERN_NATS_URL")
	raw, err := json.Marshal(good)
	require.NoError(t, err)
	require.NotContains(t, string(raw), "password:", "secrets are paths")
}
