package command

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"
)

// maxBody bounds what --body reads, as the Management API bounds what it takes.
const maxBody = 1 << 20

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

// setting is a flag that sets one property of a client. A flag of several values replaces the whole list. It is given once for each, as
// a URL may have commas in it; words from a list of choices may also stand with commas between them.
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
	body     string
}

func (f *settingFlags) add(cmd *cobra.Command) {
	for _, s := range settings {
		if s.many {
			cmd.Flags().StringArray(s.flag, nil, s.usage)
		} else {
			cmd.Flags().String(s.flag, "", s.usage)
		}
		complete := cobra.NoFileCompletions
		if s.choices != nil {
			complete = oneOf(s.choices)
		}
		must(cmd.RegisterFlagCompletionFunc(s.flag, complete))
	}
	cmd.Flags().StringArrayVar(&f.metadata, "metadata", nil, "key=value of client_metadata; an empty value removes the key (may be repeated)")
	cmd.Flags().StringVar(&f.body, "body", "", "JSON file with any further properties (-: standard input); flags win over it")
	must(cmd.RegisterFlagCompletionFunc("metadata", cobra.NoFileCompletions))
}

// properties gives what --body says and, over it, the flags that were given. An empty value is null: it unsets the property.
func (f *settingFlags) properties(cmd *cobra.Command) (map[string]any, error) {
	out, err := f.readBody(cmd.InOrStdin())
	if err != nil {
		return nil, err
	}
	for _, s := range settings {
		if !cmd.Flags().Changed(s.flag) {
			continue
		}
		out[s.property] = nil
		if s.many {
			values, err := cmd.Flags().GetStringArray(s.flag)
			if err != nil {
				return nil, err
			}
			if s.choices != nil {
				values = strings.Split(strings.Join(values, ","), ",")
			}
			if values = slices.DeleteFunc(values, func(v string) bool { return v == "" }); len(values) > 0 {
				out[s.property] = values
			}
			continue
		}
		value, err := cmd.Flags().GetString(s.flag)
		if err != nil {
			return nil, err
		}
		if value != "" {
			out[s.property] = value
		}
	}
	return out, f.addMetadata(out)
}

func (f *settingFlags) readBody(stdin io.Reader) (map[string]any, error) {
	out := map[string]any{}
	if f.body == "" {
		return out, nil
	}
	var raw []byte
	var err error
	if f.body == "-" {
		raw, err = io.ReadAll(io.LimitReader(stdin, maxBody+1))
	} else {
		raw, err = os.ReadFile(f.body)
	}
	if err != nil {
		return nil, fmt.Errorf("reading --body: %w", err)
	}
	if len(raw) > maxBody {
		return nil, errors.New("--body is larger than 1 MiB")
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber() // as written, also past what a float64 holds
	if err := dec.Decode(&out); err != nil || out == nil || dec.More() {
		return nil, errors.New("--body is not one JSON object")
	}
	return out, nil
}

func (f *settingFlags) addMetadata(body map[string]any) error {
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

// withoutNulls takes away what would be unset: a client to be made has nothing yet.
func withoutNulls(properties map[string]any) {
	maps.DeleteFunc(properties, func(_ string, value any) bool { return value == nil })
	if metadata, ok := properties["client_metadata"].(map[string]any); ok {
		maps.DeleteFunc(metadata, func(_ string, value any) bool { return value == nil })
	}
}
