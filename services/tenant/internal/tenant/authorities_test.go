package tenant_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/services/tenant/internal/tenant"
)

func certificate(t *testing.T, isCA bool) (text string, der []byte) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Acme"}, NotBefore: time.Now(), NotAfter: time.Now().Add(time.Hour),
		IsCA: isCA, BasicConstraintsValid: isCA,
	}
	der, err = x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	require.NoError(t, err)
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})), der
}

func TestSettings_Authorities(t *testing.T) {
	t.Parallel()
	authority, der := certificate(t, true)
	client, _ := certificate(t, false)
	set := func(texts ...any) (tenant.Settings, error) {
		return tenant.Settings(nil).Patch(map[string]any{tenant.CertificateAuthorities: texts})
	}

	s, err := set(authority, authority+"\n")
	require.NoError(t, err)
	got, err := s.Authorities()
	require.NoError(t, err)
	require.Equal(t, [][]byte{der, der}, got)
	require.Contains(t, s.All(), tenant.CertificateAuthorities)
	s, err = s.Patch(map[string]any{"mtls": map[string]any{"enable_endpoint_aliases": true}})
	require.NoError(t, err)
	got, err = s.Authorities()
	require.NoError(t, err)
	require.Len(t, got, 2, "who knows the wire's settings alone keeps them")
	s, err = s.Patch(map[string]any{tenant.CertificateAuthorities: nil})
	require.NoError(t, err)
	require.NotContains(t, s.All(), tenant.CertificateAuthorities, "as on the wire, where there is no such setting")

	for name, c := range map[string]struct{ text, sentence string }{
		"no_PEM":         {"x", "Object didn't pass validation for format pem"},
		"two_in_one":     {authority + authority, "Object didn't pass validation for format pem"},
		"a_client's":     {client, "The certificate is not that of a certificate authority"},
		"a_private_key":  {strings.ReplaceAll(authority, "CERTIFICATE", "PRIVATE KEY"), "Object didn't pass validation for format pem"},
		"too_long":       {strings.Repeat(" ", 20_000), "String is too long (20000 chars), maximum 16384"},
		"no_certificate": {"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "Object didn't pass validation for format pem"},
	} {
		_, err := set(authority, c.text)
		require.True(t, fault.Is(err, fault.KindInvalid), "%s: %v", name, err)
		require.Equal(t, "Payload validation error: '"+c.sentence+"' on property client_certificate_authorities.1.", fault.Of(err).Message, name)
	}
}
