//go:build e2e

package e2e_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestStock: what was written against other servers works here when only the domain changes. Each SDK does what its readers would do with
// it, all in one tenant.
func TestStock(t *testing.T) {
	t.Parallel()
	acme := newCompany(t)
	us := acme.signup(t, "us")
	application := applicationCertificate(t)
	certificates, thumbprints := badges(t)
	for name, script := range map[string]string{
		"oauth4webapi": "oauth4webapi.mjs",
		"oauth4webapi_by_DPoP_and_token_exchange": "dpop.mjs",
		"oauth4webapi_by_certificate":             "mtls.mjs",
		"auth0_legacy":                            "legacy.mjs",
		"express_openid_connect_and_a_jwt_bearer": "express.mjs",
		"auth0_spa_js_in_a_page":                  "spa.mjs",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			acme.node(t, script, map[string]any{"tenant": us, "application": application, "certificates": certificates, "thumbprints": thumbprints}, nil)
		})
	}
	t.Run("go_oidc_and_x_oauth2", func(t *testing.T) {
		t.Parallel()
		stockGo(t, acme, us)
	})
}

// certificate is what a test's own https server shows, as PEM.
type certificate struct {
	Cert string `json:"cert"`
	Key  string `json:"key"`
}

// applicationCertificate is for applications that scripts serve under example.com; their browser trusts its key alone.
func applicationCertificate(t *testing.T) certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), DNSNames: []string{"*.example.com"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
	}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	require.NoError(t, err)
	private, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	return certificate{
		Cert: string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert})),
		Key:  string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})),
	}
}
