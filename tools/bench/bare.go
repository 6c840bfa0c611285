package main

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"runtime"
	"syscall"
	"time"
)

const bareLife = 500 * time.Millisecond

// digest is of what is signed; its content does not matter.
var digest = sha256.Sum256([]byte("header.payload"))

// signRS256 gives the bare signature of Go, 2048 bits.
func signRS256() func() error {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	return func() error {
		if err != nil {
			return err
		}
		_, err := rsa.SignPKCS1v15(nil, key, crypto.SHA256, digest[:])
		return err
	}
}

func signES256() func() error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	return func() error {
		if err != nil {
			return err
		}
		_, err := ecdsa.SignASN1(rand.Reader, key, digest[:])
		return err
	}
}

// processorTime gives the processor seconds that one do takes, on one thread, whatever else the machine does.
func processorTime(do func() error) (float64, error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	before, err := threadTime()
	if err != nil {
		return 0, err
	}
	times := 0
	for start := time.Now(); time.Since(start) < bareLife; times++ {
		if err := do(); err != nil {
			return 0, err
		}
	}
	after, err := threadTime()
	return (after - before) / float64(times), err
}

func threadTime() (float64, error) {
	const thread = 1 // RUSAGE_THREAD
	var u syscall.Rusage
	err := syscall.Getrusage(thread, &u)
	return float64(u.Utime.Nano()+u.Stime.Nano()) / 1e9, err
}
