package storetest

import (
	"crypto/sha256"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/oklog/ulid/v2"
	"github.com/stretchr/testify/require"

	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/libs/tenancy"
	"github.com/postern-id/postern/services/tenant/internal/tenant"
)

// Store is both ports: what people do and what operations do.
type Store interface {
	tenant.Store
	tenant.WorkStore
}

// now is when everything in the suite happens, in the precision that databases keep.
var now = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// Fixture is an account as a sign-up begins it, with names nobody else has.
func Fixture() tenant.NewAccount {
	id := ulid.Make().String()
	slug := tenant.Slug("a" + strings.ToLower(id))
	account := tenant.Account{ID: tenant.AccountID("acc_" + id), Slug: slug, Created: now}
	owner := tenant.Member{ //nolint:gosec // a made-up hash
		ID: tenant.MemberID("mbr_" + id), Account: account.ID, Slug: slug, Email: string(slug) + "@example.com",
		PasswordHash: "$argon2id$v=19$m=8,t=1,p=1$c2FsdHNhbHQ$a2V5", Role: tenant.RoleOwner, Created: now,
	}
	t := tenant.Tenant{ID: tenancy.ID("tnt_" + id), Account: account.ID, Slug: slug, Region: "eu", State: tenant.StateProvisioning, Created: now}
	return tenant.NewAccount{
		Account: account, Owner: owner, Tenant: t, Operation: operationOn(t, tenant.KindSignUp),
		Token: tenant.TokenRecord{Hash: sha256.Sum256([]byte(id)), Member: owner.ID, Purpose: tenant.PurposeSignUp, Created: now, Expires: now.Add(time.Hour)},
	}
}

func operationOn(t tenant.Tenant, k tenant.Kind) tenant.Operation {
	prefix := "opr_"
	if k == tenant.KindSignUp {
		prefix = "sgn_"
	}
	op := tenant.Operation{
		ID: tenant.OperationID(prefix + ulid.Make().String()), Kind: k, Status: tenant.StatusPending, Account: t.Account, Slug: t.Slug,
		Tenant: t.ID, Region: t.Region, Created: now, TokenHash: sha256.Sum256([]byte("token")), BoxKey: []byte("box"),
		Traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
	}
	for _, name := range tenant.StepsOf(k) {
		op.Steps = append(op.Steps, tenant.Step{Name: name, State: tenant.StepPending})
	}
	return op
}

func secondTenant(n tenant.NewAccount, region tenant.Region) (tenant.Tenant, tenant.Operation) {
	t := n.Tenant
	t.ID, t.Region = tenancy.ID("tnt_"+ulid.Make().String()), region
	return t, operationOn(t, tenant.KindCreateTenant)
}

func signedUp(t *testing.T, s Store) tenant.NewAccount {
	t.Helper()
	n := Fixture()
	require.NoError(t, s.SignUp(t.Context(), n))
	return n
}

func ready(t *testing.T, s Store) tenant.NewAccount {
	t.Helper()
	n := signedUp(t, s)
	require.NoError(t, s.Complete(t.Context(), n.Operation.ID, tenant.Result{ManagementClientID: "client", SealedSecret: []byte("sealed")}, now))
	return n
}

func requireKind(t *testing.T, err error, kind fault.Kind, code string) {
	t.Helper()
	require.Error(t, err)
	require.Equal(t, kind, fault.Of(err).Kind, "%v", err)
	require.Equal(t, code, fault.Of(err).Code)
}

// Run runs the contract against stores that open gives. A store may hold other accounts.
func Run(t *testing.T, open func(t *testing.T) Store) {
	t.Helper()
	t.Run("SignUp", func(t *testing.T) { testSignUp(t, open(t)) })
	t.Run("Operations", func(t *testing.T) { testOperations(t, open(t)) })
	t.Run("Secret", func(t *testing.T) { testSecret(t, open(t)) })
	t.Run("Failure", func(t *testing.T) { testFailure(t, open(t)) })
	t.Run("Members", func(t *testing.T) { testMembers(t, open(t)) })
	t.Run("Tenants", func(t *testing.T) { testTenants(t, open(t)) })
	t.Run("Hostnames", func(t *testing.T) { testHostnames(t, open(t)) })
}

func testSignUp(t *testing.T, s Store) {
	t.Run("keeps_all_of_it", func(t *testing.T) {
		n := signedUp(t, s)
		op, err := s.FindSignup(t.Context(), n.Operation.ID)
		require.NoError(t, err)
		require.Equal(t, n.Operation, op)
		found, err := s.FindTenant(t.Context(), n.Account.ID, n.Tenant.ID)
		require.NoError(t, err)
		require.Equal(t, n.Operation.Steps, found.Steps)
		found.Steps = nil
		require.Equal(t, n.Tenant, found)
		p, err := s.FindPrincipal(t.Context(), n.Token.Hash, now)
		require.NoError(t, err)
		require.Equal(t, tenant.Principal{Member: n.Owner, Token: n.Token}, p)
	})
	t.Run("taken_slug_is_conflict_and_changes_nothing", func(t *testing.T) {
		n, stranger := signedUp(t, s), Fixture()
		stranger.Account.Slug = n.Account.Slug
		requireKind(t, s.SignUp(t.Context(), stranger), fault.KindConflict, "account_taken")
		members, err := s.MembersByEmail(t.Context(), stranger.Owner.Email, "", 5)
		require.NoError(t, err)
		require.Empty(t, members)
	})
	t.Run("of_concurrent_sign_ups_for_a_slug_one_wins", func(t *testing.T) {
		const callers = 8
		slug, errs := Fixture().Account.Slug, make([]error, callers)
		var wg sync.WaitGroup
		for i := range callers {
			wg.Go(func() {
				n := Fixture()
				n.Account.Slug = slug
				errs[i] = s.SignUp(t.Context(), n)
			})
		}
		wg.Wait()
		won := 0
		for _, err := range errs {
			if err == nil {
				won++
				continue
			}
			requireKind(t, err, fault.KindConflict, "account_taken")
		}
		require.Equal(t, 1, won)
	})
}

func testOperations(t *testing.T, s Store) {
	t.Run("strangers_operation_is_not_found", func(t *testing.T) {
		n, stranger := signedUp(t, s), signedUp(t, s)
		_, err := s.FindOperation(t.Context(), stranger.Account.ID, n.Operation.ID)
		requireKind(t, err, fault.KindNotFound, "")
		_, err = s.FindOperation(t.Context(), n.Account.ID, n.Operation.ID)
		require.NoError(t, err)
	})
	t.Run("only_sign_ups_are_found_as_sign_ups", func(t *testing.T) {
		n := ready(t, s)
		second, op := secondTenant(n, "us")
		require.NoError(t, s.CreateTenant(t.Context(), second, op))
		_, err := s.FindSignup(t.Context(), op.ID)
		requireKind(t, err, fault.KindNotFound, "")
	})
	t.Run("is_open_until_it_is_begun_and_again_when_stale", func(t *testing.T) {
		n := signedUp(t, s)
		require.True(t, isOpen(t, s, n.Operation.ID, now))
		require.NoError(t, s.Begin(t.Context(), n.Operation.ID, now))
		require.False(t, isOpen(t, s, n.Operation.ID, now))
		require.True(t, isOpen(t, s, n.Operation.ID, now.Add(time.Second)))
		require.NoError(t, s.Complete(t.Context(), n.Operation.ID, tenant.Result{}, now))
		require.False(t, isOpen(t, s, n.Operation.ID, now.Add(time.Second)))
		requireKind(t, s.Begin(t.Context(), n.Operation.ID, now), fault.KindConflict, "ended")
	})
	t.Run("steps_run_end_and_do_not_end_twice", func(t *testing.T) {
		n := signedUp(t, s)
		save := func(at time.Time, changes ...tenant.StepChange) tenant.Step {
			require.NoError(t, s.SaveSteps(t.Context(), n.Operation.ID, changes, at))
			op, err := s.FindSignup(t.Context(), n.Operation.ID)
			require.NoError(t, err)
			return op.Steps[0]
		}
		step := tenant.Step{Name: tenant.StepChooseCell, State: tenant.StepRunning, Started: now}
		require.Equal(t, step, save(now, tenant.StepChange{Name: step.Name, State: tenant.StepRunning}))
		step.State, step.Ended = tenant.StepDone, now.Add(time.Second)
		require.Equal(t, step, save(now.Add(time.Second), tenant.StepChange{Name: step.Name, State: tenant.StepDone}))
		require.Equal(t, step, save(now.Add(time.Minute), tenant.StepChange{Name: step.Name, State: tenant.StepFailed}), "done stays done")
	})
	t.Run("completing_opens_the_tenant_and_ends_the_step", func(t *testing.T) {
		n := ready(t, s)
		op, err := s.FindSignup(t.Context(), n.Operation.ID)
		require.NoError(t, err)
		require.Equal(t, tenant.StatusReady, op.Status)
		require.Equal(t, now, op.Ended)
		found, err := s.FindTenant(t.Context(), n.Account.ID, n.Tenant.ID)
		require.NoError(t, err)
		require.Equal(t, tenant.StateActive, found.State)
		require.Equal(t, "client", found.ManagementClientID)
		for _, step := range op.Steps {
			require.Equal(t, step.Name == tenant.StepMarkReady, step.State == tenant.StepDone, step.Name)
		}
	})
}

func isOpen(t *testing.T, s Store, id tenant.OperationID, stale time.Time) bool {
	t.Helper()
	open, err := s.ListOpen(t.Context(), stale, 10_000)
	require.NoError(t, err)
	for _, op := range open {
		if op.ID == id {
			return true
		}
	}
	return false
}

func testSecret(t *testing.T, s Store) {
	t.Run("is_given_once", func(t *testing.T) {
		n := ready(t, s)
		sealed, err := s.TakeSecret(t.Context(), n.Account.ID, n.Operation.ID)
		require.NoError(t, err)
		require.Equal(t, []byte("sealed"), sealed)
		_, err = s.TakeSecret(t.Context(), n.Account.ID, n.Operation.ID)
		requireKind(t, err, fault.KindNotFound, "")
	})
	t.Run("is_given_once_to_concurrent_callers", func(t *testing.T) {
		n := ready(t, s)
		const callers = 8
		got := make([][]byte, callers)
		var wg sync.WaitGroup
		for i := range callers {
			wg.Go(func() { got[i], _ = s.TakeSecret(t.Context(), n.Account.ID, n.Operation.ID) })
		}
		wg.Wait()
		given := 0
		for _, sealed := range got {
			if sealed != nil {
				given++
			}
		}
		require.Equal(t, 1, given)
	})
	t.Run("is_not_given_to_a_stranger", func(t *testing.T) {
		n, stranger := ready(t, s), ready(t, s)
		_, err := s.TakeSecret(t.Context(), stranger.Account.ID, n.Operation.ID)
		requireKind(t, err, fault.KindNotFound, "")
	})
	t.Run("is_not_given_before_the_operation_is_ready", func(t *testing.T) {
		n := signedUp(t, s)
		_, err := s.TakeSecret(t.Context(), n.Account.ID, n.Operation.ID)
		requireKind(t, err, fault.KindNotFound, "")
	})
	t.Run("that_was_taken_does_not_come_back_by_a_repeat", func(t *testing.T) {
		n := ready(t, s)
		_, err := s.TakeSecret(t.Context(), n.Account.ID, n.Operation.ID)
		require.NoError(t, err)
		require.NoError(t, s.Complete(t.Context(), n.Operation.ID, tenant.Result{SealedSecret: []byte("again")}, now))
		_, err = s.TakeSecret(t.Context(), n.Account.ID, n.Operation.ID)
		requireKind(t, err, fault.KindNotFound, "")
	})
}

func testFailure(t *testing.T, s Store) {
	t.Run("of_a_sign_up_frees_the_slug_and_forgets_the_people", func(t *testing.T) {
		n := signedUp(t, s)
		for range 2 { // a repeat is fine
			require.NoError(t, s.Fail(t.Context(), n.Operation.ID, "No cell", now))
		}
		op, err := s.FindSignup(t.Context(), n.Operation.ID)
		require.NoError(t, err)
		require.Equal(t, tenant.StatusFailed, op.Status)
		require.Equal(t, "No cell", op.Error)
		_, err = s.FindPrincipal(t.Context(), n.Token.Hash, now)
		requireKind(t, err, fault.KindNotFound, "")
		again := Fixture()
		again.Account.Slug, again.Owner.Slug, again.Tenant.Slug = n.Account.Slug, n.Account.Slug, n.Account.Slug
		require.NoError(t, s.SignUp(t.Context(), again))
	})
	t.Run("of_a_second_tenant_frees_its_place_and_nothing_else", func(t *testing.T) {
		n := ready(t, s)
		second, op := secondTenant(n, "us")
		require.NoError(t, s.CreateTenant(t.Context(), second, op))
		require.NoError(t, s.Fail(t.Context(), op.ID, "No", now))
		_, err := s.FindPrincipal(t.Context(), n.Token.Hash, now)
		require.NoError(t, err)
		third, op := secondTenant(n, "us")
		require.NoError(t, s.CreateTenant(t.Context(), third, op))
		tenants, err := s.ListTenants(t.Context(), n.Account.ID)
		require.NoError(t, err)
		require.Len(t, tenants, 2, "a failed tenant is not listed")
	})
	t.Run("after_the_end_changes_nothing", func(t *testing.T) {
		n := ready(t, s)
		require.NoError(t, s.Fail(t.Context(), n.Operation.ID, "late", now))
		op, err := s.FindSignup(t.Context(), n.Operation.ID)
		require.NoError(t, err)
		require.Equal(t, tenant.StatusReady, op.Status)
	})
}

func testMembers(t *testing.T, s Store) {
	t.Run("one_address_may_be_in_several_accounts", func(t *testing.T) {
		a, b := Fixture(), Fixture()
		b.Owner.Email = a.Owner.Email
		require.NoError(t, s.SignUp(t.Context(), a))
		require.NoError(t, s.SignUp(t.Context(), b))
		both, err := s.MembersByEmail(t.Context(), a.Owner.Email, "", 5)
		require.NoError(t, err)
		require.Len(t, both, 2)
		one, err := s.MembersByEmail(t.Context(), a.Owner.Email, b.Account.Slug, 5)
		require.NoError(t, err)
		require.Equal(t, []tenant.Member{b.Owner}, one)
		limited, err := s.MembersByEmail(t.Context(), a.Owner.Email, "", 1)
		require.NoError(t, err)
		require.Len(t, limited, 1)
	})
	t.Run("are_listed_for_their_account_only", func(t *testing.T) {
		n := signedUp(t, s)
		members, err := s.ListMembers(t.Context(), n.Account.ID)
		require.NoError(t, err)
		require.Equal(t, []tenant.Member{n.Owner}, members)
	})
	t.Run("token_ends", func(t *testing.T) {
		n := signedUp(t, s)
		_, err := s.FindPrincipal(t.Context(), n.Token.Hash, n.Token.Expires)
		requireKind(t, err, fault.KindNotFound, "")
		record := n.Token
		record.Hash, record.Purpose = sha256.Sum256([]byte(n.Owner.ID)), tenant.PurposeConsole
		require.NoError(t, s.SaveToken(t.Context(), record))
		_, err = s.FindPrincipal(t.Context(), record.Hash, now)
		require.NoError(t, err)
		for range 2 {
			require.NoError(t, s.DeleteToken(t.Context(), record.Hash))
		}
		_, err = s.FindPrincipal(t.Context(), record.Hash, now)
		requireKind(t, err, fault.KindNotFound, "")
	})
}

func testTenants(t *testing.T, s Store) {
	t.Run("second_in_a_region_is_conflict", func(t *testing.T) {
		n := ready(t, s)
		second, op := secondTenant(n, "eu")
		requireKind(t, s.CreateTenant(t.Context(), second, op), fault.KindConflict, "tenant_exists")
	})
	t.Run("of_an_account_that_is_not_open_is_conflict", func(t *testing.T) {
		n := signedUp(t, s)
		second, op := secondTenant(n, "us")
		requireKind(t, s.CreateTenant(t.Context(), second, op), fault.KindConflict, "account_not_ready")
	})
	t.Run("of_a_stranger_is_not_found", func(t *testing.T) {
		n, stranger := ready(t, s), ready(t, s)
		_, err := s.FindTenant(t.Context(), stranger.Account.ID, n.Tenant.ID)
		requireKind(t, err, fault.KindNotFound, "")
		op := operationOn(n.Tenant, tenant.KindDeleteTenant)
		op.Account = stranger.Account.ID
		requireKind(t, s.DeleteTenant(t.Context(), op), fault.KindNotFound, "")
		tenants, err := s.ListTenants(t.Context(), stranger.Account.ID)
		require.NoError(t, err)
		require.Len(t, tenants, 1)
		require.Equal(t, stranger.Tenant.ID, tenants[0].ID)
	})
	t.Run("deleted_keeps_its_place_and_its_slug", func(t *testing.T) {
		n := ready(t, s)
		op := operationOn(n.Tenant, tenant.KindDeleteTenant)
		require.NoError(t, s.DeleteTenant(t.Context(), op))
		requireKind(t, s.DeleteTenant(t.Context(), operationOn(n.Tenant, tenant.KindDeleteTenant)), fault.KindConflict, "tenant_busy")
		for range 2 {
			require.NoError(t, s.CompleteDelete(t.Context(), op.ID, now))
		}
		requireKind(t, s.DeleteTenant(t.Context(), operationOn(n.Tenant, tenant.KindDeleteTenant)), fault.KindConflict, "tenant_busy")
		again, op := secondTenant(n, n.Tenant.Region)
		requireKind(t, s.CreateTenant(t.Context(), again, op), fault.KindConflict, "tenant_exists")
		stranger := Fixture()
		stranger.Account.Slug = n.Account.Slug
		requireKind(t, s.SignUp(t.Context(), stranger), fault.KindConflict, "account_taken")
	})
	t.Run("keeps_the_cell_it_was_given_first", func(t *testing.T) {
		n := signedUp(t, s)
		for _, wish := range []string{"eu-1", "eu-2"} {
			cell, err := s.AssignCell(t.Context(), n.Tenant.ID, wish)
			require.NoError(t, err)
			require.Equal(t, "eu-1", cell)
		}
		_, err := s.AssignCell(t.Context(), "tnt_nobody", "eu-1")
		requireKind(t, err, fault.KindNotFound, "")
	})
	t.Run("owner_is_found_by_tenant", func(t *testing.T) {
		n := signedUp(t, s)
		owner, err := s.FindOwner(t.Context(), n.Tenant.ID)
		require.NoError(t, err)
		require.Equal(t, n.Owner, owner)
		_, err = s.FindOwner(t.Context(), "tnt_nobody")
		requireKind(t, err, fault.KindNotFound, "")
	})
}

func testHostnames(t *testing.T, s Store) {
	hosts := func(n tenant.NewAccount) []tenant.Hostname {
		return []tenant.Hostname{
			{Host: string(n.Account.Slug) + ".eu.example.com", Kind: tenant.HostCanonical},
			{Host: string(n.Account.Slug) + ".example.com", Kind: tenant.HostAlias},
		}
	}
	t.Run("become_entries_of_the_directory", func(t *testing.T) {
		n := ready(t, s)
		_, err := s.AssignCell(t.Context(), n.Tenant.ID, "eu")
		require.NoError(t, err)
		for range 2 {
			require.NoError(t, s.SaveHostnames(t.Context(), n.Tenant.ID, hosts(n)))
		}
		entries, err := s.FindEntries(t.Context(), n.Tenant.ID)
		require.NoError(t, err)
		want := []tenant.Entry{}
		for _, h := range hosts(n) {
			want = append(want, tenant.Entry{
				Hostname: h, Tenant: n.Tenant.ID, Slug: n.Account.Slug, Region: "eu", Cell: "eu", State: tenant.StateActive,
				Canonical: string(n.Account.Slug) + ".eu.example.com",
			})
		}
		require.ElementsMatch(t, want, entries)
		first, err := s.ListEntries(t.Context(), "", 1)
		require.NoError(t, err)
		require.Len(t, first, 1)
		next, err := s.ListEntries(t.Context(), first[0].Host, 10_000)
		require.NoError(t, err)
		for _, e := range next {
			require.Greater(t, e.Host, first[0].Host)
		}
		require.NoError(t, s.DeleteTenant(t.Context(), operationOn(n.Tenant, tenant.KindDeleteTenant)))
		entries, err = s.FindEntries(t.Context(), n.Tenant.ID)
		require.NoError(t, err)
		require.Len(t, entries, 2, "the hosts stay the tenant's own")
		require.Equal(t, tenant.StateDeleted, entries[0].State, "from the moment the deletion is asked for")
	})
	t.Run("of_another_tenant_are_conflict", func(t *testing.T) {
		n, stranger := signedUp(t, s), signedUp(t, s)
		require.NoError(t, s.SaveHostnames(t.Context(), n.Tenant.ID, hosts(n)))
		requireKind(t, s.SaveHostnames(t.Context(), stranger.Tenant.ID, hosts(n)), fault.KindConflict, "hostname_taken")
	})
	t.Run("are_free_once_deleted", func(t *testing.T) {
		n, other := signedUp(t, s), signedUp(t, s)
		require.NoError(t, s.SaveHostnames(t.Context(), n.Tenant.ID, hosts(n)))
		gone, err := s.DeleteHostnames(t.Context(), n.Tenant.ID)
		require.NoError(t, err)
		require.ElementsMatch(t, hosts(n), gone)
		gone, err = s.DeleteHostnames(t.Context(), n.Tenant.ID)
		require.NoError(t, err)
		require.Empty(t, gone)
		require.NoError(t, s.SaveHostnames(t.Context(), other.Tenant.ID, hosts(n)))
	})
}
