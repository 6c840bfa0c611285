package vaultkit

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/hashicorp/vault/api"

	"github.com/postern-id/postern/libs/fault"
)

// translate turns what Vault, or the way to it, answered into a fault. A caller who left gets its own context's error back.
func translate(caller context.Context, err error) error {
	var known *fault.Error
	switch {
	case err == nil:
		return nil
	case errors.Is(caller.Err(), context.Canceled):
		return fmt.Errorf("waiting for vault: %w", caller.Err())
	case errors.As(err, &known):
		return err
	}
	status := statusOf(err)
	switch {
	case status == http.StatusNotFound:
		return fault.NotFound("the key does not exist").Because(err)
	case status == http.StatusTooManyRequests, status >= http.StatusInternalServerError, status == 0 && isNetwork(err):
		return fault.Unavailable("the key service is away").Because(err)
	default:
		return fault.Internal(fmt.Errorf("calling vault: %w", err))
	}
}

// statusOf is the status Vault answered with, or 0.
func statusOf(err error) int {
	if res, ok := errors.AsType[*api.ResponseError](err); ok {
		return res.StatusCode
	}
	return 0
}

// isNetwork holds for what happens on the way: refused, reset, cut off, timed out.
func isNetwork(err error) bool {
	var way interface{ Timeout() bool } // net.Error without its deprecated half; *url.Error wraps all of net/http's
	return errors.As(err, &way) || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, io.ErrUnexpectedEOF)
}

// noSuchKey recognises how transit words a key that is not there ("signing key not found", "no existing key named …").
func noSuchKey(message string) bool {
	return strings.Contains(message, "not found") || strings.Contains(message, "no existing key named")
}
