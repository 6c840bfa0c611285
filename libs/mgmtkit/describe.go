package mgmtkit

import (
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"strconv"
	"sync"

	"github.com/danielgtaylor/huma/v2"
	"github.com/gin-gonic/gin"

	"github.com/postern-id/postern/libs/httpkit"
)

// refused are the statuses that every operation may answer with, and what each says; their body is a Problem.
var refused = map[int]string{
	http.StatusBadRequest:      "A parameter or the body is not as declared here, or contradicts itself.",
	http.StatusUnauthorized:    "There is no access token, or it is not good for this tenant's Management API.",
	http.StatusForbidden:       "The access token has none of the scopes, or the tenant's rules forbid it.",
	http.StatusNotFound:        "What the path names does not exist.",
	http.StatusTooManyRequests: "The tenant's rate limit is reached; X-RateLimit-Reset says until when.",
}

// describe serves this part's description to the router, which joins the parts of all services. It is made of what is registered when
// it is first asked for.
func (a *API) describe(engine *gin.Engine) {
	described := sync.OnceValues(func() ([]byte, error) {
		raw, err := json.Marshal(a.OpenAPI())
		if err != nil {
			return nil, fmt.Errorf("describing this part of the Management API: %w", err)
		}
		return raw, nil
	})
	engine.GET(httpkit.PartPath, func(c *gin.Context) {
		raw, err := described()
		if err != nil {
			httpkit.Write(c, err)
			return
		}
		c.Data(http.StatusOK, "application/json; charset=utf-8", raw)
	})
}

// refusals are the answers that all operations have in common, by name.
func refusals(registry huma.Registry) map[string]*huma.Response {
	schema := registry.Schema(reflect.TypeFor[problem](), true, "Problem")
	out := make(map[string]*huma.Response, len(refused))
	for status, description := range refused {
		out[refusalName(status)] = &huma.Response{Description: description, Content: map[string]*huma.MediaType{"application/json": {Schema: schema}}}
	}
	return out
}

func refusalName(status int) string { return "Refused" + strconv.Itoa(status) }

// refusalRefs are one operation's references to them, by status.
func refusalRefs() map[string]*huma.Response {
	out := make(map[string]*huma.Response, len(refused)+1)
	for status := range refused {
		out[strconv.Itoa(status)] = &huma.Response{Ref: "#/components/responses/" + refusalName(status)}
	}
	return out
}

// anyOf are the scopes as OpenAPI says "any one of them": a requirement each, since the scopes of one requirement are all due.
func anyOf(scopes []string) []map[string][]string {
	if len(scopes) == 0 {
		return []map[string][]string{{bearer: {}}}
	}
	out := make([]map[string][]string, len(scopes))
	for i, scope := range scopes {
		out[i] = map[string][]string{bearer: {scope}}
	}
	return out
}
