// Package runner runs a program's tasks together: the first that fails stops the rest, and all are waited for.
package runner

import (
	"context"
	"errors"

	"golang.org/x/sync/errgroup"
)

// Task runs until ctx ends and returns nil then; any other return stops the program.
type Task func(ctx context.Context) error

// ErrEnded is what a task that returned nil before it was asked to counts as.
var ErrEnded = errors.New("a task ended before it was asked to")

// Run runs the tasks until ctx ends or one of them fails, and gives the first failure. The end of ctx is not one.
func Run(ctx context.Context, tasks ...Task) error {
	g, inner := errgroup.WithContext(ctx)
	for _, task := range tasks {
		g.Go(func() error {
			err := task(inner)
			if inner.Err() != nil && (err == nil || errors.Is(err, context.Canceled)) {
				return nil
			}
			if err == nil {
				return ErrEnded
			}
			return err
		})
	}
	return g.Wait()
}
