// Package certs gives a certificate to each host that the directory knows, and to no other. In the dev cloud the leaves come from
// a local authority.
package certs

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"math/big"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"

	"github.com/postern-id/postern/libs/clock"
	"github.com/postern-id/postern/services/router/internal/route"
)

const (
	leafLife   = 30 * 24 * time.Hour
	leafRenew  = leafLife / 2
	maxLeaves  = 50_000
	backdating = 5 * time.Minute // for callers whose clock is behind
)

// errStranger is why a handshake for an unknown name ends (RFC 6066 §3: unrecognized_name).
var errStranger = errors.New("no certificate for this name")

// Local mints leaves from an authority whose key is at hand. Safe for concurrent use.
type Local struct {
	ca    tls.Certificate
	known func(host string) bool
	now   clock.Now

	minting singleflight.Group
	mu      sync.RWMutex
	leaves  map[string]*tls.Certificate
}

// NewLocal loads the authority from PEM files. known says for which hosts a leaf may be made.
func NewLocal(certFile, keyFile string, known func(string) bool, now clock.Now) (*Local, error) {
	ca, err := tls.LoadX509KeyPair(certFile, keyFile)
	if err != nil {
		return nil, fmt.Errorf("loading the certificate authority: %w", err)
	}
	return &Local{ca: ca, known: known, now: now, leaves: map[string]*tls.Certificate{}}, nil
}

// TLS is the server's configuration: TLS 1.2 or newer, SNI mandatory. Clients are asked for a certificate where asks says so, and need
// not have one (RFC 8705 §5); whose it is, is for others to judge. Such a session is not resumed, so that each connection proves the key
// anew.
func (l *Local) TLS(asks func(host string) bool) *tls.Config {
	plain := &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: l.Certificate, NextProtos: []string{"h2", "http/1.1"}}
	asking := plain.Clone()
	asking.ClientAuth, asking.SessionTicketsDisabled = tls.RequestClientCert, true
	plain.GetConfigForClient = func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
		if host, ok := route.NormalHost(hello.ServerName); ok && asks(host) {
			return asking, nil
		}
		return nil, nil //nolint:nilnil // the configuration it came from
	}
	return plain
}

// Certificate implements tls.Config.GetCertificate. Without SNI, or for a host that the directory does not know, the handshake ends.
func (l *Local) Certificate(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	host, ok := route.NormalHost(hello.ServerName)
	if !ok || !l.known(host) {
		return nil, errStranger
	}
	l.mu.RLock()
	leaf := l.leaves[host]
	l.mu.RUnlock()
	if leaf != nil && l.now().Before(leaf.Leaf.NotAfter.Add(-leafRenew)) {
		return leaf, nil
	}
	minted, err, _ := l.minting.Do(host, func() (any, error) { return l.mint(host) })
	if err != nil {
		return nil, err
	}
	return minted.(*tls.Certificate), nil
}

func (l *Local) mint(host string) (*tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("making a leaf key: %w", err)
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		return nil, fmt.Errorf("making a serial: %w", err)
	}
	now := l.now()
	template := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: host}, DNSNames: []string{host},
		NotBefore: now.Add(-backdating), NotAfter: now.Add(leafLife),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	if len(host) > 64 { // the bound of a common name (RFC 5280 appendix A.1)
		template.Subject = pkix.Name{}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, l.ca.Leaf, &key.PublicKey, l.ca.PrivateKey)
	if err != nil {
		return nil, fmt.Errorf("signing a leaf: %w", err)
	}
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("reading a leaf back: %w", err)
	}
	leaf := &tls.Certificate{Certificate: [][]byte{der, l.ca.Certificate[0]}, PrivateKey: key, Leaf: parsed}
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.leaves) >= maxLeaves {
		clear(l.leaves)
	}
	l.leaves[host] = leaf
	return leaf, nil
}
