package token

import (
	"strings"

	"github.com/postern-id/postern/libs/fault"
)

// checkMetadata holds what administrators note beside sessions and refresh tokens to the wire's bounds.
func checkMetadata(property string, metadata map[string]string) error {
	refuse := func(what, at string) error {
		return fault.Invalid("invalid_body", "Payload validation error: '"+what+"' on property "+at+".")
	}
	if len(metadata) > maxMetadata {
		return refuse("Too many properties defined, maximum 25", property)
	}
	for name, value := range metadata {
		if strings.IndexFunc(name, notWordly) >= 0 || name == "" || len(name) > maxMetadataText {
			return refuse("Names are up to 255 letters, digits, _ and -", property)
		}
		if len([]rune(value)) > maxMetadataText || strings.ContainsRune(value, 0) {
			return refuse("Values are up to 255 characters", property+"."+name)
		}
	}
	return nil
}

func notWordly(r rune) bool {
	return r != '_' && r != '-' && (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z')
}
