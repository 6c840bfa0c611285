package main

import (
	"context"
	"errors"
	"os"
	"testing"
	"time"
)

func TestCPUOf(t *testing.T) {
	t.Parallel()
	before := cpuOf([]int{os.Getpid()})
	turns := 0
	for began := time.Now(); time.Since(began) < 10*time.Second && cpuOf([]int{os.Getpid()}) < before+0.05; turns++ {
		_ = turns * turns
	}
	if used := cpuOf([]int{os.Getpid()}) - before; used < 0.05 {
		t.Fatalf("a busy process used %.2f s", used)
	}
	if used := cpuOf([]int{-1}); used != 0 {
		t.Fatalf("nobody used %.2f s", used)
	}
}

func TestMedian(t *testing.T) {
	t.Parallel()
	got := median([]round{{perCPUSecond: 3}, {perCPUSecond: 1}, {perCPUSecond: 2}})
	if got.perCPUSecond != 2 {
		t.Fatalf("the middle is %v", got.perCPUSecond)
	}
}

func TestRun(t *testing.T) {
	t.Parallel()
	used := 0.0
	cpu := func() float64 { used++; return used }
	slow := func(context.Context) error { time.Sleep(time.Millisecond); return nil }
	r, err := run(t.Context(), 50*time.Millisecond, cpu, []call{slow, slow})
	if err != nil || r.perSecond <= 0 || r.p50 < time.Millisecond || r.p99 < r.p50 {
		t.Fatalf("%+v %v", r, err)
	}
	failed := errors.New("no")
	_, err = run(t.Context(), 50*time.Millisecond, cpu, []call{slow, func(context.Context) error { return failed }})
	if !errors.Is(err, failed) {
		t.Fatalf("a failure is told: %v", err)
	}
}
