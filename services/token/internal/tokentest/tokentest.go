// Package tokentest holds fakes of the domain's neighbours: what tenants set up, users, and a signer whose key is at hand. They
// behave as the ports' contracts say, and fail when told to.
package tokentest

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"math/big"
	"sync"
	"testing"
	"time"

	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/libs/tenancy"
	"github.com/postern-id/postern/services/token/internal/token"
)

// Configuration is a fake of what tenants set up. Fill its maps before use, or under Change.
type Configuration struct {
	mu              sync.Mutex
	Clients         map[Key]*token.Client
	ResourceServers map[Key]*token.ResourceServer
	Grants          map[Key]*token.ClientGrant // by client and audience, joined by a blank
	UserGrants      map[Key]*token.ClientGrant // the same, on behalf of users
	Connections     map[Key][]token.Connection
	Settings        map[tenancy.ID]*token.Settings
	Apps            map[tenancy.ID][]token.MobileApp
	away            error
}

// Key is a thing of a tenant.
type Key struct {
	Tenant tenancy.ID
	ID     string
}

var _ token.Configuration = (*Configuration)(nil)

// NewConfiguration makes an empty one.
func NewConfiguration() *Configuration {
	return &Configuration{
		Clients: map[Key]*token.Client{}, ResourceServers: map[Key]*token.ResourceServer{}, Grants: map[Key]*token.ClientGrant{}, UserGrants: map[Key]*token.ClientGrant{},
		Connections: map[Key][]token.Connection{}, Settings: map[tenancy.ID]*token.Settings{}, Apps: map[tenancy.ID][]token.MobileApp{},
	}
}

// Change edits the maps while others read.
func (c *Configuration) Change(edit func(*Configuration)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	edit(c)
}

// Away makes every call fail with err until it is nil again.
func (c *Configuration) Away(err error) { c.Change(func(c *Configuration) { c.away = err }) }

func find[V any](c *Configuration, m map[Key]V, tenant tenancy.ID, id string) (V, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	var zero V
	if c.away != nil {
		return zero, c.away
	}
	v, ok := m[Key{tenant, id}]
	if !ok {
		return zero, fault.NotFound("Not found")
	}
	return v, nil
}

// FindClient implements token.Configuration.
func (c *Configuration) FindClient(_ context.Context, tenant tenancy.ID, id string) (*token.Client, error) {
	return find(c, c.Clients, tenant, id)
}

// FindResourceServer implements token.Configuration.
func (c *Configuration) FindResourceServer(_ context.Context, tenant tenancy.ID, identifier string) (*token.ResourceServer, error) {
	return find(c, c.ResourceServers, tenant, identifier)
}

// FindClientGrant implements token.Configuration.
func (c *Configuration) FindClientGrant(_ context.Context, tenant tenancy.ID, clientID, audience string, subject token.SubjectType) (*token.ClientGrant, error) {
	if subject == token.SubjectUser {
		return find(c, c.UserGrants, tenant, clientID+" "+audience)
	}
	return find(c, c.Grants, tenant, clientID+" "+audience)
}

// ListConnections implements token.Configuration.
func (c *Configuration) ListConnections(_ context.Context, tenant tenancy.ID, clientID string) ([]token.Connection, error) {
	list, err := find(c, c.Connections, tenant, clientID)
	if fault.Is(err, fault.KindNotFound) {
		return nil, nil
	}
	return list, err
}

// ListMobileApps implements token.Configuration.
func (c *Configuration) ListMobileApps(_ context.Context, tenant tenancy.ID) ([]token.MobileApp, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.Apps[tenant], c.away
}

// FindSettings implements token.Configuration.
func (c *Configuration) FindSettings(_ context.Context, tenant tenancy.ID) (*token.Settings, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.away != nil {
		return nil, c.away
	}
	if s, ok := c.Settings[tenant]; ok {
		return s, nil
	}
	return &token.Settings{}, nil
}

// Users is a fake user service. Passwords are by the user's e-mail.
type Users struct {
	mu        sync.Mutex
	users     map[Key]*token.User
	passwords map[Key]string
	away      error
	logins    int
}

var _ token.Users = (*Users)(nil)

// NewUsers makes an empty one.
func NewUsers() *Users {
	return &Users{users: map[Key]*token.User{}, passwords: map[Key]string{}}
}

// Add registers a user with a password.
func (u *Users) Add(tenant tenancy.ID, user token.User, password string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.users[Key{tenant, user.ID}] = &user
	u.passwords[Key{tenant, user.Email}] = password
}

// Edit changes a user.
func (u *Users) Edit(tenant tenancy.ID, id string, edit func(*token.User)) {
	u.mu.Lock()
	defer u.mu.Unlock()
	changed := *u.users[Key{tenant, id}]
	edit(&changed)
	u.users[Key{tenant, id}] = &changed
}

// Remove deletes a user.
func (u *Users) Remove(tenant tenancy.ID, id string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	delete(u.users, Key{tenant, id})
}

// Away makes every call fail with err until it is nil again.
func (u *Users) Away(err error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.away = err
}

// Logins tells how many were counted.
func (u *Users) Logins() int {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.logins
}

// VerifyPassword implements token.Users.
func (u *Users) VerifyPassword(_ context.Context, tenant tenancy.ID, _, identifier, password string) (token.PasswordOutcome, *token.User, error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.away != nil {
		return 0, nil, u.away
	}
	for key, user := range u.users {
		if key.Tenant != tenant || user.Email != identifier {
			continue
		}
		found := *user
		switch {
		case u.passwords[Key{tenant, identifier}] != password:
			return token.PasswordWrong, &found, nil
		case user.Blocked:
			return token.PasswordBlocked, &found, nil
		}
		return token.PasswordOK, &found, nil
	}
	return token.PasswordUnknownUser, nil, nil
}

// FindUser implements token.Users.
func (u *Users) FindUser(_ context.Context, tenant tenancy.ID, id string) (*token.User, error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.away != nil {
		return nil, u.away
	}
	user, ok := u.users[Key{tenant, id}]
	if !ok {
		return nil, fault.NotFound("Not found")
	}
	found := *user
	return &found, nil
}

// RecordLogin implements token.Users.
func (u *Users) RecordLogin(ctx context.Context, tenant tenancy.ID, id, _ string) (int64, error) {
	if _, err := u.FindUser(ctx, tenant, id); err != nil {
		return 0, err
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	u.logins++
	u.users[Key{tenant, id}].LoginsCount++
	return u.users[Key{tenant, id}].LoginsCount, nil
}

// Signer signs with private keys at hand, and makes keys.
type Signer struct {
	Private  *rsa.PrivateKey
	Elliptic *ecdsa.PrivateKey

	mu   sync.Mutex
	away error
}

var _ token.Signer = (*Signer)(nil)

// NewSigner makes one with fresh keys.
func NewSigner(tb testing.TB) *Signer {
	tb.Helper()
	private, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		tb.Fatal(err)
	}
	curve, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		tb.Fatal(err)
	}
	return &Signer{Private: private, Elliptic: curve}
}

var (
	sharedMu sync.Mutex
	shared   = map[int]*Signer{}
)

// SharedSigner makes one with the process's n-th keys, which are made once: many tests need keys that differ, few need fresh ones.
func SharedSigner(tb testing.TB, n int) *Signer {
	tb.Helper()
	sharedMu.Lock()
	defer sharedMu.Unlock()
	if shared[n] == nil {
		shared[n] = NewSigner(tb)
	}
	return &Signer{Private: shared[n].Private, Elliptic: shared[n].Elliptic}
}

// Away makes Sign fail with err until it is nil again.
func (s *Signer) Away(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.away = err
}

// holder gives who has the private half of key: this one, or another of the process's.
func (s *Signer) holder(key token.SigningKey) *Signer {
	public, ok := key.Public.(interface{ Equal(crypto.PublicKey) bool })
	if !ok || public.Equal(&s.Private.PublicKey) || public.Equal(&s.Elliptic.PublicKey) {
		return s
	}
	sharedMu.Lock()
	defer sharedMu.Unlock()
	for _, other := range shared {
		if public.Equal(&other.Private.PublicKey) || public.Equal(&other.Elliptic.PublicKey) {
			return other
		}
	}
	return s
}

// Sign implements token.Signer.
func (s *Signer) Sign(_ context.Context, _ tenancy.ID, key token.SigningKey, alg string, input []byte) ([]byte, error) {
	s.mu.Lock()
	away := s.away
	s.mu.Unlock()
	if away != nil {
		return nil, away
	}
	s = s.holder(key)
	short, long := sha256.Sum256(input), sha512.Sum512(input)
	switch alg {
	case token.AlgRS256:
		return rsa.SignPKCS1v15(rand.Reader, s.Private, crypto.SHA256, short[:])
	case token.AlgRS512:
		return rsa.SignPKCS1v15(rand.Reader, s.Private, crypto.SHA512, long[:])
	case token.AlgPS256:
		return rsa.SignPSS(rand.Reader, s.Private, crypto.SHA256, short[:], &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash})
	case token.AlgES256:
		r, sig, err := ecdsa.Sign(rand.Reader, s.Elliptic, short[:])
		if err != nil {
			return nil, err
		}
		raw := make([]byte, 64)
		r.FillBytes(raw[:32])
		sig.FillBytes(raw[32:])
		return raw, nil
	}
	return nil, fmt.Errorf("no key signs by %q", alg)
}

// Key gives the signer's RSA key as it is published.
func (s *Signer) Key(tb testing.TB, kid string, version int, state token.KeyState) token.SigningKey {
	tb.Helper()
	return key(tb, s.Private, token.KeyVersion{Alg: token.AlgRS256, Version: version, Public: &s.Private.PublicKey}, kid, state)
}

// EllipticKey gives the signer's P-256 key as it is published.
func (s *Signer) EllipticKey(tb testing.TB, kid string, version int, state token.KeyState) token.SigningKey {
	tb.Helper()
	return key(tb, s.Elliptic, token.KeyVersion{Alg: token.AlgES256, Version: version, Public: &s.Elliptic.PublicKey}, kid, state)
}

func key(tb testing.TB, private crypto.Signer, v token.KeyVersion, kid string, state token.KeyState) token.SigningKey {
	tb.Helper()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(int64(v.Version)), Subject: pkix.Name{CommonName: "test"},
		NotBefore: time.Unix(0, 0), NotAfter: time.Unix(1<<33, 0),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, v.Public, private)
	if err != nil {
		tb.Fatal(err)
	}
	return token.SigningKey{KeyVersion: v, KeyID: kid, State: state, Certificate: der}
}
