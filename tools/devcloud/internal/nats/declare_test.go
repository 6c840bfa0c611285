package nats_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/postern-id/postern/tools/devcloud/internal/nats"
)

func TestRead(t *testing.T) {
	t.Parallel()

	t.Run("the_repositorys_own_declarations_are_understood", func(t *testing.T) {
		t.Parallel()
		all, err := nats.Read("../../../../infra/nats")
		require.NoError(t, err)
		names := map[string]nats.Declaration{}
		for _, d := range all {
			if d.Stream != nil {
				names[d.Stream.Name] = d
			} else {
				names[d.Bucket.Name] = d
			}
		}
		require.Len(t, names, 3)
		require.Equal(t, "every", names["EVENTS"].In)
		require.Equal(t, 7*24*time.Hour, time.Duration(names["EVENTS"].Stream.MaxAge))
		require.Equal(t, 30*time.Second, time.Duration(names["routers"].Bucket.TTL))
	})

	for name, content := range map[string]string{
		"a_misspelt_field":  `{"in":"every","why":"","stream":{"name":"A","subjects":["a"],"storage":"file","max_agee":"1h"}}`,
		"an_unknown_place":  `{"in":"moon","why":"","bucket":{"name":"a","storage":"file"}}`,
		"an_unknown_store":  `{"in":"every","why":"","bucket":{"name":"a","storage":"tape"}}`,
		"neither_of_both":   `{"in":"every","why":""}`,
		"a_number_for_time": `{"in":"every","why":"","bucket":{"name":"a","storage":"file","ttl":30}}`,
	} {
		t.Run(name+"_is_refused_naming_the_file", func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			require.NoError(t, os.WriteFile(filepath.Join(dir, "x.json"), []byte(content), 0o600))
			_, err := nats.Read(dir)
			require.ErrorContains(t, err, "x.json")
		})
	}

	t.Run("an_empty_folder_is_refused_with_the_remedy", func(t *testing.T) {
		t.Parallel()
		_, err := nats.Read(t.TempDir())
		require.ErrorContains(t, err, "POSTERN_INFRA")
	})
}
