package egress_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/postern-id/postern/libs/egress"
	"github.com/postern-id/postern/libs/fault"
)

// site is a TLS server on loopback that counts who comes.
type site struct {
	*httptest.Server

	ca   string // a file
	hits atomic.Int64
}

func newSite(t *testing.T, h http.HandlerFunc) *site {
	t.Helper()
	s := &site{ca: filepath.Join(t.TempDir(), "ca.pem")}
	s.Server = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.hits.Add(1)
		h(w, r)
	}))
	t.Cleanup(s.Close)
	require.NoError(t, os.WriteFile(s.ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw}), 0o600))
	return s
}

func (s *site) client(t *testing.T, loopback bool) *egress.Client {
	t.Helper()
	c, err := egress.New(egress.Config{CAFile: s.ca, AllowLoopback: loopback, Timeout: 2 * time.Second})
	require.NoError(t, err)
	return c
}

func document(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	_, _ = w.Write([]byte(`{"path":"` + r.URL.Path + `"}`)) //nolint:gosec // the test's own path
}

func TestClient_Fetch(t *testing.T) {
	t.Parallel()
	t.Run("gives_the_document_and_sends_no_credential", func(t *testing.T) {
		t.Parallel()
		s := newSite(t, func(w http.ResponseWriter, r *http.Request) {
			for _, name := range []string{"Authorization", "Cookie", "Referer"} {
				if r.Header.Get(name) != "" {
					w.WriteHeader(http.StatusTeapot)
				}
			}
			document(w, r)
		})
		body, err := s.client(t, true).Fetch(t.Context(), s.URL+"/client.json", 1<<10)
		require.NoError(t, err)
		require.JSONEq(t, `{"path":"/client.json"}`, string(body))
	})
	t.Run("takes_exactly_as_much_as_it_may", func(t *testing.T) {
		t.Parallel()
		s := newSite(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/cimd+json")
			_, _ = w.Write(bytes.Repeat([]byte("1"), 100))
		})
		body, err := s.client(t, true).Fetch(t.Context(), s.URL, 100)
		require.NoError(t, err)
		require.Len(t, body, 100)
		_, err = s.client(t, true).Fetch(t.Context(), s.URL, 99)
		refused(t, err, "The document is larger than 99 bytes")
	})
}

func refused(t *testing.T, err error, sentence string) {
	t.Helper()
	require.True(t, fault.Is(err, fault.KindInvalid), "%v", err)
	require.Equal(t, sentence, fault.Of(err).Message)
}

func TestClient_Fetch_reaches_public_addresses_only(t *testing.T) {
	t.Parallel()
	s := newSite(t, document)
	port := s.URL[strings.LastIndexByte(s.URL, ':'):]
	const unreached = "The document could not be reached"
	for _, host := range []string{"127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "0.0.0.0", "127.1.2.3", "2130706433", "0x7f.1"} {
		_, err := s.client(t, false).Fetch(t.Context(), "https://"+host+port+"/", 1<<10)
		refused(t, err, unreached)
	}
	for _, target := range []string{"https://10.0.0.1/", "https://169.254.169.254/latest/meta-data/", "https://[fd00:ec2::254]/", "https://192.168.0.1:8443/"} {
		_, err := s.client(t, true).Fetch(t.Context(), target, 1<<10)
		refused(t, err, unreached) // the switch opens loopback, not the network
	}
	require.Zero(t, s.hits.Load())
}

func TestClient_Fetch_refuses(t *testing.T) {
	t.Parallel()
	answer := func(status int, media, body string, headers ...string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			if media != "" {
				w.Header().Set("Content-Type", media)
			}
			for i := 0; i+1 < len(headers); i += 2 {
				w.Header().Set(headers[i], headers[i+1])
			}
			w.WriteHeader(status)
			_, _ = w.Write([]byte(body))
		}
	}
	var zipped bytes.Buffer
	z := gzip.NewWriter(&zipped)
	_, _ = z.Write(bytes.Repeat([]byte(" "), 1<<20))
	_ = z.Close()
	for name, c := range map[string]struct {
		answer   http.HandlerFunc
		sentence string
	}{
		"a_redirect":       {answer(302, "application/json", "{}", "Location", "/elsewhere"), "The document is somewhere else: redirects are not followed"},
		"not_modified":     {answer(304, "", ""), "The document is somewhere else: redirects are not followed"},
		"an_error":         {answer(500, "application/json", "{}"), "The document's server answered with status 500"},
		"no_content":       {answer(204, "", ""), "The document's server answered with status 204"},
		"a_page":           {answer(200, "text/html", "<html>"), "The document is not application/json"},
		"no_media_type":    {answer(200, "/", "{}"), "The document is not application/json"},
		"a_lookalike":      {answer(200, "text/x+json", "{}"), "The document is not application/json"},
		"a_gzip_bomb":      {answer(200, "application/json", zipped.String(), "Content-Encoding", "gzip"), "The document is compressed"},
		"a_long_one":       {answer(200, "application/json", strings.Repeat("1", 2<<10)), "The document is larger than 1024 bytes"},
		"an_endless_one":   {endless, "The document is larger than 1024 bytes"},
		"long_headers":     {answer(200, "application/json", "{}", "X-Long", strings.Repeat("a", 64<<10)), "The document could not be reached"},
		"a_broken_one":     {broken, "The document could not be reached"},
		"a_slow_one":       {slow, "The document could not be reached"},
		"a_slow_body":      {slowBody, "The document could not be reached"},
		"a_wrong_encoding": {answer(200, "application/json", "x", "Content-Encoding", "br"), "The document is compressed"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, c.answer)
			_, err := s.client(t, true).Fetch(t.Context(), s.URL+"/client.json", 1<<10)
			refused(t, err, c.sentence)
			require.EqualValues(t, 1, s.hits.Load())
		})
	}
	for _, target := range []string{"", "http://a.example/", "HTTP://a.example", "file:///etc/passwd", "https:///x", "https://u:p@a.example/", "//a.example", "https://a.example:x/", "ftp://a", "gopher://a"} {
		s := newSite(t, document)
		_, err := s.client(t, true).Fetch(t.Context(), target, 1<<10)
		refused(t, err, "The URL is not an https URL")
	}
	t.Run("a_certificate_of_nobody", func(t *testing.T) {
		t.Parallel()
		s := newSite(t, document)
		c, err := egress.New(egress.Config{AllowLoopback: true})
		require.NoError(t, err)
		_, err = c.Fetch(t.Context(), s.URL, 1<<10)
		refused(t, err, "The document's server has no certificate that is trusted")
		require.Zero(t, s.hits.Load())
	})
	t.Run("a_caller_who_left_is_no_refusal", func(t *testing.T) {
		t.Parallel()
		s := newSite(t, document)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, err := s.client(t, true).Fetch(ctx, s.URL, 1<<10)
		require.ErrorIs(t, err, context.Canceled)
	})
}

func endless(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	for r.Context().Err() == nil {
		if _, err := w.Write(bytes.Repeat([]byte("["), 1<<10)); err != nil {
			return
		}
	}
}

func broken(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", "100")
	_, _ = w.Write([]byte("{"))
	panic(http.ErrAbortHandler)
}

func slow(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }

func slowBody(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write([]byte("{"))
	_ = http.NewResponseController(w).Flush()
	<-r.Context().Done()
}

func TestNew(t *testing.T) {
	t.Parallel()
	_, err := egress.New(egress.Config{CAFile: filepath.Join(t.TempDir(), "none")})
	require.ErrorContains(t, err, "POSTERN_EGRESS_CA_FILE")
	file := filepath.Join(t.TempDir(), "empty")
	require.NoError(t, os.WriteFile(file, []byte("x"), 0o600))
	_, err = egress.New(egress.Config{CAFile: file})
	require.ErrorContains(t, err, "holds no certificate")
	_, err = egress.New(egress.Config{Timeout: -1})
	require.Error(t, err)
}

// A proxy would resolve names for us and reach what we must not.
func TestClient_Fetch_uses_no_proxy(t *testing.T) {
	s := newSite(t, document)
	proxy := newSite(t, document)
	t.Setenv("HTTPS_PROXY", proxy.URL)
	t.Setenv("https_proxy", proxy.URL)
	_, err := s.client(t, true).Fetch(t.Context(), s.URL, 1<<10)
	require.NoError(t, err)
	require.Zero(t, proxy.hits.Load())
}

func TestClient_PostForm(t *testing.T) {
	t.Parallel()
	answer := func(status int) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			if r.Method != http.MethodPost || r.PostFormValue("logout_token") != "a.b.c" || r.Header.Get("Content-Type") != "application/x-www-form-urlencoded" ||
				r.Header.Get("Cookie") != "" || r.Header.Get("Authorization") != "" {
				status = http.StatusTeapot
			}
			w.Header().Set("Location", "https://elsewhere.example/")
			w.WriteHeader(status)
		}
	}
	form := url.Values{"logout_token": {"a.b.c"}}
	for _, status := range []int{http.StatusOK, http.StatusAccepted, http.StatusNoContent} {
		s := newSite(t, answer(status))
		got, err := s.client(t, true).PostForm(t.Context(), s.URL+"/out?a=1", form)
		require.NoError(t, err)
		require.Equal(t, status, got)
	}
	for status, sentence := range map[int]string{
		http.StatusFound: "The server answered with status 302", http.StatusTemporaryRedirect: "The server answered with status 307",
		http.StatusBadRequest: "The server answered with status 400", http.StatusServiceUnavailable: "The server answered with status 503",
	} {
		s := newSite(t, answer(status))
		got, err := s.client(t, true).PostForm(t.Context(), s.URL, form)
		refused(t, err, sentence)
		require.Equal(t, status, got)
		require.EqualValues(t, 1, s.hits.Load(), "a redirect is not followed")
	}

	s := newSite(t, answer(http.StatusOK))
	for raw, sentence := range map[string]string{
		strings.Replace(s.URL, "https", "http", 1): "The URL is not an https URL",
		"https://user:secret@rp.example/":          "The URL is not an https URL",
		"::":                                       "The URL is not an https URL",
		"https://169.254.169.254/":                 "The URL could not be reached",
	} {
		status, err := s.client(t, true).PostForm(t.Context(), raw, form)
		refused(t, err, sentence)
		require.Zero(t, status)
	}
	status, err := s.client(t, false).PostForm(t.Context(), s.URL, form)
	refused(t, err, "The URL could not be reached")
	require.Zero(t, status)
	require.Zero(t, s.hits.Load(), "this machine's own addresses are closed")

	hangs := newSite(t, func(_ http.ResponseWriter, r *http.Request) {
		_ = r.ParseForm() // a server notices who leaves once it has read what they sent
		<-r.Context().Done()
	})
	began := time.Now()
	_, err = hangs.client(t, true).PostForm(t.Context(), hangs.URL, form)
	refused(t, err, "The URL could not be reached")
	require.Less(t, time.Since(began), 10*time.Second)
}
