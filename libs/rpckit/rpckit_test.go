package rpckit_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"connectrpc.com/connect"
	"github.com/stretchr/testify/require"

	tokenapi "github.com/postern-id/postern/libs/api/token"
	"github.com/postern-id/postern/libs/api/token/tokenapiconnect"
	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/libs/rpckit"
)

var errCause = errors.New("dial tcp 10.0.0.1:5432: password authentication failed")

// neighbour answers ListKeys with what a test says; whoever says nothing of a tenant is new here and always welcome.
type neighbour struct {
	tokenapiconnect.UnimplementedTokenServiceHandler

	answer func(ctx context.Context) error
}

const known = "tnt_known"

func (n neighbour) ListKeys(ctx context.Context, req *tokenapi.ListKeysRequest) (*tokenapi.ListKeysResponse, error) {
	if req.GetTenantId() == "" {
		return &tokenapi.ListKeysResponse{}, nil
	}
	if err := n.answer(ctx); err != nil {
		return nil, err
	}
	return &tokenapi.ListKeysResponse{}, nil
}

// layouts are the two ways in which services are joined; in one process the second call takes the shortcut.
var layouts = map[string]func(t *testing.T, h http.Handler) (*http.Client, string){
	"in_one_process": func(_ *testing.T, h http.Handler) (*http.Client, string) {
		return rpckit.Client(h), rpckit.InProcessURL
	},
	"between_machines": func(t *testing.T, h http.Handler) (*http.Client, string) {
		t.Helper()
		server := httptest.NewServer(h)
		t.Cleanup(server.Close)
		return server.Client(), server.URL
	},
}

func call(t *testing.T, client *http.Client, url string) func(context.Context) error {
	t.Helper()
	remote := tokenapiconnect.NewTokenServiceClient(client, url, rpckit.ClientOption())
	return func(ctx context.Context) error {
		_, err := remote.ListKeys(ctx, &tokenapi.ListKeysRequest{TenantId: known})
		return err
	}
}

func again(t *testing.T, client *http.Client, url string) func(context.Context) error {
	t.Helper()
	remote := tokenapiconnect.NewTokenServiceClient(client, url, rpckit.ClientOption())
	_, err := remote.ListKeys(t.Context(), &tokenapi.ListKeysRequest{})
	require.NoError(t, err)
	return func(ctx context.Context) error {
		_, err := remote.ListKeys(ctx, &tokenapi.ListKeysRequest{TenantId: known})
		return err
	}
}

func each(t *testing.T, answer func(ctx context.Context) error, f func(t *testing.T, call func(context.Context) error, log *bytes.Buffer)) {
	t.Helper()
	for name, join := range layouts {
		for turn, call := range map[string]func(*testing.T, *http.Client, string) func(context.Context) error{"": call, "_again": again} {
			t.Run(name+turn, func(t *testing.T) {
				t.Parallel()
				log := &bytes.Buffer{}
				_, h := tokenapiconnect.NewTokenServiceHandler(neighbour{answer: answer}, rpckit.ServerOption(slog.New(slog.NewJSONHandler(log, nil))))
				client, url := join(t, h)
				f(t, call(t, client, url), log)
			})
		}
	}
}

func TestFaults(t *testing.T) {
	t.Parallel()
	for name, f := range map[string]*fault.Error{
		"invalid": fault.Invalid("invalid_body", "Not so."), "unauthenticated": fault.Unauthenticated("Who are you?"),
		"denied": fault.Denied("insufficient_scope", "Not you — é."), "not_found": fault.NotFound("The user does not exist."),
		"conflict": fault.Conflict("auth0_idp_error", "The user already exists."), "too_many": {Kind: fault.KindTooMany, Code: "too_many_requests", Message: "Slow down.", RetryAfter: 1500 * time.Millisecond},
		"unavailable": fault.Unavailable("The store is away"),
	} {
		t.Run(name+"_comes_through_without_its_cause", func(t *testing.T) {
			t.Parallel()
			each(t, func(context.Context) error { return fmt.Errorf("finding the user: %w", f.Because(errCause)) },
				func(t *testing.T, call func(context.Context) error, log *bytes.Buffer) {
					t.Helper()
					err := call(t.Context())
					got := fault.Of(err)
					require.Equal(t, f.Kind, got.Kind)
					require.Equal(t, f.Code, got.Code)
					require.Equal(t, f.Message, got.Message)
					require.Equal(t, f.RetryAfter, got.RetryAfter)
					require.NotContains(t, err.Error(), "10.0.0.1")
					require.Contains(t, log.String(), "finding the user", "the cause is logged where it is known")
					require.Contains(t, log.String(), "10.0.0.1")
				})
		})
	}
	t.Run("a_plain_refusal_is_not_logged", func(t *testing.T) {
		t.Parallel()
		each(t, func(context.Context) error { return fault.NotFound("Nobody.") }, func(t *testing.T, call func(context.Context) error, log *bytes.Buffer) {
			t.Helper()
			require.True(t, fault.Is(call(t.Context()), fault.KindNotFound))
			require.Zero(t, log.Len())
		})
	})
	t.Run("an_error_that_is_no_fault_is_internal_and_says_nothing", func(t *testing.T) {
		t.Parallel()
		each(t, func(context.Context) error { return errCause }, func(t *testing.T, call func(context.Context) error, log *bytes.Buffer) {
			t.Helper()
			err := call(t.Context())
			require.Equal(t, fault.KindInternal, fault.Of(err).Kind)
			require.NotContains(t, err.Error(), "10.0.0.1")
			require.Contains(t, log.String(), "10.0.0.1")
		})
	})
	t.Run("an_internal_faults_own_sentence_does_not_travel", func(t *testing.T) {
		t.Parallel()
		each(t, func(context.Context) error { return fault.New(fault.KindInternal, "x", "table users is broken") },
			func(t *testing.T, call func(context.Context) error, _ *bytes.Buffer) {
				t.Helper()
				require.Equal(t, "An internal error occurred", fault.Of(call(t.Context())).Message)
			})
	})
	t.Run("a_panic_fails_one_call", func(t *testing.T) {
		t.Parallel()
		each(t, func(context.Context) error { panic("oh") }, func(t *testing.T, call func(context.Context) error, log *bytes.Buffer) {
			t.Helper()
			require.Equal(t, fault.KindInternal, fault.Of(call(t.Context())).Kind)
			require.Contains(t, log.String(), `"msg":"panic"`)
		})
	})
	t.Run("success_is_no_error", func(t *testing.T) {
		t.Parallel()
		each(t, func(context.Context) error { return nil }, func(t *testing.T, call func(context.Context) error, _ *bytes.Buffer) {
			t.Helper()
			require.NoError(t, call(t.Context()))
		})
	})
}

func TestFaults_OfTime(t *testing.T) {
	t.Parallel()
	waits := func(ctx context.Context) error {
		<-ctx.Done()
		return fmt.Errorf("asking postgres: %w", ctx.Err())
	}
	t.Run("the_callers_deadline_is_unavailable", func(t *testing.T) {
		t.Parallel()
		each(t, waits, func(t *testing.T, call func(context.Context) error, _ *bytes.Buffer) {
			t.Helper()
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
			defer cancel()
			got := fault.Of(call(ctx))
			require.Equal(t, fault.KindUnavailable, got.Kind)
			require.Equal(t, "a neighbouring service did not answer in time", got.Message)
		})
	})
	t.Run("a_deadline_of_the_neighbours_own_is_unavailable", func(t *testing.T) {
		t.Parallel()
		each(t, func(context.Context) error { return fmt.Errorf("asking vault: %w", context.DeadlineExceeded) },
			func(t *testing.T, call func(context.Context) error, _ *bytes.Buffer) {
				t.Helper()
				require.Equal(t, fault.KindUnavailable, fault.Of(call(t.Context())).Kind)
			})
	})
	t.Run("a_caller_who_leaves_gets_their_own_error_and_no_line", func(t *testing.T) {
		t.Parallel()
		each(t, waits, func(t *testing.T, call func(context.Context) error, log *bytes.Buffer) {
			t.Helper()
			ctx, cancel := context.WithCancel(t.Context())
			time.AfterFunc(20*time.Millisecond, cancel)
			require.ErrorIs(t, call(ctx), context.Canceled)
			require.Zero(t, log.Len())
		})
	})
	t.Run("a_neighbour_that_is_stopping_is_away_not_cancelled", func(t *testing.T) {
		t.Parallel()
		each(t, func(context.Context) error { return context.Canceled }, func(t *testing.T, call func(context.Context) error, _ *bytes.Buffer) {
			t.Helper()
			err := call(t.Context())
			require.NotErrorIs(t, err, context.Canceled)
			require.Equal(t, fault.KindUnavailable, fault.Of(err).Kind)
		})
	})
}

func TestFaults_OfTheWay(t *testing.T) {
	t.Parallel()
	t.Run("nobody_there_is_unavailable_and_no_address_is_shown", func(t *testing.T) {
		t.Parallel()
		got := fault.Of(call(t, http.DefaultClient, "http://127.0.0.1:1")(t.Context()))
		require.Equal(t, fault.KindUnavailable, got.Kind)
		require.Equal(t, "a neighbouring service is away", got.Message)
		require.ErrorContains(t, got.Cause, "127.0.0.1:1")
		require.Positive(t, got.RetryAfter)
	})
	for status, want := range map[int]fault.Kind{
		http.StatusBadGateway: fault.KindUnavailable, http.StatusServiceUnavailable: fault.KindUnavailable, http.StatusGatewayTimeout: fault.KindUnavailable,
		http.StatusTooManyRequests: fault.KindUnavailable, http.StatusForbidden: fault.KindInternal, http.StatusNotFound: fault.KindInternal,
		http.StatusUnauthorized: fault.KindInternal, http.StatusInternalServerError: fault.KindInternal,
	} {
		t.Run(fmt.Sprintf("a_%d_of_something_in_between_is_no_answer_of_the_neighbours", status), func(t *testing.T) {
			t.Parallel()
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "text/html")
				w.WriteHeader(status)
				_, _ = io.WriteString(w, "<h1>proxy at 10.0.0.1</h1>")
			}))
			defer server.Close()
			got := fault.Of(call(t, server.Client(), server.URL)(t.Context()))
			require.Equal(t, want, got.Kind)
			require.NotContains(t, got.Message, "10.0.0.1")
			require.NotContains(t, got.Message, http.StatusText(status))
		})
	}
	t.Run("bytes_that_are_no_text_are_the_callers_mistake", func(t *testing.T) {
		t.Parallel()
		_, h := tokenapiconnect.NewTokenServiceHandler(neighbour{answer: func(context.Context) error { return nil }}, rpckit.ServerOption(slog.New(slog.DiscardHandler)))
		remote := tokenapiconnect.NewTokenServiceClient(rpckit.Client(h), rpckit.InProcessURL, rpckit.ClientOption())
		for range 2 {
			_, err := remote.ListKeys(t.Context(), &tokenapi.ListKeysRequest{TenantId: "\xff"})
			require.Equal(t, fault.KindInvalid, fault.Of(err).Kind)
			require.Equal(t, "A value is not acceptable", fault.Of(err).Message)
			_, err = remote.ListKeys(t.Context(), &tokenapi.ListKeysRequest{TenantId: known})
			require.NoError(t, err)
		}
	})
	t.Run("a_procedure_that_is_not_there_is_internal", func(t *testing.T) {
		t.Parallel()
		_, h := tokenapiconnect.NewTokenServiceHandler(tokenapiconnect.UnimplementedTokenServiceHandler{})
		err := call(t, rpckit.Client(h), rpckit.InProcessURL)(t.Context())
		require.Equal(t, fault.KindInternal, fault.Of(err).Kind)
		require.Equal(t, connect.CodeUnimplemented, connect.CodeOf(err))
	})
}

// Each client and each procedure finds its own way, and a handler that asks a neighbour itself shows it no way but its own.
func TestShortcut(t *testing.T) {
	t.Parallel()
	log := slog.New(slog.DiscardHandler)
	var inner tokenapiconnect.TokenServiceClient
	asked := 0
	_, far := tokenapiconnect.NewTokenServiceHandler(neighbour{answer: func(context.Context) error { asked++; return nil }}, rpckit.ServerOption(log))
	inner = tokenapiconnect.NewTokenServiceClient(rpckit.Client(far), rpckit.InProcessURL, rpckit.ClientOption())
	_, near := tokenapiconnect.NewTokenServiceHandler(neighbour{answer: func(ctx context.Context) error {
		_, err := inner.ListKeys(ctx, &tokenapi.ListKeysRequest{TenantId: known})
		return err
	}}, rpckit.ServerOption(log))
	counted := 0
	remote := tokenapiconnect.NewTokenServiceClient(rpckit.Client(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		counted++
		near.ServeHTTP(w, r)
	})), rpckit.InProcessURL, rpckit.ClientOption())
	for range 5 {
		_, err := remote.ListKeys(t.Context(), &tokenapi.ListKeysRequest{TenantId: known})
		require.NoError(t, err)
	}
	require.Equal(t, 5, asked)
	require.Equal(t, 1, counted, "the first call finds the way")
	_, err := remote.RemoveTenant(t.Context(), &tokenapi.RemoveTenantRequest{})
	require.Error(t, err)
	require.Equal(t, 2, counted, "of this procedure alone")

	var from string
	_, h := tokenapiconnect.NewTokenServiceHandler(neighbour{answer: func(ctx context.Context) error {
		from = ""
		if info, ok := connect.CallInfoForHandlerContext(ctx); ok {
			from = info.RequestHeader().Get("X-Forwarded-For")
		}
		return nil
	}}, rpckit.ServerOption(log))
	remote = tokenapiconnect.NewTokenServiceClient(rpckit.Client(h), rpckit.InProcessURL, rpckit.ClientOption())
	for range 3 {
		ctx, info := connect.NewClientContext(t.Context())
		info.RequestHeader().Set("X-Forwarded-For", "203.0.113.7")
		_, err = remote.ListKeys(ctx, &tokenapi.ListKeysRequest{TenantId: known})
		require.NoError(t, err)
		require.Equal(t, "203.0.113.7", from, "what is in a header arrives")
		_, err = remote.ListKeys(t.Context(), &tokenapi.ListKeysRequest{TenantId: known})
		require.NoError(t, err)
		require.Empty(t, from)
	}
}

func TestInProcess(t *testing.T) {
	t.Parallel()
	ask := func(t *testing.T, h http.HandlerFunc, body io.Reader) *http.Response {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, rpckit.InProcessURL+"/a%2Fb?c=d", body)
		require.NoError(t, err)
		res, err := rpckit.InProcess(h).RoundTrip(r)
		require.NoError(t, err)
		t.Cleanup(func() { _ = res.Body.Close() })
		return res
	}
	t.Run("the_handler_sees_a_servers_request", func(t *testing.T) {
		t.Parallel()
		var got *http.Request
		ask(t, func(_ http.ResponseWriter, r *http.Request) { got = r }, nil) //nolint:bodyclose // closed by ask
		require.Equal(t, "/a%2Fb?c=d", got.RequestURI)
		require.NotNil(t, got.Body)
	})
	t.Run("the_first_final_status_counts_and_none_is_200", func(t *testing.T) {
		t.Parallel()
		res := ask(t, func(w http.ResponseWriter, _ *http.Request) { //nolint:bodyclose // closed by ask
			w.WriteHeader(http.StatusEarlyHints)
			w.WriteHeader(http.StatusTeapot)
			w.WriteHeader(http.StatusOK)
		}, nil)
		require.Equal(t, "418 I'm a teapot", res.Status)
		require.Equal(t, http.StatusOK, ask(t, func(http.ResponseWriter, *http.Request) {}, nil).StatusCode) //nolint:bodyclose // closed by ask
	})
	t.Run("the_requests_body_is_closed_read_or_not", func(t *testing.T) {
		t.Parallel()
		body := &closing{Reader: bytes.NewReader([]byte("x"))}
		ask(t, func(http.ResponseWriter, *http.Request) {}, body) //nolint:bodyclose // closed by ask
		require.True(t, body.closed)
	})
}

type closing struct {
	io.Reader

	closed bool
}

func (c *closing) Close() error {
	c.closed = true
	return nil
}

func BenchmarkInProcess(b *testing.B) {
	_, h := tokenapiconnect.NewTokenServiceHandler(neighbour{answer: func(context.Context) error { return nil }},
		rpckit.ServerOption(slog.New(slog.DiscardHandler)))
	remote := tokenapiconnect.NewTokenServiceClient(rpckit.Client(h), rpckit.InProcessURL, rpckit.ClientOption())
	b.ReportAllocs()
	for b.Loop() {
		if _, err := remote.ListKeys(context.Background(), &tokenapi.ListKeysRequest{}); err != nil {
			b.Fatal(err)
		}
	}
}
