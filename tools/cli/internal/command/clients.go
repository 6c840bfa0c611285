package command

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/postern-id/postern/tools/cli/internal/cloud"
)

// completionTime is how long a shell waits for names; past it, it offers none.
const completionTime = 2 * time.Second

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
	cmd.AddCommand(list, show, a.clientsCreate(&tenant), a.clientsUpdate(&tenant), a.clientsRotate(&tenant), a.clientsDelete(&tenant), a.clientsDoctor(&tenant))
	return cmd
}

func (a *app) clientsList(tenant *string, reveal *bool) *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List the clients", Args: cobra.NoArgs, ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, _ []string) error {
			s, err := a.management(cmd.Context(), *tenant)
			if err != nil {
				return err
			}
			all, err := a.pages(cmd.Context(), s, "/clients", "clients")
			if err != nil {
				return err
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
		Use: "show <client-id>", Short: "Show one client", Args: cobra.ExactArgs(1), ValidArgsFunction: a.clientIDs(tenant),
		RunE: a.onClient(tenant, http.MethodGet, "", reveal),
	}
}

func (a *app) clientsRotate(tenant *string) *cobra.Command {
	always := true // the new secret is what was asked for
	return &cobra.Command{
		Use: "rotate-secret <client-id>", Short: "Give a client a new secret", Args: cobra.ExactArgs(1), ValidArgsFunction: a.clientIDs(tenant),
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
		return a.show(client, func(w io.Writer) { clientTable(w, client) })
	}
}

// pages reads a whole collection of the Management API, whose pages hold it under the name items.
func (a *app) pages(ctx context.Context, s session, path, items string) ([]json.RawMessage, error) {
	all := []json.RawMessage{}
	separator := "?"
	if strings.Contains(path, "?") {
		separator = "&"
	}
	for from := ""; ; {
		var page map[string]json.RawMessage
		if err := a.cloud.Call(ctx, http.MethodGet, s.base+path+separator+"take=100"+from, s.token, nil, &page); err != nil {
			return nil, err
		}
		var some []json.RawMessage
		if raw := page[items]; raw != nil {
			if err := json.Unmarshal(raw, &some); err != nil {
				return nil, fmt.Errorf("reading %s: %w", items, err)
			}
		}
		all = append(all, some...)
		var next string
		if raw := page["next"]; raw != nil {
			if err := json.Unmarshal(raw, &next); err != nil {
				return nil, fmt.Errorf("reading where %s go on: %w", items, err)
			}
		}
		if next == "" {
			return all, nil
		}
		from = "&from=" + url.QueryEscape(next)
	}
}

// clientIDs completes a client's id, with its name beside it. What cannot be asked completes nothing.
func (a *app) clientIDs(tenant *string) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
		if len(args) > 0 || a.open() != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		ctx, cancel := context.WithTimeout(cmd.Context(), completionTime)
		defer cancel()
		s, err := a.management(ctx, *tenant)
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		clients, err := a.pages(ctx, s, "/clients", "clients")
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		var out []cobra.Completion
		for _, raw := range clients {
			var row clientRow
			if json.Unmarshal(raw, &row) == nil && !row.Global {
				out = append(out, cobra.CompletionWithDesc(printable(row.ClientID), printable(row.Name)))
			}
		}
		return out, cobra.ShellCompDirectiveNoFileComp
	}
}

// clientTable prints the settings of one client, a line each.
func clientTable(w io.Writer, client json.RawMessage) {
	var properties map[string]json.RawMessage
	if json.Unmarshal(client, &properties) != nil {
		return
	}
	for _, name := range slices.Sorted(maps.Keys(properties)) {
		value := string(properties[name])
		var text string
		if json.Unmarshal(properties[name], &text) == nil {
			value = text
		}
		fmt.Fprintf(w, "%s\t%s\n", printable(name), printable(value))
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

func (a *app) clientsDelete(tenant *string) *cobra.Command {
	return &cobra.Command{
		Use: "delete <client-id>", Short: "Delete a client", Args: cobra.ExactArgs(1), ValidArgsFunction: a.clientIDs(tenant),
		RunE: func(cmd *cobra.Command, args []string) error {
			s, err := a.management(cmd.Context(), *tenant)
			if err != nil {
				return err
			}
			return a.cloud.Call(cmd.Context(), http.MethodDelete, cloud.Path(s.base+"/clients", args[0]), s.token, nil, nil)
		},
	}
}
