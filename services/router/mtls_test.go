package router_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"math/big"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// selfSigned is a certificate for a client, with its key.
func selfSigned(t *testing.T) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "app"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	require.NoError(t, err)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// showing asks as a client that has a certificate, and gives whether it was asked for it, what the service saw, and the connection.
func (w *world) showing(t *testing.T, target string, have *tls.Certificate, cache tls.ClientSessionCache) (asked bool, saw string, state tls.ConnectionState, err error) {
	t.Helper()
	transport := &http.Transport{
		ForceAttemptHTTP2: true,
		TLSClientConfig: &tls.Config{
			RootCAs: w.pool, MinVersion: tls.VersionTLS12, ClientSessionCache: cache,
			GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
				asked = true
				if have == nil {
					return &tls.Certificate{}, nil
				}
				return have, nil
			},
		},
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, network, w.addr)
		},
	}
	defer transport.CloseIdleConnections()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, target, nil)
	require.NoError(t, err)
	res, err := (&http.Client{Transport: transport}).Do(r)
	if err != nil {
		return asked, "", state, err
	}
	defer func() { _ = res.Body.Close() }()
	require.Equal(t, http.StatusOK, res.StatusCode)
	return asked, res.Header.Get("Certificates"), *res.TLS, nil
}

func TestRouter_ClientCertificates(t *testing.T) {
	t.Parallel()
	w := newWorld(t, known)
	mine := selfSigned(t)
	encoded := base64.RawURLEncoding.EncodeToString(mine.Certificate[0])
	const at = "https://mtls.acme.eu.example.test/oauth/token"

	t.Run("asked_for_at_the_host_for_it_RFC8705_5", func(t *testing.T) {
		t.Parallel()
		asked, saw, state, err := w.showing(t, at, &mine, nil)
		require.NoError(t, err)
		require.True(t, asked)
		require.Equal(t, encoded, saw)
		require.Equal(t, "h2", state.NegotiatedProtocol)
		require.Equal(t, []string{"mtls.acme.eu.example.test"}, state.PeerCertificates[0].DNSNames)
	})
	t.Run("and_not_demanded", func(t *testing.T) {
		t.Parallel()
		asked, saw, _, err := w.showing(t, at, nil, nil)
		require.NoError(t, err)
		require.True(t, asked)
		require.Empty(t, saw)
	})
	t.Run("nobody_is_troubled_elsewhere", func(t *testing.T) {
		t.Parallel()
		for _, target := range []string{"https://acme.eu.example.test/oauth/token", "https://manage.example.test/"} {
			asked, saw, _, err := w.showing(t, target, &mine, nil)
			require.NoError(t, err)
			require.False(t, asked, target)
			require.Empty(t, saw, target)
		}
	})
	t.Run("a_certificate_without_its_key_ends_the_handshake_RFC8446_4_4_3", func(t *testing.T) {
		t.Parallel()
		stolen := tls.Certificate{Certificate: mine.Certificate, PrivateKey: selfSigned(t).PrivateKey}
		_, _, _, err := w.showing(t, at, &stolen, nil)
		require.Error(t, err)
	})
	t.Run("each_connection_proves_the_key_anew", func(t *testing.T) {
		t.Parallel()
		cache := tls.NewLRUClientSessionCache(8)
		for range 2 {
			asked, saw, state, err := w.showing(t, at, &mine, cache)
			require.NoError(t, err)
			require.True(t, asked && !state.DidResume)
			require.Equal(t, encoded, saw)
		}
	})
	t.Run("what_was_shown_at_one_host_is_not_carried_to_another", func(t *testing.T) {
		t.Parallel()
		_, saw, _, err := w.showing(t, "https://acme.eu.example.test/oauth/token", &mine, tls.NewLRUClientSessionCache(8))
		require.NoError(t, err)
		require.Empty(t, saw)
	})
	for _, stranger := range []string{"mtls.nobody.eu.example.test", "mtls.mtls.acme.eu.example.test", "mtls.gone.eu.example.test", "mtls.manage.example.test"} {
		t.Run("no_certificate_for_"+stranger, func(t *testing.T) {
			t.Parallel()
			_, _, _, err := w.showing(t, "https://"+stranger+"/oauth/token", &mine, nil)
			require.Error(t, err)
		})
	}
}
