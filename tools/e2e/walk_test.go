//go:build e2e

package e2e_test

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestWalk is the whole way of a new customer: sign up, verify a token, manage clients, log a user in, read the log.
func TestWalk(t *testing.T) {
	t.Parallel()
	acme := newCompany(t)
	eu := acme.signup(t, "eu")
	require.Equal(t, acme.account, eu.Name)
	require.True(t, strings.HasPrefix(eu.Domain, acme.account+".eu."+acme.cloud.BaseDomain), eu.Domain)
	require.Equal(t, "https://"+eu.Domain+"/", eu.Issuer)
	require.Equal(t, "https://"+eu.Domain+"/api/v2/", eu.ManagementAPI.Audience)

	follower := follow(t, acme)
	var machine struct{ Token string }
	acme.node(t, "machine.mjs", map[string]any{"tenant": eu}, &machine)

	email, password, back := acme.account+"@users.example.com", "Correct-horse-7-"+acme.account, callback(t)
	user := map[string]any{"email": email, "password": password}
	var made struct {
		User struct {
			UserID string `json:"user_id"`
		}
		First, Second json.RawMessage
	}
	acme.node(t, "management.mjs", map[string]any{"tenant": eu, "user": user, "callback": back}, &made)
	acme.node(t, "login.mjs", map[string]any{
		"tenant": eu, "user": user, "callback": back, "user_id": made.User.UserID, "first": made.First, "second": made.Second,
	}, nil)

	t.Run("each_step_left_its_event", func(t *testing.T) {
		follower.expect(t, "seccft", "feccft", "sapi", "fsa", "fp", "s", "seacft", "feacft", "ssa", "slo")
	})
}

// TestConsole is the same beginning in a browser, on the console.
func TestConsole(t *testing.T) {
	t.Parallel()
	acme := newCompany(t)
	var made struct{ Tenant tenant }
	acme.node(t, "console.mjs", map[string]any{
		"console": acme.cloud.URLs.Console, "account": acme.account, "region": "au",
		"email": acme.account + "@example.com", "password": "a long e2e password",
	}, &made)
	acme.node(t, "machine.mjs", map[string]any{"tenant": made.Tenant}, nil)
}

// follower is `postern logs --follow`, running.
type follower struct {
	lines chan logLine
	seen  []string
}

type logLine struct {
	Type  string    `json:"type"`
	Date  time.Time `json:"date"`
	shown time.Time
}

func follow(t *testing.T, c *company) *follower {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	cmd := c.command(ctx, t, "logs", "--follow", "--json")
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	cmd.Stderr = io.Discard
	require.NoError(t, cmd.Start())
	f := &follower{lines: make(chan logLine, 1000)}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		defer close(f.lines)
		for scan := bufio.NewScanner(out); scan.Scan(); {
			line := logLine{shown: time.Now()}
			if json.Unmarshal(scan.Bytes(), &line) == nil {
				f.lines <- line
			}
		}
	}()
	t.Cleanup(func() {
		stop()
		<-ended
		_ = cmd.Wait() // it was told to stop
	})
	return f
}

// readableWithin is how long after it happened an event may take to be readable.
const readableWithin = 2 * time.Second

// expect waits until an event of each type was shown, and holds each against the time it may take.
func (f *follower) expect(t *testing.T, types ...string) {
	t.Helper()
	deadline := time.After(30 * time.Second)
	for missing := slices.Clone(types); len(missing) > 0; {
		select {
		case line, ok := <-f.lines:
			require.True(t, ok, "the follower ended; still missing: %v", missing)
			f.seen = append(f.seen, line.Type)
			missing = slices.DeleteFunc(missing, func(typ string) bool { return typ == line.Type })
			// The command line asks twice a second; that is its share.
			require.LessOrEqual(t, line.shown.Sub(line.Date), readableWithin+time.Second, "an event of type %s came late", line.Type)
		case <-deadline:
			require.Fail(t, "events missing", "missing %v, seen %v", missing, f.seen)
		}
	}
}
