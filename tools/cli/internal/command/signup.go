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
			"The owner's key and the tenant's management client are kept for later commands.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx, cancel := context.WithTimeout(cmd.Context(), wait)
			defer cancel()
			password, made := os.Getenv("POSTERN_PASSWORD"), false
			if password == "" {
				password, made = rand.Text(), true
			}
			var w work
			err := a.cloud.Call(ctx, http.MethodPost, a.api+"/v1/signups", "", map[string]string{
				"email": email, "password": password, "account": account, "region": region,
			}, &w)
			if err != nil {
				return err
			}
			token := w.Token
			a.profile.Accounts[account] = profile.Account{Email: email, Token: token}
			a.profile.Current = account
			if err := a.store.Save(); err != nil { // before waiting: an interrupted wait must not lose the key
				return err
			}
			done, err := a.follow(ctx, cloud.Path(a.api+"/v1/signups", w.ID), token)
			if err != nil {
				return err
			}
			a.remember(account, *done.Tenant)
			if err := a.store.Save(); err != nil {
				return err
			}
			if made {
				fmt.Fprintf(a.progress, "password of %s (shown once): %s\n", email, password)
			}
			return a.show(done.Tenant, tenantCard(*done.Tenant))
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

func (a *app) login() *cobra.Command {
	var email string
	cmd := &cobra.Command{
		Use: "login", Short: "Fetch a key for an account you are a member of",
		Long: "Signs in with e-mail and password (POSTERN_PASSWORD, or one line of standard input) and keeps the key.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			password := os.Getenv("POSTERN_PASSWORD")
			if password == "" {
				line, err := bufio.NewReader(cmd.InOrStdin()).ReadString('\n')
				if err != nil && !errors.Is(err, io.EOF) {
					return fmt.Errorf("reading the password: %w", err)
				}
				password = strings.TrimRight(line, "\r\n")
			}
			var key struct {
				Token   string `json:"token"`
				Account string `json:"account"`
			}
			err := a.cloud.Call(cmd.Context(), http.MethodPost, a.api+"/v1/tokens", "", map[string]string{"email": email, "password": password}, &key)
			if err != nil {
				return err
			}
			a.profile.Accounts[key.Account] = profile.Account{Email: email, Token: key.Token}
			a.profile.Current = key.Account
			fmt.Fprintf(a.progress, "signed in to account %s\n", key.Account)
			return a.store.Save()
		},
	}
	cmd.Flags().StringVar(&email, "email", "", "your e-mail address")
	must(cmd.MarkFlagRequired("email"))
	return cmd
}

// follow polls a piece of work until it is ready, telling each step as it ends.
func (a *app) follow(ctx context.Context, target, token string) (work, error) {
	told := map[string]string{}
	for {
		var w work
		err := a.cloud.Call(ctx, http.MethodGet, target, token, nil, &w)
		if err != nil {
			return work{}, fmt.Errorf("waiting for the tenant: %w", err)
		}
		for _, s := range w.Steps {
			if told[s.Name] == s.State || s.State == "pending" {
				continue
			}
			told[s.Name] = s.State
			if s.Started != nil && s.Ended != nil {
				fmt.Fprintf(a.progress, "%-18s %-8s %d ms\n", s.Name, s.State, s.Ended.Sub(*s.Started).Milliseconds())
			}
		}
		switch w.Status {
		case "ready":
			if w.Tenant == nil {
				return work{}, errors.New("the cloud says ready and shows no tenant")
			}
			return w, nil
		case "failed":
			return work{}, fmt.Errorf("the tenant could not be made: %s", w.Error)
		}
		select {
		case <-ctx.Done():
			return work{}, fmt.Errorf("still %s; ask again at %s: %w", w.Status, target, ctx.Err())
		case <-time.After(pollEvery):
		}
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
