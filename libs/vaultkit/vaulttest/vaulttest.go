// Package vaulttest is a Vault for tests: AppRole and as much of the transit engine as vaultkit uses, over HTTP on the loopback,
// with real keys and real signatures, and with the failures of a real one on demand.
package vaulttest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/postern-id/postern/libs/vaultkit"
)

// Mount is where the fake's transit engine is.
const Mount = "test/transit"

// Server is the fake. Its methods may be called at any time.
type Server struct {
	http *httptest.Server
	dir  string

	mu      sync.Mutex
	tokens  map[string]bool
	logins  int
	renewed int
	away    bool
	lease   int // seconds
	keys    map[string]*key
	batches []int
	version int             // when positive, every signature claims this version
	refused map[string]bool // digests, base64
	held    chan struct{}
	arrived chan int
}

type key struct {
	kind      string
	versions  []version
	deletable bool
}

type version struct {
	rsa     *rsa.PrivateKey
	ecdsa   *ecdsa.PrivateKey
	aes     []byte
	created time.Time
}

// New starts a fake that stops with the test.
func New(tb testing.TB) *Server {
	tb.Helper()
	s := &Server{dir: tb.TempDir(), tokens: map[string]bool{}, keys: map[string]*key{}, refused: map[string]bool{}, lease: 3600}
	for name, secret := range map[string]string{"role": "role-id\n", "secret": "secret-id\n"} {
		if err := os.WriteFile(filepath.Join(s.dir, name), []byte(secret), 0o600); err != nil {
			tb.Fatal(err)
		}
	}
	s.http = httptest.NewServer(http.HandlerFunc(s.serve))
	tb.Cleanup(s.http.Close)
	tb.Cleanup(s.Release) // runs before Close, which waits for calls under way
	return s
}

// Config is how to open a client of the fake.
func (s *Server) Config() vaultkit.Config {
	return vaultkit.Config{
		Addr: s.http.URL, Mount: Mount, Timeout: 5 * time.Second,
		RoleIDFile: filepath.Join(s.dir, "role"), SecretIDFile: filepath.Join(s.dir, "secret"),
	}
}

// SetAway seals the fake (503 to everything), or unseals it.
func (s *Server) SetAway(away bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.away = away
}

// ForgetTokens makes every token unknown, as a restart of a Vault without storage does.
func (s *Server) ForgetTokens() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tokens = map[string]bool{}
}

// SetLease sets the life of tokens handed out from now on.
func (s *Server) SetLease(seconds int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lease = seconds
}

// Logins counts the logins so far.
func (s *Server) Logins() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.logins
}

// Renewals counts the renewals so far.
func (s *Server) Renewals() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.renewed
}

// Batches gives the number of inputs of each sign call so far, in order of arrival.
func (s *Server) Batches() []int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]int(nil), s.batches...)
}

// ClaimVersion makes every signature bear this version, whatever was asked; 0 makes the fake honest again.
func (s *Server) ClaimVersion(v int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.version = v
}

// Refuse makes the item with this digest (base64) of any batch fail.
func (s *Server) Refuse(digest string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refused[digest] = true
}

// Hold makes sign calls wait until Release. The channel tells the size of each as it arrives.
func (s *Server) Hold() <-chan int {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.held, s.arrived = make(chan struct{}), make(chan int, 1024)
	return s.arrived
}

// Release lets held calls go on.
func (s *Server) Release() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.held != nil {
		close(s.held)
		s.held = nil
	}
}

func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	var in map[string]any
	if r.Body != nil {
		_ = json.NewDecoder(r.Body).Decode(&in) // a GET has none
	}
	path := strings.TrimPrefix(r.URL.Path, "/v1/")

	s.mu.Lock()
	switch {
	case s.away:
		s.mu.Unlock()
		fail(w, http.StatusServiceUnavailable, "Vault is sealed")
		return
	case path == "auth/approle/login":
		defer s.mu.Unlock()
		s.login(w, in)
		return
	case !s.tokens[r.Header.Get("X-Vault-Token")]:
		s.mu.Unlock()
		fail(w, http.StatusForbidden, "permission denied")
		return
	}
	if held := s.held; held != nil && strings.HasPrefix(path, Mount+"/sign/") {
		s.arrived <- inputs(in)
		s.mu.Unlock()
		<-held
		s.mu.Lock()
	}
	defer s.mu.Unlock()
	switch {
	case path == "auth/token/lookup-self":
		reply(w, map[string]any{"id": "token"})
	case path == "auth/token/renew-self":
		s.renewed++
		replyAuth(w, r.Header.Get("X-Vault-Token"), s.lease)
	case strings.HasPrefix(path, Mount+"/"):
		room, rest, _ := strings.Cut(strings.TrimPrefix(path, Mount+"/"), "/")
		s.transit(w, r.Method, room, rest, in)
	default:
		fail(w, http.StatusForbidden, "permission denied")
	}
}

func (s *Server) login(w http.ResponseWriter, in map[string]any) {
	if in["role_id"] != "role-id" || in["secret_id"] != "secret-id" {
		fail(w, http.StatusBadRequest, "invalid role or secret ID")
		return
	}
	s.logins++
	token := "token-" + strconv.Itoa(s.logins)
	s.tokens[token] = true
	replyAuth(w, token, s.lease)
}

func (s *Server) transit(w http.ResponseWriter, method, room, rest string, in map[string]any) {
	name, more, _ := strings.Cut(rest, "/")
	if room == "datakey" {
		name = more
	}
	k := s.keys[name]
	switch {
	case room == "keys" && more == "" && method == http.MethodPut:
		s.createKey(w, name, in)
	case room == "keys" && k == nil && method == http.MethodGet:
		fail(w, http.StatusNotFound)
	case k == nil:
		fail(w, http.StatusBadRequest, "key not found")
	case room == "keys" && more == "rotate":
		k.versions = append(k.versions, newVersion(k.kind))
		reply(w, map[string]any{})
	case room == "keys" && more == "config":
		k.deletable = in["deletion_allowed"] == true
		reply(w, map[string]any{})
	case room == "keys" && method == http.MethodDelete && !k.deletable:
		fail(w, http.StatusBadRequest, "deletion is not allowed for this key")
	case room == "keys" && method == http.MethodDelete:
		delete(s.keys, name)
		w.WriteHeader(http.StatusNoContent)
	case room == "keys":
		reply(w, k.describe())
	case room == "sign":
		s.batches = append(s.batches, inputs(in))
		s.sign(w, k, in)
	case room == "datakey":
		wrapped, err := k.seal(rand32())
		answer(w, map[string]any{"ciphertext": wrapped}, err)
	case room == "decrypt":
		plain, err := k.open(text(in["ciphertext"]))
		answer(w, map[string]any{"plaintext": plain}, err)
	default:
		fail(w, http.StatusForbidden, "permission denied")
	}
}

func (s *Server) createKey(w http.ResponseWriter, name string, in map[string]any) {
	if s.keys[name] == nil {
		kind := text(in["type"])
		s.keys[name] = &key{kind: kind, versions: []version{newVersion(kind)}}
	}
	reply(w, map[string]any{})
}

func (k *key) describe() map[string]any {
	versions := map[string]any{}
	for i, v := range k.versions {
		var public any
		switch {
		case v.rsa != nil:
			public = &v.rsa.PublicKey
		case v.ecdsa != nil:
			public = &v.ecdsa.PublicKey
		default:
			versions[strconv.Itoa(i+1)] = v.created.Unix()
			continue
		}
		der, err := x509.MarshalPKIXPublicKey(public)
		if err != nil {
			panic(err)
		}
		versions[strconv.Itoa(i+1)] = map[string]any{
			"public_key":    string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})),
			"creation_time": v.created.Format(time.RFC3339Nano), "name": k.kind,
		}
	}
	return map[string]any{"type": k.kind, "latest_version": len(k.versions), "keys": versions}
}

func newVersion(kind string) version {
	v := version{created: time.Now()} //nolint:forbidigo // as a Vault's own clock
	var err error
	switch kind {
	case "rsa-2048":
		v.rsa, err = rsa.GenerateKey(rand.Reader, 2048)
	case "ecdsa-p256":
		v.ecdsa, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	default:
		v.aes = rand32()
	}
	if err != nil {
		panic(err)
	}
	return v
}

func inputs(in map[string]any) int {
	if batch, ok := in["batch_input"].([]any); ok {
		return len(batch)
	}
	return 1
}

func text(v any) string {
	s, _ := v.(string)
	return s
}

func reply(w http.ResponseWriter, data map[string]any) { answer(w, data, nil) }

func answer(w http.ResponseWriter, data map[string]any, err error) {
	if err != nil {
		fail(w, http.StatusBadRequest, err.Error())
		return
	}
	write(w, http.StatusOK, map[string]any{"data": data})
}

func replyAuth(w http.ResponseWriter, token string, lease int) {
	write(w, http.StatusOK, map[string]any{"auth": map[string]any{"client_token": token, "lease_duration": lease, "renewable": true}})
}

func fail(w http.ResponseWriter, status int, sentences ...string) {
	write(w, status, map[string]any{"errors": sentences})
}

func write(w http.ResponseWriter, status int, body map[string]any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // a caller that left gets nothing
}
