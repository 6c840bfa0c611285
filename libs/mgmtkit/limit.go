package mgmtkit

import (
	"context"
	"strconv"
	"time"

	"github.com/gin-gonic/gin"
)

// TellLimit says in the answer how full a limit of the operation's own is: how many calls it lets through, how many are left of them, and
// when there will be more. It replaces what the edge says of the tenant's limit.
func TellLimit(ctx context.Context, limit, remaining int, reset time.Time) {
	c, ok := ctx.Value(requestKey{}).(*gin.Context)
	if !ok {
		return // no operation
	}
	c.Header("X-RateLimit-Limit", strconv.Itoa(limit))
	c.Header("X-RateLimit-Remaining", strconv.Itoa(remaining))
	c.Header("X-RateLimit-Reset", strconv.FormatInt(reset.Unix()+1, 10)) // the next second that is past it
}
