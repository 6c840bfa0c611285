package httpkit_test

import (
	"net/http"
	"testing"

	"github.com/gin-gonic/gin"
	"github.com/stretchr/testify/require"

	"github.com/postern-id/postern/libs/httpkit"
	"github.com/postern-id/postern/libs/tenancy"
)

func TestEngine_RequestID(t *testing.T) {
	t.Parallel()
	w := newWorld(t, true)
	w.engine.GET("/fine", func(c *gin.Context) { c.Status(http.StatusNoContent) })
	w.engine.GET("/broken", func(*gin.Context) { panic("broken") })
	seen := map[string]bool{}
	for i, path := range []string{"/fine", "/fine", "/nothing", "/broken"} {
		r := w.request(t, http.MethodGet, path, nil)
		r.Header.Set("X-Request-Id", "chosen")
		id := w.serve(r).Header().Get("X-Request-Id")
		require.Len(t, id, 26, path)
		require.NotEqual(t, "chosen", id)
		require.False(t, seen[id], "each has its own")
		seen[id] = true
		require.Equal(t, id, w.events(t)[i]["request_id"], "the line tells which answer it was")
	}
	r := w.request(t, http.MethodGet, "/fine", nil)
	r.Header.Del(tenancy.Header)
	rec := w.serve(r)
	require.Equal(t, http.StatusForbidden, rec.Code)
	require.NotEmpty(t, rec.Header().Get("X-Request-Id"), "refused before anything else")
}

func TestIdentify(t *testing.T) {
	t.Parallel()
	h := http.Header{}
	id := httpkit.Identify(h)
	require.Equal(t, id, httpkit.Identify(h), "an answer keeps the id it has")
	require.Equal(t, []string{id}, h.Values("X-Request-ID"))
}
