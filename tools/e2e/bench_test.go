//go:build integration

package e2e_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/postern-id/postern/libs/testkit"
)

// bencher is a customer of the dev cloud as it stands: sign-up by the Platform API, tokens by the Authentication API.
type bencher struct {
	cloud *testkit.Cloud
	http  *http.Client
}

func newBencher(b *testing.B) *bencher {
	b.Helper()
	cloud := testkit.DevCloud(b)
	pem, err := os.ReadFile(cloud.CAFile)
	if err != nil {
		b.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	transport := &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}, MaxIdleConnsPerHost: 256,
		DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
			_, port, err := net.SplitHostPort(addr)
			if err != nil {
				return nil, err
			}
			return (&net.Dialer{}).DialContext(ctx, network, net.JoinHostPort("127.0.0.1", port))
		},
	}
	return &bencher{cloud: cloud, http: &http.Client{Transport: transport, Timeout: time.Minute}}
}

func (x *bencher) call(ctx context.Context, method, target, token string, body, out any) error {
	raw, err := json.Marshal(body)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, method, target, bytes.NewReader(raw))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	res, err := x.http.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	if err != nil {
		return err
	}
	if res.StatusCode >= http.StatusBadRequest {
		return fmt.Errorf("%s %s: %d %s", method, target, res.StatusCode, answer)
	}
	return json.Unmarshal(answer, out)
}

// signedUp is what a sign-up ends in.
type signedUp struct {
	Status string `json:"status"`
	Tenant struct {
		Domain        string            `json:"domain"`
		ManagementAPI map[string]string `json:"management_api"`
	} `json:"tenant"`
}

// pollEvery is the resolution of a sign-up's time.
const pollEvery = 10 * time.Millisecond

func (x *bencher) signUp(ctx context.Context) (signedUp, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	name := "bench-" + strings.ToLower(rand.Text()[:12])
	var begun struct{ ID, Token string }
	err := x.call(ctx, http.MethodPost, x.cloud.URLs.PlatformAPI+"/v1/signups", "", map[string]string{
		"account": name, "email": name + "@example.com", "password": rand.Text(), "region": x.cloud.Regions[0],
	}, &begun)
	for err == nil {
		var now signedUp
		if err = x.call(ctx, http.MethodGet, x.cloud.URLs.PlatformAPI+"/v1/signups/"+begun.ID, begun.Token, nil, &now); err != nil {
			break
		}
		switch now.Status {
		case "ready":
			return now, nil
		case "failed":
			return now, fmt.Errorf("sign-up of %s failed", name)
		}
		select {
		case <-ctx.Done():
			err = fmt.Errorf("sign-up of %s is still %s: %w", name, now.Status, ctx.Err())
		case <-time.After(pollEvery):
		}
	}
	return signedUp{}, err
}

func (x *bencher) token(ctx context.Context, s signedUp) error {
	var answer struct {
		AccessToken string `json:"access_token"`
	}
	return x.call(ctx, http.MethodPost, "https://"+s.Tenant.Domain+"/oauth/token", "", map[string]string{
		"grant_type": "client_credentials", "client_id": s.Tenant.ManagementAPI["client_id"],
		"client_secret": s.Tenant.ManagementAPI["client_secret"], "audience": s.Tenant.ManagementAPI["audience"],
	}, &answer)
}

// BenchmarkSignUp is the time from the sign-up's first byte to the first token, one after another (the budget is a median of 1 s on
// an idle machine).
func BenchmarkSignUp(b *testing.B) {
	x := newBencher(b)
	var took []time.Duration
	for b.Loop() {
		start := time.Now()
		s, err := x.signUp(b.Context())
		if err == nil {
			err = x.token(b.Context(), s)
		}
		if err != nil {
			b.Fatal(err)
		}
		took = append(took, time.Since(start))
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Milliseconds()), "median-ms")
}

// BenchmarkMachineTokens asks a tenant for RS256 machine tokens over TLS through the whole cloud, 64 at a time. CPU is that of all server
// processes together: the product, the engines, PostgreSQL with its children.
func BenchmarkMachineTokens(b *testing.B) {
	x := newBencher(b)
	s, err := x.signUp(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	if err := x.token(b.Context(), s); err != nil {
		b.Fatal(err)
	}
	before, start := serverCPU(b, x.cloud), time.Now()
	b.SetParallelism(32)
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if err := x.token(b.Context(), s); err != nil {
				b.Error(err)
				return
			}
		}
	})
	b.StopTimer()
	wall, cpu := time.Since(start).Seconds(), serverCPU(b, x.cloud)-before
	b.ReportMetric(float64(b.N)/wall, "tokens/s")
	b.ReportMetric(float64(b.N)/cpu, "tokens/cpu-s")
	b.ReportMetric(cpu/float64(b.N)*1e6, "cpu-µs/token")
}

// serverCPU is what all server processes have used so far, in seconds.
func serverCPU(b *testing.B, cloud *testkit.Cloud) float64 {
	b.Helper()
	parents := map[int]bool{}
	for _, pid := range cloud.PIDs {
		parents[pid] = true
	}
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		b.Fatal(err)
	}
	ticks := 0
	for _, path := range stats {
		raw, err := os.ReadFile(path)
		if err != nil {
			continue // ended meanwhile
		}
		_, rest, _ := strings.Cut(string(raw), ") ") // the name may hold spaces
		pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(path)))
		fields := strings.Fields(rest) // state ppid …; utime and stime are the 12th and 13th (proc(5))
		if len(fields) < 13 {
			continue
		}
		parent, _ := strconv.Atoi(fields[1])
		if !parents[pid] && !parents[parent] {
			continue
		}
		utime, _ := strconv.Atoi(fields[11])
		stime, _ := strconv.Atoi(fields[12])
		ticks += utime + stime
	}
	const ticksPerSecond = 100 // USER_HZ on every Linux that Go runs on
	return float64(ticks) / ticksPerSecond
}
