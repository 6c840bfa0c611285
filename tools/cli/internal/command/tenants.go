package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/spf13/cobra"

	"github.com/postern-id/postern/tools/cli/internal/cloud"
	"github.com/postern-id/postern/tools/cli/internal/profile"
)

func (a *app) tenants() *cobra.Command {
	cmd := &cobra.Command{Use: "tenants", Short: "The account's tenants"}
	cmd.AddCommand(a.tenantsList(), a.tenantsShow(), a.tenantsCreate())
	return cmd
}

func (a *app) tenantsList() *cobra.Command {
	var account string
	cmd := &cobra.Command{
		Use: "list", Short: "List the account's tenants", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			_, key, err := a.account(account)
			if err != nil {
				return err
			}
			var answer struct {
				Tenants []cloud.Tenant `json:"tenants"`
			}
			if err := a.cloud.Call(cmd.Context(), http.MethodGet, a.api+"/v1/tenants", key.Token, nil, &answer); err != nil {
				return err
			}
			if answer.Tenants == nil {
				answer.Tenants = []cloud.Tenant{} // none is a list too
			}
			return a.show(answer.Tenants, func(w io.Writer) {
				fmt.Fprintln(w, "NAME\tREGION\tDOMAIN\tSTATE\tID")
				for _, t := range answer.Tenants {
					fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", t.Name, t.Region, t.Domain, t.State, t.ID)
				}
			})
		},
	}
	cmd.Flags().StringVar(&account, "account", "", "the account (default: the last one used)")
	return cmd
}

func (a *app) tenantsShow() *cobra.Command {
	var account string
	cmd := &cobra.Command{
		Use: "show <id>", Short: "Show one tenant", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			_, key, err := a.account(account)
			if err != nil {
				return err
			}
			var t cloud.Tenant
			if err := a.cloud.Call(cmd.Context(), http.MethodGet, cloud.Path(a.api+"/v1/tenants", args[0]), key.Token, nil, &t); err != nil {
				return err
			}
			return a.show(t, tenantCard(t))
		},
	}
	cmd.Flags().StringVar(&account, "account", "", "the account (default: the last one used)")
	return cmd
}

func (a *app) tenantsCreate() *cobra.Command {
	var account, region string
	var wait time.Duration
	cmd := &cobra.Command{
		Use: "create", Short: "Create the account's tenant in another region and wait for it", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			name, key, err := a.account(account)
			if err != nil {
				return err
			}
			ctx, cancel := context.WithTimeout(cmd.Context(), wait)
			defer cancel()
			var op work
			if err := a.cloud.Call(ctx, http.MethodPost, a.api+"/v1/tenants", key.Token, map[string]string{"region": region}, &op); err != nil {
				return err
			}
			done, err := a.follow(ctx, cloud.Path(a.api+"/v1/operations", op.ID), key.Token)
			if err != nil {
				return err
			}
			err = a.keep(func(p *profile.Profile) { remember(p, name, *done.Tenant) })
			return errors.Join(a.show(done.Tenant, tenantCard(*done.Tenant)), err) // shown in any case: the secret does not come again
		},
	}
	cmd.Flags().StringVar(&account, "account", "", "the account (default: the last one used)")
	cmd.Flags().StringVar(&region, "region", "", "where the tenant lives")
	cmd.Flags().DurationVar(&wait, "wait", 2*time.Minute, "how long to wait for the tenant")
	must(cmd.MarkFlagRequired("region"))
	return cmd
}
