package processkit_test

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/postern-id/postern/libs/processkit"
	"github.com/postern-id/postern/libs/telemetry"
)

type settings struct{ err error }

func (s settings) Validate() error { return s.err }

func TestMain_ExitCode(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		valid, run error
		want       int
	}{
		"a_process_that_was_asked_to_end_is_0":         {want: 0},
		"a_configuration_that_cannot_work_is_2":        {valid: errors.New("POSTERN_X is not set"), want: 2},
		"a_process_that_fails_is_1":                    {run: errors.New("no engine"), want: 1},
		"a_bad_configuration_is_told_before_it_is_run": {valid: errors.New("POSTERN_X is not set"), run: errors.New("ran"), want: 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ran := false
			got := processkit.Main("test", &settings{err: c.valid}, func(context.Context, *telemetry.Telemetry) error {
				ran = true
				return c.run
			})
			require.Equal(t, c.want, got)
			require.Equal(t, c.valid == nil, ran)
		})
	}
}

func TestConfig(t *testing.T) {
	t.Parallel()
	var c processkit.Config
	require.ErrorContains(t, c.Validate(), "POSTERN_LISTEN_ADDR")
	c.ListenAddr = "127.0.0.1:0"
	require.ErrorContains(t, c.Validate(), "POSTERN_INTERNAL_CERT_FILE", "services speak mTLS, or do not start")
	_, err := c.Seal()
	require.ErrorContains(t, err, "POSTERN_EDGE_KEY_FILE")
}
