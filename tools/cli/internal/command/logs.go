package command

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/spf13/cobra"
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
			ctx := cmd.Context()
			s, err := a.management(ctx, tenant)
			if err != nil {
				return err
			}
			search := url.Values{"sort": {"date:-1"}, "per_page": {fmt.Sprint(count)}}
			if query != "" {
				search.Set("q", query)
			}
			var newest []json.RawMessage
			if err := a.cloud.Call(ctx, http.MethodGet, s.base+"/logs?"+search.Encode(), s.token, nil, &newest); err != nil {
				return err
			}
			last := ""
			for i := len(newest) - 1; i >= 0; i-- {
				if err := a.logLine(newest[i], &last); err != nil {
					return err
				}
			}
			if !follow {
				return nil
			}
			return a.followLogs(ctx, tenant, s, last)
		},
	}
	tenantFlag(cmd, &tenant)
	cmd.Flags().BoolVarP(&follow, "follow", "f", false, "keep showing what happens")
	cmd.Flags().IntVarP(&count, "count", "n", 20, "how many past events to begin with (1 to 100)")
	cmd.Flags().StringVarP(&query, "query", "q", "", "only events that match, as in type:s (not with --follow)")
	cmd.MarkFlagsMutuallyExclusive("follow", "query")
	return cmd
}

// followLogs reads on from a checkpoint: no event between two pages is lost. The token is renewed when it ends.
func (a *app) followLogs(ctx context.Context, tenant string, s session, last string) error {
	for {
		var page []json.RawMessage
		target := s.base + "/logs?take=100&from=" + url.QueryEscape(last)
		err := a.cloud.Call(ctx, http.MethodGet, target, s.token, nil, &page)
		if isStatus(err, http.StatusUnauthorized) {
			if s, err = a.management(ctx, tenant); err == nil {
				continue
			}
		}
		if ctx.Err() != nil {
			return nil //nolint:nilerr // the user has seen enough
		}
		if err != nil {
			return err
		}
		for _, raw := range page {
			if err := a.logLine(raw, &last); err != nil {
				return err
			}
		}
		if len(page) > 0 {
			continue
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(followEvery):
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
		_, err := fmt.Fprintf(a.out, "%s\n", raw)
		return err
	}
	client := row.ClientName
	if client == "" {
		client = row.ClientID
	}
	_, err := fmt.Fprintf(a.out, "%s  %-8s %-24s %-24s %s\n", row.Date.Local().Format("15:04:05.000"), row.Type, client, row.UserName, row.Description)
	return err
}
