//go:build integration

package vaultkit_test

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"os"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/postern-id/postern/libs/vaultkit"
)

// callers sign at once, as so many requests for tokens would.
const callers = 128

// clockTick is what /proc counts processor time in (USER_HZ, which Linux fixes at 100 for user space).
const clockTick = 10 * time.Millisecond

// BenchmarkSign compares signing through Vault, gathered and one by one, with what the processor does for a key in memory. It
// reports signatures per second, and per second of processor time of this process and Vault's together.
func BenchmarkSign(b *testing.B) {
	d := openDev(b)
	client := d.open(b)
	input := []byte(strings.Repeat("eyJhbGciOiJSUzI1NiJ9.", 40)) // as long as an access token's header and payload
	for _, alg := range []vaultkit.Alg{vaultkit.RS256, vaultkit.ES256} {
		ref := vaultkit.KeyRef{Key: "bench-" + strings.ToLower(string(alg)), Version: 1, Alg: alg}
		require.NoError(b, client.CreateSigningKey(b.Context(), ref.Key, alg))
		bare := bareSigner(b, alg)
		batcher := vaultkit.NewBatcher(client, vaultkit.BatchConfig{})

		b.Run(string(alg)+"/bare", func(b *testing.B) {
			d.measure(b, runtime.GOMAXPROCS(0), func(context.Context) error { return bare(input) })
		})
		b.Run(string(alg)+"/batched", func(b *testing.B) {
			d.measure(b, callers, func(ctx context.Context) error {
				_, err := batcher.Sign(ctx, ref, input)
				return err
			})
		})
		b.Run(string(alg)+"/unbatched", func(b *testing.B) {
			d.measure(b, callers, func(ctx context.Context) error {
				_, err := client.SignUnbatched(ctx, ref, input)
				return err
			})
		})
		b.Run(string(alg)+"/lone_batched", func(b *testing.B) {
			d.measure(b, 1, func(ctx context.Context) error {
				_, err := batcher.Sign(ctx, ref, input)
				return err
			})
		})
		b.Run(string(alg)+"/lone_unbatched", func(b *testing.B) {
			d.measure(b, 1, func(ctx context.Context) error {
				_, err := client.SignUnbatched(ctx, ref, input)
				return err
			})
		})
	}
}

// measure runs sign b.N times from n goroutines.
func (d dev) measure(b *testing.B, n int, sign func(context.Context) error) {
	b.Helper()
	work := make(chan struct{}, n)
	done := make(chan error, n)
	pids := []int{os.Getpid()}
	if d.pid > 0 && d.pid != os.Getpid() {
		pids = append(pids, d.pid)
	}
	before := processorTime(b, pids)
	b.ResetTimer()
	started := time.Now()
	for range n {
		go func() {
			for range work {
				if err := sign(b.Context()); err != nil {
					done <- err
					return
				}
			}
			done <- nil
		}()
	}
	for range b.N {
		work <- struct{}{}
	}
	close(work)
	for range n {
		require.NoError(b, <-done)
	}
	took := time.Since(started)
	b.StopTimer()
	used := processorTime(b, pids) - before
	b.ReportMetric(float64(b.N)/took.Seconds(), "sig/s")
	if used > 0 {
		b.ReportMetric(float64(b.N)/used.Seconds(), "sig/cpu-s")
	}
}

// bareSigner signs with a key in this process.
func bareSigner(b *testing.B, alg vaultkit.Alg) func(input []byte) error {
	b.Helper()
	if alg == vaultkit.ES256 {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		require.NoError(b, err)
		return func(input []byte) error {
			digest := sha256.Sum256(input)
			_, _, err := ecdsa.Sign(rand.Reader, key, digest[:])
			return err
		}
	}
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(b, err)
	return func(input []byte) error {
		digest := sha256.Sum256(input)
		_, err := rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, digest[:])
		return err
	}
}

// processorTime is the user and system time of the processes so far (proc(5), fields 14 and 15 of stat).
func processorTime(b *testing.B, pids []int) time.Duration {
	b.Helper()
	var total time.Duration
	for _, pid := range pids {
		raw, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
		require.NoError(b, err)
		_, after, _ := strings.Cut(string(raw), ") ") // the command's name may hold anything but this
		fields := strings.Fields(after)
		for _, i := range []int{14 - 3, 15 - 3} {
			ticks, err := strconv.ParseInt(fields[i], 10, 64)
			require.NoError(b, err)
			total += time.Duration(ticks) * clockTick
		}
	}
	return total
}
