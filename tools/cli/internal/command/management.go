package command

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/postern-id/postern/tools/cli/internal/cloud"
)

// tenantFlag names a tenant by its domain, or by account and region as in "acme.eu".
func (a *app) tenantFlag(cmd *cobra.Command, into *string) {
	cmd.PersistentFlags().StringVar(into, "tenant", "", "the tenant's domain, or its beginning (default: the only one known)")
	must(cmd.RegisterFlagCompletionFunc("tenant", a.tenantNames))
}

// session is an access token for one tenant's Management API.
type session struct {
	domain string
	base   string // https://<domain>/api/v2
	token  string
}

func (a *app) management(ctx context.Context, tenant string) (session, error) {
	domain, err := a.domain(tenant)
	if err != nil {
		return session{}, err
	}
	key := a.profile.Tenants[domain]
	token, err := a.cloud.ManagementToken(ctx, domain, cloud.ManagementAPI{Audience: key.Audience, ClientID: key.ClientID, ClientSecret: key.ClientSecret})
	if err != nil {
		return session{}, fmt.Errorf("getting a management token at %s: %w", domain, err)
	}
	return session{domain: domain, base: "https://" + domain + "/api/v2", token: token}, nil
}

// domain finds the tenant that is meant among those whose key is known.
func (a *app) domain(tenant string) (string, error) {
	var known []string
	for domain, t := range a.profile.Tenants {
		if tenant == "" && a.profile.Current != "" && t.Account != a.profile.Current {
			continue
		}
		if tenant == "" || domain == tenant || strings.HasPrefix(domain, tenant+".") {
			known = append(known, domain)
		}
	}
	slices.Sort(known)
	switch len(known) {
	case 1:
		return known[0], nil
	case 0:
		return "", errors.New("no key for such a tenant here: `postern signup` and `postern tenants create` keep them")
	}
	return "", fmt.Errorf("which tenant? name one with --tenant: %s", strings.Join(known, ", "))
}

func (a *app) token() *cobra.Command {
	var tenant string
	cmd := &cobra.Command{
		Use: "token", Short: "Print an access token for a tenant's Management API", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			s, err := a.management(cmd.Context(), tenant)
			if err != nil {
				return err
			}
			if a.asJSON {
				return a.show(map[string]string{"access_token": s.token, "domain": s.domain}, nil)
			}
			fmt.Fprintln(a.out, s.token)
			return nil
		},
	}
	a.tenantFlag(cmd, &tenant)
	return cmd
}
