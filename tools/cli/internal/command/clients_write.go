package command

import (
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net/http"

	"github.com/spf13/cobra"

	"github.com/postern-id/postern/tools/cli/internal/cloud"
)

func (a *app) clientsCreate(tenant *string) *cobra.Command {
	var flags settingFlags
	cmd := &cobra.Command{
		Use: "create", Short: "Create a client", Args: cobra.NoArgs, ValidArgsFunction: cobra.NoFileCompletions,
		Long: "Creates a client, OIDC-conformant and with RS256 unless --body says otherwise, and shows it with its secret.",
		Example: `  postern clients create --name "My app" --type regular_web --callback https://app.example.com/callback
  postern clients create --name Nightly --type non_interactive --grant client_credentials --metadata team=billing
  echo '{"name":"My app","jwt_configuration":{"alg":"PS256"}}' | postern clients create --body -`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			properties, err := flags.properties(cmd)
			if err != nil {
				return err
			}
			withoutNulls(properties)
			body := map[string]any{"oidc_conformant": true, "jwt_configuration": map[string]any{"alg": "RS256"}}
			maps.Copy(body, properties)
			s, err := a.management(cmd.Context(), *tenant)
			if err != nil {
				return err
			}
			var client json.RawMessage
			if err := a.cloud.Call(cmd.Context(), http.MethodPost, s.base+"/clients", s.token, body, &client); err != nil {
				return err
			}
			return a.show(client, func(w io.Writer) { clientCard(w, client) })
		},
	}
	flags.add(cmd)
	cmd.MarkFlagsOneRequired("name", "body")
	return cmd
}

func (a *app) clientsUpdate(tenant *string) *cobra.Command {
	var flags settingFlags
	cmd := &cobra.Command{
		Use: "update <client-id>", Short: "Change a client's settings", Args: cobra.ExactArgs(1), ValidArgsFunction: a.clientIDs(tenant),
		Long: "Changes the settings that are named and no others. A list is replaced as a whole; an empty value unsets a setting.",
		Example: `  postern clients update <client-id> --callback https://app.example.com/callback --callback https://beta.example.com/callback
  postern clients update <client-id> --logo "" --metadata team=
  echo '{"jwt_configuration":{"lifetime_in_seconds":3600}}' | postern clients update <client-id> --body -`,
		RunE: func(cmd *cobra.Command, args []string) error {
			properties, err := flags.properties(cmd)
			if err != nil {
				return err
			}
			if len(properties) == 0 {
				return errors.New("nothing to change: name a setting")
			}
			s, err := a.management(cmd.Context(), *tenant)
			if err != nil {
				return err
			}
			var client json.RawMessage
			if err := a.cloud.Call(cmd.Context(), http.MethodPatch, cloud.Path(s.base+"/clients", args[0]), s.token, properties, &client); err != nil {
				return err
			}
			client = veiled(client)
			return a.show(client, func(w io.Writer) { clientCard(w, client) })
		},
	}
	flags.add(cmd)
	return cmd
}
