package main

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"
)

// call is one request, or the few that belong together, of a worker. It gives an error when the answer is not what it should be.
type call func(ctx context.Context) error

// round is what one round of load saw.
type round struct {
	perSecond, perCPUSecond float64
	p50, p99                time.Duration
}

// run keeps a worker for each of the calls busy for a while: it asks again when it has its answer.
func run(ctx context.Context, life time.Duration, cpu func() float64, calls []call) (round, error) {
	ctx, cancel := context.WithTimeout(ctx, life+30*time.Second)
	defer cancel()
	var (
		mu    sync.Mutex
		took  []time.Duration
		first error
		wg    sync.WaitGroup
	)
	before, start := cpu(), time.Now()
	for _, do := range calls {
		wg.Go(func() {
			var own []time.Duration
			for time.Since(start) < life {
				began := time.Now()
				if err := do(ctx); err != nil {
					mu.Lock()
					if first == nil {
						first = err
					}
					mu.Unlock()
					return
				}
				own = append(own, time.Since(began))
			}
			mu.Lock()
			took = append(took, own...)
			mu.Unlock()
		})
	}
	wg.Wait()
	wall, used := time.Since(start).Seconds(), cpu()-before
	if first != nil {
		return round{}, first
	}
	if len(took) == 0 || used <= 0 {
		return round{}, fmt.Errorf("%d answers in %.1f s and %.2f CPU-seconds", len(took), wall, used)
	}
	slices.Sort(took)
	return round{
		perSecond: float64(len(took)) / wall, perCPUSecond: float64(len(took)) / used,
		p50: took[len(took)/2], p99: took[len(took)*99/100],
	}, nil
}

// median gives the round in the middle by requests per CPU-second.
func median(rounds []round) round {
	rounds = slices.Clone(rounds)
	slices.SortFunc(rounds, func(a, b round) int {
		switch {
		case a.perCPUSecond < b.perCPUSecond:
			return -1
		case a.perCPUSecond > b.perCPUSecond:
			return 1
		}
		return 0
	})
	return rounds[len(rounds)/2]
}
