package cloud_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/postern-id/postern/tools/devcloud/internal/cloud"
	"github.com/postern-id/postern/tools/devcloud/internal/config"
	"github.com/postern-id/postern/tools/devcloud/internal/folder"
)

// platformAPI is a Platform API of one sign-up, whose answers to GET are given in turn; the last one stays.
type platformAPI struct {
	post    int
	answers []string
	posts   atomic.Int32
	gets    atomic.Int32
}

func (p *platformAPI) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case !strings.HasPrefix(r.Host, "api.postern.localhost:"):
		w.WriteHeader(http.StatusNotFound)
	case r.Method == http.MethodPost:
		p.posts.Add(1)
		w.WriteHeader(p.post)
		_, _ = w.Write([]byte(`{"id":"sgn_1","token":"secret"}`))
	case r.Header.Get("Authorization") != "Bearer secret":
		w.WriteHeader(http.StatusUnauthorized)
	default:
		n := int(p.gets.Add(1))
		_, _ = w.Write([]byte(p.answers[min(n, len(p.answers))-1]))
	}
}

func open(t *testing.T, api http.Handler) (config.Config, *folder.Folder) {
	t.Helper()
	server := httptest.NewServer(api)
	t.Cleanup(server.Close)
	f, err := folder.Open(filepath.Join(t.TempDir(), "data"))
	require.NoError(t, err)
	t.Cleanup(f.Close)
	return config.Config{BaseDomain: "postern.localhost", HTTPAddr: strings.TrimPrefix(server.URL, "http://"), Regions: []string{"us", "eu"}}, f
}

const ready = `{"status":"ready","tenant":{"id":"tnt_1"}}`

func TestFirstOwner(t *testing.T) {
	t.Parallel()

	t.Run("signs_up_once_and_remembers", func(t *testing.T) {
		t.Parallel()
		api := &platformAPI{post: http.StatusAccepted, answers: []string{`{"status":"pending"}`, `{"status":"provisioning"}`, ready}}
		cfg, f := open(t, api)
		owner, err := cloud.FirstOwner(t.Context(), cfg, f)
		require.NoError(t, err)
		require.JSONEq(t, `{"id":"tnt_1"}`, string(owner.Tenant))
		require.Equal(t, "us", owner.Region)
		again, err := cloud.FirstOwner(t.Context(), cfg, f)
		require.NoError(t, err)
		require.Equal(t, owner.Password, again.Password)
		require.EqualValues(t, 1, api.posts.Load())
		require.EqualValues(t, 3, api.gets.Load())
	})

	t.Run("a_boot_that_was_interrupted_goes_on_waiting_and_does_not_sign_up_again", func(t *testing.T) {
		t.Parallel()
		api := &platformAPI{post: http.StatusAccepted, answers: []string{ready}}
		cfg, f := open(t, api)
		require.NoError(t, f.WriteJSON("secrets/owner.json", cloud.Owner{Account: "demo", SignupID: "sgn_1", Token: "secret"}))
		owner, err := cloud.FirstOwner(t.Context(), cfg, f)
		require.NoError(t, err)
		require.JSONEq(t, `{"id":"tnt_1"}`, string(owner.Tenant))
		require.Zero(t, api.posts.Load())
	})

	t.Run("a_sign_up_that_failed_is_said_and_tried_anew_at_the_next_boot", func(t *testing.T) {
		t.Parallel()
		api := &platformAPI{post: http.StatusAccepted, answers: []string{`{"status":"failed"}`, ready}}
		cfg, f := open(t, api)
		_, err := cloud.FirstOwner(t.Context(), cfg, f)
		require.ErrorContains(t, err, "the first sign-up failed")
		_, err = cloud.FirstOwner(t.Context(), cfg, f)
		require.NoError(t, err)
		require.EqualValues(t, 2, api.posts.Load())
	})

	t.Run("an_account_that_is_taken_leaves_the_owner_their_password", func(t *testing.T) {
		t.Parallel()
		cfg, f := open(t, &platformAPI{post: http.StatusConflict})
		owner, err := cloud.FirstOwner(t.Context(), cfg, f)
		require.ErrorContains(t, err, "exists already")
		require.NotEmpty(t, owner.Password)
		var kept cloud.Owner
		require.NoError(t, f.ReadJSON("secrets/owner.json", &kept))
		require.Equal(t, owner.Password, kept.Password)
	})

	t.Run("dev_json_has_no_empty_tenant", func(t *testing.T) {
		t.Parallel()
		b, err := json.Marshal(cloud.DevFile{})
		require.NoError(t, err)
		require.NotContains(t, string(b), `"owner"`)
	})
}
