package mgmtkit

import (
	"encoding/json"
	"strings"

	"github.com/postern-id/postern/libs/audit"
)

// hidden are the properties whose values never reach the audit log, whatever they hold, spelled without case and separators.
var hidden = map[string]bool{
	"pem": true, "otp": true, "sharedkey": true, "masterkey": true, "privatekey": true, "saskey": true, "storageaccesskey": true,
	"apikey": true, "datadogapikey": true, "segmentwritekey": true, "secretaccesskey": true, "httpauthorization": true,
	"custompasswordhash": true, "passwordhash": true, "secrets": true, "configuration": true, "authorization": true, "passphrase": true,
	"recoverycode": true, "p8": true, "servercredentials": true, "pushcredentials": true,
}

// endings of names whose plain values are secrets; objects and lists of such a name are settings ("refresh_token": {…}) and are
// looked into.
var endings = []string{"password", "secret", "token", "passwd"}

// isSecret reports whether a plain value of that name is a secret.
func isSecret(name string) bool {
	n := normal(name)
	if hidden[n] {
		return true
	}
	for _, ending := range endings {
		if strings.HasSuffix(n, ending) {
			return true
		}
	}
	return false
}

// normal gives a name without what its spellings differ in: clientSecret, Client-Secret and client_secret are one.
func normal(name string) string {
	return strings.ToLower(strings.NewReplacer("_", "", "-", "", ".", "").Replace(name))
}

// redactedValue gives what v is on the wire as the audit log may keep it; nil when it is nothing there.
func redactedValue(v any, secrets []string) any {
	raw, err := json.Marshal(v)
	if err != nil {
		return nil
	}
	return redactedJSON(raw, secrets)
}

// redactedJSON gives a body as the audit log may keep it; nil when it has none, or none that can be read.
func redactedJSON(raw []byte, secrets []string) any {
	var tree any
	if json.Unmarshal(raw, &tree) != nil {
		return nil
	}
	return redact(tree, secrets)
}

func redact(v any, secrets []string) any {
	switch v := v.(type) {
	case map[string]any:
		for name, value := range v {
			v[name] = redactProperty(name, value, secrets)
		}
	case []any:
		for i := range v {
			v[i] = redact(v[i], secrets)
		}
	}
	return v
}

func redactProperty(name string, value any, secrets []string) any {
	if value == nil {
		return nil // says that it was taken away, and nothing else
	}
	n := normal(name)
	if hidden[n] {
		return audit.Redacted
	}
	for _, own := range secrets {
		if n == normal(own) {
			return audit.Redacted
		}
	}
	switch value.(type) {
	case map[string]any, []any:
		return redact(value, secrets)
	case bool: // "requires_password": true is a setting
		return value
	}
	if isSecret(name) {
		return audit.Redacted
	}
	return value
}
