// Package folder owns the data folder: who may use it, which layout it has, and how files in it are written so that neither a crash
// nor another user gets at half of one.
package folder

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// Layout is the version of the folder's arrangement. It rises when an older folder cannot be used as it is.
const Layout = "1"

// Folder is a data folder that this process alone uses. Paths given to its methods are relative to it.
type Folder struct {
	root string
	lock *os.File
}

// Open makes the folder if need be, locks it and checks its layout. Errors are one sentence with the remedy.
func Open(root string) (*Folder, error) {
	if err := os.MkdirAll(root, 0o700); err != nil {
		return nil, fmt.Errorf("the data folder %s cannot be made (%w); set POSTERN_DATA to a folder you may write", root, err)
	}
	lock, err := os.OpenFile(filepath.Join(root, "lock"), os.O_CREATE|os.O_RDWR, 0o600) //nolint:gosec // the operator's own folder
	if err != nil {
		return nil, fmt.Errorf("the data folder %s cannot be written (%w); set POSTERN_DATA to a folder you may write", root, err)
	}
	f := &Folder{root: root, lock: lock}
	// flock goes with the open file, so the kernel lets go of it however this process ends.
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		pid, _ := os.ReadFile(lock.Name()) // only to name it
		_ = lock.Close()
		return nil, fmt.Errorf("another dev cloud (pid %s) runs on %s; stop it, or set POSTERN_DATA to another folder", strings.TrimSpace(string(pid)), root)
	}
	if err := f.begin(); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

func (f *Folder) begin() error {
	if err := f.lock.Truncate(0); err != nil {
		return fmt.Errorf("writing the lock: %w", err)
	}
	if _, err := f.lock.WriteAt([]byte(strconv.Itoa(os.Getpid())), 0); err != nil {
		return fmt.Errorf("writing the lock: %w", err)
	}
	found, err := f.Read("VERSION")
	switch {
	case errors.Is(err, os.ErrNotExist):
		if err := f.foreign(); err != nil {
			return err
		}
		return f.Write("VERSION", []byte(Layout+"\n"))
	case err != nil:
		return err
	}
	if v := strings.TrimSpace(string(found)); v != Layout {
		return fmt.Errorf("the data folder %s has layout %s and this dev cloud needs %s; move it away (mv %s %s-%s) to start afresh, "+
			"or run the release that made it", f.root, v, Layout, f.root, f.root, v)
	}
	return nil
}

// foreign refuses a folder that holds something and is no data folder: POSTERN_DATA=/home/me must not be taken over.
func (f *Folder) foreign() error {
	entries, err := os.ReadDir(f.root)
	if err != nil {
		return fmt.Errorf("listing the data folder: %w", err)
	}
	for _, e := range entries {
		if e.Name() != "lock" {
			return fmt.Errorf("%s holds other things (%s) and is no data folder; set POSTERN_DATA to a new or empty folder", f.root, e.Name())
		}
	}
	if err := os.Chmod(f.root, 0o700); err != nil { //nolint:gosec // a folder needs the x
		return fmt.Errorf("closing the data folder to others: %w", err)
	}
	return nil
}

// Close lets others have the folder.
func (f *Folder) Close() { _ = f.lock.Close() }

// Path gives the absolute path of a name in the folder.
func (f *Folder) Path(elem ...string) string {
	return filepath.Join(append([]string{f.root}, elem...)...)
}

// Dir makes a folder within, closed to others, and gives its absolute path.
func (f *Folder) Dir(elem ...string) (string, error) {
	dir := f.Path(elem...)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", fmt.Errorf("making a folder: %w", err)
	}
	return dir, nil
}

// Read reads a file; one that is not there is os.ErrNotExist.
func (f *Folder) Read(name string) ([]byte, error) {
	b, err := os.ReadFile(f.Path(name))
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", name, err)
	}
	return b, nil
}

// Write puts a file there whole or not at all, durably, readable to its owner only.
func (f *Folder) Write(name string, content []byte) error {
	path := f.Path(name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fmt.Errorf("writing %s: %w", name, err)
	}
	tmp, err := os.CreateTemp(filepath.Dir(path), ".tmp-*") // mode 0600
	if err != nil {
		return fmt.Errorf("writing %s: %w", name, err)
	}
	_, err = tmp.Write(content)
	err = errors.Join(err, tmp.Sync(), tmp.Close())
	if err == nil {
		err = os.Rename(tmp.Name(), path)
	}
	if err == nil {
		err = syncDir(filepath.Dir(path))
	}
	if err != nil {
		_ = os.Remove(tmp.Name())
		return fmt.Errorf("writing %s: %w", name, err)
	}
	return nil
}

// syncDir makes a rename last through a power cut.
func syncDir(dir string) error {
	d, err := os.Open(dir) //nolint:gosec // a folder of ours
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// ReadJSON fills into from a file; one that is not there is os.ErrNotExist.
func (f *Folder) ReadJSON(name string, into any) error {
	b, err := f.Read(name)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(b, into); err != nil {
		return fmt.Errorf("reading %s: %w", name, err)
	}
	return nil
}

// WriteJSON is Write of an indented JSON document.
func (f *Folder) WriteJSON(name string, v any) error {
	b, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return fmt.Errorf("writing %s: %w", name, err)
	}
	return f.Write(name, append(b, '\n'))
}

// Password gives the file's content, made of 32 random bytes in hexadecimal the first time. No trailing newline.
func (f *Folder) Password(name string) (string, error) {
	b, err := f.once(name, func() []byte {
		return []byte(hex.EncodeToString(random(32)))
	})
	return strings.TrimSpace(string(b)), err
}

// Key gives the file's 32 bytes, random the first time.
func (f *Folder) Key(name string) ([]byte, error) {
	return f.once(name, func() []byte { return random(32) })
}

func (f *Folder) once(name string, fresh func() []byte) ([]byte, error) {
	b, err := f.Read(name)
	if err == nil || !errors.Is(err, os.ErrNotExist) {
		return b, err
	}
	b = fresh()
	return b, f.Write(name, b)
}

func random(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails: crypto/rand.Read
	return b
}
