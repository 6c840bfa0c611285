// Command devcloud runs Postern and every engine it needs on one machine: what "make run" starts. See the README beside go.mod.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"
	"time"

	"github.com/postern-id/postern/tools/devcloud/internal/cloud"
	"github.com/postern-id/postern/tools/devcloud/internal/config"
)

const usage = `Usage: devcloud [up]

Runs PostgreSQL, Vault, NATS, Temporal, a mail sink and Postern itself, with
everything kept in one folder. Ctrl-C stops it all. Settings are POSTERN_*
variables of the environment; the README lists them.
`

func main() {
	switch args := os.Args[1:]; {
	case len(args) == 0, len(args) == 1 && args[0] == "up":
	case len(args) == 1 && (args[0] == "help" || args[0] == "-h" || args[0] == "--help"):
		_, _ = os.Stdout.WriteString(usage)
		return
	default:
		_, _ = os.Stderr.WriteString(usage)
		os.Exit(2)
	}
	// Vault signs in this process. Its garbage is short-lived and the machine has the memory: collect less often, up to a gigabyte.
	debug.SetGCPercent(400)
	debug.SetMemoryLimit(1 << 30)
	if err := up(); err != nil {
		_, _ = fmt.Fprintln(os.Stderr, "devcloud: "+err.Error())
		os.Exit(1)
	}
}

func up() error {
	cfg, err := config.Load(os.LookupEnv)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	go func() {
		<-signals
		_, _ = os.Stdout.WriteString("\nstopping; once more to force it\n")
		cancel()
		// One Ctrl-C may arrive twice: from the terminal, and passed on by make or a wrapper.
		for asked := time.Now(); time.Since(asked) < time.Second; {
			<-signals
		}
		os.Exit(130) // children are told by the kernel
	}()
	c, err := cloud.Open(ctx, cfg, os.Stdout)
	if err != nil {
		return err
	}
	defer c.Close()
	return c.Run(ctx)
}
