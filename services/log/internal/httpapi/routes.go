// Package httpapi is the log service's part of the Management API: what is parsed, who may, and how an entry looks on the wire.
package httpapi

import (
	"context"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/postern-id/postern/libs/clock"
	"github.com/postern-id/postern/libs/httpkit"
	"github.com/postern-id/postern/libs/mgmtkit"
	"github.com/postern-id/postern/libs/tenancy"
	"github.com/postern-id/postern/services/log/internal/auditlog"
)

// Log are the verbs behind the routes.
type Log interface {
	Search(ctx context.Context, tenant tenancy.ID, q auditlog.Query) ([]auditlog.Entry, error)
	After(ctx context.Context, tenant tenancy.ID, id auditlog.ID, limit int, usersOnly bool) ([]auditlog.Entry, error)
	Find(ctx context.Context, tenant tenancy.ID, id auditlog.ID) (auditlog.Entry, error)
	Daily(ctx context.Context, tenant tenancy.ID, from, to time.Time) ([]auditlog.Day, error)
	ActiveUsers(ctx context.Context, tenant tenancy.ID) (int, error)
}

type handler struct {
	log Log
	now clock.Now
}

// maxQuery bounds a search in bytes; the wire answers 414 to more.
const maxQuery = 4 << 10

// Mount hangs the routes on engine.
func Mount(engine *gin.Engine, verifier mgmtkit.Verifier, log Log, now clock.Now) {
	engine.Use(func(c *gin.Context) {
		if len(c.Query("q")) > maxQuery || len(c.Query("search")) > maxQuery {
			const status = http.StatusRequestURITooLong
			c.AbortWithStatusJSON(status, httpkit.Problem{StatusCode: status, Error: http.StatusText(status), Message: "The query is too long"})
		}
	})
	api := mgmtkit.New(engine, verifier)
	h := handler{log, now}
	const tag = "logs"
	read := []string{"read:logs", "read:logs_users"}
	mgmtkit.Register(api, mgmtkit.Op{
		ID: "list_logs", Summary: "Search log events", Method: http.MethodGet, Path: "/logs", Tag: tag, Scopes: read,
	}, h.list)
	mgmtkit.Register(api, mgmtkit.Op{
		ID: "get_log", Summary: "Get a log event by id", Method: http.MethodGet, Path: "/logs/{id}", Tag: tag, Scopes: read,
	}, h.find)
	mgmtkit.Register(api, mgmtkit.Op{
		ID: "list_user_logs", Summary: "Get a user's log events", Method: http.MethodGet, Path: "/users/{id}/logs", Tag: tag, Scopes: read,
	}, h.listOfUser)
	mgmtkit.Register(api, mgmtkit.Op{
		ID: "get_daily_stats", Summary: "Get daily stats", Method: http.MethodGet, Path: "/stats/daily", Tag: "stats", Scopes: []string{"read:stats"},
	}, h.daily)
	mgmtkit.Register(api, mgmtkit.Op{
		ID: "get_active_users", Summary: "Get active users count", Method: http.MethodGet, Path: "/stats/active-users", Tag: "stats", Scopes: []string{"read:stats"},
	}, h.activeUsers)
}
