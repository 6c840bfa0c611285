package httpkit_test

import (
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"github.com/gin-gonic/gin"
	"github.com/stretchr/testify/require"

	"github.com/postern-id/postern/libs/httpkit"
)

// RFC 9110 §12.5.3: an encoding is used for who named it and did not weigh it with zero.
func TestDocument_is_compressed_for_who_asks(t *testing.T) {
	t.Parallel()
	body := strings.Repeat(`{"keys":[]}`, 500)
	doc, err := httpkit.NewDocument("application/json", []byte(body))
	require.NoError(t, err)
	require.True(t, doc.Is([]byte(body)))
	require.False(t, doc.Is([]byte(body+" ")))
	for accept, zipped := range map[string]bool{
		"": false, "gzip": true, "GZIP": true, "gzip, deflate, br": true, "deflate,  gzip;q=0.5": true, "br;q=1.0, gzip;q=0.001": true, "gzip; Q=1": true,
		"gzip;q=0": false, "gzip;q=0.000": false, "*": false, "identity": false, "x-gzip": false, "gzipped": false, "gzip;q=": false, "gzip;q=NaN": false,
		"gzip;level=9": false, ",": false, ";q=1": false, "identity;q=1, *;q=0": false,
	} {
		t.Run(accept, func(t *testing.T) {
			t.Parallel()
			w := httptest.NewRecorder()
			c, _ := gin.CreateTestContext(w)
			c.Request = httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
			if accept != "" {
				c.Request.Header.Set("Accept-Encoding", accept)
			}
			doc.Write(c)
			require.Equal(t, http.StatusOK, w.Code)
			require.Equal(t, "Accept-Encoding", w.Header().Get("Vary"), "caches keep the two apart")
			require.Equal(t, "application/json", w.Header().Get("Content-Type"))
			require.Equal(t, strconv.Itoa(w.Body.Len()), w.Header().Get("Content-Length"))
			if !zipped {
				require.Empty(t, w.Header().Get("Content-Encoding"))
				require.Equal(t, body, w.Body.String())
				return
			}
			require.Equal(t, "gzip", w.Header().Get("Content-Encoding"))
			require.Less(t, w.Body.Len(), len(body))
			r, err := gzip.NewReader(w.Body)
			require.NoError(t, err)
			plain, err := io.ReadAll(r)
			require.NoError(t, err)
			require.Equal(t, body, string(plain))
		})
	}
}

func TestDocument_takes_encodings_from_several_lines(t *testing.T) {
	t.Parallel()
	doc, err := httpkit.NewDocument("text/plain", []byte("a"))
	require.NoError(t, err)
	w := httptest.NewRecorder()
	c, _ := gin.CreateTestContext(w)
	c.Request = httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
	c.Request.Header["Accept-Encoding"] = []string{"br", "gzip"}
	doc.Write(c)
	require.Equal(t, "gzip", w.Header().Get("Content-Encoding"))
}
