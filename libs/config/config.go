// Package config fills documented configuration structs from the environment. Secrets are never values here, only paths.
package config

import (
	"errors"
	"fmt"
	"math"
	"reflect"
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
		return sentences(err)
	}
	return into.Validate()
}

// splitList makes lists of comma-separated values.
func splitList(from, to reflect.Type, value any) (any, error) {
	if from.Kind() != reflect.String || to != reflect.TypeFor[[]string]() {
		return value, nil
	}
	return List(reflect.ValueOf(value).String()), nil
}

// sentences says of each wrong variable what it should be. Values stay out: what was put into the wrong variable may be a secret.
func sentences(err error) error {
	var several interface{ Unwrap() []error }
	if errors.As(err, &several) {
		var all []error
		for _, one := range several.Unwrap() {
			all = append(all, sentences(one))
		}
		return errors.Join(all...)
	}
	var field *mapstructure.DecodeError
	if !errors.As(err, &field) {
		return fmt.Errorf("reading the environment: %w", err)
	}
	var parse *mapstructure.ParseError
	if !errors.As(err, &parse) {
		return fmt.Errorf(`%s must be a duration with its unit, as in "90s" or "5m"`, field.Name())
	}
	want := "true or false"
	switch t := parse.Expected; {
	case t.CanInt():
		want = fmt.Sprintf("a whole number of at most %d bits", t.Type().Bits())
	case t.CanUint():
		want = fmt.Sprintf("a whole number from 0 to %d", uint64(math.MaxUint64)>>(64-t.Type().Bits()))
	case t.CanFloat():
		want = "a number"
	}
	return fmt.Errorf("%s must be %s", field.Name(), want)
}

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
