package token

import (
	"context"
	"time"

	"github.com/postern-id/postern/libs/tenancy"
)

// Configuration is what the tenant set up, as the neighbours tell it. What it gives is shared: never change it. Unknown things, and
// another tenant's, are fault.NotFound; a neighbour that is away with nothing known from before is fault.Unavailable. A change is
// seen within a second.
type Configuration interface {
	// FindClient takes the client's ID, or the URL that it calls itself by.
	FindClient(ctx context.Context, tenant tenancy.ID, id string) (*Client, error)
	FindResourceServer(ctx context.Context, tenant tenancy.ID, identifier string) (*ResourceServer, error)
	// FindClientGrant gives the grant of the client itself, or what stands in for it, with the scopes that the API has today.
	FindClientGrant(ctx context.Context, tenant tenancy.ID, clientID, audience string, subject SubjectType) (*ClientGrant, error)
	// ListConnections gives what is switched on for the client, by name.
	ListConnections(ctx context.Context, tenant tenancy.ID, clientID string) ([]Connection, error)
	FindSettings(ctx context.Context, tenant tenancy.ID) (*Settings, error)
	// ListMobileApps gives the apps of phones that belong to the tenant's clients; none is no error.
	ListMobileApps(ctx context.Context, tenant tenancy.ID) ([]MobileApp, error)
}

// PasswordOutcome is what came of a password.
type PasswordOutcome int

// The outcomes; only OK and Blocked mean that the password was right.
const (
	PasswordOK PasswordOutcome = iota + 1
	PasswordWrong
	PasswordUnknownUser
	PasswordBlocked
)

// Users is the user service. An error means that nothing was found out.
type Users interface {
	// VerifyPassword gives the user when the password was right, and one with its ID alone when it was a known user's wrong one. Unknown
	// users take as long as wrong passwords.
	VerifyPassword(ctx context.Context, tenant tenancy.ID, connection, identifier, password string) (PasswordOutcome, *User, error)
	// FindUser is fault.NotFound for a user who is gone or another tenant's.
	FindUser(ctx context.Context, tenant tenancy.ID, id string) (*User, error)
	// RecordLogin counts a login and gives how many there were with it; fault.NotFound.
	RecordLogin(ctx context.Context, tenant tenancy.ID, id, ip string) (int64, error)
}

// Signer makes JWS signatures (RFC 7515 §5.1) with keys that never leave Vault.
type Signer interface {
	// Sign gives the raw signature of input (header.payload) by exactly the version of key, by alg, which is one that keys of its kind
	// sign by; fault.Unavailable when Vault is away.
	Sign(ctx context.Context, tenant tenancy.ID, key SigningKey, alg string, input []byte) ([]byte, error)
}

// KeySource is where key versions come from before they are published.
type KeySource interface {
	// Versions gives the public halves that the tenant's signing keys have, by algorithm and oldest first; fault.NotFound when there
	// is no RSA key.
	Versions(ctx context.Context, tenant tenancy.ID) ([]KeyVersion, error)
	// Provide makes versions of the tenant's key for alg, and the key where it is missing, until there are as many as said. A repeat
	// changes nothing; two calls at the same instant may leave more.
	Provide(ctx context.Context, tenant tenancy.ID, alg string, versions int) error
	// Certify gives a self-signed certificate (DER) of the version for the hostname.
	Certify(ctx context.Context, tenant tenancy.ID, version KeyVersion, hostname string, from, until time.Time) ([]byte, error)
}

// KeyStore keeps what is published of signing keys.
type KeyStore interface {
	// PublishKeys stores those of keys whose version the tenant has not yet and gives all it has then, by version and algorithm. Of
	// concurrent calls for one version the first wins and all get its key ID. The fact is written when something was stored.
	PublishKeys(ctx context.Context, tenant tenancy.ID, keys []SigningKey, fact Fact) ([]SigningKey, error)
	// ListKeys gives the tenant's keys by version and algorithm; none is no error.
	ListKeys(ctx context.Context, tenant tenancy.ID) ([]SigningKey, error)
	// ShowKeys makes the tenant's keys for alg shown since the fact's time and gives all the tenant has then. Where one of them was
	// shown before, or there is none, nothing changes and no fact is written: of concurrent calls the first counts.
	ShowKeys(ctx context.Context, tenant tenancy.ID, alg string, fact Fact) ([]SigningKey, error)
	// RotateKeys retires, promotes and publishes what the rotation says, in one step with its fact and the line of the call, and gives
	// all the tenant has then. Where one of the keys is not in its state any more, or the version of one of the fresh ones is
	// published already, it is fault.Conflict and nothing has changed.
	RotateKeys(ctx context.Context, tenant tenancy.ID, rotation KeyRotation) ([]SigningKey, error)
	// RevokeKeys revokes previous keys, in one step with the fact and the line of the call. Where one of them is not previous, or not
	// there, it is fault.Conflict and nothing has changed.
	RevokeKeys(ctx context.Context, tenant tenancy.ID, revocation KeyRevocation) error
}

// KeyRing gives a tenant's keys fast: from memory, and from memory alone while the store is away. None at all is fault.NotFound.
type KeyRing interface {
	// SigningKey gives the key that signs by alg. Whoever asks for the tenant's keys is shown it: one that was not shown so far is now,
	// and is given as soon as every process shows it (SigningKey.KnownIn). Without a key for alg, or while one that is not shown
	// cannot be, fault.Unavailable.
	SigningKey(ctx context.Context, tenant tenancy.ID, alg string) (SigningKey, error)
}

// Verifier checks access tokens that this service signed for a tenant.
type Verifier interface {
	// VerifyAccess gives what a JWT access token says when its signature, issuer, times and audience hold (RFC 8725); else
	// fault.Unauthenticated. Whether who sends it holds the key that it is bound to is the caller's to check.
	VerifyAccess(ctx context.Context, t tenancy.Tenant, raw, audience string) (AccessClaims, error)
}

// AccessClaims are those of a verified access token.
type AccessClaims struct {
	Subject  string
	ClientID string
	Scope    Scope
	Claims   []string  // that /userinfo gives beside those of the scope
	Issued   time.Time // to the second
	Expires  time.Time // zero: of an opaque token, which the store forgets by then
	Actor    *Actor    // who acts for the subject (RFC 8693 §4.1); nil: nobody
	// Thumbprint is what the token is bound to, as Permit.Binding has it; empty: nothing.
	Thumbprint string
}

// LoginStore keeps login transactions and sessions, each visible to its own tenant only. What has expired at `now`, or belongs to
// another tenant, is fault.NotFound.
type LoginStore interface {
	SaveTransaction(ctx context.Context, tenant tenancy.ID, tx Transaction) error
	FindTransaction(ctx context.Context, tenant tenancy.ID, state Hash, now time.Time) (Transaction, error)
	FindSession(ctx context.Context, tenant tenancy.ID, secret Hash, now time.Time) (Session, error)
	// OpenSession stores a session, in the place of what it was before where one of its ID is there, ends the one it replaces, ties it to
	// the transaction and writes the fact, in one step.
	// A transaction that is gone is fault.NotFound and changes nothing.
	OpenSession(ctx context.Context, tenant tenancy.ID, opening Opening) error
	// CompleteTransaction removes the transaction, stores what came of it, notes that the session let its user into the client and, for a session that was there before, notes its use and
	// writes the fact, in one step. Of two concurrent calls one wins; the other, like one whose session has ended, is fault.NotFound.
	CompleteTransaction(ctx context.Context, tenant tenancy.ID, c Completion) error
	// AbandonTransaction removes the transaction; one that is gone is fault.NotFound.
	AbandonTransaction(ctx context.Context, tenant tenancy.ID, state Hash) error
	// ContinueSession notes the use of a session and by whom, stores what it gave and writes the fact, in one step. A session that has ended
	// meanwhile is fault.NotFound and changes nothing.
	ContinueSession(ctx context.Context, tenant tenancy.ID, use SessionUse) error
	// EndSession removes the session, leaves a message for each of its clients and writes the fact, in one step. A session that is
	// gone is fault.NotFound; nothing is told then.
	EndSession(ctx context.Context, tenant tenancy.ID, e SessionEnd, fact Fact) error
	// RecordFact writes a fact that changes nothing else.
	RecordFact(ctx context.Context, fact Fact) error
}

// CodeStore keeps authorization codes (RFC 6749 §4.1.2) and the opaque access tokens issued from them, each visible to its own
// tenant only.
type CodeStore interface {
	// FindCode gives what the code stands for, also when it was redeemed already (Authorization.Redeemed); a code that has
	// expired at now, is unknown, or another tenant's is fault.NotFound.
	FindCode(ctx context.Context, tenant tenancy.ID, code Hash, now time.Time) (Authorization, error)
	// RedeemCode marks the code as redeemed, stores the opaque and the refresh token that were issued for it, if any, and writes the
	// fact, in one step. Of two concurrent calls one wins; the other, like an expired code or another tenant's, is fault.NotFound. A refresh token that is to live as long
	// as a session which has ended is fault.Conflict.
	RedeemCode(ctx context.Context, tenant tenancy.ID, redemption Redemption) error
	// RevokeCode removes the opaque and refresh tokens that were issued from a code, and what those gave (RFC 6749 §4.1.2); none is
	// no error. The refusal that follows is a fact of its own.
	RevokeCode(ctx context.Context, tenant tenancy.ID, code Hash, now time.Time) error
	// FindAccessToken gives what an opaque token stands for; expired, revoked or another tenant's is fault.NotFound.
	FindAccessToken(ctx context.Context, tenant tenancy.ID, token Hash, now time.Time) (AccessToken, error)
}

// OpaqueStore keeps what grants give that have nothing of their own to use up.
type OpaqueStore interface {
	// SaveTokens stores the opaque and the refresh token of the settlement, if any, and writes its fact, in one step. For one
	// that prunes, the oldest of the user's refresh tokens at the client go, beyond MaxRefreshTokens.
	SaveTokens(ctx context.Context, tenant tenancy.ID, s Settlement) error
}

// AssertionStore remembers client assertions (RFC 7523 §3) and proofs of possession (RFC 9449 §11.1) that were used.
type AssertionStore interface {
	// UseAssertion notes the use of what may be used once. A second use, also a concurrent one, is fault.Conflict until expires.
	UseAssertion(ctx context.Context, tenant tenancy.ID, assertion Hash, expires time.Time) error
}

// AssertionReader reads client assertions (RFC 7523 §2.2).
type AssertionReader interface {
	// Read gives what a JWT says that one of the keys signed, by the key's own algorithm; any other is fault.Unauthenticated. Times and
	// names are the caller's to check.
	Read(raw string, keys []Credential) (AssertionClaims, error)
}

// AssertionClaims are those of a client assertion whose signature is right (RFC 7523 §3).
type AssertionClaims struct {
	Issuer, Subject, ID        string
	Audience                   []string
	Expires, NotBefore, Issued time.Time // zero: not said
}

// Recorder takes facts that have no row of their own to be written beside. It returns once the fact is safe or safely queued;
// when the queue is full it waits, and gives fault.Unavailable at the end of its patience.
type Recorder interface {
	Record(ctx context.Context, fact Fact) error
}
