package httpapi

import (
	"context"
	"encoding/base64"
	"net/http"
	"time"

	"github.com/postern-id/postern/libs/mgmtkit"
	"github.com/postern-id/postern/libs/tenancy"
	"github.com/postern-id/postern/services/token/internal/token"
)

// sessionWire is a session on the Management API.
type sessionWire struct {
	ID             string            `json:"id"`
	UserID         string            `json:"user_id"`
	Created        time.Time         `json:"created_at"`
	Updated        time.Time         `json:"updated_at"`
	Authenticated  time.Time         `json:"authenticated_at"`
	IdleExpires    time.Time         `json:"idle_expires_at"`
	Expires        time.Time         `json:"expires_at"`
	LastInteracted time.Time         `json:"last_interacted_at"`
	Device         *deviceWire       `json:"device,omitempty"`
	Clients        []sessionClient   `json:"clients"`
	Authentication *sessionMethods   `json:"authentication,omitempty"`
	Cookie         *sessionCookieDoc `json:"cookie,omitempty"`
	Metadata       map[string]string `json:"session_metadata,omitempty"`
}

type sessionClient struct {
	ClientID string `json:"client_id"`
}

type sessionMethods struct {
	Methods []sessionMethod `json:"methods"`
}

type sessionMethod struct {
	Name string    `json:"name"`
	At   time.Time `json:"timestamp"`
	Type string    `json:"type,omitempty"`
}

type sessionCookieDoc struct {
	Mode string `json:"mode"`
}

func toSessionWire(s token.Session) sessionWire {
	w := sessionWire{
		ID: s.ID, UserID: s.UserID, Created: s.Created, Updated: s.LastUsed, Authenticated: s.AuthTime, IdleExpires: s.IdleUntil, Expires: s.Until,
		LastInteracted: s.LastUsed, Clients: []sessionClient{}, Metadata: s.Metadata,
		Device: &deviceWire{
			InitialIP: s.First.IP, InitialUserAgent: s.First.UserAgent, LastIP: s.Last.IP, LastUserAgent: s.Last.UserAgent,
		},
		Authentication: &sessionMethods{Methods: []sessionMethod{{Name: "pwd", At: s.AuthTime}}},
		Cookie:         &sessionCookieDoc{Mode: "persistent"},
	}
	if s.Ephemeral {
		w.Cookie.Mode = "non-persistent"
	}
	if s.Updated.After(w.Updated) {
		w.Updated = s.Updated
	}
	for _, id := range s.Clients {
		w.Clients = append(w.Clients, sessionClient{ClientID: id})
	}
	return w
}

type sessionIn struct {
	ID string `path:"id" minLength:"1" maxLength:"64"`
}

type sessionOut struct{ Body sessionWire }

type updateSessionIn struct {
	ID   string `path:"id" minLength:"1" maxLength:"64"`
	Body struct {
		Metadata mgmtkit.Optional[map[string]string] `json:"session_metadata" doc:"What takes the place of the metadata; null takes it away"`
	}
}

type listSessionsIn struct {
	Checkpoint

	UserID string `path:"user_id" minLength:"1" maxLength:"300"`
}

type sessionsOfUserIn struct {
	UserID string `path:"user_id" minLength:"1" maxLength:"300"`
}

func (d Management) mountSessions(api *mgmtkit.API) {
	const tag, one, ofUser = "sessions", "/sessions/{id}", "/users/{user_id}/sessions"
	read, end := []string{"read:sessions"}, []string{"delete:sessions"}
	mgmtkit.Register(api, mgmtkit.Op{ID: "get_session", Summary: "Get session", Tag: tag, Method: http.MethodGet, Path: one, Scopes: read}, d.getSession)
	mgmtkit.Register(api, mgmtkit.Op{ID: "update_session", Summary: "Update session", Tag: tag, Method: http.MethodPatch, Path: one, Scopes: []string{"update:sessions"}}, d.updateSession)
	mgmtkit.Register(api, mgmtkit.Op{ID: "delete_session", Summary: "Delete session", Tag: tag, Method: http.MethodDelete, Path: one, Scopes: end, Status: http.StatusAccepted}, d.deleteSession)
	mgmtkit.Register(api, mgmtkit.Op{ID: "revoke_session", Summary: "Revokes a session", Tag: tag, Method: http.MethodPost, Path: one + "/revoke", Scopes: []string{"delete:sessions", "delete:refresh_tokens"}, Status: http.StatusAccepted}, d.revokeSession)
	mgmtkit.Register(api, mgmtkit.Op{ID: "list_sessions_of_user", Summary: "Get sessions for user", Tag: "users", Method: http.MethodGet, Path: ofUser, Scopes: read}, d.listSessions)
	mgmtkit.Register(api, mgmtkit.Op{ID: "delete_sessions_of_user", Summary: "Delete sessions for user", Tag: "users", Method: http.MethodDelete, Path: ofUser, Scopes: end, Status: http.StatusAccepted}, d.deleteSessions)
}

func (d Management) getSession(ctx context.Context, t tenancy.Tenant, in *sessionIn) (*sessionOut, error) {
	s, err := d.Sessions.Find(ctx, t.ID, in.ID)
	if err != nil {
		return nil, err
	}
	return &sessionOut{Body: toSessionWire(s)}, nil
}

func (d Management) updateSession(ctx context.Context, t tenancy.Tenant, in *updateSessionIn) (*sessionOut, error) {
	s, err := d.Sessions.SetMetadata(mgmtkit.Answering(ctx, toSessionWire), t.ID, in.ID, in.Body.Metadata.Value)
	if err != nil {
		return nil, err
	}
	return &sessionOut{Body: toSessionWire(s)}, nil
}

func (d Management) deleteSession(ctx context.Context, t tenancy.Tenant, in *sessionIn) (*struct{}, error) {
	return nil, d.Sessions.End(ctx, t.ID, in.ID, "", false)
}

// revokeSession ends a session and what came of it.
func (d Management) revokeSession(ctx context.Context, t tenancy.Tenant, in *sessionIn) (*struct{}, error) {
	return nil, d.Sessions.End(ctx, t.ID, in.ID, "", true)
}

func (d Management) listSessions(ctx context.Context, t tenancy.Tenant, in *listSessionsIn) (*mgmtkit.List, error) {
	page, err := in.page()
	if err != nil {
		return nil, err
	}
	list, err := d.Sessions.List(ctx, t.ID, in.UserID, page)
	if err != nil {
		return nil, err
	}
	next := ""
	if len(list) > in.Take {
		list = list[:in.Take]
		next = base64.RawURLEncoding.EncodeToString([]byte(markPrefix + list[in.Take-1].ID))
	}
	items := make([]sessionWire, 0, len(list))
	for _, s := range list {
		wire := toSessionWire(s)
		wire.Device, wire.Authentication, wire.Cookie = nil, nil, nil // the wire's lists have none
		items = append(items, wire)
	}
	return mgmtkit.Page(mgmtkit.Paging{Take: in.Take}, "sessions", items, 0, next), nil
}

func (d Management) deleteSessions(ctx context.Context, t tenancy.Tenant, in *sessionsOfUserIn) (*struct{}, error) {
	return nil, d.Sessions.End(ctx, t.ID, "", in.UserID, false)
}
