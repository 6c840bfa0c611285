package httpapi

import (
	"strconv"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/services/token/internal/token"
)

// quotaHeaders tells a machine how its quota stands, and where that refused it, which bucket it has to wait for.
func quotaHeaders(c *gin.Context, buckets []token.QuotaBucket, err error) {
	if len(buckets) == 0 {
		return
	}
	var told []string
	for _, b := range buckets {
		told = append(told, "b="+b.Name+";q="+strconv.FormatInt(b.Limit, 10)+";r="+strconv.FormatInt(b.Left, 10)+";t="+strconv.FormatInt(int64(b.Reset/time.Second), 10))
	}
	c.Header("Auth0-Client-Quota-Limit", strings.Join(told, ","))
	if full := token.Exhausted(buckets); full != nil && fault.Is(err, fault.KindTooMany) {
		c.Header("X-RateLimit-Limit", strconv.FormatInt(full.Limit, 10))
		c.Header("X-RateLimit-Remaining", "0")
		c.Header("X-RateLimit-Reset", strconv.FormatInt(full.Ends.Unix(), 10))
	}
}
