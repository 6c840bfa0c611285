package command

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

// completionTime is how long a shell waits for names; past it, it offers none.
const completionTime = 2 * time.Second

// clientIDs completes the one argument that is a client's id, with its name beside it. What cannot be asked completes nothing.
func (a *app) clientIDs(tenant *string) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, begun string) ([]cobra.Completion, cobra.ShellCompDirective) {
		if len(args) > 0 || a.open() != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		ctx, cancel := context.WithTimeout(cmd.Context(), completionTime)
		defer cancel()
		s, err := a.management(ctx, *tenant)
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		clients, err := a.pages(ctx, s, "/clients?fields=client_id,name,global", "clients")
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		var out []cobra.Completion
		for _, raw := range clients {
			var row clientRow
			if json.Unmarshal(raw, &row) == nil && !row.Global && strings.HasPrefix(row.ClientID, begun) {
				out = append(out, cobra.CompletionWithDesc(printable(row.ClientID), printable(row.Name)))
			}
		}
		return out, cobra.ShellCompDirectiveNoFileComp
	}
}

// oneOf completes those of choices that begin as the word does.
func oneOf(choices []string) cobra.CompletionFunc {
	return func(_ *cobra.Command, _ []string, begun string) ([]cobra.Completion, cobra.ShellCompDirective) {
		var out []cobra.Completion
		for _, choice := range choices {
			if strings.HasPrefix(choice, begun) {
				out = append(out, choice)
			}
		}
		return out, cobra.ShellCompDirectiveNoFileComp
	}
}

// tenantNames completes --tenant with the tenants whose key is here.
func (a *app) tenantNames(_ *cobra.Command, _ []string, begun string) ([]cobra.Completion, cobra.ShellCompDirective) {
	if a.open() != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var out []cobra.Completion
	for _, domain := range slices.Sorted(maps.Keys(a.profile.Tenants)) {
		if strings.HasPrefix(domain, begun) {
			out = append(out, cobra.CompletionWithDesc(printable(domain), printable(a.profile.Tenants[domain].Account)))
		}
	}
	return out, cobra.ShellCompDirectiveNoFileComp
}
