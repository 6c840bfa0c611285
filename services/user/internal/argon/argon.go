// Package argon makes and checks password hashes with argon2id (RFC 9106), written as PHC strings. It bounds how many are under way,
// so that logins never take the cores from everything else.
package argon

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"time"

	"golang.org/x/crypto/argon2"

	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/libs/tenancy"
	"github.com/postern-id/postern/services/user/internal/user"
)

// Params are the cost of a hash (RFC 9106 §3.1). The zero value is replaced by what OWASP advises: 19 MiB, 2 passes, 1 lane.
type Params struct {
	MemoryKiB uint32
	Passes    uint32
	Lanes     uint8
}

const (
	saltBytes = 16
	keyBytes  = 32
	// maxMemoryKiB bounds what a stored hash may ask for.
	maxMemoryKiB = 1 << 20
	// maxWait bounds the wait for a free core; whoever waited that long is told to come back.
	maxWait = 10 * time.Second
)

// Hasher is a user.Hasher. Safe for concurrent use.
type Hasher struct {
	params Params
	turns  *turns
	dummy  user.Credential // what the zero credential is checked against
}

var _ user.Hasher = (*Hasher)(nil)

// New makes a Hasher that has at most atOnce hashes under way; zero means the number of cores. It makes one hash, for which ctx is.
func New(ctx context.Context, params Params, atOnce int) (*Hasher, error) {
	if params.MemoryKiB == 0 {
		params.MemoryKiB = 19 << 10
	}
	if params.Passes == 0 {
		params.Passes = 2
	}
	if params.Lanes == 0 {
		params.Lanes = 1
	}
	if params.MemoryKiB < 8*uint32(params.Lanes) || params.MemoryKiB > maxMemoryKiB || params.Passes > 100 {
		return nil, errors.New("argon2id wants at least 8 KiB a lane, at most 1 GiB, and at most 100 passes")
	}
	if atOnce <= 0 {
		atOnce = runtime.GOMAXPROCS(0)
	}
	h := &Hasher{params: params, turns: newTurns(atOnce)}
	secret := make([]byte, 32)
	_, _ = rand.Read(secret) // never fails
	var err error
	h.dummy, err = h.Hash(ctx, "", string(secret))
	return h, err
}

// Hash implements user.Hasher.
func (h *Hasher) Hash(ctx context.Context, tenant tenancy.ID, password string) (user.Credential, error) {
	release, err := h.acquire(ctx, tenant)
	if err != nil {
		return user.Credential{}, err
	}
	defer release()
	salt := make([]byte, saltBytes)
	_, _ = rand.Read(salt) // never fails
	p := h.params
	key := argon2.IDKey([]byte(password), salt, p.Passes, p.MemoryKiB, p.Lanes, keyBytes)
	return user.Credential{Hash: fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, p.MemoryKiB, p.Passes, p.Lanes,
		base64.RawStdEncoding.EncodeToString(salt), base64.RawStdEncoding.EncodeToString(key))}, nil
}

// Verify implements user.Hasher.
func (h *Hasher) Verify(ctx context.Context, tenant tenancy.ID, c user.Credential, password string) (ok, outdated bool, err error) {
	params, salt, want, readable := parse(c.Hash)
	if !readable {
		params, salt, want, _ = parse(h.dummy.Hash)
	}
	release, err := h.acquire(ctx, tenant)
	if err != nil {
		return false, false, err
	}
	defer release()
	got := argon2.IDKey([]byte(password), salt, params.Passes, params.MemoryKiB, params.Lanes, uint32(len(want))) //nolint:gosec // parse bounds it
	ok = subtle.ConstantTimeCompare(got, want) == 1 && readable
	return ok, ok && params != h.params, nil
}

func (h *Hasher) acquire(ctx context.Context, tenant tenancy.ID) (release func(), err error) {
	wait, cancel := context.WithTimeout(ctx, maxWait)
	defer cancel()
	if err := h.turns.take(wait, tenant); err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, fault.Unavailable("Too many logins at once")
	}
	return h.turns.give, nil
}

// parse reads a PHC string of argon2id.
func parse(hash string) (p Params, salt, key []byte, ok bool) {
	parts := strings.Split(hash, "$")
	if len(parts) != 6 || parts[0] != "" || parts[1] != "argon2id" || parts[2] != fmt.Sprintf("v=%d", argon2.Version) {
		return Params{}, nil, nil, false
	}
	if _, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &p.MemoryKiB, &p.Passes, &p.Lanes); err != nil {
		return Params{}, nil, nil, false
	}
	salt, saltErr := base64.RawStdEncoding.DecodeString(parts[4])
	key, keyErr := base64.RawStdEncoding.DecodeString(parts[5])
	ok = saltErr == nil && keyErr == nil && p.MemoryKiB > 0 && p.MemoryKiB <= maxMemoryKiB && p.Passes > 0 && p.Passes <= 100 && p.Lanes > 0 &&
		len(key) >= 16 && len(key) <= 1024
	return p, salt, key, ok
}
