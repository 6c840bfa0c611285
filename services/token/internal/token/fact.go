package token

import (
	"net/netip"
	"time"

	"github.com/postern-id/postern/libs/tenancy"
)

// Fact is something that happened to one tenant and that its audit log shows. No secret ever enters it.
type Fact struct {
	Tenant     tenancy.ID
	TenantName string
	Time       time.Time
	Name       FactName
	Type       string // the wire's code: "seccft", "s", …; empty: no line in the audit log
	// KeyIDs are set by facts about keys.
	KeyIDs      []string
	Description string
	ClientID    string
	ClientName  string
	Connection  Connection
	UserID      string
	UserName    string
	Origin      Origin
	Hostname    string
	Audience    string
	Scope       Scope
	SessionID   string
	Family      string // of refresh tokens
	Certificate string // thumbprint of the one by which the client authenticated; empty: by none
	Details     map[string]any
}

// FactName is the noun and the past participle of a fact's subject.
type FactName string

// The facts of this service.
const (
	LoginSucceeded       FactName = "login.succeeded"
	LoginFailed          FactName = "login.failed"
	LogoutSucceeded      FactName = "logout.succeeded"
	LogoutFailed         FactName = "logout.failed"
	SilentLoginSucceeded FactName = "silent_login.succeeded"
	SilentLoginFailed    FactName = "silent_login.failed"
	SessionUpdated       FactName = "session.updated"
	SessionEnded         FactName = "session.ended"
	LogoutTold           FactName = "logout.told"
	LogoutUntold         FactName = "logout.untold"
	DeviceRefused        FactName = "device.refused"
	PushRefused          FactName = "request.refused"
	ConsentWithdrawn     FactName = "consent.withdrawn"
	TokenIssued          FactName = "token.issued"
	TokenRefused         FactName = "token.refused"
	QuotaUsed            FactName = "quota.used"
	RefreshTokenReused   FactName = "refresh_token.reused"
	RefreshTokenRevoked  FactName = "refresh_token.revoked"
	RefreshTokenUpdated  FactName = "refresh_token.updated"
	DeviceKeyCreated     FactName = "device_key.created"
	DeviceKeyDeleted     FactName = "device_key.deleted"
	KeysPublished        FactName = "key.published"
	KeysRotated          FactName = "key.rotated"
	KeysRevoked          FactName = "key.revoked"
)

// Origin is where a request came from, as the edge saw it.
type Origin struct {
	IP        string
	UserAgent string
}

// network is what stands for one caller where tries are counted: an IPv4 address, or the /64 of an IPv6 one, all of which is one
// subscriber's to choose from (RFC 6177 §2).
func (o Origin) network() string {
	addr, err := netip.ParseAddr(o.IP)
	if err != nil {
		return o.IP
	}
	if addr = addr.Unmap().WithZone(""); addr.Is4() {
		return addr.String()
	}
	prefix, err := addr.Prefix(64)
	if err != nil {
		return o.IP
	}
	return prefix.String()
}

// factOf starts a fact of t.
func factOf(t tenancy.Tenant, now time.Time, name FactName, kind string) Fact {
	return Fact{Tenant: t.ID, TenantName: t.Name, Time: now, Name: name, Type: kind, Hostname: t.Hostname()}
}
