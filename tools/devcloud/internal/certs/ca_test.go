package certs_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"math/big"
	"net"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/postern-id/postern/tools/devcloud/internal/certs"
	"github.com/postern-id/postern/tools/devcloud/internal/folder"
)

func TestEnsure(t *testing.T) {
	t.Parallel()
	now := time.Now()
	open := func(t *testing.T) *folder.Folder {
		t.Helper()
		f, err := folder.Open(filepath.Join(t.TempDir(), "data"))
		require.NoError(t, err)
		t.Cleanup(f.Close)
		return f
	}

	t.Run("an_authority_is_made_once", func(t *testing.T) {
		t.Parallel()
		f := open(t)
		made, err := certs.Ensure(f, "postern.localhost", now)
		require.NoError(t, err)
		require.True(t, made)
		made, err = certs.Ensure(f, "postern.localhost", now)
		require.NoError(t, err)
		require.False(t, made)
	})

	t.Run("another_base_domain_or_the_end_of_its_life_makes_a_new_one", func(t *testing.T) {
		t.Parallel()
		f := open(t)
		_, err := certs.Ensure(f, "postern.localhost", now)
		require.NoError(t, err)
		made, err := certs.Ensure(f, "id.corp", now)
		require.NoError(t, err)
		require.True(t, made)
		made, err = certs.Ensure(f, "id.corp", now.AddDate(10, 0, -10))
		require.NoError(t, err)
		require.True(t, made)
	})

	// RFC 5280 §4.2.1.10: what the authority is trusted for ends at its constraints.
	t.Run("its_leaves_are_good_for_dev_names_and_for_no_other", func(t *testing.T) {
		t.Parallel()
		f := open(t)
		_, err := certs.Ensure(f, "postern.localhost", now)
		require.NoError(t, err)
		ca, err := tls.LoadX509KeyPair(f.Path(certs.CertFile), f.Path(certs.KeyFile))
		require.NoError(t, err)
		roots := x509.NewCertPool()
		roots.AddCert(ca.Leaf)
		for host, good := range map[string]bool{
			"acme.eu.postern.localhost": true, "login.acme.test": true, "login.example.com": true, "127.0.0.1": true,
			"accounts.google.com": false, "postern.localhost.evil.net": false,
		} {
			key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
			require.NoError(t, err)
			leaf := &x509.Certificate{SerialNumber: big.NewInt(2), NotBefore: now.Add(-time.Hour), NotAfter: now.Add(time.Hour), DNSNames: []string{host}}
			if ip := net.ParseIP(host); ip != nil {
				leaf.DNSNames, leaf.IPAddresses = nil, []net.IP{ip}
			}
			der, err := x509.CreateCertificate(rand.Reader, leaf, ca.Leaf, key.Public(), ca.PrivateKey)
			require.NoError(t, err)
			signed, err := x509.ParseCertificate(der)
			require.NoError(t, err)
			_, err = signed.Verify(x509.VerifyOptions{Roots: roots, DNSName: host})
			if good {
				require.NoError(t, err, host)
			} else {
				require.Error(t, err, host)
			}
		}
	})
}
