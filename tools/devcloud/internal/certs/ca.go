// Package certs keeps the authority that a dev cloud's certificates come from.
package certs

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"os"
	"slices"
	"time"

	"github.com/postern-id/postern/tools/devcloud/internal/folder"
)

// Files of the authority within the data folder.
const (
	CertFile = "ca/ca.pem"
	KeyFile  = "ca/ca.key"
)

// reserved are names that nobody owns (RFC 2606, RFC 6761), where custom domains of a dev cloud live.
var reserved = []string{"localhost", "test", "example", "example.com", "example.net", "example.org"}

// Ensure makes the authority if there is none that is good for base in a month from now, and says whether it did. Its certificate is bound
// to base and to names that nobody owns (RFC 5280 §4.2.1.10): whoever trusts it on a laptop trusts it for nothing else, should its key be lost.
func Ensure(f *folder.Folder, base string, now time.Time) (made bool, err error) {
	if good(f, base, now.AddDate(0, 1, 0)) {
		return false, nil
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return false, fmt.Errorf("making the authority's key: %w", err)
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return false, fmt.Errorf("making a serial number: %w", err)
	}
	cert := &x509.Certificate{
		SerialNumber: serial,
		// The serial number is in the name, so that a browser tells an old authority of the same machine from this one.
		Subject:   pkix.Name{Organization: []string{"Postern dev cloud"}, CommonName: fmt.Sprintf("Postern dev CA %x", serial.Bytes()[:4])},
		NotBefore: now.Add(-time.Hour), NotAfter: now.AddDate(10, 0, 0),
		IsCA: true, BasicConstraintsValid: true, MaxPathLenZero: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
		PermittedDNSDomainsCritical: true, PermittedDNSDomains: permitted(base),
		PermittedIPRanges: []*net.IPNet{
			{IP: net.IPv4(127, 0, 0, 0).To4(), Mask: net.CIDRMask(8, 32)},
			{IP: net.IPv6loopback, Mask: net.CIDRMask(128, 128)},
		},
	}
	der, err := x509.CreateCertificate(rand.Reader, cert, cert, key.Public(), key)
	if err != nil {
		return false, fmt.Errorf("signing the authority: %w", err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return false, fmt.Errorf("writing the authority's key: %w", err)
	}
	// The key first: a certificate without its key is replaced at the next boot.
	if err := f.Write(KeyFile, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8})); err != nil {
		return false, err
	}
	return true, f.Write(CertFile, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}

func permitted(base string) []string {
	if slices.Contains(reserved, base) {
		return reserved
	}
	return append([]string{base}, reserved...)
}

func good(f *folder.Folder, base string, until time.Time) bool {
	cert, key, err := load(f)
	if err != nil {
		return false
	}
	public, ok := cert.PublicKey.(*ecdsa.PublicKey)
	return ok && public.Equal(key.Public()) && until.Before(cert.NotAfter) && slices.Contains(cert.PermittedDNSDomains, base)
}

var errPEM = errors.New("not a PEM file")

func load(f *folder.Folder) (*x509.Certificate, *ecdsa.PrivateKey, error) {
	block := func(name string) ([]byte, error) {
		content, err := os.ReadFile(f.Path(name))
		if err != nil {
			return nil, err
		}
		b, _ := pem.Decode(content)
		if b == nil {
			return nil, errPEM
		}
		return b.Bytes, nil
	}
	der, err := block(CertFile)
	if err != nil {
		return nil, nil, err
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, nil, err
	}
	if der, err = block(KeyFile); err != nil {
		return nil, nil, err
	}
	parsed, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		return nil, nil, err
	}
	key, ok := parsed.(*ecdsa.PrivateKey)
	if !ok {
		return nil, nil, errors.New("not an ECDSA key")
	}
	return cert, key, nil
}
