package tenant_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/postern-id/postern/libs/clock"
	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/services/tenant/internal/store/control/storetest"
	"github.com/postern-id/postern/services/tenant/internal/tenant"
)

// plain stands in for argon2id, which is slow on purpose.
type plain struct{}

func (plain) Hash(_ context.Context, password string) (string, error) {
	return "$argon2id$" + password, nil
}

func (plain) Matches(_ context.Context, hash, password string) (bool, error) {
	return hash == "$argon2id$"+password, nil
}

type house struct {
	*tenant.Accounts

	store *storetest.Fake
	now   *clock.Fake
	kicks int
}

func newHouse() *house {
	h := &house{store: storetest.NewFake(), now: clock.At("2026-03-01T12:00:00Z")}
	h.Accounts = tenant.NewAccounts(tenant.AccountsDeps{
		Map:   tenant.Map{Base: "example.com", Cells: []tenant.Cell{{Name: "us", Region: "us"}, {Name: "eu", Region: "eu"}}},
		Store: h.store, Passwords: plain{}, Kick: func() { h.kicks++ }, Now: h.now.Now,
	})
	return h
}

func wish(account string) tenant.SignUp {
	return tenant.SignUp{Email: "owner@" + account + ".com", Password: "correct horse", Account: account, Region: "eu", IP: "192.0.2.1"}
}

// signedUp gives an account whose first tenant is ready, with the secret sealed to its owner.
func (h *house) signedUp(t *testing.T, account string) (tenant.Begun, tenant.Principal) {
	t.Helper()
	begun, err := h.SignUp(t.Context(), wish(account))
	require.NoError(t, err)
	h.complete(t, begun.Operation)
	p, err := h.Authenticate(t.Context(), begun.Token)
	require.NoError(t, err)
	return begun, p
}

func (h *house) complete(t *testing.T, id tenant.OperationID) {
	t.Helper()
	open, err := h.store.ListOpen(t.Context(), h.now.Now(), 100)
	require.NoError(t, err)
	for _, op := range open {
		if op.ID == id {
			sealed, err := tenant.SealBox(op.BoxKey, op.ID, "s3cret")
			require.NoError(t, err)
			require.NoError(t, h.store.Complete(t.Context(), id, tenant.Result{ManagementClientID: "client", SealedSecret: sealed}, h.now.Now()))
			return
		}
	}
	t.Fatalf("operation %s is not open", id)
}

func requireFault(t *testing.T, err error, kind fault.Kind, code string) {
	t.Helper()
	require.Error(t, err)
	require.Equal(t, kind, fault.Of(err).Kind, "%v", err)
	require.Equal(t, code, fault.Of(err).Code)
}

func TestAccounts_SignUp(t *testing.T) {
	t.Parallel()
	t.Run("keeps_the_work_and_wakes_the_starter", func(t *testing.T) {
		t.Parallel()
		h := newHouse()
		begun, err := h.SignUp(t.Context(), wish("acme"))
		require.NoError(t, err)
		require.Equal(t, 1, h.kicks)
		progress, err := h.FindSignup(t.Context(), begun.Operation, begun.Token)
		require.NoError(t, err)
		require.Equal(t, tenant.StatusPending, progress.Operation.Status)
		require.Nil(t, progress.Tenant)
		require.Len(t, progress.Operation.Steps, len(tenant.StepsOf(tenant.KindSignUp)))
	})
	t.Run("refuses_bad_input_with_its_own_code", func(t *testing.T) {
		t.Parallel()
		h := newHouse()
		for code, spoil := range map[string]func(*tenant.SignUp){
			"invalid_email":    func(s *tenant.SignUp) { s.Email = "nobody" },
			"invalid_account":  func(s *tenant.SignUp) { s.Account = "A" },
			"reserved_account": func(s *tenant.SignUp) { s.Account = "api" },
			"invalid_region":   func(s *tenant.SignUp) { s.Region = "mars" },
			"invalid_password": func(s *tenant.SignUp) { s.Password = "short" },
		} {
			in := wish("acme")
			spoil(&in)
			_, err := h.SignUp(t.Context(), in)
			requireFault(t, err, fault.KindInvalid, code)
		}
	})
	t.Run("taken_name_is_conflict_for_a_stranger", func(t *testing.T) {
		t.Parallel()
		h := newHouse()
		h.signedUp(t, "acme")
		in := wish("acme")
		in.Email = "stranger@example.org"
		_, err := h.SignUp(t.Context(), in)
		requireFault(t, err, fault.KindConflict, "account_taken")
	})
	t.Run("one_caller_cannot_sign_up_in_bulk", func(t *testing.T) {
		t.Parallel()
		h := newHouse()
		var err error
		for i := range 61 {
			in := wish(fmt.Sprintf("acme-%d", i))
			in.Email = "owner@example.com"
			_, err = h.SignUp(t.Context(), in)
		}
		requireFault(t, err, fault.KindTooMany, "too_many_attempts")
		require.Positive(t, fault.Of(err).RetryAfter)
		h.now.Advance(time.Minute)
		_, err = h.SignUp(t.Context(), wish("acme-later"))
		require.NoError(t, err)
	})
}

func TestAccounts_SignIn_spraying(t *testing.T) {
	t.Parallel()
	h := newHouse()
	var err error
	for i := range 101 {
		_, err = h.SignIn(t.Context(), tenant.SignIn{Email: fmt.Sprintf("person-%d@acme.com", i), Password: "summer 2026", IP: "192.0.2.1"})
	}
	requireFault(t, err, fault.KindTooMany, "too_many_attempts")
	_, err = h.SignIn(t.Context(), tenant.SignIn{Email: "person@acme.com", Password: "summer 2026", IP: "198.51.100.7"})
	requireFault(t, err, fault.KindUnauthenticated, "")
}

func TestAccounts_FindSignup(t *testing.T) {
	t.Parallel()
	t.Run("shows_the_secret_once", func(t *testing.T) {
		t.Parallel()
		h := newHouse()
		begun, _ := h.signedUp(t, "acme")
		first, err := h.FindSignup(t.Context(), begun.Operation, begun.Token)
		require.NoError(t, err)
		require.Equal(t, "s3cret", first.ManagementSecret)
		require.Equal(t, "client", first.Tenant.ManagementClientID)
		second, err := h.FindSignup(t.Context(), begun.Operation, begun.Token)
		require.NoError(t, err)
		require.Empty(t, second.ManagementSecret)
		require.NotNil(t, second.Tenant)
	})
	t.Run("is_not_found_for_any_other_token", func(t *testing.T) {
		t.Parallel()
		h := newHouse()
		begun, _ := h.signedUp(t, "acme")
		stranger, _ := h.signedUp(t, "other")
		for _, token := range []tenant.Token{"", "ptk_guess", stranger.Token, begun.Token + "x"} {
			_, err := h.FindSignup(t.Context(), begun.Operation, token)
			requireFault(t, err, fault.KindNotFound, "")
		}
		first, err := h.FindSignup(t.Context(), begun.Operation, begun.Token)
		require.NoError(t, err)
		require.NotEmpty(t, first.ManagementSecret, "a stranger's attempts spend nothing")
	})
	t.Run("is_not_found_for_a_token_that_ended", func(t *testing.T) {
		t.Parallel()
		for name, end := range map[string]func(*house, tenant.Token){
			"signed_out": func(h *house, token tenant.Token) { require.NoError(t, h.SignOut(t.Context(), token)) },
			"old":        func(h *house, _ tenant.Token) { h.now.Advance(91 * 24 * time.Hour) },
		} {
			h := newHouse()
			begun, _ := h.signedUp(t, "acme")
			end(h, begun.Token)
			_, err := h.FindSignup(t.Context(), begun.Operation, begun.Token)
			requireFault(t, err, fault.KindNotFound, "")
			require.NotEmpty(t, name)
		}
	})
	t.Run("failed_sign_up_still_tells_its_owner_why", func(t *testing.T) {
		t.Parallel()
		h := newHouse()
		begun, err := h.SignUp(t.Context(), wish("acme"))
		require.NoError(t, err)
		require.NoError(t, h.store.Fail(t.Context(), begun.Operation, "No cell", h.now.Now()))
		progress, err := h.FindSignup(t.Context(), begun.Operation, begun.Token)
		require.NoError(t, err)
		require.Equal(t, "No cell", progress.Operation.Error)
		_, err = h.Authenticate(t.Context(), begun.Token)
		requireFault(t, err, fault.KindUnauthenticated, "")
	})
}

func TestAccounts_SignIn(t *testing.T) {
	t.Parallel()
	in := tenant.SignIn{Email: "Owner@Acme.com", Password: "correct horse", Purpose: tenant.PurposeConsole, IP: "192.0.2.1"}
	t.Run("gives_a_token_that_ends", func(t *testing.T) {
		t.Parallel()
		h := newHouse()
		h.signedUp(t, "acme")
		signedIn, err := h.SignIn(t.Context(), in)
		require.NoError(t, err)
		p, err := h.Authenticate(t.Context(), signedIn.Token)
		require.NoError(t, err)
		require.Equal(t, tenant.Slug("acme"), p.Member.Slug)
		h.now.Advance(signedIn.Expires.Sub(h.now.Now()))
		_, err = h.Authenticate(t.Context(), signedIn.Token)
		requireFault(t, err, fault.KindUnauthenticated, "")
	})
	t.Run("signed_out_token_is_worth_nothing", func(t *testing.T) {
		t.Parallel()
		h := newHouse()
		h.signedUp(t, "acme")
		signedIn, err := h.SignIn(t.Context(), in)
		require.NoError(t, err)
		for range 2 {
			require.NoError(t, h.SignOut(t.Context(), signedIn.Token))
		}
		_, err = h.Authenticate(t.Context(), signedIn.Token)
		requireFault(t, err, fault.KindUnauthenticated, "")
	})
	t.Run("wrong_is_refused_in_the_same_words_whatever_is_wrong", func(t *testing.T) {
		t.Parallel()
		h := newHouse()
		h.signedUp(t, "acme")
		for _, wrong := range []tenant.SignIn{
			{Email: "owner@acme.com", Password: "wrong"},
			{Email: "nobody@acme.com", Password: "correct horse"},
			{Email: "no address", Password: "correct horse"},
			{Email: "owner@acme.com", Password: "correct horse", Account: "other"},
		} {
			_, err := h.SignIn(t.Context(), wrong)
			require.Equal(t, "Wrong e-mail or password", fault.Of(err).Message)
			requireFault(t, err, fault.KindUnauthenticated, "")
		}
	})
	t.Run("address_in_two_accounts_is_told_apart", func(t *testing.T) {
		t.Parallel()
		h := newHouse()
		for _, account := range []string{"acme", "other"} {
			w := wish(account)
			w.Email = "owner@acme.com"
			_, err := h.SignUp(t.Context(), w)
			require.NoError(t, err)
		}
		_, err := h.SignIn(t.Context(), in)
		requireFault(t, err, fault.KindConflict, "account_required")
		named := in
		named.Account = "other"
		signedIn, err := h.SignIn(t.Context(), named)
		require.NoError(t, err)
		require.Equal(t, tenant.Slug("other"), signedIn.Member.Slug)
	})
	t.Run("guessing_is_stopped_and_success_costs_nothing", func(t *testing.T) {
		t.Parallel()
		h := newHouse()
		h.signedUp(t, "acme")
		for range 30 {
			_, err := h.SignIn(t.Context(), in)
			require.NoError(t, err)
		}
		wrong := in
		wrong.Password = "guess"
		for range 10 {
			_, err := h.SignIn(t.Context(), wrong)
			requireFault(t, err, fault.KindUnauthenticated, "")
		}
		_, err := h.SignIn(t.Context(), in)
		requireFault(t, err, fault.KindTooMany, "too_many_attempts")
		elsewhere := in
		elsewhere.IP = "198.51.100.7"
		_, err = h.SignIn(t.Context(), elsewhere)
		require.NoError(t, err, "the guesser does not lock the owner out")
	})
}

func TestAccounts_Tenants(t *testing.T) {
	t.Parallel()
	t.Run("second_tenant_hands_its_secret_to_the_token_that_asked", func(t *testing.T) {
		t.Parallel()
		h := newHouse()
		begun, p := h.signedUp(t, "acme")
		_, op, err := h.CreateTenant(t.Context(), p, "us", begun.Token)
		require.NoError(t, err)
		h.complete(t, op.ID)
		progress, err := h.FindOperation(t.Context(), p, op.ID, "ptk_another of the same member")
		require.NoError(t, err)
		require.Empty(t, progress.ManagementSecret)
		progress, err = h.FindOperation(t.Context(), p, op.ID, begun.Token)
		require.NoError(t, err)
		require.Equal(t, "s3cret", progress.ManagementSecret)
	})
	t.Run("stranger_finds_nothing_and_changes_nothing", func(t *testing.T) {
		t.Parallel()
		h := newHouse()
		begun, p := h.signedUp(t, "acme")
		_, stranger := h.signedUp(t, "other")
		tenants, err := h.ListTenants(t.Context(), p)
		require.NoError(t, err)
		id := tenants[0].ID
		_, err = h.FindTenant(t.Context(), stranger, id)
		requireFault(t, err, fault.KindNotFound, "")
		_, err = h.DeleteTenant(t.Context(), stranger, id, begun.Token)
		requireFault(t, err, fault.KindNotFound, "")
		_, err = h.FindOperation(t.Context(), stranger, begun.Operation, begun.Token)
		requireFault(t, err, fault.KindNotFound, "")
		found, err := h.FindTenant(t.Context(), p, id)
		require.NoError(t, err)
		require.Equal(t, tenant.StateActive, found.State)
	})
	t.Run("one_a_region", func(t *testing.T) {
		t.Parallel()
		h := newHouse()
		begun, p := h.signedUp(t, "acme")
		_, _, err := h.CreateTenant(t.Context(), p, "eu", begun.Token)
		requireFault(t, err, fault.KindConflict, "tenant_exists")
		_, _, err = h.CreateTenant(t.Context(), p, "mars", begun.Token)
		requireFault(t, err, fault.KindInvalid, "invalid_region")
	})
}

// workflows is the engine of long work.
type workflows struct {
	mu      sync.Mutex
	away    bool
	started []tenant.OperationID
}

func (w *workflows) Start(_ context.Context, op tenant.Operation) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.away {
		return fault.Unavailable("The workflow engine is away")
	}
	w.started = append(w.started, op.ID)
	return nil
}

func TestStarter_Round(t *testing.T) {
	t.Parallel()
	t.Run("sign_ups_wait_for_the_engine_and_are_begun_once", func(t *testing.T) {
		t.Parallel()
		h, engine := newHouse(), &workflows{away: true}
		starter := tenant.NewStarter(h.store, engine, h.now.Now, slog.New(slog.DiscardHandler))
		begun, err := h.SignUp(t.Context(), wish("acme"))
		require.NoError(t, err)
		requireFault(t, starter.Round(t.Context()), fault.KindUnavailable, "temporarily_unavailable")
		engine.away = false
		for range 3 {
			require.NoError(t, starter.Round(t.Context()))
		}
		require.Equal(t, []tenant.OperationID{begun.Operation}, engine.started)
	})
	t.Run("begins_again_what_the_engine_lost", func(t *testing.T) {
		t.Parallel()
		h, engine := newHouse(), &workflows{}
		starter := tenant.NewStarter(h.store, engine, h.now.Now, slog.New(slog.DiscardHandler))
		_, err := h.SignUp(t.Context(), wish("acme"))
		require.NoError(t, err)
		require.NoError(t, starter.Round(t.Context()))
		h.now.Advance(time.Hour)
		require.NoError(t, starter.Round(t.Context()))
		require.Len(t, engine.started, 2)
	})
	t.Run("store_that_is_away_is_told", func(t *testing.T) {
		t.Parallel()
		h := newHouse()
		starter := tenant.NewStarter(h.store, &workflows{}, h.now.Now, slog.New(slog.DiscardHandler))
		h.store.FailNext(errors.New("gone"))
		require.Error(t, starter.Round(t.Context()))
	})
}
