// Package config fills documented configuration structs from the environment. Secrets are never values here, only paths.
package config

import (
	"fmt"
	"strings"

	"github.com/go-viper/mapstructure/v2"
	"github.com/knadh/koanf/providers/env/v2"
	"github.com/knadh/koanf/v2"
)

// Prefix is what every variable of the platform starts with.
const Prefix = "POSTERN_"

// Validator is a configuration that knows what is wrong with it.
type Validator interface {
	// Validate fills defaults in and says in one sentence what cannot work, naming the variable.
	Validate() error
}

// Load fills into from the environment by its fields' `env` tags, then validates it. Durations are written "5s"; lists are
// separated by commas. A variable that is not set leaves its field as it is.
func Load(into Validator) error {
	k := koanf.New("\x00") // no variable holds the delimiter: names stay flat
	err := k.Load(env.Provider("\x00", env.Opt{Prefix: Prefix, TransformFunc: func(name, value string) (string, any) {
		if value == "" {
			return "", nil
		}
		return name, value
	}}), nil)
	if err != nil {
		return fmt.Errorf("reading the environment: %w", err)
	}
	err = k.UnmarshalWithConf("", into, koanf.UnmarshalConf{Tag: "env", DecoderConfig: &mapstructure.DecoderConfig{
		TagName: "env", WeaklyTypedInput: true, Result: into, Squash: true,
		DecodeHook: mapstructure.ComposeDecodeHookFunc(mapstructure.StringToTimeDurationHookFunc(), splitList),
	}})
	if err != nil {
		return fmt.Errorf("reading the environment: %w", err)
	}
	return into.Validate()
}

var splitList = mapstructure.StringToSliceHookFunc(",")

// List splits a comma-separated value, dropping blanks.
func List(value string) []string {
	var out []string
	for item := range strings.SplitSeq(value, ",") {
		if item = strings.TrimSpace(item); item != "" {
			out = append(out, item)
		}
	}
	return out
}
