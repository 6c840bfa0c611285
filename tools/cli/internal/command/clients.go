package command

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
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

// secretProperties are those of a client that a screen or a log must not keep. Addons hold keys of other people's systems among their
// settings, by names that nobody has a list of.
var secretProperties = []string{"client_secret", "signing_keys", "encryption_key", "addons"}

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
	a.tenantFlag(cmd, &tenant)
	list, show := a.clientsList(&tenant, &reveal), a.clientsShow(&tenant, &reveal)
	for _, reads := range []*cobra.Command{list, show} {
		reads.Flags().BoolVar(&reveal, "reveal-secrets", false, "show client secrets and addons too")
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
			all, err := a.pages(cmd.Context(), s, "/clients"+unrevealed(*reveal), "clients")
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
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.onClient(cmd.Context(), *tenant, http.MethodGet, args[0], unrevealed(*reveal), *reveal)
		},
	}
}

func (a *app) clientsRotate(tenant *string) *cobra.Command {
	return &cobra.Command{
		Use: "rotate-secret <client-id>", Short: "Give a client a new secret", Args: cobra.ExactArgs(1), ValidArgsFunction: a.clientIDs(tenant),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.onClient(cmd.Context(), *tenant, http.MethodPost, args[0], "/rotate-secret", true) // the new secret is what was asked for
		},
	}
}

// onClient is a call on one client whose answer is the client.
func (a *app) onClient(ctx context.Context, tenant, method, id, suffix string, reveal bool) error {
	s, err := a.management(ctx, tenant)
	if err != nil {
		return err
	}
	var client json.RawMessage
	if err := a.cloud.Call(ctx, method, cloud.Path(s.base+"/clients", id)+suffix, s.token, nil, &client); err != nil {
		return err
	}
	if !reveal {
		client = veiled(client)
	}
	return a.show(client, func(w io.Writer) { clientCard(w, client) })
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

// pages reads a whole collection of the Management API, whose pages hold it under the name items. A cloud that is busy for a moment is
// waited for.
func (a *app) pages(ctx context.Context, s session, path, items string) ([]json.RawMessage, error) {
	all := []json.RawMessage{}
	separator := "?"
	if strings.Contains(path, "?") {
		separator = "&"
	}
	for from := ""; ; {
		target := path + separator + "take=100"
		if from != "" {
			target += "&from=" + url.QueryEscape(from)
		}
		var page map[string]json.RawMessage
		if err := a.read(ctx, s, target, &page); err != nil {
			return nil, err
		}
		var some []json.RawMessage
		var next string
		for name, into := range map[string]any{items: &some, "next": &next} {
			if raw := page[name]; raw != nil {
				if err := json.Unmarshal(raw, into); err != nil {
					return nil, fmt.Errorf("reading %s: %w", items, err)
				}
			}
		}
		all = append(all, some...)
		if next == "" {
			return all, nil
		}
		if next == from {
			return nil, fmt.Errorf("reading %s: the same page again", items)
		}
		from = next
	}
}

// readTries is how often a reading is tried at a cloud that is busy.
const readTries = 5

// read gets one answer of the Management API.
func (a *app) read(ctx context.Context, s session, path string, out any) error {
	for try := 1; ; try++ {
		err := a.cloud.Call(ctx, http.MethodGet, s.base+path, s.token, nil, out)
		if !isStatus(err, http.StatusTooManyRequests) || try == readTries {
			return err
		}
		wait, _ := cloud.Passing(err)
		select {
		case <-ctx.Done():
			return errors.Join(err, ctx.Err())
		case <-time.After(max(wait, followEvery)):
		}
	}
}

// unrevealed is the query that leaves secrets out of an answer: what does not travel needs no veil, and leaves no line in the audit log.
func unrevealed(reveal bool) string {
	if reveal {
		return ""
	}
	return "?include_fields=false&fields=" + strings.Join(secretProperties, ",")
}

// veiled gives a client without its secrets, also where the cloud sent them unasked.
func veiled(client json.RawMessage) json.RawMessage {
	var properties map[string]json.RawMessage
	if json.Unmarshal(client, &properties) != nil {
		return nil // not a client; better nothing than a secret
	}
	for _, name := range secretProperties {
		delete(properties, name)
	}
	out, err := json.Marshal(properties)
	if err != nil {
		return nil
	}
	return out
}

// clientCard prints the properties of one client, a line each, those that name it first. Certificates are for programs: JSON has them.
func clientCard(w io.Writer, client json.RawMessage) {
	var properties map[string]json.RawMessage
	if json.Unmarshal(client, &properties) != nil {
		return
	}
	first := []string{"client_id", "name", "app_type"}
	apart := append(slices.Clone(first), "signing_keys", "encryption_key")
	rest := slices.DeleteFunc(slices.Sorted(maps.Keys(properties)), func(name string) bool { return slices.Contains(apart, name) })
	for _, name := range slices.Concat(first, rest) {
		if raw := properties[name]; raw != nil {
			fmt.Fprintf(w, "%s\t%s\n", printable(name), printable(oneLine(raw)))
		}
	}
}

// oneLine is a JSON value for a table: a text bare, texts with commas between them, anything else as JSON.
func oneLine(raw json.RawMessage) string {
	var text string
	if json.Unmarshal(raw, &text) == nil {
		return text
	}
	var texts []string
	if json.Unmarshal(raw, &texts) == nil {
		return strings.Join(texts, ", ")
	}
	var line bytes.Buffer
	if json.Compact(&line, raw) != nil {
		return ""
	}
	return line.String()
}
