package command

import (
	"bufio"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/postern-id/postern/tools/cli/internal/cloud"
	"github.com/postern-id/postern/tools/cli/internal/profile"
)

const pollEvery = 100 * time.Millisecond

// step is one step of a piece of work as the Platform API shows it.
type step struct {
	Name    string     `json:"name"`
	State   string     `json:"state"`
	Started *time.Time `json:"started"`
	Ended   *time.Time `json:"ended"`
}

// work is a sign-up or an operation.
type work struct {
	ID     string        `json:"id"`
	Token  string        `json:"token,omitempty"`
	Status string        `json:"status"`
	Steps  []step        `json:"steps"`
	Error  string        `json:"error"`
	Tenant *cloud.Tenant `json:"tenant"`
}

func (a *app) signup() *cobra.Command {
	var account, email, region string
	var wait time.Duration
	cmd := &cobra.Command{
		Use: "signup", Short: "Sign a company up and wait for its first tenant",
		Long: "Signs a company up. The password is read from POSTERN_PASSWORD; without it one is made and shown once.\n" +
			"The owner's key and the tenant's management client are kept for later commands. When the wait was interrupted,\n" +
			"the same command takes it up again.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx, cancel := context.WithTimeout(cmd.Context(), wait)
			defer cancel()
			key := a.profile.Accounts[account]
			resumed := key.Signup != "" && key.Email == email
			if !resumed {
				var err error
				if key, err = a.apply(ctx, account, email, region); err != nil {
					return err
				}
			}
			done, err := a.follow(ctx, cloud.Path(a.api+"/v1/signups", key.Signup), key.Token)
			if resumed && (isStatus(err, http.StatusNotFound) || isStatus(err, http.StatusUnauthorized)) { // the cloud was made anew
				if key, err = a.apply(ctx, account, email, region); err != nil {
					return err
				}
				done, err = a.follow(ctx, cloud.Path(a.api+"/v1/signups", key.Signup), key.Token)
			}
			if errors.Is(err, errFailed) { // the name is free again, and its key opens nothing
				return errors.Join(err, a.keep(func(p *profile.Profile) { delete(p.Accounts, account) }))
			}
			if err != nil {
				return err
			}
			err = a.keep(func(p *profile.Profile) {
				remember(p, account, *done.Tenant)
				p.Accounts[account] = profile.Account{Email: key.Email, Token: key.Token}
			})
			return errors.Join(a.show(done.Tenant, tenantCard(*done.Tenant)), err) // shown in any case: the secret does not come again
		},
	}
	cmd.Flags().StringVar(&account, "account", "", "the account's name, first label of its hosts")
	cmd.Flags().StringVar(&email, "email", "", "the owner's e-mail address")
	cmd.Flags().StringVar(&region, "region", "", "where the tenant lives (default: the default region)")
	cmd.Flags().DurationVar(&wait, "wait", 2*time.Minute, "how long to wait for the tenant")
	must(cmd.MarkFlagRequired("account"))
	must(cmd.MarkFlagRequired("email"))
	return cmd
}

// apply starts a sign-up and keeps its key before anything is waited for: an interrupted wait must not lose it, nor the password.
func (a *app) apply(ctx context.Context, account, email, region string) (profile.Account, error) {
	password, made := os.Getenv("POSTERN_PASSWORD"), false
	if password == "" {
		password, made = rand.Text(), true
	}
	var w work
	err := a.cloud.Call(ctx, http.MethodPost, a.api+"/v1/signups", "", map[string]string{
		"email": email, "password": password, "account": account, "region": region,
	}, &w)
	if err != nil {
		return profile.Account{}, err
	}
	if made {
		fmt.Fprintf(a.progress, "password of %s (shown once): %s\n", email, password)
	}
	key := profile.Account{Email: email, Token: w.Token, Signup: w.ID}
	return key, a.keep(func(p *profile.Profile) {
		p.Accounts[account] = key
		p.Current = account
	})
}

func (a *app) login() *cobra.Command {
	var email, account string
	cmd := &cobra.Command{
		Use: "login", Short: "Fetch a key for an account you are a member of",
		Long: "Signs in with e-mail and password (POSTERN_PASSWORD, or one line of standard input) and keeps the key.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			password, err := a.password(cmd.InOrStdin())
			if err != nil {
				return err
			}
			var key struct {
				Token   string `json:"token"`
				Account string `json:"account"`
			}
			asked := map[string]string{"email": email, "password": password}
			if account != "" {
				asked["account"] = account
			}
			err = a.cloud.Call(cmd.Context(), http.MethodPost, a.api+"/v1/tokens", "", asked, &key)
			if err != nil {
				return err
			}
			err = a.keep(func(p *profile.Profile) {
				p.Accounts[key.Account] = profile.Account{Email: email, Token: key.Token, Signup: p.Accounts[key.Account].Signup}
				p.Current = key.Account
			})
			if err != nil {
				return err
			}
			return a.show(map[string]string{"account": key.Account, "email": email}, func(w io.Writer) {
				fmt.Fprintf(w, "signed in to account %s\n", key.Account)
			})
		},
	}
	cmd.Flags().StringVar(&email, "email", "", "your e-mail address")
	cmd.Flags().StringVar(&account, "account", "", "which account, when the address is a member of several")
	must(cmd.MarkFlagRequired("email"))
	return cmd
}

// password reads POSTERN_PASSWORD, or a line: unseen from a terminal, as it comes from anything else.
func (a *app) password(in io.Reader) (string, error) {
	if password := os.Getenv("POSTERN_PASSWORD"); password != "" {
		return password, nil
	}
	if f, ok := in.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		fmt.Fprint(a.progress, "password: ")
		raw, err := term.ReadPassword(int(f.Fd()))
		fmt.Fprintln(a.progress)
		if err != nil {
			return "", fmt.Errorf("reading the password: %w", err)
		}
		return string(raw), nil
	}
	line, err := bufio.NewReader(in).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return "", fmt.Errorf("reading the password: %w", err)
	}
	password := strings.TrimRight(line, "\r\n")
	if password == "" {
		return "", errors.New("no password: set POSTERN_PASSWORD or give it as a line of standard input")
	}
	return password, nil
}

// errFailed is the end of work that came to nothing.
var errFailed = errors.New("the tenant could not be made")

// follow polls a piece of work until it is ready, telling each step as it ends. A cloud that is away for a moment is waited for: the
// work goes on without it.
func (a *app) follow(ctx context.Context, target, token string) (work, error) {
	told, status := map[string]string{}, "under way"
	for {
		var w work
		pause := pollEvery
		err := a.cloud.Call(ctx, http.MethodGet, target, token, nil, &w)
		if err != nil {
			wait, passing := cloud.Passing(err)
			if !passing && ctx.Err() == nil {
				return work{}, fmt.Errorf("waiting for the tenant: %w", err)
			}
			pause = max(pause, wait)
		} else {
			status = w.Status
			a.tell(w.Steps, told)
			switch w.Status {
			case "ready":
				if w.Tenant == nil {
					return work{}, errors.New("the cloud says ready and shows no tenant")
				}
				return w, nil
			case "failed":
				return work{}, fmt.Errorf("%w: %s", errFailed, printable(w.Error))
			}
		}
		select {
		case <-ctx.Done():
			return work{}, fmt.Errorf("the tenant is still %s: %w", printable(status), ctx.Err())
		case <-time.After(pause):
		}
	}
}

// tell shows the steps that ended since the last time.
func (a *app) tell(steps []step, told map[string]string) {
	for _, s := range steps {
		if told[s.Name] == s.State || s.Started == nil || s.Ended == nil {
			continue
		}
		told[s.Name] = s.State
		fmt.Fprintf(a.progress, "%-18s %-8s %d ms\n", printable(s.Name), printable(s.State), s.Ended.Sub(*s.Started).Milliseconds())
	}
}

func tenantCard(t cloud.Tenant) func(io.Writer) {
	return func(w io.Writer) {
		fmt.Fprintf(w, "tenant\t%s\ndomain\t%s\nissuer\t%s\nregion\t%s\n", t.ID, t.Domain, t.Issuer, t.Region)
		if t.State != "" {
			fmt.Fprintf(w, "state\t%s\n", t.State)
		}
		if m := t.ManagementAPI; m != nil {
			fmt.Fprintf(w, "management audience\t%s\nmanagement client\t%s\n", m.Audience, m.ClientID)
			if m.ClientSecret != "" {
				fmt.Fprintf(w, "management secret (shown once)\t%s\n", m.ClientSecret)
			}
		}
	}
}

// must stops a command tree that was put together wrongly.
func must(err error) {
	if err != nil {
		panic(err)
	}
}
