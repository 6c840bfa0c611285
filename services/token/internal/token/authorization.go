package token

import "time"

// Authorization is what a grant allows: whose it is, for whom, and how far it goes. An authorization code stands for one; a machine
// grant makes one on the spot.
type Authorization struct {
	ClientID string
	UserID   string // empty: the client acts for itself
	Audience string // empty: a token for /userinfo alone
	Scope    Scope
	// What follows is set for users.
	Connection   Connection
	SessionID    string
	Ephemeral    bool     // that session ends with its browser
	From         Handover // of that session
	Nonce        string
	AuthTime     time.Time
	WantAuthTime bool
	Claims       ClaimsRequest // of a first party
	// What follows belongs to codes.
	Code            Hash
	RedirectURI     string
	RedirectSent    bool
	Challenge       string
	ChallengeMethod string
	Thumbprint      string // of the key that the request bound the code to (RFC 9449 §10); empty: to none
	Issued, Expires time.Time
	Redeemed        bool
	// Until is when what it gives ends at the latest; zero: as the API says. Actor is who acts for the user. Both belong to token exchange.
	Until time.Time
	Actor *Actor
	// Renewal is set by the exchange of a refresh token alone.
	Renewal *Renewal
}

// agreed says whether the login behind it asked the user for what it allows. What the client's refresh policies opened beside that, it
// did not: the policy point looks for what the user agreed to elsewhere.
func (a Authorization) agreed() bool {
	if a.Renewal == nil || a.Renewal.Policy == "" {
		return true
	}
	own := a.Renewal.Family
	return a.Audience == own.Audience && len(a.Scope.without(own.Scope)) == 0
}

// AccessToken is what an opaque access token stands for; it opens /userinfo alone.
type AccessToken struct {
	Hash            Hash
	ClientID        string
	UserID          string
	Scope           Scope
	SessionID       string
	Claims          []string // that /userinfo gives beside those of the scope
	Thumbprint      string   // what it is bound to, as Permit.Binding has it; empty: nothing
	Code            Hash     // what it was issued from
	Family          string   // of the refresh token that came with it; it ends with that
	Issued, Expires time.Time
}

// Redemption is what makes a code used up.
type Redemption struct {
	Code    Hash
	Now     time.Time
	Token   *AccessToken  // nil: the access token is a JWT, which is not stored
	Refresh *RefreshToken // nil: none is given
	Fact    Fact
}
