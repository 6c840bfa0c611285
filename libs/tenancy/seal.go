package tenancy

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Header is the one header by which the router tells a service whose request it is.
const Header = "Postern-Tenant"

// SealLife is how long a sealed tenant is accepted.
const SealLife = 60 * time.Second

// Seal signs tenants into headers and opens them again. The key is shared by a cell's router and services. Safe for concurrent use.
type Seal struct {
	key []byte
	now func() time.Time
}

// NewSeal needs a key of exactly 32 bytes.
func NewSeal(key []byte, now func() time.Time) (*Seal, error) {
	if len(key) != 32 {
		return nil, fmt.Errorf("the edge key has %d bytes, want 32", len(key))
	}
	return &Seal{key: key, now: now}, nil
}

// Header gives the header value for t: "<unix expiry>.<base64url JSON>.<base64url HMAC-SHA256>".
func (s *Seal) Header(t Tenant) (string, error) {
	body, err := json.Marshal(t)
	if err != nil {
		return "", fmt.Errorf("encoding tenant: %w", err)
	}
	signed := strconv.FormatInt(s.now().Add(SealLife).Unix(), 10) + "." + base64.RawURLEncoding.EncodeToString(body)
	return signed + "." + base64.RawURLEncoding.EncodeToString(s.mac(signed)), nil
}

// Open gives the tenant of a header value that this cell's router made in the last SealLife. ok is false for anything else.
func (s *Seal) Open(header string) (t Tenant, ok bool) {
	dot := strings.LastIndexByte(header, '.')
	if dot < 0 {
		return Tenant{}, false
	}
	signed := header[:dot]
	mac, err := base64.RawURLEncoding.Strict().DecodeString(header[dot+1:])
	if err != nil || !hmac.Equal(mac, s.mac(signed)) {
		return Tenant{}, false
	}
	exp, body, _ := strings.Cut(signed, ".")
	until, err := strconv.ParseInt(exp, 10, 64)
	if err != nil || s.now().Unix() > until {
		return Tenant{}, false
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(body)
	if err != nil || json.Unmarshal(raw, &t) != nil {
		return Tenant{}, false
	}
	return t, t.ID != ""
}

func (s *Seal) mac(signed string) []byte {
	m := hmac.New(sha256.New, s.key)
	m.Write([]byte(signed))
	return m.Sum(nil)
}
