//go:build integration

package pgkit_test

import (
	"context"
	"encoding/binary"
	"io"
	"net"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/libs/pgkit"
	"github.com/postern-id/postern/libs/testkit"
)

// A server that stops ends connections at any moment, also between its word that a transaction is committed and the end of its answer.
func TestInTenant_connection_ends_at_the_commit(t *testing.T) { //nolint:tparallel // its parts build on each other
	t.Parallel()
	d, tenant := database(t), testkit.Tenants(1)[0]
	add := func(conf pgkit.Config, id string) error {
		pool, err := pgkit.Open(t.Context(), conf, quiet)
		require.NoError(t, err)
		defer pool.Close()
		return pgkit.InTenant(t.Context(), pool, tenant, func(tx pgx.Tx) error {
			_, err := tx.Exec(t.Context(), "insert into things (tenant_id, id, name) values ($1, $2, 'a thing')", tenant, id)
			if err != nil {
				return err
			}
			return pgkit.AppendOutbox(t.Context(), tx, tenant, "postern.kit.thing.added", id, []byte("{}"))
		})
	}
	there := func() (n int) {
		require.NoError(t, pgkit.InTenantRead(t.Context(), d.Pool, tenant, func(tx pgx.Tx) (err error) {
			n, err = countThings(t.Context(), tx)
			return err
		}))
		return n
	}
	through := func(pass bool) pgkit.Config {
		conf := d.Config
		conf.Addr, conf.SSLMode = cutAtCommit(t, d.Config.Addr, pass), "disable"
		return conf
	}

	t.Run("what_the_server_said_is_committed_is", func(t *testing.T) {
		require.NoError(t, add(through(true), "said"))
		require.Equal(t, 1, there())
	})
	t.Run("without_a_word_of_it_nobody_knows", func(t *testing.T) {
		testkit.RequireFault(t, add(through(false), "not said"), fault.KindUnavailable)
		require.Equal(t, 2, there(), "here it was")
	})
}

// cutAtCommit is a way to the server that ends with its word of a commit; pass says whether that still comes through.
func cutAtCommit(t *testing.T, server string, pass bool) (addr string) {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			go cut(t.Context(), client, server, pass)
		}
	}()
	return l.Addr().String()
}

// cut hands messages on until there is one of a commit (PostgreSQL's protocol 3, "Message Formats": CommandComplete).
func cut(ctx context.Context, client net.Conn, server string, pass bool) {
	defer client.Close() //nolint:errcheck // broken off on purpose
	network := "tcp"
	if strings.HasPrefix(server, "/") {
		network, server = "unix", server+"/.s.PGSQL.5432"
	}
	upstream, err := (&net.Dialer{}).DialContext(ctx, network, server)
	if err != nil {
		return
	}
	defer upstream.Close() //nolint:errcheck // as above
	go func() { _, _ = io.Copy(upstream, client) }()
	for {
		head := make([]byte, 5)
		if _, err := io.ReadFull(upstream, head); err != nil {
			return
		}
		message := make([]byte, 1+binary.BigEndian.Uint32(head[1:]))
		copy(message, head)
		if _, err := io.ReadFull(upstream, message[len(head):]); err != nil {
			return
		}
		committed := head[0] == 'C' && string(message[len(head):]) == "COMMIT\x00"
		if committed && !pass {
			return
		}
		if _, err := client.Write(message); err != nil || committed {
			return
		}
	}
}
