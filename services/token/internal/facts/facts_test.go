package facts_test

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/postern-id/postern/services/token/internal/facts"
	"github.com/postern-id/postern/services/token/internal/token"
)

func TestEvent_bounds_what_strangers_write(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	long := strings.Repeat("é", 1<<19)
	e := facts.Event(token.Fact{
		Tenant: "tnt_1", Time: at, Name: token.LoginFailed, Type: "fu", Description: long, ClientID: long, UserName: long, Audience: long,
		Origin: token.Origin{UserAgent: long}, Scope: token.Scope{long},
		Details: map[string]any{"error": map[string]any{"message": long, "oauthError": "x"}, "return_to": long},
	})
	raw, err := e.Encode()
	require.NoError(t, err)
	require.Less(t, len(raw), 32<<10)
	require.True(t, utf8.Valid(raw))
	require.True(t, utf8.ValidString(e.Entry.UserName))
	require.True(t, strings.HasSuffix(e.Entry.UserName, "é…"))

	short := facts.Event(token.Fact{Tenant: "tnt_1", Time: at, Name: token.LoginFailed, Type: "fu", UserName: "ada@example.com"})
	require.Equal(t, "ada@example.com", short.Entry.UserName)
}
