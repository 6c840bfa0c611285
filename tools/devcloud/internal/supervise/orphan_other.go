//go:build !linux

package supervise

import "syscall"

// dieWithParent has no counterpart outside Linux: there, children end with an orderly stop only.
func dieWithParent(*syscall.SysProcAttr, syscall.Signal) {}
