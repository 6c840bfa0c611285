package command

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/postern-id/postern/tools/cli/internal/cloud"
)

const followEvery = 500 * time.Millisecond

// logRow is what a line shows of a log event; --json keeps everything the wire says.
type logRow struct {
	LogID       string    `json:"log_id"`
	Date        time.Time `json:"date"`
	Type        string    `json:"type"`
	Description string    `json:"description"`
	ClientName  string    `json:"client_name"`
	ClientID    string    `json:"client_id"`
	UserName    string    `json:"user_name"`
	IP          string    `json:"ip"`
}

func (a *app) logs() *cobra.Command {
	var tenant, query string
	var follow bool
	var count int
	cmd := &cobra.Command{
		Use: "logs", Short: "Show a tenant's audit log, oldest first", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if count < 1 || count > 100 {
				return fmt.Errorf("--count is %d, want 1 to 100", count)
			}
			ctx := cmd.Context()
			s, err := a.management(ctx, tenant)
			if err != nil {
				return err
			}
			search := url.Values{"sort": {"date:-1"}, "per_page": {strconv.Itoa(count)}}
			if query != "" {
				search.Set("q", query)
			}
			var newest []json.RawMessage
			if err := a.cloud.Call(ctx, http.MethodGet, s.base+"/logs?"+search.Encode(), s.token, nil, &newest); err != nil {
				return err
			}
			last := ""
			for _, raw := range slices.Backward(newest) {
				if err := a.logLine(raw, &last); err != nil {
					return err
				}
			}
			if !follow {
				return nil
			}
			return a.followLogs(ctx, tenant, s, last)
		},
	}
	a.tenantFlag(cmd, &tenant)
	cmd.Flags().BoolVarP(&follow, "follow", "f", false, "keep showing what happens")
	cmd.Flags().IntVarP(&count, "count", "n", 20, "how many past events to begin with (1 to 100)")
	cmd.Flags().StringVarP(&query, "query", "q", "", "only events that match, as in type:s (not with --follow)")
	cmd.MarkFlagsMutuallyExclusive("follow", "query")
	return cmd
}

// followLogs reads on from a checkpoint: no event between two pages is lost, and none is shown twice. The token is renewed when it
// ends; a cloud that is away for a moment is waited for.
func (a *app) followLogs(ctx context.Context, tenant string, s session, last string) error {
	renewed := false // since the last answer
	for {
		var page []json.RawMessage
		search := url.Values{"take": {"100"}}
		if last != "" {
			search.Set("from", last)
		}
		err := a.cloud.Call(ctx, http.MethodGet, s.base+"/logs?"+search.Encode(), s.token, nil, &page)
		if isStatus(err, http.StatusUnauthorized) && !renewed {
			renewed = true
			var next session
			next, err = a.management(ctx, tenant)
			if err == nil {
				s = next
				continue
			}
		}
		if ctx.Err() != nil {
			return nil //nolint:nilerr // the user has seen enough
		}
		pause := followEvery
		if err != nil {
			wait, passing := cloud.Passing(err)
			if !passing {
				return err
			}
			pause = max(pause, wait)
		} else {
			renewed = false
			for _, raw := range page {
				if err := a.logLine(raw, &last); err != nil {
					return err
				}
			}
			if len(page) > 0 {
				continue
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(pause):
		}
	}
}

func (a *app) logLine(raw json.RawMessage, last *string) error {
	var row logRow
	if err := json.Unmarshal(raw, &row); err != nil {
		return fmt.Errorf("reading a log event: %w", err)
	}
	if row.LogID > *last {
		*last = row.LogID
	}
	if a.asJSON {
		var line bytes.Buffer
		if err := json.Compact(&line, raw); err != nil {
			return fmt.Errorf("reading a log event: %w", err)
		}
		line.WriteByte('\n')
		_, err := a.out.Write(line.Bytes())
		return err
	}
	client := row.ClientName
	if client == "" {
		client = row.ClientID
	}
	_, err := fmt.Fprintf(a.out, "%s  %-8s %-24s %-24s %s\n", row.Date.Local().Format("15:04:05.000"),
		printable(row.Type), printable(client), printable(row.UserName), printable(row.Description)) // names that anybody could choose
	return err
}
