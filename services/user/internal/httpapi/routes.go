// Package httpapi is the user service's part of the Management API: what is parsed, who may, and how a user looks on the wire.
package httpapi

import (
	"context"
	"net/http"

	"github.com/gin-gonic/gin"

	"github.com/postern-id/postern/libs/mgmtkit"
	"github.com/postern-id/postern/libs/tenancy"
	"github.com/postern-id/postern/services/user/internal/user"
)

// Users are the verbs behind the routes.
type Users interface {
	Create(ctx context.Context, tenant tenancy.ID, n user.NewUser) (user.User, error)
	Find(ctx context.Context, tenant tenancy.ID, id user.ID) (user.User, error)
	ListByEmail(ctx context.Context, tenant tenancy.ID, email string) ([]user.User, error)
	Search(ctx context.Context, tenant tenancy.ID, q user.Query) ([]user.User, int, error)
	Update(ctx context.Context, tenant tenancy.ID, id user.ID, change user.Change) (user.User, error)
	Delete(ctx context.Context, tenant tenancy.ID, id user.ID) error
	DeleteByEmail(ctx context.Context, tenant tenancy.ID, connectionID, email string) error
}

type handler struct{ users Users }

// Mount hangs the routes on engine.
func Mount(engine *gin.Engine, verifier mgmtkit.Verifier, users Users, options ...mgmtkit.Option) {
	api := mgmtkit.New(engine, verifier, options...)
	h := handler{users}
	const tag = "users"
	mgmtkit.Register(api, mgmtkit.Op{
		ID: "list_users", Summary: "List or search users", Method: http.MethodGet, Path: "/users", Tag: tag,
		Scopes: []string{"read:users"},
	}, h.list)
	mgmtkit.Register(api, mgmtkit.Op{
		ID: "create_user", Summary: "Create a User", Method: http.MethodPost, Path: "/users", Tag: tag,
		Scopes: []string{"create:users"}, Status: http.StatusCreated,
	}, h.create)
	mgmtkit.Register(api, mgmtkit.Op{
		ID: "get_user", Summary: "Get a User", Method: http.MethodGet, Path: "/users/{id}", Tag: tag,
		Scopes: []string{"read:users", "read:current_user"},
	}, h.find)
	mgmtkit.Register(api, mgmtkit.Op{
		ID: "update_user", Summary: "Update a User", Method: http.MethodPatch, Path: "/users/{id}", Tag: tag,
		Scopes: []string{"update:users", "update:users_app_metadata", "update:current_user_metadata"},
	}, h.update)
	mgmtkit.Register(api, mgmtkit.Op{
		ID: "delete_user", Summary: "Delete a User", Method: http.MethodDelete, Path: "/users/{id}", Tag: tag,
		Scopes: []string{"delete:users", "delete:current_user"}, Status: http.StatusNoContent,
	}, h.remove)
	mgmtkit.Register(api, mgmtkit.Op{
		ID: "list_users_by_email", Summary: "Search users by e-mail", Method: http.MethodGet, Path: "/users-by-email", Tag: tag,
		Scopes: []string{"read:users"},
	}, h.listByEmail)
	mgmtkit.Register(api, mgmtkit.Op{
		ID: "delete_connection_user", Summary: "Delete a connection user", Method: http.MethodDelete, Path: "/connections/{id}/users", Tag: "connections",
		Scopes: []string{"delete:users"}, Status: http.StatusNoContent,
	}, h.removeByEmail)
}
