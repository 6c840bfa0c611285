package config_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/postern-id/postern/libs/config"
)

type engine struct {
	URL     string        `env:"POSTERN_T_URL"`
	Timeout time.Duration `env:"POSTERN_T_TIMEOUT"`
}

type Service struct {
	Engine  engine   `env:",squash"`
	Regions []string `env:"POSTERN_T_REGIONS"`
	Port    int      `env:"POSTERN_T_PORT"`
	Rate    float64  `env:"POSTERN_T_RATE"`
	Lanes   uint8    `env:"POSTERN_T_LANES"`
	On      bool     `env:"POSTERN_T_ON"`
}

// process is a configuration as cmd has it: another one squashed into it, which squashes others.
type process struct {
	Service `env:",squash"`

	Wait time.Duration `env:"POSTERN_T_WAIT"`
	// Shared is the same variable as the engine's: both fields get it.
	Shared string `env:"POSTERN_T_URL"`

	derived string
	invalid error
}

func (p *process) Validate() error {
	p.derived = p.Engine.URL + "!"
	return p.invalid
}

// The environment belongs to the process, so these do not run in parallel.
func TestLoad(t *testing.T) {
	t.Run("fills_nested_structs_durations_and_lists", func(t *testing.T) {
		for name, value := range map[string]string{
			"URL": "nats://here", "TIMEOUT": "1m30s", "REGIONS": " us, eu ,,", "PORT": "8443", "RATE": "2.5", "LANES": "255", "ON": "true", "WAIT": "5s",
		} {
			t.Setenv("POSTERN_T_"+name, value)
		}
		var p process
		require.NoError(t, config.Load(&p))
		require.Equal(t, process{
			Service: Service{
				Engine: engine{URL: "nats://here", Timeout: 90 * time.Second}, Regions: []string{"us", "eu"}, Port: 8443, Rate: 2.5, Lanes: 255, On: true,
			},
			Wait: 5 * time.Second, Shared: "nats://here", derived: "nats://here!",
		}, p)
	})
	t.Run("what_is_not_set_or_empty_stays", func(t *testing.T) {
		t.Setenv("POSTERN_T_PORT", "")
		t.Setenv("OTHER_T_PORT", "9")
		p := process{Service: Service{Port: 7, Regions: []string{"eu"}}}
		require.NoError(t, config.Load(&p))
		require.Equal(t, 7, p.Port)
		require.Equal(t, []string{"eu"}, p.Regions)
	})
	t.Run("what_validate_says_comes_through", func(t *testing.T) {
		wrong := errors.New("POSTERN_T_URL is not set")
		require.ErrorIs(t, config.Load(&process{invalid: wrong}), wrong)
	})
	for name, want := range map[string]string{
		"PORT=eighty":            "POSTERN_T_PORT must be a whole number of at most 64 bits",
		"LANES=256":              "POSTERN_T_LANES must be a whole number from 0 to 255",
		"LANES=-1":               "POSTERN_T_LANES must be a whole number from 0 to 255",
		"RATE=fast":              "POSTERN_T_RATE must be a number",
		"ON=perhaps":             "POSTERN_T_ON must be true or false",
		"TIMEOUT=5":              `POSTERN_T_TIMEOUT must be a duration with its unit, as in "90s" or "5m"`,
		"WAIT=s3cret-in-a-field": `POSTERN_T_WAIT must be a duration with its unit, as in "90s" or "5m"`,
	} {
		t.Run("names_the_wrong_variable_"+name, func(t *testing.T) {
			variable, value, _ := strings.Cut(name, "=")
			t.Setenv("POSTERN_T_"+variable, value)
			require.EqualError(t, config.Load(&process{}), want)
		})
	}
	t.Run("names_all_wrong_variables_at_once", func(t *testing.T) {
		t.Setenv("POSTERN_T_PORT", "x")
		t.Setenv("POSTERN_T_RATE", "y")
		err := config.Load(&process{})
		require.ErrorContains(t, err, "POSTERN_T_PORT must be")
		require.ErrorContains(t, err, "POSTERN_T_RATE must be")
	})
}

func TestList(t *testing.T) {
	t.Parallel()
	require.Equal(t, []string{"a", "b c"}, config.List(" a ,, b c,"))
	require.Empty(t, config.List(" , "))
}
