package mail_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/postern-id/postern/tools/devcloud/internal/folder"
	"github.com/postern-id/postern/tools/devcloud/internal/mail"
)

const twoPart = "From: Acme <login@acme.test>\r\nTo: ada@example.com\r\nSubject: =?utf-8?q?Verify_=E2=9C=93?=\r\nMIME-Version: 1.0\r\n" +
	"Content-Type: multipart/alternative; boundary=b\r\n\r\n" +
	"--b\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\nCode =31=32\r\n" +
	"--b\r\nContent-Type: text/html; charset=utf-8\r\n\r\n<p>Code</p><script>alert(1)</script>\r\n--b--\r\n"

func open(t *testing.T) (*folder.Folder, *mail.Store) {
	t.Helper()
	f, err := folder.Open(filepath.Join(t.TempDir(), "data"))
	require.NoError(t, err)
	t.Cleanup(f.Close)
	s, err := mail.OpenStore(f, func() time.Time { return time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC) })
	require.NoError(t, err)
	return f, s
}

func get(t *testing.T, s *mail.Store, path string) *httptest.ResponseRecorder {
	t.Helper()
	w := httptest.NewRecorder()
	mail.Handler(s).ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil))
	return w
}

func TestStore(t *testing.T) {
	t.Parallel()

	t.Run("a_mail_is_read_as_a_person_would", func(t *testing.T) {
		t.Parallel()
		_, s := open(t)
		require.NoError(t, s.Add("bounce@acme.test", []string{"ada@example.com"}, []byte(twoPart)))
		m := s.List("")[0]
		require.Equal(t, "Verify ✓", m.Subject)
		require.Equal(t, "Code 12", m.Text)
		require.Contains(t, m.HTML, "<p>Code</p>")
		require.Equal(t, []string{"ada@example.com"}, m.To)
	})

	t.Run("mails_outlive_the_process_newest_first", func(t *testing.T) {
		t.Parallel()
		f, s := open(t)
		for range 12 {
			require.NoError(t, s.Add("a@acme.test", []string{"ada@example.com"}, []byte(twoPart)))
		}
		again, err := mail.OpenStore(f, time.Now)
		require.NoError(t, err)
		require.Equal(t, s.List(""), again.List(""))
		require.Equal(t, "000000012", again.List("")[0].ID)
	})

	t.Run("a_list_is_of_one_recipient_when_asked", func(t *testing.T) {
		t.Parallel()
		_, s := open(t)
		require.NoError(t, s.Add("a@acme.test", []string{"ada@example.com"}, []byte(twoPart)))
		require.NoError(t, s.Add("a@acme.test", []string{"bob@example.com"}, []byte(twoPart)))
		require.Len(t, s.List("Bob@example.com"), 1)
	})

	t.Run("what_is_no_mail_is_kept_raw", func(t *testing.T) {
		t.Parallel()
		_, s := open(t)
		require.NoError(t, s.Add("a@acme.test", []string{"ada@example.com"}, []byte("\x00 nonsense")))
		require.Equal(t, "\x00 nonsense", s.List("")[0].Raw)
	})
}

func TestHandler(t *testing.T) {
	t.Parallel()
	_, s := open(t)
	require.NoError(t, s.Add("a@acme.test", []string{"ada@example.com"}, []byte(twoPart)))

	t.Run("json_lists_and_shows", func(t *testing.T) {
		t.Parallel()
		var list []mail.Message
		require.NoError(t, json.Unmarshal(get(t, s, "/messages").Body.Bytes(), &list))
		require.Len(t, list, 1)
		require.Empty(t, list[0].Raw)
		var one mail.Message
		require.NoError(t, json.Unmarshal(get(t, s, "/messages/"+list[0].ID).Body.Bytes(), &one))
		require.Equal(t, twoPart, one.Raw)
		require.Equal(t, http.StatusNotFound, get(t, s, "/messages/nope").Code)
	})

	t.Run("a_mails_script_reaches_the_page_as_an_attribute_of_a_sandboxed_frame_only", func(t *testing.T) {
		t.Parallel()
		w := get(t, s, "/?id=000000001")
		require.Equal(t, http.StatusOK, w.Code)
		require.NotContains(t, w.Body.String(), "<script")
		require.Contains(t, w.Body.String(), "sandbox=")
		require.NotContains(t, w.Body.String(), "allow-scripts")
		require.Contains(t, w.Header().Get("Content-Security-Policy"), "default-src 'none'")
	})
}
