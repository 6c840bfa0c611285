package httpapi

import (
	"encoding/json"
	"reflect"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/postern-id/postern/services/user/internal/user"
)

// wireUser is a user on the wire. What was never set is left out.
type wireUser struct {
	UserID            string         `json:"user_id"`
	Email             string         `json:"email,omitempty"`
	EmailVerified     *bool          `json:"email_verified,omitempty"`
	Username          string         `json:"username,omitempty"`
	PhoneNumber       string         `json:"phone_number,omitempty"`
	PhoneVerified     *bool          `json:"phone_verified,omitempty"`
	Name              string         `json:"name,omitempty"`
	GivenName         string         `json:"given_name,omitempty"`
	FamilyName        string         `json:"family_name,omitempty"`
	Nickname          string         `json:"nickname,omitempty"`
	Picture           string         `json:"picture,omitempty"`
	Blocked           bool           `json:"blocked,omitempty"`
	UserMetadata      user.Metadata  `json:"user_metadata,omitempty"`
	AppMetadata       user.Metadata  `json:"app_metadata,omitempty"`
	Identities        []wireIdentity `json:"identities"`
	CreatedAt         string         `json:"created_at"`
	UpdatedAt         string         `json:"updated_at"`
	LastLogin         string         `json:"last_login,omitempty"`
	LastIP            string         `json:"last_ip,omitempty"`
	LoginsCount       int64          `json:"logins_count,omitempty"`
	LastPasswordReset string         `json:"last_password_reset,omitempty"`
}

type wireIdentity struct {
	Connection string `json:"connection"`
	Provider   string `json:"provider"`
	UserID     string `json:"user_id"`
	IsSocial   bool   `json:"isSocial"`
}

func toWire(u user.User) wireUser {
	w := wireUser{
		UserID: string(u.ID), Email: u.Email, Username: u.Username, PhoneNumber: u.PhoneNumber, Name: u.Name, GivenName: u.GivenName,
		FamilyName: u.FamilyName, Nickname: u.Nickname, Picture: u.Picture, Blocked: u.Blocked, UserMetadata: u.UserMetadata,
		AppMetadata: u.AppMetadata, Identities: []wireIdentity{}, CreatedAt: stamp(u.CreatedAt), UpdatedAt: stamp(u.UpdatedAt),
		LastLogin: stamp(u.LastLogin), LastIP: u.LastIP, LoginsCount: u.LoginsCount, LastPasswordReset: stamp(u.LastPasswordReset),
	}
	if u.Email != "" {
		w.EmailVerified = &u.EmailVerified
	}
	if u.PhoneNumber != "" {
		w.PhoneVerified = &u.PhoneVerified
	}
	for _, i := range u.Identities {
		w.Identities = append(w.Identities, wireIdentity{Connection: i.Connection, Provider: i.Provider, UserID: i.ID, IsSocial: i.IsSocial})
	}
	return w
}

func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02T15:04:05.000Z")
}

// Fields is embedded where the caller may choose which properties come back.
type Fields struct {
	Names   string `query:"fields" doc:"Comma-separated properties"`
	Include string `query:"include_fields" enum:"true,false" doc:"true: only those properties; false: all but those"`
}

// shown is a user with the properties that the caller asked for.
type shown struct {
	user   wireUser
	fields Fields
}

func (f Fields) of(u user.User) shown { return shown{toWire(u), f} }

// MarshalJSON implements json.Marshaler.
func (s shown) MarshalJSON() ([]byte, error) {
	if s.fields.Names == "" {
		return json.Marshal(s.user)
	}
	b, err := json.Marshal(s.user)
	if err != nil {
		return nil, err
	}
	var all, chosen map[string]json.RawMessage
	if err := json.Unmarshal(b, &all); err != nil {
		return nil, err
	}
	chosen = map[string]json.RawMessage{}
	for name := range strings.SplitSeq(s.fields.Names, ",") {
		name, _, _ = strings.Cut(strings.TrimSpace(name), ".")
		if value, ok := all[name]; ok {
			chosen[name] = value
			delete(all, name)
		}
	}
	if s.fields.Include == "false" {
		return json.Marshal(all)
	}
	return json.Marshal(chosen)
}

// Schema implements huma.SchemaProvider.
func (shown) Schema(r huma.Registry) *huma.Schema {
	return r.Schema(reflect.TypeFor[wireUser](), true, "User")
}
