package client

import (
	"maps"
	"math"
	"slices"
	"strconv"
	"unicode/utf8"
)

// passwordPolicies are the strengths a database connection can ask for.
var passwordPolicies = []string{"none", "low", "fair", "good", "excellent"}

const (
	// maxAsked bounds the length that a connection may ask of passwords and usernames, in characters.
	maxAsked = 128
	// maxHistory is how many passwords of a user a connection can remember.
	maxHistory = 24
	// A connection's own dictionary has at most maxWords words of at most maxWord characters.
	maxWords, maxWord = 200, 50
)

// The types of JSON, as the wire calls them.
const (
	typeBool   = "boolean"
	typeObject = "object"
	typeArray  = "array"
	typeText   = "string"
)

// databaseTypes are the options of a database connection whose type is held at the door; null unsets each.
var databaseTypes = map[string]string{
	"passwordPolicy": typeText, "password_complexity_options": typeObject, "password_history": typeObject, "password_no_personal_info": typeObject,
	"password_dictionary": typeObject, "requires_username": typeBool, "validation": typeObject, "attributes": typeObject, "mfa": typeObject,
	"brute_force_protection": typeBool, "import_mode": typeBool, "disable_signup": typeBool, "enable_script_context": typeBool,
	"enabledDatabaseCustomization": typeBool, "disable_self_service_change_password": typeBool, "realm_fallback": typeBool,
	"customScripts": typeObject, "configuration": typeObject, "authentication_methods": typeObject, "passkey_options": typeObject,
	"precedence": typeArray, "non_persistent_attrs": typeArray, "upstream_params": typeObject,
}

func (c Connection) checkDatabase() error {
	o := c.Options
	for _, name := range slices.Sorted(maps.Keys(databaseTypes)) {
		if err := typed(o, propOptions, name, databaseTypes[name]); err != nil {
			return err
		}
	}
	for _, check := range []func(Settings) error{checkPasswords, checkUsernames, checkAttributes} {
		if err := check(o); err != nil {
			return err
		}
	}
	return nil
}

func checkPasswords(o Settings) error {
	if policy := o["passwordPolicy"]; policy != nil && !slices.Contains(passwordPolicies, o.Text("passwordPolicy")) {
		return invalidAt("options.passwordPolicy", "No enum match for: %s", quoted(o.Text("passwordPolicy")))
	}
	if err := integer(o.Group("password_complexity_options"), "options.password_complexity_options", "min_length", 1, maxAsked); err != nil {
		return err
	}
	for _, name := range []string{"password_dictionary", "password_history", "password_no_personal_info"} {
		at := propOptions + "." + name
		switch rule := o.Group(name); {
		case rule == nil:
			continue
		case rule["enable"] == nil:
			return invalidAt(at, "Missing required property: enable")
		default:
			if err := typed(rule, at, "enable", typeBool); err != nil {
				return err
			}
		}
	}
	if err := integer(o.Group("password_history"), "options.password_history", "size", 0, maxHistory); err != nil {
		return err
	}
	return checkDictionary(o.Group("password_dictionary"))
}

func checkDictionary(dictionary Settings) error {
	const at = "options.password_dictionary.dictionary"
	if err := typed(dictionary, "options.password_dictionary", "dictionary", typeArray); err != nil {
		return err
	}
	words, _ := dictionary["dictionary"].([]any)
	if len(words) > maxWords {
		return invalidAt(at, "Array is too long (%d), maximum %d", len(words), maxWords)
	}
	for i, item := range words {
		word, ok := item.(string)
		n := utf8.RuneCountInString(word)
		switch path := at + "[" + strconv.Itoa(i) + "]"; {
		case !ok:
			return invalidAt(path, "Expected type string but found type %s", typeName(item))
		case n > maxWord:
			return invalidAt(path, "String is too long (%d chars), maximum %d", n, maxWord)
		}
	}
	return nil
}

func checkUsernames(o Settings) error {
	const at = "options.validation"
	if err := typed(o.Group("validation"), at, "username", typeObject); err != nil {
		return err
	}
	return lengths(o.Group("validation").Group("username"), at+".username", "min", "max")
}

// lengths holds two lengths to their bounds, and the one to the other.
func lengths(s Settings, at, least, most string) error {
	for _, name := range []string{least, most} {
		if err := integer(s, at, name, 1, maxAsked); err != nil {
			return err
		}
	}
	if s[least] != nil && s[most] != nil && s.Number(least) > s.Number(most) {
		return invalid("%s.%s must not be greater than %s.%s", at, least, at, most)
	}
	return nil
}

func checkAttributes(o Settings) error {
	attributes := o.Group("attributes")
	if attributes == nil {
		return nil
	}
	switch {
	case o.Flag("requires_username"):
		return invalid("Cannot set both options.attributes and options.requires_username")
	case o["validation"] != nil:
		return invalid("Cannot set both options.attributes and options.validation")
	}
	active := false
	for _, name := range slices.Sorted(maps.Keys(attributes)) {
		at := "options.attributes." + quoted(name)
		if err := typed(attributes, "options.attributes", name, typeObject); err != nil {
			return err
		}
		attribute := attributes.Group(name)
		for _, part := range []string{"identifier", "signup", "validation"} {
			if err := typed(attribute, at, part, typeObject); err != nil {
				return err
			}
		}
		if err := lengths(attribute.Group("validation"), at+".validation", "min_length", "max_length"); err != nil {
			return err
		}
		active = active || attribute.Group("identifier").Flag("active")
		if attribute.Flag("profile_required") && attribute.Group("signup").Text("status") != "required" {
			return invalid("attribute %s must also be required on signup", quoted(name))
		}
	}
	if !active {
		return invalid("attributes must contain one active identifier")
	}
	return nil
}

// typed refuses a property that is there, is not null and is of another type.
func typed(s Settings, at, name, want string) error {
	if v := s[name]; v != nil && typeName(v) != want {
		return invalidAt(at+"."+quoted(name), "Expected type %s but found type %s", want, typeName(v))
	}
	return nil
}

// integer refuses a property that is there, is not null and is no integer from least to most.
func integer(s Settings, at, name string, least, most float64) error {
	v := s[name]
	if v == nil {
		return nil
	}
	at += "." + name
	n, ok := v.(float64)
	switch {
	case !ok || n != math.Trunc(n):
		return invalidAt(at, "Expected type integer but found type %s", typeName(v))
	case n < least:
		return invalidAt(at, "Value %v is less than minimum %v", n, least)
	case n > most:
		return invalidAt(at, "Value %v is greater than maximum %v", n, most)
	}
	return nil
}

// typeName is the type of a JSON value, as the wire calls it.
func typeName(v any) string {
	switch v.(type) {
	case nil:
		return "null"
	case bool:
		return typeBool
	case string:
		return typeText
	case []any, []string:
		return typeArray
	case map[string]any, Settings:
		return typeObject
	}
	return "number"
}
