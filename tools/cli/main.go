// Command postern is the command line of the identity cloud: sign up, create tenants, manage clients, follow logs.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/postern-id/postern/tools/cli/internal/command"
)

func main() {
	os.Exit(start())
}

func start() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends the program at once
	if err := command.New(os.Stdout, os.Stderr).ExecuteContext(ctx); err != nil {
		if ctx.Err() != nil {
			return 130
		}
		fmt.Fprintln(os.Stderr, "postern:", err)
		return 1
	}
	return 0
}
