package config

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// holder names the process that listens on port, as far as this user may see it, from Linux' /proc.
func holder(port string) string {
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		return "another program"
	}
	inode := listeningInode(fmt.Sprintf("%04X", n))
	if inode == "" {
		return "another program"
	}
	links, err := filepath.Glob("/proc/[0-9]*/fd/*")
	if err != nil {
		return "another program"
	}
	for _, link := range links {
		if target, err := os.Readlink(link); err == nil && target == "socket:["+inode+"]" {
			pid := strings.Split(link, "/")[2]
			if comm, err := os.ReadFile(filepath.Join("/proc", pid, "comm")); err == nil { //nolint:gosec // a path of the kernel's
				return fmt.Sprintf("%s (pid %s)", strings.TrimSpace(string(comm)), pid)
			}
		}
	}
	return "another user's program"
}

// listeningInode finds the listening socket of a port given in hexadecimal.
func listeningInode(hexPort string) string {
	const listening = "0A"
	for _, table := range []string{"/proc/net/tcp", "/proc/net/tcp6"} {
		f, err := os.Open(table) //nolint:gosec // one of two names
		if err != nil {
			continue
		}
		lines := bufio.NewScanner(f)
		for lines.Scan() {
			fields := strings.Fields(lines.Text())
			if len(fields) > 9 && fields[3] == listening && strings.HasSuffix(fields[1], ":"+hexPort) {
				_ = f.Close()
				return fields[9]
			}
		}
		_ = f.Close()
	}
	return ""
}
