package rpckit

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"os"
	"time"
)

// MTLS is how a process proves itself to its neighbours when services run apart: a certificate of the cell's own authority on both
// sides. The files are read anew for each handshake, so that renewed ones need no restart.
type MTLS struct {
	CertFile string `env:"POSTERN_INTERNAL_CERT_FILE"`
	KeyFile  string `env:"POSTERN_INTERNAL_KEY_FILE"`
	CAFile   string `env:"POSTERN_INTERNAL_CA_FILE"`
}

// Validate reads the files once, so that a wrong path fails at start-up.
func (m *MTLS) Validate() error {
	if m.CertFile == "" || m.KeyFile == "" || m.CAFile == "" {
		return errors.New("POSTERN_INTERNAL_CERT_FILE, POSTERN_INTERNAL_KEY_FILE and POSTERN_INTERNAL_CA_FILE must be set: neighbours speak mTLS")
	}
	if _, err := m.certificate(); err != nil {
		return err
	}
	_, err := m.authority()
	return err
}

func (m *MTLS) certificate() (*tls.Certificate, error) {
	cert, err := tls.LoadX509KeyPair(m.CertFile, m.KeyFile)
	if err != nil {
		return nil, fmt.Errorf("reading the internal certificate: %w", err)
	}
	return &cert, nil
}

func (m *MTLS) authority() (*x509.CertPool, error) {
	pem, err := os.ReadFile(m.CAFile)
	if err != nil {
		return nil, fmt.Errorf("reading the internal authority: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("%s holds no certificate", m.CAFile)
	}
	return pool, nil
}

// Server gives the listener's side: only callers with a certificate of the authority get in.
func (m *MTLS) Server() *tls.Config {
	return &tls.Config{MinVersion: tls.VersionTLS13, NextProtos: []string{"h2", "http/1.1"}, GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) {
		cert, err := m.certificate()
		if err != nil {
			return nil, err
		}
		pool, err := m.authority()
		if err != nil {
			return nil, err
		}
		return &tls.Config{
			MinVersion: tls.VersionTLS13, NextProtos: []string{"h2", "http/1.1"},
			Certificates: []tls.Certificate{*cert}, ClientCAs: pool, ClientAuth: tls.RequireAndVerifyClientCert,
		}, nil
	}}
}

// Client gives the caller's side, for the generated clients. The authority is read once, the certificate for each connection.
func (m *MTLS) Client() (*http.Client, error) {
	pool, err := m.authority()
	if err != nil {
		return nil, err
	}
	return &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{
		ForceAttemptHTTP2: true, MaxIdleConnsPerHost: 64, IdleConnTimeout: 90 * time.Second, TLSHandshakeTimeout: 5 * time.Second,
		DisableCompression: true, // the router's callers say what they take, and between services time is dearer than bytes
		TLSClientConfig: &tls.Config{
			MinVersion: tls.VersionTLS13, RootCAs: pool,
			GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return m.certificate() },
		},
	}}, nil
}
