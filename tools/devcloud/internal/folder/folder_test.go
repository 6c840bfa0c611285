package folder_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/postern-id/postern/tools/devcloud/internal/folder"
)

func TestOpen(t *testing.T) {
	t.Parallel()

	t.Run("two_dev_clouds_on_one_folder_are_refused", func(t *testing.T) {
		t.Parallel()
		root := filepath.Join(t.TempDir(), "data")
		f, err := folder.Open(root)
		require.NoError(t, err)
		_, err = folder.Open(root)
		require.ErrorContains(t, err, "another dev cloud (pid ")
		require.ErrorContains(t, err, "set POSTERN_DATA")
		f.Close()
		again, err := folder.Open(root)
		require.NoError(t, err)
		again.Close()
	})

	t.Run("a_folder_of_another_layout_is_refused_with_the_remedy", func(t *testing.T) {
		t.Parallel()
		root := t.TempDir()
		require.NoError(t, os.WriteFile(filepath.Join(root, "VERSION"), []byte("0\n"), 0o600))
		_, err := folder.Open(root)
		require.ErrorContains(t, err, "has layout 0 and this dev cloud needs "+folder.Layout)
		require.ErrorContains(t, err, "mv "+root)
	})

	t.Run("a_folder_of_somebody_else_is_not_taken_over", func(t *testing.T) {
		t.Parallel()
		root := t.TempDir()
		require.NoError(t, os.WriteFile(filepath.Join(root, "thesis.tex"), nil, 0o600))
		_, err := folder.Open(root)
		require.ErrorContains(t, err, "thesis.tex")
	})
}

func TestFolder_Secrets(t *testing.T) {
	t.Parallel()
	f, err := folder.Open(filepath.Join(t.TempDir(), "data"))
	require.NoError(t, err)
	t.Cleanup(f.Close)

	t.Run("are_made_once_and_kept", func(t *testing.T) {
		t.Parallel()
		first, err := f.Password("secrets/a")
		require.NoError(t, err)
		again, err := f.Password("secrets/a")
		require.NoError(t, err)
		other, err := f.Password("secrets/b")
		require.NoError(t, err)
		require.Len(t, first, 64)
		require.Equal(t, first, again)
		require.NotEqual(t, first, other)
		key, err := f.Key("secrets/c")
		require.NoError(t, err)
		require.Len(t, key, 32)
	})

	t.Run("are_readable_to_their_owner_only", func(t *testing.T) {
		t.Parallel()
		_, err := f.Password("secrets/d")
		require.NoError(t, err)
		file, err := os.Stat(f.Path("secrets", "d"))
		require.NoError(t, err)
		require.Equal(t, os.FileMode(0o600), file.Mode().Perm())
		dir, err := os.Stat(f.Path("secrets"))
		require.NoError(t, err)
		require.Equal(t, os.FileMode(0o700), dir.Mode().Perm())
	})

	t.Run("a_file_that_is_not_there_is_told_apart", func(t *testing.T) {
		t.Parallel()
		_, err := f.Read("nothing")
		require.ErrorIs(t, err, os.ErrNotExist)
	})
}
