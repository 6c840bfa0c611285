package httpapi_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestResourceServers_encryption(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	with := func(text string) m {
		return m{"token_encryption": m{"format": "compact-nested-jwe", "encryption_key": m{"name": "mine", "alg": "RSA-OAEP-256", "kid": "k 1", "pem": text}}}
	}
	key := rsaKey(t, "a", 2048)
	path := fmt.Sprint("/resource-servers/", w.created("/resource-servers", m{"identifier": "https://api"})["id"])
	pkcs1 := string(pem.EncodeToMemory(&pem.Block{Type: "RSA PUBLIC KEY", Bytes: x509.MarshalPKCS1PublicKey(&key.PublicKey)}))
	for name, text := range map[string]string{
		"a_key": publicPEM(t, &key.PublicKey), "a_key_of_PKCS1": pkcs1, "a_certificate": certPEM(t, pkix.Name{CommonName: "api"}, time.Unix(1<<32, 0)),
	} {
		a := w.do(http.MethodPatch, path, with(text))
		require.Equal(t, http.StatusOK, a.status, "%s: %s", name, a.raw)
		require.Equal(t, with(text)["token_encryption"], a.body["token_encryption"], name)
	}

	elliptic, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	private := string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}))
	for name, text := range map[string]string{
		"nothing": "", "no_PEM": "pem", "a_private_key": private, "an_elliptic_key": publicPEM(t, &elliptic.PublicKey),
		"a_short_key": publicPEM(t, &rsaKey(t, "short", 1024).PublicKey), "two_keys": strings.Repeat(publicPEM(t, &key.PublicKey), 2),
		"a_block_of_nonsense": "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n",
	} {
		for _, a := range []answer{w.do(http.MethodPatch, path, with(text)), w.do(http.MethodPost, "/resource-servers", m{"identifier": "urn:" + name, "token_encryption": with(text)["token_encryption"]})} {
			assert.Equal(t, http.StatusBadRequest, a.status, "%s: %s", name, a.raw)
			assert.NotContains(t, a.raw, "PRIVATE", name)
		}
	}
	a := w.do(http.MethodPatch, path, m{"token_encryption": nil})
	require.Equal(t, http.StatusOK, a.status, a.raw)
	require.NotContains(t, a.body, "token_encryption")
}
