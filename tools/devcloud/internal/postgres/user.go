package postgres

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"net"
	"os"
	"os/exec"
	"os/user"
	"strconv"
	"syscall"
)

// runAs is who the server runs as. PostgreSQL refuses to run as root, so root lends it another user.
type runAs struct {
	uid, gid uint32
	lent     bool // this process is root and the server is not
}

func unprivileged() (runAs, error) {
	if os.Geteuid() != 0 {
		return runAs{}, nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, uerr := strconv.ParseUint(u.Uid, 10, 32)
		gid, gerr := strconv.ParseUint(u.Gid, 10, 32)
		if uerr == nil && gerr == nil && uid != 0 {
			return runAs{uid: uint32(uid), gid: uint32(gid), lent: true}, nil
		}
	}
	return runAs{}, errors.New("PostgreSQL does not run as root and this machine has no user postgres or nobody; add one (useradd --system postgres) " +
		"or start as an ordinary user")
}

// own gives root's folder and everything in it to the server's user.
func (r runAs) own(dir string) error {
	if !r.lent {
		return nil
	}
	// Walked from within: the server's user owns what is here and must not lead root out by a link.
	within, err := os.OpenRoot(dir)
	if err != nil {
		return fmt.Errorf("opening the server's folder: %w", err)
	}
	defer func() { _ = within.Close() }()
	err = fs.WalkDir(within.FS(), ".", func(path string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := within.Lstat(path)
		if err != nil {
			return err
		}
		if st, ok := info.Sys().(*syscall.Stat_t); ok && st.Uid == r.uid && st.Gid == r.gid {
			if path == "data" {
				return fs.SkipDir // owned throughout: only this server writes there
			}
			return nil
		}
		return within.Lchown(path, int(r.uid), int(r.gid))
	})
	if err != nil {
		return fmt.Errorf("giving %s to the server's user: %w", dir, err)
	}
	return nil
}

// folder prepares cmd to run as the server's user with dir at hand, and gives the path by which the child knows dir.
//
// Root's clone may lie under folders that the server's user cannot pass (a 0700 mktemp -d, /root). The child therefore gets dir as an
// open file and goes by /proc/self/fd/3: following such a link asks for rights on dir alone and not on its parents. It is inherited by
// all that the server forks, and unlike a mount namespace it needs no right that a container would lack.
func (r runAs) folder(cmd *exec.Cmd, dir string) (path string, closeDir func(), err error) {
	cmd.Dir = "/" // the caller's folder may be closed to the server's user as well
	if !r.lent {
		return dir, func() {}, nil
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: r.uid, Gid: r.gid}}
	if _, err := os.Stat("/proc/self/fd"); err != nil {
		return dir, func() {}, nil //nolint:nilerr // no such trick outside Linux: an ordinary path must do
	}
	opened, err := os.Open(dir) //nolint:gosec // our data folder
	if err != nil {
		return "", nil, fmt.Errorf("opening the server's folder: %w", err)
	}
	cmd.ExtraFiles = []*os.File{opened} // file descriptor 3 of the child
	return "/proc/self/fd/3", func() { _ = opened.Close() }, nil
}

func freePort() uint32 {
	l, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // closed on the next line
	if err != nil {
		return 0
	}
	defer func() { _ = l.Close() }()
	if addr, ok := l.Addr().(*net.TCPAddr); ok && addr.Port <= math.MaxUint16 {
		return uint32(addr.Port) //nolint:gosec // a port
	}
	return 0
}
