package token

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"strings"
	"time"

	"github.com/postern-id/postern/libs/oauth"
)

// MaxRefreshTokens is how many families of refresh tokens a user may keep at one client; the oldest go for new ones.
const MaxRefreshTokens = 200

// pruning is the part of new families, of 256, that the oldest go for. To look at each would cost a user who has many as much as the rest
// of the login, so that there may be some more for a while: as many as come until the next of these, sixteen in the middle.
const pruning = 256 / 16

// MaxSiblings bounds the tokens of one generation: those that were given for one and the same token within its leeway.
const MaxSiblings = 32

// RefreshToken is a family of refresh tokens (RFC 9700 §4.14): those that descend from one login. Of all of them there is one row,
// which an exchange rewrites. It knows the newest tokens by their hashes, and every older one by its tag.
type RefreshToken struct {
	// ID is the public name of the family; it opens nothing.
	ID string
	// Key makes the tags. Whoever read it could end the family, and open nothing with it.
	Key TagKey
	// Counter numbers the generation that Current holds, from 1. A generation has more than one token only when its ancestor was
	// brought more than once within the leeway.
	Counter  uint32
	Current  []Hash
	Previous []Hash    // the generation before
	Rotated  time.Time // when Current took the place of Previous; zero: never

	Rotating      bool
	ClientID      string
	UserID        string
	SessionID     string   // it came from; empty: from no browser
	From          Handover // of that session
	Online        bool     // it lives as long as that session at most
	Audience      string   // empty: for /userinfo alone
	Thumbprint    string   // of the key that it is bound to (RFC 9449 §5); empty: to none
	Scope         Scope
	Connection    Connection
	AuthTime      time.Time
	WantAuthTime  bool
	Claims        ClaimsRequest
	Created       time.Time
	LastExchanged time.Time // zero: not yet
	IdleUntil     time.Time // moves with use; zero: no end
	Until         time.Time // never moves; zero: no end
	First, Last   Origin    // where it was given, and last exchanged
	Metadata      map[string]string

	// Prunes says that the oldest beyond MaxRefreshTokens go as this one comes. It is not kept.
	Prunes bool
}

// TagKey makes the tags of one family's tokens.
type TagKey [32]byte

// rotatingPrefix begins the tokens that are good once, onlinePrefix those that live as long as their session.
const (
	rotatingPrefix = "v1."
	onlinePrefix   = "ORT."
)

// refreshIDPrefix begins the public names of families.
const refreshIDPrefix = "rt_"

// The parts of a token, in bytes. The tag says that the family's key made the token, so that one which was used up is known for one
// without being kept; what opens is the secret, of which the row has a hash.
const (
	refreshIDSize = 15
	counterSize   = 4
	secretSize    = 32
	tagSize       = 16
	refreshSize   = refreshIDSize + counterSize + secretSize + tagSize
)

// presented is a refresh token as somebody brought it. Nothing of it is proved.
type presented struct {
	id      string
	counter uint32
	hash    Hash
	signed  []byte // what the tag is over
	tag     []byte
}

// readRefreshToken takes a token apart; ok is false for what cannot be one.
func readRefreshToken(raw string) (p presented, ok bool) {
	b, err := base64.RawURLEncoding.Strict().DecodeString(strings.TrimPrefix(strings.TrimPrefix(raw, rotatingPrefix), onlinePrefix))
	if err != nil || len(b) != refreshSize {
		return presented{}, false
	}
	signed, tag := b[:refreshSize-tagSize], b[refreshSize-tagSize:]
	return presented{
		id: refreshIDPrefix + base64.RawURLEncoding.EncodeToString(b[:refreshIDSize]), counter: binary.BigEndian.Uint32(b[refreshIDSize:]),
		hash: HashOf(raw), signed: signed, tag: tag,
	}, true
}

// mint makes a token of the family's generation.
func (r *RefreshToken) mint(counter uint32, rotating bool) string {
	id, err := base64.RawURLEncoding.DecodeString(strings.TrimPrefix(r.ID, refreshIDPrefix))
	if err != nil {
		panic(err) // it was made here
	}
	b := binary.BigEndian.AppendUint32(append(make([]byte, 0, refreshSize), id...), counter)
	secret := make([]byte, secretSize)
	_, _ = rand.Read(secret) // never fails (crypto/rand)
	b = append(b, secret...)
	raw := base64.RawURLEncoding.EncodeToString(append(b, r.Key.tag(b)...))
	switch {
	case r.endless():
		return onlinePrefix + raw
	case rotating:
		return rotatingPrefix + raw
	}
	return raw
}

func (k TagKey) tag(signed []byte) []byte {
	mac := hmac.New(sha256.New, k[:])
	mac.Write(signed)
	return mac.Sum(nil)[:tagSize]
}

// standing is what a presented token is to its family.
type standing int

const (
	standsForeign  standing = iota // never given out, whatever family it names
	standsNewest                   // good
	standsPrevious                 // of the generation before: good within the leeway
	standsUsed                     // given out, and used up long ago
)

// standing says what p is to the family. That it names the family proves nothing: only what was given out may open or end it.
func (r *RefreshToken) standing(p presented) standing {
	switch {
	case holds(r.Current, p.hash):
		return standsNewest
	case holds(r.Previous, p.hash):
		return standsPrevious
	case p.counter < r.Counter && hmac.Equal(r.Key.tag(p.signed), p.tag):
		return standsUsed
	}
	return standsForeign
}

// holds looks at all of hashes, in constant time for each.
func holds(hashes []Hash, h Hash) bool {
	found := false
	for _, have := range hashes {
		found = have.Equal(h) || found
	}
	return found
}

// endless says that the family has no ends of its own, beside that of its session: it was asked for as such.
func (r *RefreshToken) endless() bool { return r.Online && r.Scope.Has(oauth.ScopeOnlineAccess) }

// over reports a family that is good no more, by what it was given or by its client's settings of now.
func (r *RefreshToken) over(now time.Time, p RefreshPolicy) bool {
	if r.endless() { // whether its session is over is asked elsewhere
		return false
	}
	used := r.LastExchanged
	if used.IsZero() {
		used = r.Created
	}
	return ended(r.Until, now) || ended(r.IdleUntil, now) || p.Idle > 0 && ended(used.Add(p.Idle), now)
}

// Over reports a family that was good until now at most.
func (r *RefreshToken) Over(now time.Time) bool {
	return ended(r.Until, now) || ended(r.IdleUntil, now)
}

func ended(until, now time.Time) bool { return !until.IsZero() && !now.Before(until) }

// after gives when what lasts for life ends; zero: never.
func after(now time.Time, life time.Duration) time.Time {
	if life <= 0 {
		return time.Time{}
	}
	return now.Add(life)
}

// newRefreshToken makes a family for what a was granted, and its first token. The absolute end is settled here for good; the idle
// one follows the client's settings at each exchange.
func newRefreshToken(x Exchange, a Authorization) (raw string, r *RefreshToken) {
	id := make([]byte, refreshIDSize)
	_, _ = rand.Read(id)
	p := x.Client.refreshPolicy()
	online := a.Scope.Has(oauth.ScopeOnlineAccess)
	if online {
		p = RefreshPolicy{}
	}
	online = online || a.From.Handed() && x.Client.Transfer.Online
	r = &RefreshToken{
		ID: refreshIDPrefix + base64.RawURLEncoding.EncodeToString(id), Counter: 1, Rotating: p.Rotating, ClientID: x.Client.ID,
		UserID: a.UserID, SessionID: a.SessionID, From: a.From, Online: online, Audience: a.Audience, Scope: a.Scope, Connection: a.Connection, AuthTime: a.AuthTime,
		WantAuthTime: a.WantAuthTime, Claims: a.Claims, Created: x.Now, IdleUntil: after(x.Now, p.Idle), Until: after(x.Now, p.Lifetime),
		First: x.Origin.clipped(), Last: x.Origin.clipped(), Prunes: id[0] < pruning,
	}
	if x.Client.Public() { // another's are bound to how it proves itself (RFC 9449 §5)
		r.Thumbprint = x.Proven.Thumbprint
	}
	_, _ = rand.Read(r.Key[:])
	raw = r.mint(1, p.Rotating)
	r.Current = []Hash{HashOf(raw)}
	return raw, r
}

// refresh gives the refresh token that goes out with the exchange, and puts into the settlement what the store must know of it.
func (s *Settlement) refresh(x Exchange) string {
	raw, family := "", ""
	switch a := s.Authorization; {
	case a.Renewal != nil:
		a.Renewal.tell(&s.Fact, x)
		raw, family = a.Renewal.Token, a.Renewal.Family.ID
	case a.UserID != "" && (a.Scope.Has(oauth.ScopeOfflineAccess) || a.Scope.Has(oauth.ScopeOnlineAccess)):
		raw, s.Refresh = newRefreshToken(x, a)
		family = s.Refresh.ID
	}
	if s.Opaque != nil {
		s.Opaque.Family = family
	}
	return raw
}

// maxUserAgent bounds what is kept of a user agent, in bytes.
const maxUserAgent = 512

func (o Origin) clipped() Origin {
	if len(o.UserAgent) > maxUserAgent {
		o.UserAgent = strings.ToValidUTF8(o.UserAgent[:maxUserAgent], "")
	}
	return o
}
