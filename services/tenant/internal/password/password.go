// Package password hashes members' passwords with argon2id (RFC 9106), as many at a time as there are cores and no more: a flood of
// sign-ins makes sign-ins wait, not everything else.
package password

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
)

// The parameters of new hashes: OWASP's first choice for argon2id.
const (
	memoryKiB = 19 << 10
	passes    = 2
	lanes     = 1
	saltBytes = 16
	keyBytes  = 32
)

// What a stored hash may ask for, so that a broken row does not take the machine.
const (
	maxMemoryKiB = 1 << 20
	maxPasses    = 64
)

// queueWait bounds how long a caller waits for a core.
const queueWait = 5 * time.Second

// Hasher implements tenant.Passwords. Safe for concurrent use.
type Hasher struct{ cores chan struct{} }

// New makes a hasher with as many hashes in flight as the process has cores.
func New() *Hasher { return &Hasher{cores: make(chan struct{}, runtime.GOMAXPROCS(0))} }

// Hash implements tenant.Passwords; the result is in the PHC string format.
func (h *Hasher) Hash(ctx context.Context, password string) (string, error) {
	var salt [saltBytes]byte
	_, _ = rand.Read(salt[:]) // never fails (crypto/rand)
	var key []byte
	err := h.onCore(ctx, func() { key = argon2.IDKey([]byte(password), salt[:], passes, memoryKiB, lanes, keyBytes) })
	if err != nil {
		return "", err
	}
	b64 := base64.RawStdEncoding
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, memoryKiB, passes, lanes,
		b64.EncodeToString(salt[:]), b64.EncodeToString(key)), nil
}

// Matches implements tenant.Passwords. A hash in no known format is Internal.
func (h *Hasher) Matches(ctx context.Context, hash, password string) (bool, error) {
	p, err := parse(hash)
	if err != nil {
		return false, fault.Internal(err)
	}
	var key []byte
	err = h.onCore(ctx, func() {
		key = argon2.IDKey([]byte(password), p.salt, p.passes, p.memory, p.lanes, uint32(len(p.key))) //nolint:gosec // parse bounds it
	})
	if err != nil {
		return false, err
	}
	return subtle.ConstantTimeCompare(key, p.key) == 1, nil
}

func (h *Hasher) onCore(ctx context.Context, work func()) error {
	wait := time.NewTimer(queueWait)
	defer wait.Stop()
	select {
	case h.cores <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	case <-wait.C:
		return fault.Unavailable("Too many people sign in at this moment")
	}
	defer func() { <-h.cores }()
	work()
	return nil
}

type params struct {
	memory, passes uint32
	lanes          uint8
	salt, key      []byte
}

var errFormat = errors.New("password hash in no known format")

func parse(hash string) (params, error) {
	parts := strings.Split(hash, "$") // "", argon2id, v=19, m=…,t=…,p=…, salt, key
	if len(parts) != 6 || parts[0] != "" || parts[1] != "argon2id" || parts[2] != fmt.Sprintf("v=%d", argon2.Version) {
		return params{}, errFormat
	}
	var p params
	if _, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &p.memory, &p.passes, &p.lanes); err != nil {
		return params{}, errFormat
	}
	var err error
	if p.salt, err = base64.RawStdEncoding.DecodeString(parts[4]); err != nil {
		return params{}, errFormat
	}
	if p.key, err = base64.RawStdEncoding.DecodeString(parts[5]); err != nil {
		return params{}, errFormat
	}
	if p.memory == 0 || p.memory > maxMemoryKiB || p.passes == 0 || p.passes > maxPasses || p.lanes == 0 || len(p.key) < 16 || len(p.key) > 64 {
		return params{}, errFormat
	}
	return p, nil
}
