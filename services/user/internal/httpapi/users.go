package httpapi

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/libs/lucene"
	"github.com/postern-id/postern/libs/mgmtkit"
	"github.com/postern-id/postern/libs/tenancy"
	"github.com/postern-id/postern/services/user/internal/user"
)

// one answers with a user.
type one struct{ Body shown }

type createInput struct {
	Body struct {
		Connection    string        `json:"connection" minLength:"1" doc:"Name of the connection the user belongs to"`
		Email         string        `json:"email,omitempty"`
		EmailVerified bool          `json:"email_verified,omitempty"`
		VerifyEmail   bool          `json:"verify_email,omitempty" doc:"Whether to send a verification e-mail"`
		Username      string        `json:"username,omitempty"`
		PhoneNumber   string        `json:"phone_number,omitempty"`
		PhoneVerified bool          `json:"phone_verified,omitempty"`
		Password      string        `json:"password,omitempty"`
		UserID        string        `json:"user_id,omitempty" doc:"The id without its provider; a fresh one when absent"`
		Name          string        `json:"name,omitempty" maxLength:"300"`
		GivenName     string        `json:"given_name,omitempty" maxLength:"150"`
		FamilyName    string        `json:"family_name,omitempty" maxLength:"150"`
		Nickname      string        `json:"nickname,omitempty" maxLength:"300"`
		Picture       string        `json:"picture,omitempty" maxLength:"2000"`
		Blocked       bool          `json:"blocked,omitempty"`
		UserMetadata  user.Metadata `json:"user_metadata,omitempty"`
		AppMetadata   user.Metadata `json:"app_metadata,omitempty"`
	}
}

func (h handler) create(ctx context.Context, t tenancy.Tenant, in *createInput) (*one, error) {
	b := in.Body
	if err := checkPicture(b.Picture); err != nil {
		return nil, err
	}
	u, err := h.users.Create(mgmtkit.Answering(ctx, toWire), t.ID, user.NewUser{
		Connection: b.Connection, Password: b.Password, OwnID: b.UserID,
		User: user.User{
			Email: b.Email, EmailVerified: b.EmailVerified, Username: b.Username, PhoneNumber: b.PhoneNumber, PhoneVerified: b.PhoneVerified,
			Name: b.Name, GivenName: b.GivenName, FamilyName: b.FamilyName, Nickname: b.Nickname, Picture: b.Picture, Blocked: b.Blocked,
			UserMetadata: b.UserMetadata, AppMetadata: b.AppMetadata,
		},
	})
	if err != nil {
		return nil, err
	}
	return &one{Body: Fields{}.of(u)}, nil
}

type findInput struct {
	Fields

	ID string `path:"id"`
}

func (h handler) find(ctx context.Context, t tenancy.Tenant, in *findInput) (*one, error) {
	id, err := userID(in.ID)
	if err != nil {
		return nil, err
	}
	if err := mine(ctx, id, "read:users"); err != nil {
		return nil, err
	}
	u, err := h.users.Find(ctx, t.ID, id)
	if err != nil {
		return nil, err
	}
	return &one{Body: in.of(u)}, nil
}

type updateInput struct {
	ID   string `path:"id"`
	Body struct {
		Connection        string                          `json:"connection,omitempty" doc:"Name of the connection whose identity changes"`
		ClientID          string                          `json:"client_id,omitempty" doc:"Client on whose behalf mails are sent"`
		Email             mgmtkit.Optional[string]        `json:"email,omitzero"`
		EmailVerified     mgmtkit.Optional[bool]          `json:"email_verified,omitzero"`
		VerifyEmail       bool                            `json:"verify_email,omitempty"`
		VerifyPhoneNumber bool                            `json:"verify_phone_number,omitempty"`
		Username          mgmtkit.Optional[string]        `json:"username,omitzero"`
		PhoneNumber       mgmtkit.Optional[string]        `json:"phone_number,omitzero"`
		PhoneVerified     mgmtkit.Optional[bool]          `json:"phone_verified,omitzero"`
		Password          mgmtkit.Optional[string]        `json:"password,omitzero"`
		Name              mgmtkit.Optional[string]        `json:"name,omitzero"`
		GivenName         mgmtkit.Optional[string]        `json:"given_name,omitzero"`
		FamilyName        mgmtkit.Optional[string]        `json:"family_name,omitzero"`
		Nickname          mgmtkit.Optional[string]        `json:"nickname,omitzero"`
		Picture           mgmtkit.Optional[string]        `json:"picture,omitzero"`
		Blocked           mgmtkit.Optional[bool]          `json:"blocked,omitzero"`
		UserMetadata      mgmtkit.Optional[user.Metadata] `json:"user_metadata,omitzero"`
		AppMetadata       mgmtkit.Optional[user.Metadata] `json:"app_metadata,omitzero"`
	}
}

func (h handler) update(ctx context.Context, t tenancy.Tenant, in *updateInput) (*one, error) {
	id, err := userID(in.ID)
	if err != nil {
		return nil, err
	}
	if err := mayUpdate(ctx, id, in); err != nil {
		return nil, err
	}
	b := in.Body
	for name, null := range map[string]bool{
		"email": b.Email.Null, "email_verified": b.EmailVerified.Null, "phone_verified": b.PhoneVerified.Null, "username": b.Username.Null,
		"password": b.Password.Null, "blocked": b.Blocked.Null,
	} {
		if null {
			return nil, fault.Invalid("invalid_body", fmt.Sprintf("Payload validation error: 'Expected another type but found type null' on property %s.", name))
		}
	}
	if err := checkPicture(b.Picture.Value); err != nil {
		return nil, err
	}
	u, err := h.users.Update(mgmtkit.Answering(ctx, toWire), t.ID, id, user.Change{
		Email: sent(b.Email), EmailVerified: sent(b.EmailVerified), Username: sent(b.Username), PhoneNumber: sent(b.PhoneNumber),
		PhoneVerified: sent(b.PhoneVerified), Name: sent(b.Name), GivenName: sent(b.GivenName), FamilyName: sent(b.FamilyName),
		Nickname: sent(b.Nickname), Picture: sent(b.Picture), Blocked: sent(b.Blocked), Password: sent(b.Password),
		UserMetadata: metadata(b.UserMetadata), AppMetadata: metadata(b.AppMetadata),
	})
	if err != nil {
		return nil, err
	}
	return &one{Body: Fields{}.of(u)}, nil
}

// mayUpdate narrows what the weaker scopes allow: update:users_app_metadata only that, update:current_user_metadata only one's own
// user_metadata.
func mayUpdate(ctx context.Context, id user.ID, in *updateInput) error {
	caller := mgmtkit.CallerOf(ctx)
	if caller.Has("update:users") {
		return nil
	}
	rest := in.Body
	if caller.Has("update:users_app_metadata") {
		rest.AppMetadata = mgmtkit.Optional[user.Metadata]{}
	}
	if caller.Has("update:current_user_metadata") && caller.Subject == string(id) {
		rest.UserMetadata = mgmtkit.Optional[user.Metadata]{}
	}
	rest.Connection, rest.ClientID = "", ""
	if sends(rest.Email) || sends(rest.EmailVerified) || sends(rest.Username) || sends(rest.PhoneNumber) || sends(rest.PhoneVerified) ||
		sends(rest.Password) || sends(rest.Name) || sends(rest.GivenName) || sends(rest.FamilyName) || sends(rest.Nickname) ||
		sends(rest.Picture) || sends(rest.Blocked) || sends(rest.UserMetadata) || sends(rest.AppMetadata) || rest.VerifyEmail || rest.VerifyPhoneNumber {
		return insufficient("update:users")
	}
	if !caller.Has("update:users_app_metadata") && caller.Subject != string(id) {
		return insufficient("update:users") // an empty change answers with the user
	}
	return nil
}

type removeInput struct {
	ID string `path:"id"`
}

func (h handler) remove(ctx context.Context, t tenancy.Tenant, in *removeInput) (*struct{}, error) {
	id, err := userID(in.ID)
	if err != nil {
		return nil, err
	}
	if err := mine(ctx, id, "delete:users"); err != nil {
		return nil, err
	}
	return nil, h.users.Delete(ctx, t.ID, id)
}

type removeByEmailInput struct {
	Connection string `path:"id" maxLength:"64" doc:"The connection's id"`
	Email      string `query:"email" required:"true" minLength:"1" maxLength:"254"`
}

func (h handler) removeByEmail(ctx context.Context, t tenancy.Tenant, in *removeByEmailInput) (*struct{}, error) {
	if _, err := user.CheckEmail(in.Email); err != nil {
		return nil, fault.Invalid("invalid_query_string", "Query validation error: 'Object didn't pass validation for format email' on property email.").Because(err)
	}
	return nil, h.users.DeleteByEmail(ctx, t.ID, in.Connection, in.Email)
}

type byEmailInput struct {
	Fields

	Email string `query:"email" required:"true" minLength:"1"`
}

type many struct{ Body []shown }

func (h handler) listByEmail(ctx context.Context, t tenancy.Tenant, in *byEmailInput) (*many, error) {
	users, err := h.users.ListByEmail(ctx, t.ID, in.Email)
	if err != nil {
		return nil, err
	}
	return &many{Body: in.all(users)}, nil
}

type listInput struct {
	Fields

	Page          int    `query:"page" minimum:"0"`
	PerPage       int    `query:"per_page" minimum:"1" maximum:"100" default:"50"`
	IncludeTotals bool   `query:"include_totals"`
	Sort          string `query:"sort" doc:"field:1 or field:-1"`
	Connection    string `query:"connection" doc:"Only users with an identity of that connection"`
	Q             string `query:"q" maxLength:"4096" doc:"Lucene query"`
	Engine        string `query:"search_engine" enum:"v1,v2,v3" doc:"All answer alike"`
	PrimaryOrder  string `query:"primary_order" enum:"true,false"`
}

func (h handler) list(ctx context.Context, t tenancy.Tenant, in *listInput) (*mgmtkit.List, error) {
	paging := mgmtkit.Paging{Page: in.Page, PerPage: in.PerPage, IncludeTotals: in.IncludeTotals}
	if err := paging.Bounded(); err != nil {
		return nil, err
	}
	where, err := lucene.Parse(in.Q)
	if err != nil {
		return nil, malformed(err)
	}
	field, direction, _ := strings.Cut(in.Sort, ":")
	if in.Sort != "" && direction != "1" && direction != "-1" {
		return nil, fault.Invalid("invalid_query_string", "Query validation error: 'String does not match pattern field:1 or field:-1' on property sort.")
	}
	users, total, err := h.users.Search(ctx, t.ID, user.Query{
		Where: where, Connection: in.Connection, Sort: field, Descending: direction == "-1",
		Offset: paging.Offset(), Limit: paging.Limit(), Total: in.IncludeTotals,
	})
	if err != nil {
		return nil, err
	}
	return mgmtkit.Page(paging, "users", in.all(users), total, ""), nil
}

func malformed(err error) error {
	if syntax, ok := errors.AsType[*lucene.SyntaxError](err); ok {
		return fault.Invalid("invalid_query_string", "Query validation error: 'The query is malformed: "+syntax.Message+"' on property q.").Because(err)
	}
	return err
}

func (f Fields) all(users []user.User) []shown {
	out := make([]shown, len(users))
	for i, u := range users {
		out[i] = f.of(u)
	}
	return out
}

func userID(raw string) (user.ID, error) {
	id := user.ID(raw)
	if _, _, ok := id.Split(); !ok {
		return "", fault.Invalid("invalid_uri", fmt.Sprintf("Path validation error: 'Object didn't pass validation for format user-id: %.100q' on property id (ID of the user).", raw))
	}
	return id, nil
}

// mine lets whoever lacks the administrator's scope act on their own record alone.
func mine(ctx context.Context, id user.ID, scope string) error {
	caller := mgmtkit.CallerOf(ctx)
	if caller.Has(scope) || caller.Subject == string(id) {
		return nil
	}
	return insufficient(scope)
}

func insufficient(scope string) error {
	return fault.Denied("insufficient_scope", "Insufficient scope, expected any of: "+scope)
}

// checkPicture lets addresses of pictures be shown by pages: no scheme that a browser would run.
func checkPicture(picture string) error {
	if picture == "" || strings.HasPrefix(picture, "https://") || strings.HasPrefix(picture, "http://") {
		return nil
	}
	return fault.Invalid("invalid_body", "Payload validation error: 'Object didn't pass validation for format strict-https-uri-or-uri' on property picture.")
}

func sends[T any](o mgmtkit.Optional[T]) bool { return o.Sent }

// sent gives what the caller sent; null means the zero value, which deletes.
func sent[T any](o mgmtkit.Optional[T]) *T {
	if !o.Sent {
		return nil
	}
	return &o.Value
}

func metadata(o mgmtkit.Optional[user.Metadata]) *user.MetadataChange {
	switch {
	case !o.Sent:
		return nil
	case o.Null:
		return &user.MetadataChange{Clear: true}
	}
	return &user.MetadataChange{Merge: o.Value}
}
