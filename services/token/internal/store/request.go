package store

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/services/token/internal/token"
)

// request is a token.Request in its jsonb column. Fields are only ever added: rows outlive a release by an hour.
type request struct {
	ClientID        string   `json:"client_id"`
	RedirectURI     string   `json:"redirect_uri"`
	RedirectSent    bool     `json:"redirect_sent,omitempty"`
	Types           []string `json:"response_type,omitempty"` // none: code, in rows of an older release
	Issuer          string   `json:"iss,omitempty"`
	Mode            string   `json:"response_mode"`
	State           string   `json:"state,omitempty"`
	Nonce           string   `json:"nonce,omitempty"`
	Scope           []string `json:"scope,omitempty"`
	Audience        string   `json:"audience,omitempty"`
	Challenge       string   `json:"code_challenge,omitempty"`
	ChallengeMethod string   `json:"code_challenge_method,omitempty"`
	Thumbprint      string   `json:"dpop_jkt,omitempty"`
	Prompt          []string `json:"prompt,omitempty"`
	MaxAgeSeconds   *int64   `json:"max_age,omitempty"`
	LoginHint       string   `json:"login_hint,omitempty"`
	Subject         string   `json:"sub,omitempty"`
	Connection      string   `json:"connection,omitempty"`
	Locales         string   `json:"ui_locales,omitempty"`
	ScreenHint      string   `json:"screen_hint,omitempty"`
	ACRValues       []string `json:"acr_values,omitempty"`
	Device          string   `json:"device,omitempty"`
	UserCode        string   `json:"user_code,omitempty"`
	claims
}

// claims are those asked for by name (OIDC Core §5.5).
type claims struct {
	IDToken  []string `json:"claims_id_token,omitempty"`
	Userinfo []string `json:"claims_userinfo,omitempty"`
}

func encodeRequest(r token.Request) ([]byte, error) {
	row := request{
		ClientID: r.ClientID, RedirectURI: r.RedirectURI, RedirectSent: r.RedirectSent, Mode: string(r.Mode), State: r.State,
		Nonce: r.Nonce, Scope: r.Scope, Audience: r.Audience, Challenge: r.Challenge, ChallengeMethod: r.ChallengeMethod, Thumbprint: r.Thumbprint,
		Prompt: r.Prompt, LoginHint: r.LoginHint, Subject: r.Subject, Connection: r.Connection, Locales: r.Locales,
		Types: typesOf(r.Types), Issuer: r.Issuer, ScreenHint: r.ScreenHint, ACRValues: r.ACRValues, claims: claims(r.Claims),
		Device: r.Device, UserCode: r.UserCode,
	}
	if r.MaxAge >= 0 {
		seconds := int64(r.MaxAge / time.Second)
		row.MaxAgeSeconds = &seconds
	}
	return encode(row)
}

func decodeRequest(b []byte) (token.Request, error) {
	var row request
	if err := decode(b, &row); err != nil {
		return token.Request{}, err
	}
	r := token.Request{
		ClientID: row.ClientID, RedirectURI: row.RedirectURI, RedirectSent: row.RedirectSent, Mode: token.ResponseMode(row.Mode),
		State: row.State, Nonce: row.Nonce, Scope: row.Scope, Audience: row.Audience, Challenge: row.Challenge,
		ChallengeMethod: row.ChallengeMethod, Thumbprint: row.Thumbprint, Prompt: row.Prompt, MaxAge: -1, LoginHint: row.LoginHint, Subject: row.Subject,
		Connection: row.Connection, Locales: row.Locales,
		Types: token.ResponseType{Code: len(row.Types) == 0}, Issuer: row.Issuer, ScreenHint: row.ScreenHint, ACRValues: row.ACRValues,
		Claims: token.ClaimsRequest(row.claims), Device: row.Device, UserCode: row.UserCode,
	}
	if len(row.Types) > 0 {
		var err error
		if r.Types, err = token.ParseResponseType(strings.Join(row.Types, " ")); err != nil {
			return token.Request{}, fault.Internal(err)
		}
	}
	if row.MaxAgeSeconds != nil {
		r.MaxAge = time.Duration(*row.MaxAgeSeconds) * time.Second
	}
	return r, nil
}

// authorized is what a code stands for, beside what has columns of its own.
type authorized struct {
	Audience        string    `json:"audience,omitempty"`
	Scope           []string  `json:"scope,omitempty"`
	ConnectionID    string    `json:"connection_id"`
	Connection      string    `json:"connection"`
	Strategy        string    `json:"strategy"`
	Nonce           string    `json:"nonce,omitempty"`
	Ephemeral       bool      `json:"ephemeral,omitempty"`
	AuthTime        time.Time `json:"auth_time"`
	WantAuthTime    bool      `json:"want_auth_time,omitempty"`
	RedirectURI     string    `json:"redirect_uri"`
	RedirectSent    bool      `json:"redirect_sent,omitempty"`
	Challenge       string    `json:"code_challenge,omitempty"`
	ChallengeMethod string    `json:"code_challenge_method,omitempty"`
	Thumbprint      string    `json:"dpop_jkt,omitempty"`
	FromFamily      string    `json:"from_family,omitempty"`
	EndsWithFamily  bool      `json:"ends_with_family,omitempty"`
	claims
}

func encodeAuthorization(a token.Authorization) ([]byte, error) {
	return encode(authorized{
		Audience: a.Audience, Scope: a.Scope, ConnectionID: a.Connection.ID, Connection: a.Connection.Name, Strategy: a.Connection.Strategy,
		Nonce: a.Nonce, Ephemeral: a.Ephemeral, AuthTime: a.AuthTime.UTC(), WantAuthTime: a.WantAuthTime, RedirectURI: a.RedirectURI, RedirectSent: a.RedirectSent,
		Challenge: a.Challenge, ChallengeMethod: a.ChallengeMethod, Thumbprint: a.Thumbprint, claims: claims(a.Claims),
		FromFamily: a.From.Family, EndsWithFamily: a.From.Ends,
	})
}

func decodeAuthorization(b []byte) (token.Authorization, error) {
	var row authorized
	if err := decode(b, &row); err != nil {
		return token.Authorization{}, err
	}
	return token.Authorization{
		Audience: row.Audience, Scope: row.Scope,
		Connection: token.Connection{ID: row.ConnectionID, Name: row.Connection, Strategy: row.Strategy},
		Nonce:      row.Nonce, Ephemeral: row.Ephemeral, AuthTime: row.AuthTime, WantAuthTime: row.WantAuthTime, RedirectURI: row.RedirectURI, RedirectSent: row.RedirectSent,
		Challenge: row.Challenge, ChallengeMethod: row.ChallengeMethod, Thumbprint: row.Thumbprint, Claims: token.ClaimsRequest(row.claims),
		From: token.Handover{Family: row.FromFamily, Ends: row.EndsWithFamily},
	}, nil
}

func typesOf(t token.ResponseType) []string {
	var words []string
	for _, w := range []struct {
		asked bool
		word  string
	}{{t.Code, "code"}, {t.Token, "token"}, {t.IDToken, "id_token"}} {
		if w.asked {
			words = append(words, w.word)
		}
	}
	return words
}

func encode(v any) ([]byte, error) {
	b, err := json.Marshal(v)
	if err != nil {
		return nil, fault.Internal(fmt.Errorf("encoding a column: %w", err))
	}
	return b, nil
}

func decode(b []byte, into any) error {
	if err := json.Unmarshal(b, into); err != nil {
		return fault.Internal(fmt.Errorf("decoding a column: %w", err))
	}
	return nil
}
