package vaultkit

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"

	lru "github.com/hashicorp/golang-lru/v2"
	"golang.org/x/sync/singleflight"

	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/libs/tenancy"
)

const (
	// sealV1 is the first byte of "version | nonce (12) | ciphertext | tag (16)", AES-256-GCM under the tenant's data key.
	sealV1 = 1
	// dataKeyBytes is an AES-256 key.
	dataKeyBytes = 32
	// cachedKeys bounds the unwrapped data keys in memory; one takes about 600 bytes.
	cachedKeys = 10_000
)

// ErrNotSealedHere is the cause when a sealed value does not open: it was changed, cut, or sealed for another tenant or purpose.
var ErrNotSealedHere = errors.New("not sealed for this tenant and purpose, or changed since")

// DataKeys keeps one wrapped data key a tenant.
type DataKeys interface {
	// FindDataKey gives the tenant's wrapped data key; fault.NotFound where there is none yet.
	FindDataKey(ctx context.Context, tenant tenancy.ID) (wrapped string, err error)
	// SaveDataKey keeps wrapped unless the tenant has a key already, and gives the one that is kept: of two concurrent calls the
	// first wins, and both get its key.
	SaveDataKey(ctx context.Context, tenant tenancy.ID, wrapped string) (kept string, err error)
}

// Sealer encrypts secrets that must be readable again, each tenant's under a data key of its own that only Vault can unwrap.
// Unwrapped keys stay in memory, so that what a busy tenant sealed still opens while Vault is away. Safe for concurrent use.
type Sealer struct {
	client  *Client
	keyName func(tenancy.ID) string
	store   DataKeys
	cache   *lru.Cache[tenancy.ID, cipher.AEAD]
	finding singleflight.Group
}

// NewSealer makes a sealer; keyName gives the wrapping key of a tenant (CreateWrappingKey).
func NewSealer(client *Client, keyName func(tenancy.ID) string, store DataKeys) *Sealer {
	cache, err := lru.New[tenancy.ID, cipher.AEAD](cachedKeys)
	if err != nil {
		panic(err) // the size is a positive constant
	}
	return &Sealer{client: client, keyName: keyName, store: store, cache: cache}
}

// Seal encrypts plain for one tenant and purpose. The purpose says where the value lives, "client.secret:<client id>": it opens
// nowhere else. A tenant's first Seal makes its data key.
func (s *Sealer) Seal(ctx context.Context, tenant tenancy.ID, purpose string, plain []byte) ([]byte, error) {
	aead, err := s.dataKey(ctx, tenant)
	if err != nil {
		return nil, err
	}
	sealed := make([]byte, 1, 1+len(plain)+aead.Overhead())
	sealed[0] = sealV1
	return aead.Seal(sealed, nil, plain, boundTo(tenant, purpose)), nil //nolint:gosec // the cipher draws a nonce itself and takes none
}

// Open decrypts what Seal made for the same tenant and purpose; anything else is fault.Internal because of ErrNotSealedHere.
func (s *Sealer) Open(ctx context.Context, tenant tenancy.ID, purpose string, sealed []byte) ([]byte, error) {
	if len(sealed) == 0 || sealed[0] != sealV1 {
		return nil, fault.Internal(fmt.Errorf("opening a sealed value of %d bytes in no known format: %w", len(sealed), ErrNotSealedHere))
	}
	aead, err := s.dataKey(ctx, tenant)
	if err != nil {
		return nil, err
	}
	plain, err := aead.Open(nil, nil, sealed[1:], boundTo(tenant, purpose))
	if err != nil {
		return nil, fault.Internal(fmt.Errorf("opening a sealed value: %w", ErrNotSealedHere))
	}
	return plain, nil
}

// Forget drops the tenant's data key from memory, when the tenant is deleted or moved away.
func (s *Sealer) Forget(tenant tenancy.ID) { s.cache.Remove(tenant) }

// boundTo is the additional data. Lengths go first, so that no tenant and purpose together read like another pair.
func boundTo(tenant tenancy.ID, purpose string) []byte {
	b := binary.AppendUvarint([]byte("postern.seal\x01"), uint64(len(tenant)))
	b = append(b, tenant...)
	return append(b, purpose...)
}

// dataKey gives the tenant's cipher. Callers that come together share one unwrapping, which the leaving of any does not disturb.
func (s *Sealer) dataKey(ctx context.Context, tenant tenancy.ID) (cipher.AEAD, error) {
	if tenant == "" {
		return nil, fault.Internal(errors.New("sealing needs a tenant"))
	}
	if aead, ok := s.cache.Get(tenant); ok {
		return aead, nil
	}
	found := s.finding.DoChan(string(tenant), func() (any, error) {
		shared, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*s.client.cfg.Timeout)
		defer cancel()
		aead, err := s.unwrapped(shared, tenant)
		if err != nil {
			return nil, err
		}
		s.cache.Add(tenant, aead)
		return aead, nil
	})
	select {
	case <-ctx.Done():
		return nil, leaving(ctx.Err())
	case res := <-found:
		if res.Err != nil {
			return nil, res.Err
		}
		return res.Val.(cipher.AEAD), nil //nolint:forcetypeassert // made twelve lines above
	}
}

func (s *Sealer) unwrapped(ctx context.Context, tenant tenancy.ID) (cipher.AEAD, error) {
	wrapped, err := s.store.FindDataKey(ctx, tenant)
	if fault.Is(err, fault.KindNotFound) {
		wrapped, err = s.firstKey(ctx, tenant)
	}
	if err != nil {
		return nil, fmt.Errorf("finding the tenant's data key: %w", err)
	}
	// The kept key is unwrapped even where this call made it: another one may have been first.
	secret, err := s.client.write(ctx, "UnwrapDataKey", s.client.path("decrypt", s.keyName(tenant)), map[string]any{"ciphertext": wrapped})
	if err != nil {
		return nil, fmt.Errorf("unwrapping the tenant's data key: %w", err)
	}
	encoded, _ := secret["plaintext"].(string)
	key, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil || len(key) != dataKeyBytes {
		return nil, fault.Internal(fmt.Errorf("the tenant's data key has %d bytes, want %d", len(key), dataKeyBytes))
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fault.Internal(err)
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return nil, fault.Internal(err)
	}
	return aead, nil
}

// firstKey has Vault make a data key; only its wrapped form comes here.
func (s *Sealer) firstKey(ctx context.Context, tenant tenancy.ID) (string, error) {
	secret, err := s.client.write(ctx, "NewDataKey", s.client.path("datakey/wrapped", s.keyName(tenant)), map[string]any{"bits": 8 * dataKeyBytes})
	if err != nil {
		return "", err
	}
	wrapped, _ := secret["ciphertext"].(string)
	if wrapped == "" {
		return "", fault.Internal(errors.New("vault gave no data key"))
	}
	return s.store.SaveDataKey(ctx, tenant, wrapped)
}
