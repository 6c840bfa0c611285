package command

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/postern-id/postern/tools/cli/internal/cloud"
)

func isStatus(err error, status int) bool {
	refusal, ok := errors.AsType[*cloud.Error](err)
	return ok && refusal.Status == status
}

// finding is one thing that the doctor looked at.
type finding struct {
	What string `json:"what"`
	OK   bool   `json:"ok"`
	Why  string `json:"why,omitempty"`
}

func (a *app) doctor() *cobra.Command {
	return &cobra.Command{
		Use: "doctor", Short: "Check that the cloud and every known tenant answer as they should", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			findings := a.examine(cmd.Context())
			ill := 0
			for _, f := range findings {
				if !f.OK {
					ill++
				}
			}
			if a.asJSON {
				if err := a.show(findings, nil); err != nil {
					return err
				}
			} else {
				for _, f := range findings {
					mark := "ok   "
					if !f.OK {
						mark = "FAIL "
					}
					fmt.Fprintln(a.out, strings.TrimSpace(mark+" "+printable(f.What)+" "+printable(f.Why)))
				}
			}
			if ill > 0 {
				return fmt.Errorf("%d of %d checks failed", ill, len(findings))
			}
			return nil
		},
	}
}

func (a *app) examine(ctx context.Context) []finding {
	check := func(what string, err error) finding {
		if err != nil {
			return finding{What: what, Why: err.Error()}
		}
		return finding{What: what, OK: true}
	}
	var regions struct {
		Regions []struct {
			Name string `json:"name"`
		} `json:"regions"`
	}
	out := []finding{check("Platform API at "+a.api, a.cloud.Call(ctx, http.MethodGet, a.api+"/v1/regions", "", nil, &regions))}
	for _, name := range slices.Sorted(maps.Keys(a.profile.Accounts)) {
		key := a.profile.Accounts[name]
		out = append(out, check("key of account "+name, a.cloud.Call(ctx, http.MethodGet, a.api+"/v1/tenants", key.Token, nil, nil)))
	}
	for _, domain := range slices.Sorted(maps.Keys(a.profile.Tenants)) {
		out = append(out, check("issuer of "+domain, a.checkIssuer(ctx, domain)))
		_, err := a.management(ctx, domain)
		out = append(out, check("management client of "+domain, err))
	}
	return out
}

// checkIssuer holds the discovery document against the domain (OIDC Discovery §4.3) and asks for the keys it names.
func (a *app) checkIssuer(ctx context.Context, domain string) error {
	var doc struct {
		Issuer  string `json:"issuer"`
		JWKSURI string `json:"jwks_uri"`
	}
	if err := a.cloud.Call(ctx, http.MethodGet, "https://"+domain+"/.well-known/openid-configuration", "", nil, &doc); err != nil {
		return err
	}
	if doc.Issuer != "https://"+domain+"/" {
		return fmt.Errorf("the issuer is %q", doc.Issuer)
	}
	if u, err := url.Parse(doc.JWKSURI); err != nil || !strings.EqualFold(u.Host, domain) {
		return fmt.Errorf("the keys are said to be at %q", doc.JWKSURI)
	}
	var keys struct {
		Keys []struct {
			KeyID string `json:"kid"`
		} `json:"keys"`
	}
	if err := a.cloud.Call(ctx, http.MethodGet, doc.JWKSURI, "", nil, &keys); err != nil {
		return err
	}
	if len(keys.Keys) < 2 {
		return fmt.Errorf("%d keys are published, want the current and the next", len(keys.Keys))
	}
	return nil
}
