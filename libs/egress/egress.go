// Package egress fetches documents from URLs that outsiders chose, and posts forms to such. It reaches public addresses only, so that nobody can use the
// platform to look into its own network, and takes little: https, one answer without redirects, JSON, bounded in size and time. It
// sends no credential of any kind, and never interprets what it fetched.
package egress

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"strings"
	"syscall"
	"time"

	"github.com/postern-id/postern/libs/fault"
)

const (
	defaultTimeout = 5 * time.Second
	maxHeader      = 16 << 10
)

// Config of a Client.
type Config struct {
	// Timeout bounds one fetch, from the name's resolution to the last byte. Zero means 5s.
	Timeout time.Duration `env:"POSTERN_EGRESS_TIMEOUT"`
	// CAFile holds certificates of authorities that are trusted besides the system's own, PEM. Zero: none.
	CAFile string `env:"POSTERN_EGRESS_CA_FILE"`
	// AllowLoopback lets this machine's own addresses be reached. It is for development: switched on in production, whoever may name
	// a URL can reach the services beside this one.
	AllowLoopback bool `env:"POSTERN_EGRESS_ALLOW_LOOPBACK"`
}

// Client fetches. Safe for concurrent use.
type Client struct {
	http    *http.Client
	timeout time.Duration
}

// New makes a client.
func New(cfg Config) (*Client, error) {
	if cfg.Timeout < 0 {
		return nil, errors.New("POSTERN_EGRESS_TIMEOUT must not be negative")
	}
	if cfg.Timeout == 0 {
		cfg.Timeout = defaultTimeout
	}
	roots, err := rootsOf(cfg.CAFile)
	if err != nil {
		return nil, err
	}
	// The address is checked when it is connected to, after its name was resolved: a name that resolves to something else the second
	// time (DNS rebinding) gains nothing.
	dialer := &net.Dialer{Timeout: cfg.Timeout, Control: func(_, address string, _ syscall.RawConn) error { return allowed(address, cfg.AllowLoopback) }}
	return &Client{timeout: cfg.Timeout, http: &http.Client{
		Transport: &http.Transport{
			Proxy:                  nil, // one would resolve the name itself, and connect to whatever that gives
			DialContext:            dialer.DialContext,
			TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: roots},
			DisableKeepAlives:      true, // the next fetch is checked again
			DisableCompression:     true, // what is bounded is what was sent
			MaxResponseHeaderBytes: maxHeader,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}, nil
}

// rootsOf gives the system's authorities and those in a file; nil, which is the system's own, without one.
func rootsOf(file string) (*x509.CertPool, error) {
	if file == "" {
		return nil, nil
	}
	pem, err := os.ReadFile(file) //nolint:gosec // the operator's own file
	if err != nil {
		return nil, fmt.Errorf("reading POSTERN_EGRESS_CA_FILE: %w", err)
	}
	roots, err := x509.SystemCertPool()
	if err != nil {
		return nil, fmt.Errorf("reading the system's certificate authorities: %w", err)
	}
	if !roots.AppendCertsFromPEM(pem) {
		return nil, errors.New("POSTERN_EGRESS_CA_FILE holds no certificate")
	}
	return roots, nil
}

// errAddress is what dialing an address that is not public ends with.
var errAddress = errors.New("not a public address")

func allowed(address string, loopback bool) error {
	at, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("%w: %w", errAddress, err)
	}
	if public(at.Addr()) || loopback && at.Addr().Unmap().IsLoopback() {
		return nil
	}
	return errAddress
}

// Fetch gives the JSON document at a URL, of at most that many bytes. Invalid, with a sentence that is safe to show, when it cannot be
// had. That an address is not public, that a name is not known and that nobody listens are told by the same sentence: what lies
// inside must not be found out by asking.
func (c *Client) Fetch(ctx context.Context, rawURL string, maxBytes int) ([]byte, error) {
	u, err := url.Parse(rawURL)
	if err != nil || u.Scheme != "https" || u.Host == "" || u.User != nil {
		return nil, fault.Invalid("", "The URL is not an https URL")
	}
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), http.NoBody)
	if err != nil {
		return nil, fault.Invalid("", "The URL is not an https URL").Because(err)
	}
	req.Header.Set("Accept", "application/json")
	req.Header.Set("Accept-Encoding", "identity")
	req.Header.Set("User-Agent", "postern")
	res, err := c.http.Do(req)
	if err != nil {
		return nil, unreached(ctx, err)
	}
	defer func() { _ = res.Body.Close() }()
	if err := acceptable(res); err != nil {
		return nil, err
	}
	body, err := io.ReadAll(io.LimitReader(res.Body, int64(maxBytes)+1))
	switch {
	case len(body) > maxBytes:
		return nil, fault.Invalid("", fmt.Sprintf("The document is larger than %d bytes", maxBytes))
	case err == nil:
		err = ctx.Err() // what breaks off at the deadline can look like an end
	}
	if err != nil {
		return nil, unreached(ctx, err)
	}
	return body, nil
}

// PostForm posts a form to a URL that an outsider chose and gives the status of the answer, 0 where there was none. 200, 202 and 204 say
// that it was taken, all else is Invalid with a sentence that is safe to show. The answer's body is not read.
func (c *Client) PostForm(ctx context.Context, rawURL string, form url.Values) (status int, err error) {
	u, err := url.Parse(rawURL)
	if err != nil || u.Scheme != "https" || u.Host == "" || u.User != nil {
		return 0, fault.Invalid("", "The URL is not an https URL")
	}
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, u.String(), strings.NewReader(form.Encode()))
	if err != nil {
		return 0, fault.Invalid("", "The URL is not an https URL").Because(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("User-Agent", "postern")
	res, err := c.http.Do(req)
	if err != nil {
		return 0, fault.Invalid("", "The URL could not be reached").Because(err)
	}
	defer func() { _ = res.Body.Close() }()
	switch res.StatusCode {
	case http.StatusOK, http.StatusAccepted, http.StatusNoContent:
		return res.StatusCode, nil
	}
	return res.StatusCode, fault.Invalid("", fmt.Sprintf("The server answered with status %d", res.StatusCode))
}

// unreached is a fetch that got no whole answer.
func unreached(ctx context.Context, cause error) error {
	var certificate *tls.CertificateVerificationError
	switch {
	case errors.As(cause, &certificate):
		return fault.Invalid("", "The document's server has no certificate that is trusted").Because(cause)
	case errors.Is(ctx.Err(), context.Canceled): // our own caller left; the server did nothing wrong
		return fmt.Errorf("fetching a document: %w", cause)
	}
	return fault.Invalid("", "The document could not be reached").Because(cause)
}

// acceptable holds an answer to what a document is.
func acceptable(res *http.Response) error {
	switch {
	case res.StatusCode >= http.StatusMultipleChoices && res.StatusCode < http.StatusBadRequest:
		return fault.Invalid("", "The document is somewhere else: redirects are not followed")
	case res.StatusCode != http.StatusOK:
		return fault.Invalid("", fmt.Sprintf("The document's server answered with status %d", res.StatusCode))
	}
	if encoding := res.Header.Get("Content-Encoding"); encoding != "" && !strings.EqualFold(encoding, "identity") {
		return fault.Invalid("", "The document is compressed")
	}
	media, _, err := mime.ParseMediaType(res.Header.Get("Content-Type"))
	if err != nil || media != "application/json" && (!strings.HasPrefix(media, "application/") || !strings.HasSuffix(media, "+json")) {
		return fault.Invalid("", "The document is not application/json")
	}
	return nil
}
