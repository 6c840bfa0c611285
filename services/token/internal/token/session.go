package token

import "time"

// Session is a browser's login at a tenant.
type Session struct {
	ID         string // the sid claim; opens nothing
	Secret     Hash   // of the cookie
	UserID     string
	Connection Connection
	AuthTime   time.Time // when the password was typed (OIDC Core §2, auth_time)
	LastUsed   time.Time
	IdleUntil  time.Time // moves with use
	Until      time.Time // never moves
	// Host is where it was opened; it is good nowhere else, whoever carries its cookie there.
	Host        string
	TenantName  string    // the account's slug, for what is told of it later
	Created     time.Time // when the browser got it; a login of the same user goes on with it
	Ephemeral   bool      // its cookie ends with the browser
	First, Last Origin    // where it was opened, and last used
	Clients     []string  // that it let its user into; known to SessionAdmin alone
	Metadata    map[string]string
	Updated     time.Time // when an administrator last changed it; zero: never
	From        Handover
}

// outlived reports a session that is older, or was left alone longer, than its tenant allows by now. Longer lifetimes count for new
// sessions only; shorter ones count at the next use. The login that was handed on may be older than the session.
func (s *Session) outlived(now time.Time, absolute, idle time.Duration) bool {
	begun := s.AuthTime
	if s.Created.After(begun) {
		begun = s.Created
	}
	return !now.Before(begun.Add(absolute)) || !now.Before(s.LastUsed.Add(idle))
}

// Transaction is a login under way, from /authorize until the code. Its state is known to the browser that began it alone.
type Transaction struct {
	State   Hash
	Browser Hash // of the cookie: a state that was stolen or planted is of no use elsewhere (login CSRF, RFC 9700 §4.7)
	Request Request
	// SessionID is set once the user has logged in.
	SessionID string
	Reused    bool // the session was there before: nobody took part in this login yet
	Agreed    bool // the user was asked on the consent page and agreed
	Began     time.Time
	Expires   time.Time
}

// Opening is a login that succeeded.
type Opening struct {
	Session Session
	// Replaces is the browser's session before, which this one ends; empty where there was none, and where it goes on under its ID.
	Replaces string
	State    Hash // of the login transaction; a session that is taken over has none
	Fact     Fact
}

// Given is what an authorization response hands out and the store must know of.
type Given struct {
	Code  *Authorization // nil: no code was asked for
	Token *AccessToken   // nil: no token for /userinfo alone was
}

// SessionUse is an answer that a session gave without a prompt.
type SessionUse struct {
	SessionID string
	ClientID  string // to whom
	Hears     bool   // the client has a URL to be told of the session's end at
	Now       time.Time
	IdleUntil time.Time
	Origin    Origin
	Given     Given
	Fact      *Fact // nil: it is told of elsewhere
}

// Initiator is what ends sessions, in the wire's words for back-channel logout.
type Initiator string

// The initiators.
const (
	ByLogout       Initiator = "rp-logout"
	ByRevocation   Initiator = "session-revoked"
	ByPassword     Initiator = "password-changed"
	ByIdentifier   Initiator = "email-identifier-changed" // or another name that the user logs in by
	ByExpiry       Initiator = "session-expired"
	ByDeletion     Initiator = "account-deleted"
	ByDeactivation Initiator = "account-deactivated"
)

// SessionEnd is the end of sessions: of one by its ID, or of a user's.
type SessionEnd struct {
	SessionID string
	UserID    string
	// OpenedBefore narrows the user's to those that were opened before; zero: all.
	OpenedBefore time.Time
	By           Initiator
	Now          time.Time
}

// logoutMessageLife is how long a client is told of the end of a session, while it does not answer.
const logoutMessageLife = 24 * time.Hour

// Until is when clients that do not answer are given up.
func (e SessionEnd) Until() time.Time { return e.Now.Add(logoutMessageLife) }

// Completion is the end of a login transaction.
type Completion struct {
	State     Hash
	SessionID string // that it led to
	ClientID  string
	Now       time.Time
	Hears     bool // as in SessionUse
	Given     Given
	// IdleUntil and Fact are set where the session was there before: its use is noted and told of then.
	IdleUntil time.Time
	Origin    Origin
	Fact      *Fact
}
