// Package cloud talks to a Postern cloud: the Platform API with an account's token, and a tenant's Management API with a client's.
package cloud

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// Dev is what the command line reads of a dev cloud's dev.json.
type Dev struct {
	URLs struct {
		PlatformAPI string `json:"platform_api"`
	} `json:"urls"`
	CAFile string `json:"ca_file"`
	Owner  struct {
		Email   string  `json:"email"`
		Account string  `json:"account"`
		Token   string  `json:"token"`
		Tenant  *Tenant `json:"tenant"`
	} `json:"owner"`

	// Folder is where the description lies: the cloud's own data.
	Folder string `json:"-"`
}

// FindDev gives the dev cloud of POSTERN_DEV_JSON, or of .postern/dev.json in this folder or one above; nil when there is none.
func FindDev() (*Dev, error) {
	path := os.Getenv("POSTERN_DEV_JSON")
	if path == "" {
		dir, err := os.Getwd()
		if err != nil {
			return nil, fmt.Errorf("finding the current folder: %w", err)
		}
		for path == "" {
			candidate := filepath.Join(dir, ".postern", "dev.json")
			if _, err := os.Stat(candidate); err == nil {
				path = candidate
			}
			if parent := filepath.Dir(dir); parent != dir {
				dir = parent
				continue
			}
			break
		}
	}
	if path == "" {
		return nil, nil //nolint:nilnil // no dev cloud is a normal answer
	}
	raw, err := os.ReadFile(path) //nolint:gosec // the user's own file
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", path, err)
	}
	var dev Dev
	if err := json.Unmarshal(raw, &dev); err != nil {
		return nil, fmt.Errorf("reading %s: %w", path, err)
	}
	dev.Folder = filepath.Dir(path)
	return &dev, nil
}

// Client speaks HTTP to a cloud. Its errors are sentences of the cloud's own.
type Client struct {
	http *http.Client
}

// New makes a client that trusts the system's authorities and, when given, those in caFile. Names under .localhost are dialled on
// loopback, so that no resolver has to know them (RFC 6761 §6.3).
func New(caFile string) (*Client, error) {
	roots, err := x509.SystemCertPool()
	if err != nil {
		roots = x509.NewCertPool()
	}
	if caFile != "" {
		pem, err := os.ReadFile(caFile) //nolint:gosec // the user's own file
		if err != nil {
			return nil, fmt.Errorf("reading the certificate authority: %w", err)
		}
		if !roots.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("%s holds no certificate", caFile)
		}
	}
	dialer := &net.Dialer{Timeout: 5 * time.Second}
	return &Client{http: &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}, ForceAttemptHTTP2: true,
		Proxy: func(r *http.Request) (*url.URL, error) {
			if isLocal(r.URL.Hostname()) {
				return nil, nil //nolint:nilnil // this machine is nobody's to forward to
			}
			return http.ProxyFromEnvironment(r)
		},
		DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
			host, port, err := net.SplitHostPort(addr)
			if err == nil && isLocal(host) {
				addr = net.JoinHostPort("127.0.0.1", port)
			}
			return dialer.DialContext(ctx, network, addr)
		},
	}}}, nil
}

func isLocal(host string) bool { return host == "localhost" || strings.HasSuffix(host, ".localhost") }

// Error is a refusal in the cloud's words.
type Error struct {
	Status  int
	Code    string
	Message string
	// RetryAfter is when to come back, as the cloud said; zero when it did not.
	RetryAfter time.Duration
}

// errUnreached is around every failure to get an answer at all that may pass.
var errUnreached = errors.New("no answer")

// Passing reports whether a failure may pass by itself, and how long to wait before the next attempt (zero: not said).
func Passing(err error) (wait time.Duration, ok bool) {
	if refusal, isRefusal := errors.AsType[*Error](err); isRefusal {
		switch refusal.Status {
		case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
			return refusal.RetryAfter, true
		}
		return 0, false
	}
	return 0, errors.Is(err, errUnreached)
}

// Error implements error.
func (e *Error) Error() string {
	if e.Code != "" {
		return fmt.Sprintf("%s (%d %s)", e.Message, e.Status, e.Code)
	}
	return fmt.Sprintf("%s (%d)", e.Message, e.Status)
}

// Call sends body (nil: none) as JSON and decodes the answer into out (nil: thrown away).
func (c *Client) Call(ctx context.Context, method, target, token string, body, out any) error {
	var payload io.Reader
	if body != nil {
		raw, err := json.Marshal(body)
		if err != nil {
			return fmt.Errorf("encoding the request: %w", err)
		}
		payload = bytes.NewReader(raw)
	}
	req, err := http.NewRequestWithContext(ctx, method, target, payload)
	if err != nil {
		return fmt.Errorf("calling %s: %w", target, err)
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	req.Header.Set("User-Agent", "postern-cli")
	res, err := c.http.Do(req)
	if err != nil {
		return unanswered(req.URL.Host, err)
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(io.LimitReader(res.Body, 16<<20))
	if err != nil {
		return fmt.Errorf("%w: reading it: %w", errUnreached, err)
	}
	if res.StatusCode >= http.StatusBadRequest {
		return refusal(res, raw)
	}
	if out == nil || len(raw) == 0 {
		return nil
	}
	if err := json.Unmarshal(raw, out); err != nil {
		return fmt.Errorf("reading the answer: %w", err)
	}
	return nil
}

// unanswered says why there was no answer. The URL stays out: it may hold what the user would not want repeated.
func unanswered(host string, err error) error {
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return fmt.Errorf("the certificate of %s is not trusted (name its authority with --ca or POSTERN_CA_FILE): %w", host, cause(err))
	}
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("no answer from %s: %w", host, cause(err))
	}
	return fmt.Errorf("%w from %s: %w", errUnreached, host, cause(err))
}

func cause(err error) error {
	if u, ok := errors.AsType[*url.Error](err); ok {
		return u.Err
	}
	return err
}

func refusal(res *http.Response, raw []byte) error {
	seconds, _ := strconv.Atoi(res.Header.Get("Retry-After")) // an unreadable one says nothing
	wait := time.Duration(max(0, seconds)) * time.Second
	var words struct {
		Message     string `json:"message"`
		ErrorCode   string `json:"errorCode"`
		Error       string `json:"error"`
		Description string `json:"error_description"`
	}
	if json.Unmarshal(raw, &words) != nil {
		return &Error{Status: res.StatusCode, Message: http.StatusText(res.StatusCode), RetryAfter: wait}
	}
	e := &Error{Status: res.StatusCode, Code: words.ErrorCode, Message: words.Message, RetryAfter: wait}
	if words.Description != "" {
		e.Code, e.Message = words.Error, words.Description
	}
	if e.Message == "" {
		e.Message = http.StatusText(res.StatusCode)
	}
	return e
}

// Tenant is a tenant as the Platform API shows it.
type Tenant struct {
	ID            string         `json:"id"`
	Name          string         `json:"name"`
	Region        string         `json:"region"`
	Domain        string         `json:"domain"`
	Issuer        string         `json:"issuer"`
	State         string         `json:"state,omitempty"`
	ManagementAPI *ManagementAPI `json:"management_api,omitempty"`
}

// ManagementAPI is the key to a tenant's Management API; the secret is shown once.
type ManagementAPI struct {
	Audience     string `json:"audience"`
	ClientID     string `json:"client_id"`
	ClientSecret string `json:"client_secret,omitempty"`
}

// ManagementToken gets an access token for the tenant at domain.
func (c *Client) ManagementToken(ctx context.Context, domain string, api ManagementAPI) (string, error) {
	var answer struct {
		AccessToken string `json:"access_token"`
	}
	err := c.Call(ctx, http.MethodPost, "https://"+domain+"/oauth/token", "", map[string]string{
		"grant_type": "client_credentials", "client_id": api.ClientID, "client_secret": api.ClientSecret, "audience": api.Audience,
	}, &answer)
	if err != nil {
		return "", err
	}
	if answer.AccessToken == "" {
		return "", errors.New("the tenant answered without an access token")
	}
	return answer.AccessToken, nil
}

// Path joins escaped segments to a base URL.
func Path(base string, segments ...string) string {
	for _, s := range segments {
		base += "/" + url.PathEscape(s)
	}
	return base
}
