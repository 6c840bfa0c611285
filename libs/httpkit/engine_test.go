package httpkit_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/gin-gonic/gin"
	"github.com/stretchr/testify/require"

	"github.com/postern-id/postern/libs/clock"
	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/libs/httpkit"
	"github.com/postern-id/postern/libs/tenancy"
)

var errCause = errors.New("dial tcp 10.0.0.1:5432: connection refused")

// world is an engine whose lines can be read.
type world struct {
	engine *gin.Engine
	seal   *tenancy.Seal
	mu     sync.Mutex
	log    bytes.Buffer
}

func (w *world) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.log.Write(p)
}

func newWorld(t *testing.T, sealed bool) *world {
	t.Helper()
	w := &world{}
	seal, err := tenancy.NewSeal(bytes.Repeat([]byte("k"), 32), clock.At("2026-03-01T12:00:00Z").Now)
	require.NoError(t, err)
	cfg := httpkit.Config{Service: "test", Log: slog.New(slog.NewJSONHandler(w, nil)), MaxBody: 1 << 10}
	if sealed {
		cfg.Seal = seal
	}
	w.seal, w.engine = seal, httpkit.NewEngine(cfg)
	return w
}

func (w *world) request(t *testing.T, method, target string, body io.Reader) *http.Request {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, target, body)
	header, err := w.seal.Header(tenancy.Tenant{ID: "tnt_1", Host: "acme.test", Canonical: "acme.test"})
	require.NoError(t, err)
	r.Header.Set(tenancy.Header, header)
	return r
}

func (w *world) serve(r *http.Request) *httptest.ResponseRecorder {
	rec := httptest.NewRecorder()
	w.engine.ServeHTTP(rec, r)
	return rec
}

// events are the request lines so far.
func (w *world) events(t *testing.T) []map[string]any {
	t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	var out []map[string]any
	for scan := bufio.NewScanner(bytes.NewReader(w.log.Bytes())); scan.Scan(); {
		var line map[string]any
		require.NoError(t, json.Unmarshal(scan.Bytes(), &line))
		if line["msg"] == "request" {
			out = append(out, line)
		}
	}
	return out
}

func problemOf(t *testing.T, rec *httptest.ResponseRecorder) httpkit.Problem {
	t.Helper()
	require.Equal(t, "application/json; charset=utf-8", rec.Header().Get("Content-Type"))
	var p httpkit.Problem
	dec := json.NewDecoder(rec.Body)
	require.NoError(t, dec.Decode(&p))
	require.ErrorIs(t, dec.Decode(&p), io.EOF, "one document, nothing behind it")
	require.Equal(t, rec.Code, p.StatusCode)
	require.Equal(t, http.StatusText(rec.Code), p.Error)
	return p
}

func TestEngine_Tenant(t *testing.T) {
	t.Parallel()
	open := func(t *testing.T) *world {
		t.Helper()
		w := newWorld(t, true)
		w.engine.GET("/who", httpkit.Handle(func(c *gin.Context, t tenancy.Tenant) error {
			c.String(http.StatusOK, string(t.ID))
			return nil
		}, httpkit.Write))
		return w
	}
	t.Run("the_routers_word_is_the_tenant", func(t *testing.T) {
		t.Parallel()
		w := open(t)
		rec := w.serve(w.request(t, http.MethodGet, "/who", nil))
		require.Equal(t, "tnt_1", rec.Body.String())
		require.Equal(t, "tnt_1", w.events(t)[0]["tenant_id"])
	})
	for name, change := range map[string]func(*http.Request){
		"nobody":                 func(r *http.Request) { r.Header.Del(tenancy.Header) },
		"a_forged_seal":          func(r *http.Request) { r.Header.Set(tenancy.Header, r.Header.Get(tenancy.Header)+"x") },
		"two_seals":              func(r *http.Request) { r.Header.Add(tenancy.Header, r.Header.Get(tenancy.Header)) },
		"a_seal_of_another_kind": func(r *http.Request) { r.Header.Set(tenancy.Header, "e30") },
	} {
		t.Run(name+"_is_403_on_every_path", func(t *testing.T) {
			t.Parallel()
			w := open(t)
			for _, target := range []string{"/who", "/nothing", "/"} {
				r := w.request(t, http.MethodGet, target, nil)
				change(r)
				rec := w.serve(r)
				require.Equal(t, http.StatusForbidden, rec.Code, target)
				problemOf(t, rec)
			}
		})
	}
	t.Run("an_engine_of_the_platform_has_no_tenant_to_give", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t, false)
		w.engine.GET("/who", httpkit.Handle(func(*gin.Context, tenancy.Tenant) error { return nil }, httpkit.Write))
		require.Equal(t, http.StatusForbidden, w.serve(w.request(t, http.MethodGet, "/who", nil)).Code, "a header is not believed without a key")
	})
}

func TestEngine_Paths(t *testing.T) {
	t.Parallel()
	w := newWorld(t, true)
	w.engine.GET("/things/:id", func(c *gin.Context) { c.String(http.StatusOK, "%s", c.Param("id")) })
	w.engine.GET("/things/:id/parts/:part", func(c *gin.Context) { c.String(http.StatusOK, "%s and %s", c.Param("id"), c.Param("part")) })

	for target, want := range map[string]string{
		"/things/auth0%7Cabc":                           "auth0|abc",
		"/things/auth0|abc":                             "auth0|abc",
		"/things/https%3A%2F%2Facme.test%2Fapi%2Fv2%2F": "https://acme.test/api/v2/",
		"/things/https%3A%2F%2Fa%2Bb%2F":                "https://a+b/",
		"/things/https:%2F%2Fa+b%2F":                    "https://a+b/",
		"/things/a+b":                                   "a+b",
		"/things/a%20b":                                 "a b",
		"/things/100%25%2F":                             "100%/",
		"/things/a%252Fb":                               "a%2Fb",
		"/things/%E2%98%83%2F":                          "☃/",
		"/things/a%2Fb/parts/c%7Cd":                     "a/b and c|d",
		"/things/..%2F..%2Fetc":                         "../../etc",
	} {
		t.Run("decodes_each_parameter_once_"+target, func(t *testing.T) {
			t.Parallel()
			rec := w.serve(w.request(t, http.MethodGet, "https://acme.test"+target, nil))
			require.Equal(t, http.StatusOK, rec.Code)
			require.Equal(t, want, rec.Body.String())
		})
	}
	t.Run("no_path_is_mended_by_a_redirect", func(t *testing.T) {
		t.Parallel()
		for _, target := range []string{"/things/a/", "/THINGS/a", "//things/a", "/things//a", "/x/../things/a"} {
			rec := w.serve(w.request(t, http.MethodGet, "https://acme.test"+target, nil))
			require.Equal(t, http.StatusNotFound, rec.Code, target)
			problemOf(t, rec)
		}
	})
	t.Run("other_methods_and_preflights_are_405_without_cors_headers", func(t *testing.T) {
		t.Parallel()
		for _, method := range []string{http.MethodPost, http.MethodOptions, http.MethodTrace, "INVENTED"} {
			r := w.request(t, method, "https://acme.test/things/a", nil)
			r.Header.Set("Origin", "https://evil.test")
			rec := w.serve(r)
			require.Equal(t, http.StatusMethodNotAllowed, rec.Code, method)
			require.Equal(t, httpkit.Problem{
				StatusCode: http.StatusMethodNotAllowed, Error: "Method Not Allowed", Message: "Method Not Allowed", ErrorCode: "method_not_allowed",
			}, problemOf(t, rec))
			require.Equal(t, http.MethodGet, rec.Header().Get("Allow"), "RFC 9110 §15.5.6")
			for name := range rec.Header() {
				require.False(t, strings.HasPrefix(name, "Access-Control-"), name)
			}
		}
	})
}

func TestEngine_Event(t *testing.T) {
	t.Parallel()
	t.Run("one_line_with_the_pattern_never_the_path", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t, true)
		w.engine.GET("/things/:id", func(c *gin.Context) {
			e := httpkit.EventOf(c.Request.Context())
			e.Client, e.Grant = "client_1", "refresh_token"
			httpkit.Write(c, fmt.Errorf("finding the thing: %w", fault.Unavailable("The store is away").Because(errCause)))
		})
		rec := w.serve(w.request(t, http.MethodGet, "/things/s3cret?token=s3cret", nil))
		require.Equal(t, http.StatusServiceUnavailable, rec.Code)
		require.Equal(t, "1", rec.Header().Get("Retry-After"))
		require.NotContains(t, rec.Body.String(), "10.0.0.1")
		events := w.events(t)
		require.Len(t, events, 1)
		require.Equal(t, "/things/:id", events[0]["route"])
		require.Equal(t, "client_1", events[0]["client_id"])
		require.Equal(t, "refresh_token", events[0]["grant_type"])
		require.Contains(t, events[0]["cause"], "finding the thing", "what was being done is part of the cause")
		require.Contains(t, events[0]["cause"], "10.0.0.1")
		require.NotContains(t, w.log.String(), "s3cret")
	})
	t.Run("a_plain_refusal_has_no_cause", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t, true)
		w.engine.GET("/", func(c *gin.Context) { httpkit.Write(c, fault.Denied("nope", "No.")) })
		w.serve(w.request(t, http.MethodGet, "/", nil))
		require.NotContains(t, w.events(t)[0], "cause")
		require.Equal(t, "nope", w.events(t)[0]["code"])
	})
	t.Run("a_caller_who_did_not_wait_is_no_failure_of_ours", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t, true)
		ctx, cancel := context.WithCancel(t.Context())
		w.engine.GET("/", func(c *gin.Context) {
			cancel()
			httpkit.Write(c, fmt.Errorf("asking: %w", c.Request.Context().Err()))
		})
		w.serve(w.request(t, http.MethodGet, "/", nil).WithContext(ctx))
		require.InDelta(t, 499, w.events(t)[0]["status"], 0)
		require.Equal(t, "INFO", w.events(t)[0]["level"])
	})
	t.Run("an_invented_method_is_not_repeated", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t, true)
		w.serve(w.request(t, "X"+strings.Repeat("Y", 100), "/", nil))
		require.Equal(t, "OTHER", w.events(t)[0]["method"])
	})
	t.Run("outside_a_request_there_is_a_place_to_write_all_the_same", func(t *testing.T) {
		t.Parallel()
		require.NotNil(t, httpkit.EventOf(t.Context()))
	})
}

func TestEngine_Failures(t *testing.T) {
	t.Parallel()
	t.Run("a_panic_is_500_that_says_nothing", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t, true)
		w.engine.GET("/", func(*gin.Context) { panic("s3cret in a panic") })
		rec := w.serve(w.request(t, http.MethodGet, "/", nil))
		require.Equal(t, http.StatusInternalServerError, rec.Code)
		require.Equal(t, "An internal error occurred", problemOf(t, rec).Message)
		require.Len(t, w.events(t), 1)
		require.Contains(t, w.log.String(), `"msg":"panic"`)
	})
	t.Run("a_panic_in_mid_answer_breaks_the_connection", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t, false)
		w.engine.GET("/", func(c *gin.Context) {
			_, _ = c.Writer.WriteString(strings.Repeat("half ", 2000))
			c.Writer.Flush()
			panic("oh")
		})
		server := httptest.NewServer(w.engine)
		defer server.Close()
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL, nil)
		require.NoError(t, err)
		res, err := server.Client().Do(r)
		require.NoError(t, err)
		defer res.Body.Close()
		_, err = io.ReadAll(res.Body)
		require.Error(t, err, "half an answer must not look whole")
		require.Len(t, w.events(t), 1)
	})
	t.Run("a_failure_after_a_partial_answer_adds_nothing_to_it", func(t *testing.T) {
		t.Parallel()
		for _, write := range []func(*gin.Context, error){httpkit.Write, httpkit.WriteOAuth} {
			w := newWorld(t, true)
			after := false
			w.engine.GET("/", func(c *gin.Context) {
				_, _ = c.Writer.WriteString("begun")
				write(c, fault.Internal(errCause))
			}, func(*gin.Context) { after = true })
			rec := w.serve(w.request(t, http.MethodGet, "/", nil))
			require.Equal(t, "begun", rec.Body.String())
			require.False(t, after)
			require.Contains(t, w.events(t)[0]["cause"], "10.0.0.1")
		}
	})
	t.Run("writing_no_error_is_a_500_not_a_panic", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t, true)
		w.engine.GET("/", func(c *gin.Context) { httpkit.Write(c, nil) })
		require.Equal(t, http.StatusInternalServerError, w.serve(w.request(t, http.MethodGet, "/", nil)).Code)
		require.NotContains(t, w.log.String(), `"msg":"panic"`)
	})
	t.Run("a_body_past_the_bound_ends_in_an_error", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t, true)
		var read error
		w.engine.POST("/", func(c *gin.Context) { _, read = io.ReadAll(c.Request.Body) })
		w.serve(w.request(t, http.MethodPost, "/", strings.NewReader(strings.Repeat("x", 1<<10))))
		require.NoError(t, read)
		w.serve(w.request(t, http.MethodPost, "/", strings.NewReader(strings.Repeat("x", 1<<10+1))))
		var tooLarge *http.MaxBytesError
		require.ErrorAs(t, read, &tooLarge)
	})
}

func TestWrite_EveryKind(t *testing.T) {
	t.Parallel()
	for kind, want := range map[fault.Kind]struct {
		status int
		oauth  string
	}{
		fault.KindInternal: {500, "server_error"}, fault.KindInvalid: {400, "invalid_request"}, fault.KindUnauthenticated: {401, "access_denied"},
		fault.KindDenied: {403, "access_denied"}, fault.KindNotFound: {404, "not_found"}, fault.KindConflict: {409, "server_error"},
		fault.KindTooMany: {429, "too_many_requests"}, fault.KindUnavailable: {503, "temporarily_unavailable"},
	} {
		t.Run(http.StatusText(want.status), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, true)
			w.engine.GET("/api", func(c *gin.Context) { httpkit.Write(c, fault.New(kind, "", "Said.").Because(errCause)) })
			w.engine.GET("/oauth", func(c *gin.Context) { httpkit.WriteOAuth(c, fault.New(kind, "", "Said.").Because(errCause)) })
			w.engine.GET("/coded", func(c *gin.Context) { httpkit.WriteOAuth(c, fault.New(kind, "invalid_client", "Said.")) })

			rec := w.serve(w.request(t, http.MethodGet, "/api", nil))
			require.Equal(t, want.status, rec.Code)
			require.Equal(t, httpkit.Problem{StatusCode: want.status, Error: http.StatusText(want.status), Message: "Said."}, problemOf(t, rec))

			rec = w.serve(w.request(t, http.MethodGet, "/oauth", nil))
			require.Equal(t, want.status, rec.Code)
			require.JSONEq(t, `{"error":"`+want.oauth+`","error_description":"Said."}`, rec.Body.String())
			require.Equal(t, "no-store", rec.Header().Get("Cache-Control"))

			rec = w.serve(w.request(t, http.MethodGet, "/coded", nil))
			require.Contains(t, rec.Body.String(), `"error":"invalid_client"`)
			require.Empty(t, rec.Header().Get("WWW-Authenticate"), "nobody tried a scheme")

			req := w.request(t, http.MethodGet, "/coded", nil)
			req.SetBasicAuth("id", "secret")
			rec = w.serve(req)
			require.Equal(t, kind == fault.KindUnauthenticated, rec.Header().Get("WWW-Authenticate") != "", "RFC 6749 §5.2")
		})
	}
}

func TestClientIP(t *testing.T) {
	t.Parallel()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
	r.RemoteAddr = "[2001:db8::1]:4711"
	require.Equal(t, "2001:db8::1", httpkit.ClientIP(r))
	r.Header.Set("X-Forwarded-For", " 192.0.2.7 ")
	require.Equal(t, "192.0.2.7", httpkit.ClientIP(r))
	r.Header.Del("X-Forwarded-For")
	r.RemoteAddr = "@"
	require.Equal(t, "@", httpkit.ClientIP(r))
}

func BenchmarkEngine(b *testing.B) {
	engine := httpkit.NewEngine(httpkit.Config{Service: "bench", Log: slog.New(slog.DiscardHandler)})
	engine.GET("/things/:id", func(c *gin.Context) { c.Status(http.StatusNoContent) })
	r := httptest.NewRequestWithContext(context.Background(), http.MethodGet, "/things/1", nil)
	b.ReportAllocs()
	for b.Loop() {
		engine.ServeHTTP(httptest.NewRecorder(), r)
	}
}
