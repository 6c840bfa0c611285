// Package command is the command line itself: what each verb asks of the cloud, and how it shows the answer.
package command

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/postern-id/postern/tools/cli/internal/cloud"
	"github.com/postern-id/postern/tools/cli/internal/profile"
)

// app is what all commands share; open fills it before any of them runs.
type app struct {
	out, progress io.Writer

	api, caFile string // flags
	asJSON      bool

	cloud   *cloud.Client
	store   *profile.Store
	profile *profile.Profile
}

// New makes the command tree. Answers go to out, progress to progress.
func New(out, progress io.Writer) *cobra.Command {
	a := &app{out: out, progress: progress}
	root := &cobra.Command{
		Use: "postern", Short: "The command line of the Postern identity cloud",
		SilenceUsage: true, SilenceErrors: true,
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error {
			if cmd.Name() == "help" || cmd.Name() == cobra.ShellCompRequestCmd || cmd.HasParent() && cmd.Parent().Name() == "completion" {
				return nil
			}
			return a.open()
		},
	}
	root.SetOut(out)
	root.SetErr(progress)
	root.PersistentFlags().StringVar(&a.api, "api", os.Getenv("POSTERN_API"), "URL of the Platform API (default: the dev cloud of this folder)")
	root.PersistentFlags().StringVar(&a.caFile, "ca", os.Getenv("POSTERN_CA_FILE"), "PEM file of a certificate authority to trust as well")
	root.PersistentFlags().BoolVar(&a.asJSON, "json", false, "answer as JSON")
	root.AddCommand(a.signup(), a.login(), a.tenants(), a.clients(), a.token(), a.logs(), a.doctor())
	return root
}

// open finds the cloud and the keys to it. The owner of a dev cloud needs no sign-in: their key is in dev.json.
func (a *app) open() error {
	dev, err := cloud.FindDev()
	if err != nil {
		return err
	}
	if a.api == "" {
		if dev == nil || dev.URLs.PlatformAPI == "" {
			return errors.New("no cloud to talk to: start one with `make run`, or name one with --api https://api.<base>")
		}
		a.api = dev.URLs.PlatformAPI
	}
	if a.caFile == "" && dev != nil && dev.URLs.PlatformAPI == a.api {
		a.caFile = dev.CAFile
	}
	if a.cloud, err = cloud.New(a.caFile); err != nil {
		return err
	}
	if a.store, err = profile.Open(); err != nil {
		return err
	}
	a.profile = a.store.Cloud(a.api)
	if dev != nil && dev.URLs.PlatformAPI == a.api && dev.Owner.Token != "" {
		a.profile.Accounts[dev.Owner.Account] = profile.Account{Email: dev.Owner.Email, Token: dev.Owner.Token}
		if t := dev.Tenant; t != nil && t.ManagementAPI != nil {
			a.remember(dev.Owner.Account, *t)
		}
		if a.profile.Current == "" {
			a.profile.Current = dev.Owner.Account
		}
	}
	return nil
}

// remember keeps the key to a tenant, when the answer has one.
func (a *app) remember(account string, t cloud.Tenant) {
	if t.ManagementAPI == nil || t.ManagementAPI.ClientSecret == "" {
		return
	}
	a.profile.Tenants[t.Domain] = profile.Tenant{
		Account: account, Region: t.Region, Audience: t.ManagementAPI.Audience,
		ClientID: t.ManagementAPI.ClientID, ClientSecret: t.ManagementAPI.ClientSecret,
	}
}

// account gives the key of the account named, or of the current one.
func (a *app) account(name string) (string, profile.Account, error) {
	if name == "" {
		name = a.profile.Current
	}
	key, ok := a.profile.Accounts[name]
	if !ok {
		return "", profile.Account{}, fmt.Errorf("no key for account %q at %s: `postern signup` makes one, `postern login` fetches one", name, a.api)
	}
	return name, key, nil
}

// show prints v as JSON, or lets table print it.
func (a *app) show(v any, table func(w io.Writer)) error {
	if !a.asJSON && table != nil {
		w := tabwriter.NewWriter(a.out, 0, 4, 2, ' ', 0)
		table(w)
		return w.Flush()
	}
	enc := json.NewEncoder(a.out)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}
