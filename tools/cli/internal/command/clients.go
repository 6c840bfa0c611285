package command

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"

	"github.com/spf13/cobra"

	"github.com/postern-id/postern/tools/cli/internal/cloud"
)

// clientRow is what the table shows of a client; JSON answers keep everything the wire says.
type clientRow struct {
	ClientID string `json:"client_id"`
	Name     string `json:"name"`
	AppType  string `json:"app_type"`
	Global   bool   `json:"global"`
}

func (a *app) clients() *cobra.Command {
	var tenant string
	var reveal bool
	cmd := &cobra.Command{Use: "clients", Short: "A tenant's clients"}
	tenantFlag(cmd, &tenant)
	list, show := a.clientsList(&tenant, &reveal), a.clientsShow(&tenant, &reveal)
	for _, reads := range []*cobra.Command{list, show} {
		reads.Flags().BoolVar(&reveal, "reveal-secrets", false, "show client secrets too")
	}
	cmd.AddCommand(list, show, a.clientsCreate(&tenant), a.clientsRotate(&tenant), a.clientsDelete(&tenant))
	return cmd
}

func (a *app) clientsList(tenant *string, reveal *bool) *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List the clients", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			s, err := a.management(cmd.Context(), *tenant)
			if err != nil {
				return err
			}
			all := []json.RawMessage{}
			target := s.base + "/clients?take=100"
			for from := ""; ; {
				var page struct {
					Clients []json.RawMessage `json:"clients"`
					Next    string            `json:"next"`
				}
				if err := a.cloud.Call(cmd.Context(), http.MethodGet, target+from, s.token, nil, &page); err != nil {
					return err
				}
				all = append(all, page.Clients...)
				if page.Next == "" {
					break
				}
				from = "&from=" + url.QueryEscape(page.Next)
			}
			if !*reveal {
				for i := range all {
					all[i] = veiled(all[i])
				}
			}
			return a.show(all, func(w io.Writer) {
				fmt.Fprintln(w, "CLIENT ID\tNAME\tTYPE")
				for _, raw := range all {
					var row clientRow
					if json.Unmarshal(raw, &row) == nil {
						fmt.Fprintf(w, "%s\t%s\t%s\n", printable(row.ClientID), printable(row.Name), printable(row.AppType))
					}
				}
			})
		},
	}
}

func (a *app) clientsShow(tenant *string, reveal *bool) *cobra.Command {
	return &cobra.Command{
		Use: "show <client-id>", Short: "Show one client", Args: cobra.ExactArgs(1),
		RunE: a.onClient(tenant, http.MethodGet, "", reveal),
	}
}

func (a *app) clientsRotate(tenant *string) *cobra.Command {
	always := true // the new secret is what was asked for
	return &cobra.Command{
		Use: "rotate-secret <client-id>", Short: "Give a client a new secret", Args: cobra.ExactArgs(1),
		RunE: a.onClient(tenant, http.MethodPost, "/rotate-secret", &always),
	}
}

// onClient is a call on one client whose answer is the client.
func (a *app) onClient(tenant *string, method, suffix string, reveal *bool) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		s, err := a.management(cmd.Context(), *tenant)
		if err != nil {
			return err
		}
		var client json.RawMessage
		if err := a.cloud.Call(cmd.Context(), method, cloud.Path(s.base+"/clients", args[0])+suffix, s.token, nil, &client); err != nil {
			return err
		}
		if !*reveal {
			client = veiled(client)
		}
		return a.show(client, nil)
	}
}

// veiled gives a client without its secrets, which a screen or a log would keep.
func veiled(client json.RawMessage) json.RawMessage {
	var properties map[string]json.RawMessage
	if json.Unmarshal(client, &properties) != nil {
		return nil // not a client; better nothing than a secret
	}
	for _, name := range []string{"client_secret", "signing_keys", "encryption_key"} {
		delete(properties, name)
	}
	out, err := json.Marshal(properties)
	if err != nil {
		return nil
	}
	return out
}

func (a *app) clientsCreate(tenant *string) *cobra.Command {
	var name, appType, authMethod string
	var callbacks, grants []string
	cmd := &cobra.Command{
		Use: "create", Short: "Create a client", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			s, err := a.management(cmd.Context(), *tenant)
			if err != nil {
				return err
			}
			body := map[string]any{"name": name, "oidc_conformant": true, "jwt_configuration": map[string]any{"alg": "RS256"}}
			for key, value := range map[string]string{"app_type": appType, "token_endpoint_auth_method": authMethod} {
				if value != "" {
					body[key] = value
				}
			}
			for key, values := range map[string][]string{"callbacks": callbacks, "grant_types": grants} {
				if len(values) > 0 {
					body[key] = values
				}
			}
			var client json.RawMessage
			if err := a.cloud.Call(cmd.Context(), http.MethodPost, s.base+"/clients", s.token, body, &client); err != nil {
				return err
			}
			return a.show(client, nil)
		},
	}
	cmd.Flags().StringVar(&name, "name", "", "the client's name")
	cmd.Flags().StringVar(&appType, "type", "", "native, spa, regular_web or non_interactive")
	cmd.Flags().StringVar(&authMethod, "auth-method", "", "none, client_secret_post or client_secret_basic")
	cmd.Flags().StringSliceVar(&callbacks, "callback", nil, "allowed callback URL (may be repeated)")
	cmd.Flags().StringSliceVar(&grants, "grant", nil, "allowed grant type (may be repeated)")
	must(cmd.MarkFlagRequired("name"))
	return cmd
}

func (a *app) clientsDelete(tenant *string) *cobra.Command {
	return &cobra.Command{
		Use: "delete <client-id>", Short: "Delete a client", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			s, err := a.management(cmd.Context(), *tenant)
			if err != nil {
				return err
			}
			return a.cloud.Call(cmd.Context(), http.MethodDelete, cloud.Path(s.base+"/clients", args[0]), s.token, nil, nil)
		},
	}
}
