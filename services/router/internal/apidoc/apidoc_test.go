package apidoc_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/libs/tenancy"
	"github.com/postern-id/postern/services/router/internal/route"
)

func TestLibrary_Find(t *testing.T) {
	t.Parallel()
	t.Run("every_service_is_asked_in_the_name_of_the_tenant", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		require.Len(t, w.document(t)["paths"], len(route.Services()))
		require.Equal(t, acme, w.last)
	})
	t.Run("it_is_kept_for_a_minute_for_all_tenants_of_the_cell", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		w.document(t)
		n := w.calls()
		w.clock.Advance(59 * time.Second)
		other := tenancy.Tenant{ID: "tnt_2", Cell: "eu", Base: "http://other.example.test"}
		doc, err := w.library.Find(t.Context(), other)
		require.NoError(t, err)
		raw, err := doc.JSON(other)
		require.NoError(t, err)
		require.Contains(t, string(raw), "http://other.example.test")
		require.NotContains(t, string(raw), "acme", "nothing of who asked first")
		require.Equal(t, n, w.calls())
		w.clock.Advance(2 * time.Second)
		w.document(t)
		require.Greater(t, w.calls(), n)
	})
	for _, s := range route.Services() {
		t.Run("without_"+string(s)+"_there_is_none_rather_than_half_of_one", func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.set(s, true)
			_, err := w.library.Find(t.Context(), acme)
			require.True(t, fault.Is(err, fault.KindUnavailable), "%v", err)
			require.ErrorContains(t, err, string(s), "the log tells which one")
			w.set(s, false)
			w.document(t)
		})
		t.Run("while_"+string(s)+"_is_away_the_last_whole_one_is_served", func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			before := w.document(t)
			w.set(s, true)
			w.clock.Advance(time.Hour)
			require.Equal(t, before, w.document(t))
			n := w.calls()
			require.Equal(t, before, w.document(t))
			require.Equal(t, n, w.calls(), "and not everybody asks again at once")
			w.set(s, false)
			w.parts[s] = part(string(s), text(11))
			w.clock.Advance(6 * time.Second)
			require.NotEqual(t, before, w.document(t))
		})
	}
	t.Run("an_answer_that_is_no_description_is_unavailable_or_internal_never_served", func(t *testing.T) {
		t.Parallel()
		for _, raw := range []string{"", "{}", "[]", "null", "<html>", `{"openapi":"3.0.0","paths":{}}`} {
			w := newWorld(t)
			w.parts[route.Log] = []byte(raw)
			_, err := w.library.Find(t.Context(), acme)
			require.Error(t, err, raw)
		}
	})
	t.Run("a_cell_without_services_here_is_unavailable", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		_, err := w.library.Find(t.Context(), tenancy.Tenant{ID: "tnt_3", Cell: "us"})
		require.True(t, fault.Is(err, fault.KindUnavailable))
	})
}
