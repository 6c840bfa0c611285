// Package command is the command line itself: what each verb asks of the cloud, and how it shows the answer.
package command

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"
	"unicode"

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
	a.api = strings.TrimRight(a.api, "/")
	if u, err := url.Parse(a.api); err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return fmt.Errorf("%q is no URL of a Platform API, as in https://api.example.com", a.api)
	}
	if a.caFile == "" && dev != nil && dev.URLs.PlatformAPI == a.api {
		a.caFile = dev.CAFile
	}
	if a.cloud, err = cloud.New(a.caFile); err != nil {
		return err
	}
	keys := "" // the user's own file
	if dev != nil && dev.URLs.PlatformAPI == a.api {
		keys = filepath.Join(dev.Folder, "cli.json") // keys to a dev cloud go when it goes
	}
	if a.store, err = profile.Open(keys); err != nil {
		return err
	}
	a.profile = a.store.Cloud(a.api)
	if dev != nil && dev.URLs.PlatformAPI == a.api && dev.Owner.Token != "" {
		a.profile.Accounts[dev.Owner.Account] = profile.Account{Email: dev.Owner.Email, Token: dev.Owner.Token}
		if t := dev.Owner.Tenant; t != nil && t.ManagementAPI != nil {
			remember(a.profile, dev.Owner.Account, *t)
		}
		if a.profile.Current == "" {
			a.profile.Current = dev.Owner.Account
		}
	}
	return nil
}

// remember keeps the key to a tenant, when the answer has one.
func remember(p *profile.Profile, account string, t cloud.Tenant) {
	if t.ManagementAPI == nil || t.ManagementAPI.ClientSecret == "" {
		return
	}
	p.Tenants[t.Domain] = profile.Tenant{
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
	if !ok && name == "" {
		return "", profile.Account{}, fmt.Errorf("no key for any account at %s: `postern signup` makes one, `postern login` fetches one", a.api)
	}
	if !ok {
		return "", profile.Account{}, fmt.Errorf("no key for account %q at %s: `postern signup` makes one, `postern login` fetches one", name, a.api)
	}
	return name, key, nil
}

// keep changes what is known of this cloud, for later commands too.
func (a *app) keep(change func(*profile.Profile)) error { return a.store.Update(a.api, change) }

// printable gives a text of somebody else's as one line that cannot steer the terminal.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return '\uFFFD'
	}, s)
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
