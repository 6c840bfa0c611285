package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"time"
)

// goal is a scenario and the ratio to the best peer per CPU-second that Postern is built for.
type goal struct {
	scenario string
	stored   bool    // compared with peers on PostgreSQL alone; those in memory count where nothing is stored
	ratio    float64 // zero: none
	crowd    int     // how many times the workers ask
}

// Machines, and all who check tokens by a document of ours, come in crowds: that is when signatures are gathered, and when a processor
// is what is short rather than a turn. Each line says how many ask at a time.
const crowd = 4

var goals = []goal{
	{machineRS256, false, 0, crowd},
	{machineES256, false, 1.3, crowd},
	{machineES256, false, 1.3, 4 * crowd},
	{refreshing + " RS256", true, 1.5, 1},
	{refreshing + " HS256", true, 1.5, 1},
	{codeLogin + " RS256", true, 1.5, 1},
	{codeLogin + " HS256", true, 1.5, 1},
	{userinfo, true, 1.5, 1},
	{discovery, false, 2, crowd},
	{keySet, false, 2, crowd},
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := bench(ctx, os.Stdout)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func bench(ctx context.Context, out io.Writer) (err error) {
	devJSON := flag.String("dev", os.Getenv("POSTERN_DEV_JSON"), "the dev cloud's `dev.json`")
	program := flag.String("hydra", "", "Ory Hydra's `program`; empty: without it")
	rounds := flag.Int("rounds", 3, "rounds of each scenario; the median counts")
	life := flag.Duration("for", 4*time.Second, "how long a round lasts")
	workers := flag.Int("workers", 16, "requests at a time; of what is asked for by crowds several times as many, as each line says")
	peers := flag.Bool("peers", true, "measure the others beside Postern; without them there are no ratios, as is enough to profile")
	only := flag.String("only", "", "scenarios whose name holds this `text`")
	profiled := flag.String("profile", "", "write what Postern's time goes into to this `file`")
	flag.Parse()

	var products []product
	defer func() {
		for _, p := range products {
			p.stop()
		}
	}()
	add := func(p product, err error) error {
		if err == nil {
			products = append(products, p)
			fmt.Fprintln(out, "bench:", p.name(), "is ready")
		}
		return err
	}
	if *devJSON == "" {
		return errors.New("name the dev cloud's dev.json, or set POSTERN_DEV_JSON")
	}
	own, err := newPostern(ctx, *devJSON)
	if err := add(own, err); err != nil {
		return fmt.Errorf("postern: %w", err)
	}
	var prof profiler
	if *profiled != "" {
		prof.url = own.private + "/debug/pprof/profile"
	}
	for _, onPostgres := range []bool{false, true} {
		if !*peers {
			break
		}
		if err := add(newNode(ctx, onPostgres)); err != nil {
			return fmt.Errorf("oidc-provider: %w", err)
		}
	}
	if *program != "" {
		for _, alg := range []string{"RS256", "ES256"} {
			if err := add(newHydra(ctx, *program, alg)); err != nil {
				return fmt.Errorf("hydra: %w", err)
			}
		}
	}
	fmt.Fprintln(out)
	for _, bare := range []struct {
		alg string
		do  func() error
	}{{"RS256", signRS256()}, {"ES256", signES256()}} {
		took, err := processorTime(bare.do)
		if err != nil {
			return fmt.Errorf("signing: %w", err)
		}
		fmt.Fprintf(out, "bench: a bare %s signature of Go takes %.0f CPU-µs\n", bare.alg, took*1e6)
	}
	fmt.Fprintf(out, "\n%-34s %-26s %9s %9s %9s %12s %11s\n", "", "", "req/s", "p50", "p99", "req/CPU-s", "CPU-µs/req")
	for _, g := range goals {
		if !strings.Contains(g.scenario, *only) {
			continue
		}
		err := prof.during(ctx, *life, func() error {
			return compare(ctx, out, products, g, *rounds, *workers*g.crowd, *life)
		})
		if err != nil {
			return fmt.Errorf("%s: %w", g.scenario, err)
		}
	}
	if *profiled != "" {
		return prof.write(*profiled)
	}
	return nil
}

// compare lets the products take turns at a scenario and prints what came of it.
func compare(ctx context.Context, out io.Writer, products []product, g goal, rounds, workers int, life time.Duration) error {
	type entry struct {
		p      product
		calls  []call
		rounds []round
	}
	var entries []*entry
	for _, p := range products {
		newCall := p.calls(ctx, g.scenario)
		if newCall == nil {
			continue
		}
		e := &entry{p: p}
		for worker := range min(workers, p.most()) {
			c, err := newCall(worker)
			if err == nil {
				err = c(ctx) // warm, and right
			}
			if err != nil {
				return fmt.Errorf("%s: %w", p.name(), err)
			}
			e.calls = append(e.calls, c)
		}
		entries = append(entries, e)
	}
	for range rounds {
		for _, e := range entries {
			r, err := run(ctx, life, e.p.cpu, e.calls)
			if err != nil {
				return fmt.Errorf("%s: %w", e.p.name(), err)
			}
			e.rounds = append(e.rounds, r)
		}
	}
	var own, best float64
	for i, e := range entries {
		r := median(e.rounds)
		title := ""
		if i == 0 {
			title, own = fmt.Sprintf("%s (%d)", g.scenario, workers), r.perCPUSecond
		} else if !g.stored || !strings.Contains(e.p.name(), "memory") {
			best = max(best, r.perCPUSecond)
		}
		fmt.Fprintf(out, "%-34s %-26s %9.0f %9s %9s %12.0f %11.0f\n", title, e.p.name(), r.perSecond, r.p50.Round(100*time.Microsecond), r.p99.Round(100*time.Microsecond), r.perCPUSecond, 1e6/r.perCPUSecond)
	}
	if best == 0 {
		_, err := fmt.Fprintln(out) // nobody to compare with
		return err
	}
	verdict := ""
	if g.ratio > 0 {
		verdict = fmt.Sprintf(", goal %.1f: reached", g.ratio)
		if own/best < g.ratio {
			verdict = fmt.Sprintf(", goal %.1f: NOT reached", g.ratio)
		}
	}
	fmt.Fprintf(out, "%-34s %.2f times the best peer per CPU-second%s\n\n", "", own/best, verdict)
	return nil
}
