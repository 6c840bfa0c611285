package edge

import (
	"net/http"
	"strconv"
	"time"

	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/services/router/internal/limit"
	"github.com/postern-id/postern/services/router/internal/route"
)

// admit lets through what the tenant's state and rates allow. The answer tells of the bucket of the Management API, or of registrations,
// where that is asked, else of the tenant's own.
func (e *Edge) admit(w http.ResponseWriter, r *http.Request, entry route.Entry) error {
	switch entry.State {
	case route.StateActive:
	case route.StateSuspended:
		return fault.Denied("tenant_suspended", "This tenant is suspended")
	case route.StateMoving:
		return &fault.Error{Kind: fault.KindUnavailable, Code: "tenant_moving", Message: "This tenant is being moved", RetryAfter: 2 * time.Second}
	case route.StateDeleted:
		return fault.NotFound("No tenant answers at this host")
	default:
		return fault.NotFound("No tenant answers at this host")
	}
	buckets := []*limit.Limiter{e.Limiter}
	if e.Management != nil && route.IsManagement(r.URL.EscapedPath()) {
		buckets = append(buckets, e.Management)
	}
	if e.Registrations != nil && r.URL.EscapedPath() == route.Registration {
		buckets = append(buckets, e.Registrations)
	}
	for _, bucket := range buckets {
		v, limited := bucket.Take(entry.Tenant)
		if !limited {
			continue
		}
		tell(w.Header(), v)
		if !v.Allowed {
			return &fault.Error{
				Kind: fault.KindTooMany, Code: "too_many_requests", RetryAfter: wholeSeconds(v.Wait),
				Message: "Too many requests. Check the X-RateLimit-Limit, X-RateLimit-Remaining and X-RateLimit-Reset headers.",
			}
		}
	}
	return nil
}

// tell says how full the bucket is.
func tell(h http.Header, v limit.Verdict) {
	h["X-Ratelimit-Limit"] = []string{strconv.Itoa(v.Limit)}
	h["X-Ratelimit-Remaining"] = []string{strconv.Itoa(v.Remaining)}
	h["X-Ratelimit-Reset"] = []string{strconv.FormatInt(v.Reset.Unix()+1, 10)} // the next second that is past it
}

// wholeSeconds rounds up: who comes back after so many seconds does not come too early. At least one.
func wholeSeconds(d time.Duration) time.Duration {
	return max(time.Second, (d + time.Second - 1).Truncate(time.Second))
}
