package command

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/postern-id/postern/tools/cli/internal/cloud"
)

var (
	appTypes    = []string{"native", "spa", "regular_web", "non_interactive", "resource_server"}
	authMethods = []string{"none", "client_secret_post", "client_secret_basic"}
	grantTypes  = []string{
		"authorization_code", "implicit", "refresh_token", "client_credentials", "password", "http://auth0.com/oauth/grant-type/password-realm",
		"http://auth0.com/oauth/grant-type/passwordless/otp", "http://auth0.com/oauth/grant-type/mfa-oob", "http://auth0.com/oauth/grant-type/mfa-otp",
		"http://auth0.com/oauth/grant-type/mfa-recovery-code", "urn:ietf:params:oauth:grant-type:device_code", "urn:openid:params:grant-type:ciba",
		"urn:ietf:params:oauth:grant-type:token-exchange",
	}
)

// setting is a flag that sets one property of a client. A flag of several values replaces the whole list.
type setting struct {
	flag, property, usage string
	many                  bool
	choices               []string
}

var settings = []setting{
	{flag: "name", property: "name", usage: "the client's name"},
	{flag: "description", property: "description", usage: "what it is for"},
	{flag: "type", property: "app_type", usage: "native, spa, regular_web or non_interactive", choices: appTypes},
	{flag: "auth-method", property: "token_endpoint_auth_method", usage: "none, client_secret_post or client_secret_basic", choices: authMethods},
	{flag: "logo", property: "logo_uri", usage: "URL of a logo"},
	{flag: "login-url", property: "initiate_login_uri", usage: "where a login starts that the application did not ask for"},
	{flag: "callback", property: "callbacks", usage: "allowed callback URL (may be repeated)", many: true},
	{flag: "logout-url", property: "allowed_logout_urls", usage: "allowed URL after logout (may be repeated)", many: true},
	{flag: "web-origin", property: "web_origins", usage: "origin that may use silent login (may be repeated)", many: true},
	{flag: "allowed-origin", property: "allowed_origins", usage: "origin that may call from a browser (may be repeated)", many: true},
	{flag: "grant", property: "grant_types", usage: "allowed grant type (may be repeated)", many: true, choices: grantTypes},
}

// settingFlags are the flags of commands that write a client.
type settingFlags struct {
	metadata []string
	jsonBody string
}

func (f *settingFlags) add(cmd *cobra.Command) {
	for _, s := range settings {
		if s.many {
			cmd.Flags().StringSlice(s.flag, nil, s.usage)
		} else {
			cmd.Flags().String(s.flag, "", s.usage)
		}
		complete := cobra.NoFileCompletions
		if s.choices != nil {
			complete = cobra.FixedCompletions(s.choices, cobra.ShellCompDirectiveNoFileComp)
		}
		must(cmd.RegisterFlagCompletionFunc(s.flag, complete))
	}
	cmd.Flags().StringArrayVar(&f.metadata, "metadata", nil, "key=value of client_metadata; an empty value removes the key (may be repeated)")
	cmd.Flags().StringVar(&f.jsonBody, "json-body", "", "JSON file with further properties (-: standard input); flags win over it")
	must(cmd.RegisterFlagCompletionFunc("metadata", cobra.NoFileCompletions))
}

// fill writes the flags that were given into body, over what --json-body says. An empty value unsets a property: it is sent as null, a
// list as an empty one.
func (f *settingFlags) fill(cmd *cobra.Command, body map[string]any) error {
	if err := f.readBody(cmd.InOrStdin(), body); err != nil {
		return err
	}
	for _, s := range settings {
		if !cmd.Flags().Changed(s.flag) {
			continue
		}
		if s.many {
			values, err := cmd.Flags().GetStringSlice(s.flag)
			if err != nil {
				return err
			}
			body[s.property] = present(values)
			continue
		}
		value, err := cmd.Flags().GetString(s.flag)
		if err != nil {
			return err
		}
		body[s.property] = value
		if value == "" {
			body[s.property] = nil
		}
	}
	return f.fillMetadata(body)
}

func (f *settingFlags) readBody(stdin io.Reader, body map[string]any) error {
	if f.jsonBody == "" {
		return nil
	}
	var raw []byte
	var err error
	if f.jsonBody == "-" {
		raw, err = io.ReadAll(io.LimitReader(stdin, 1<<20))
	} else {
		raw, err = os.ReadFile(f.jsonBody)
	}
	if err != nil {
		return fmt.Errorf("reading --json-body: %w", err)
	}
	var properties map[string]any
	if err := json.Unmarshal(raw, &properties); err != nil || properties == nil {
		return errors.New("--json-body is no JSON object")
	}
	maps.Copy(body, properties)
	return nil
}

func (f *settingFlags) fillMetadata(body map[string]any) error {
	if len(f.metadata) == 0 {
		return nil
	}
	metadata, ok := body["client_metadata"].(map[string]any)
	if !ok {
		metadata = map[string]any{}
	}
	for _, pair := range f.metadata {
		key, value, ok := strings.Cut(pair, "=")
		if !ok || key == "" {
			return fmt.Errorf("--metadata %q is not key=value", pair)
		}
		metadata[key] = value
		if value == "" {
			metadata[key] = nil
		}
	}
	body["client_metadata"] = metadata
	return nil
}

// present gives the values that are not empty, as a list that JSON shows even when nothing is in it.
func present(values []string) []string {
	out := []string{}
	for _, v := range values {
		if v != "" {
			out = append(out, v)
		}
	}
	return out
}

func (a *app) clientsCreate(tenant *string) *cobra.Command {
	var flags settingFlags
	cmd := &cobra.Command{
		Use: "create", Short: "Create a client", Args: cobra.NoArgs, ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, _ []string) error {
			body := map[string]any{"oidc_conformant": true, "jwt_configuration": map[string]any{"alg": "RS256"}}
			if err := flags.fill(cmd, body); err != nil {
				return err
			}
			for name, value := range body {
				if value == nil {
					delete(body, name) // nothing is there to be unset
				}
			}
			s, err := a.management(cmd.Context(), *tenant)
			if err != nil {
				return err
			}
			var client json.RawMessage
			if err := a.cloud.Call(cmd.Context(), http.MethodPost, s.base+"/clients", s.token, body, &client); err != nil {
				return err
			}
			return a.show(client, nil)
		},
	}
	flags.add(cmd)
	cmd.MarkFlagsOneRequired("name", "json-body")
	return cmd
}

func (a *app) clientsUpdate(tenant *string) *cobra.Command {
	var flags settingFlags
	cmd := &cobra.Command{
		Use: "update <client-id>", Short: "Change a client's settings; an empty value unsets one", Args: cobra.ExactArgs(1), ValidArgsFunction: a.clientIDs(tenant),
		RunE: func(cmd *cobra.Command, args []string) error {
			body := map[string]any{}
			if err := flags.fill(cmd, body); err != nil {
				return err
			}
			if len(body) == 0 {
				return errors.New("nothing to change: name a setting")
			}
			s, err := a.management(cmd.Context(), *tenant)
			if err != nil {
				return err
			}
			var client json.RawMessage
			if err := a.cloud.Call(cmd.Context(), http.MethodPatch, cloud.Path(s.base+"/clients", args[0]), s.token, body, &client); err != nil {
				return err
			}
			client = veiled(client)
			return a.show(client, func(w io.Writer) { clientTable(w, client) })
		},
	}
	flags.add(cmd)
	return cmd
}
