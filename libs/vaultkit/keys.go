package vaultkit

import (
	"cmp"
	"context"
	"crypto"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/hashicorp/vault/api"

	"github.com/postern-id/postern/libs/fault"
)

// signingVersions is how many versions a signing key starts with: the current one and the next, which verifiers learn in time.
const signingVersions = 2

const wrappingType = "aes256-gcm96"

// PublicKey is the public half of one version of a signing key.
type PublicKey struct {
	Version int
	// Alg is RS256 for RSA keys, which sign RS512 and PS256 as well, and ES256 for P-256.
	Alg     Alg
	Key     crypto.PublicKey // *rsa.PublicKey or *ecdsa.PublicKey
	Created time.Time
}

// CreateSigningKey makes the key with two versions, current and next. A repeat is harmless and completes what an earlier call left
// undone; two calls at the same instant may leave a third version. A key of that name but of another type is fault.Conflict.
func (c *Client) CreateSigningKey(ctx context.Context, name string, alg Alg) error {
	kind, err := alg.keyType()
	if err != nil {
		return err
	}
	return c.do(ctx, "CreateSigningKey", func(ctx context.Context) error {
		key, err := c.createKey(ctx, name, kind)
		if err != nil {
			return err
		}
		for v := key.LatestVersion; v < signingVersions; v++ {
			if _, err := c.vault.Logical().WriteWithContext(ctx, c.path("keys", name, "rotate"), nil); err != nil {
				return err
			}
		}
		return nil
	})
}

// CreateWrappingKey makes an AES-256-GCM key that wraps data keys. A repeat is harmless.
func (c *Client) CreateWrappingKey(ctx context.Context, name string) error {
	return c.do(ctx, "CreateWrappingKey", func(ctx context.Context) error {
		_, err := c.createKey(ctx, name, wrappingType)
		return err
	})
}

// RotateKey adds a version and gives its number. A repeat adds another one: callers who may repeat compare PublicKeys first.
func (c *Client) RotateKey(ctx context.Context, name string) (int, error) {
	var latest int
	err := c.do(ctx, "RotateKey", func(ctx context.Context) error {
		if _, err := c.vault.Logical().WriteWithContext(ctx, c.path("keys", name, "rotate"), nil); err != nil {
			return missing(err)
		}
		key, err := c.readKey(ctx, name)
		latest = key.LatestVersion
		return err
	})
	return latest, err
}

// DeleteKey destroys the key with all its versions. A key that is not there is deleted already.
func (c *Client) DeleteKey(ctx context.Context, name string) error {
	return c.do(ctx, "DeleteKey", func(ctx context.Context) error {
		if _, err := c.readKey(ctx, name); err != nil {
			return gone(err)
		}
		if _, err := c.vault.Logical().WriteWithContext(ctx, c.path("keys", name, "config"), map[string]any{"deletion_allowed": true}); err != nil {
			return gone(missing(err))
		}
		_, err := c.vault.Logical().DeleteWithContext(ctx, c.path("keys", name))
		return gone(missing(err))
	})
}

// PublicKeys gives all versions that Vault still knows, newest first. An unknown key is fault.NotFound; a version that cannot be
// read is an error and never left out in silence.
func (c *Client) PublicKeys(ctx context.Context, name string) ([]PublicKey, error) {
	var key transitKey
	err := c.do(ctx, "PublicKeys", func(ctx context.Context) (err error) {
		key, err = c.readKey(ctx, name)
		return err
	})
	if err != nil {
		return nil, err
	}
	keys, err := key.public()
	if err != nil {
		return nil, fault.Internal(fmt.Errorf("reading public keys of %s: %w", name, err))
	}
	return keys, nil
}

func (c *Client) path(room, name string, more ...string) string {
	return strings.Join(append([]string{c.cfg.Mount, room, name}, more...), "/")
}

func (c *Client) createKey(ctx context.Context, name, kind string) (transitKey, error) {
	_, err := c.vault.Logical().WriteWithContext(ctx, c.path("keys", name), map[string]any{"type": kind}) // not exportable unless asked
	if err != nil {
		return transitKey{}, err
	}
	key, err := c.readKey(ctx, name) // an existing key is left as it was, with a warning; only its own type tells
	if err != nil {
		return transitKey{}, err
	}
	if key.Type != kind {
		return transitKey{}, fault.Conflict("key_exists", "the key exists with another type").Because(fmt.Errorf("%s is of type %s, want %s", name, key.Type, kind))
	}
	return key, nil
}

// transitKey is the answer of GET keys/<name>, as far as we read it.
type transitKey struct {
	Type          string                     `json:"type"`
	LatestVersion int                        `json:"latest_version"`
	Keys          map[string]json.RawMessage `json:"keys"` // objects for asymmetric keys, creation times for the others
}

func (c *Client) readKey(ctx context.Context, name string) (transitKey, error) {
	res, err := c.vault.Logical().ReadRawWithContext(ctx, c.path("keys", name))
	if res != nil {
		defer func() { _ = res.Body.Close() }()
	}
	if err != nil {
		return transitKey{}, err
	}
	var answer struct {
		Data transitKey `json:"data"`
	}
	if err := json.NewDecoder(res.Body).Decode(&answer); err != nil {
		return transitKey{}, fmt.Errorf("reading key %s: %w", name, err)
	}
	return answer.Data, nil
}

func (k transitKey) public() ([]PublicKey, error) {
	var alg Alg
	switch k.Type {
	case typeRSA:
		alg = RS256
	case typeP256:
		alg = ES256
	default:
		return nil, fmt.Errorf("a key of type %q has no public half", k.Type)
	}
	keys := make([]PublicKey, 0, len(k.Keys))
	for name, raw := range k.Keys {
		version, err := strconv.Atoi(name)
		if err != nil {
			return nil, fmt.Errorf("version %q: %w", name, err)
		}
		var entry struct {
			PublicKey    string    `json:"public_key"`
			CreationTime time.Time `json:"creation_time"`
		}
		if err := json.Unmarshal(raw, &entry); err != nil {
			return nil, fmt.Errorf("version %d: %w", version, err)
		}
		block, _ := pem.Decode([]byte(entry.PublicKey))
		if block == nil {
			return nil, fmt.Errorf("version %d: no PEM block", version)
		}
		key, err := x509.ParsePKIXPublicKey(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("version %d: %w", version, err)
		}
		keys = append(keys, PublicKey{Version: version, Alg: alg, Key: key, Created: entry.CreationTime})
	}
	slices.SortFunc(keys, func(a, b PublicKey) int { return cmp.Compare(b.Version, a.Version) })
	return keys, nil
}

// missing makes a fault.NotFound of the 400 with which transit answers writes to a key that is not there.
func missing(err error) error {
	res, ok := errors.AsType[*api.ResponseError](err)
	if ok && res.StatusCode == http.StatusBadRequest && slices.ContainsFunc(res.Errors, noSuchKey) {
		return fault.NotFound("the key does not exist").Because(err)
	}
	return err
}

// gone drops the error of a key that is not there.
func gone(err error) error {
	if statusOf(err) == http.StatusNotFound || (err != nil && fault.Is(err, fault.KindNotFound)) {
		return nil
	}
	return err
}
