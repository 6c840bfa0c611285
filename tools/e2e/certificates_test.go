//go:build e2e

package e2e_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"math/big"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// badge is a client's certificate and its key.
type badge struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

// badges are certificates for clients: two of one authority and one subject, one of another authority that is called the same, and two
// by themselves; and the thumbprint of each (RFC 8705 §3.1).
func badges(t *testing.T) (certificates map[string]certificate, thumbprints map[string]string) {
	t.Helper()
	app := pkix.Name{Organization: []string{"Acme"}, CommonName: "app"}
	authority := newBadge(t, nil, pkix.Name{CommonName: "Acme authority"})
	other := newBadge(t, nil, pkix.Name{CommonName: "Acme authority"})
	certificates, thumbprints = map[string]certificate{}, map[string]string{}
	for name, b := range map[string]badge{
		"authority": authority, "signed": newBadge(t, &authority, app), "renewed": newBadge(t, &authority, app), "lookalike": newBadge(t, &other, app),
		"pinned": newBadge(t, nil, app), "unknown": newBadge(t, nil, app),
	} {
		private, err := x509.MarshalPKCS8PrivateKey(b.key)
		require.NoError(t, err)
		certificates[name] = certificate{
			Cert: string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: b.cert.Raw})),
			Key:  string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})),
		}
		sum := sha256.Sum256(b.cert.Raw)
		thumbprints[name] = base64.RawURLEncoding.EncodeToString(sum[:])
	}
	return certificates, thumbprints
}

// newBadge makes a certificate by an authority; nil makes one by itself, which may be an authority.
func newBadge(t *testing.T, by *badge, subject pkix.Name) badge {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 100))
	require.NoError(t, err)
	template := &x509.Certificate{SerialNumber: serial, Subject: subject, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour)}
	parent, signer := template, key
	if by == nil {
		template.IsCA, template.BasicConstraintsValid, template.KeyUsage = true, true, x509.KeyUsageCertSign|x509.KeyUsageDigitalSignature
	} else {
		parent, signer = by.cert, by.key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), signer)
	require.NoError(t, err)
	cert, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	return badge{cert, key}
}
