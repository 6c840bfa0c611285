package command

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/spf13/cobra"

	"github.com/postern-id/postern/tools/cli/internal/cloud"
	"github.com/postern-id/postern/tools/cli/internal/doctor"
)

// diagnosis is what the doctor found at one client, or at the tenant's connections when there is no client.
type diagnosis struct {
	ClientID string           `json:"client_id,omitempty"`
	Name     string           `json:"name,omitempty"`
	Findings []doctor.Finding `json:"findings"`
}

func (a *app) clientsDoctor(tenant *string) *cobra.Command {
	var all bool
	cmd := &cobra.Command{
		Use: "doctor [<client-id>]", Short: "Name a client's misconfigurations", Args: cobra.MaximumNArgs(1), ValidArgsFunction: a.clientIDs(tenant),
		RunE: func(cmd *cobra.Command, args []string) error {
			if all == (len(args) == 1) {
				return errors.New("name a client, or all with --all")
			}
			s, err := a.management(cmd.Context(), *tenant)
			if err != nil {
				return err
			}
			diagnoses, err := a.diagnose(cmd.Context(), s, args)
			if err != nil {
				return err
			}
			if err := a.show(diagnoses, func(w io.Writer) { diagnosisTable(w, diagnoses) }); err != nil {
				return err
			}
			ill := 0
			for _, d := range diagnoses {
				if doctor.Worst(d.Findings) {
					ill++
				}
			}
			if ill > 0 {
				return fmt.Errorf("%d of %d clients have an error", ill, len(diagnoses))
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&all, "all", false, "examine every client, and the connections")
	return cmd
}

// diagnose examines the client named, or all of them and the connections.
func (a *app) diagnose(ctx context.Context, s session, named []string) ([]diagnosis, error) {
	out := []diagnosis{}
	if len(named) == 1 {
		var raw json.RawMessage
		if err := a.cloud.Call(ctx, http.MethodGet, cloud.Path(s.base+"/clients", named[0]), s.token, nil, &raw); err != nil {
			return nil, err
		}
		d, err := a.examineClient(ctx, s, raw)
		if err != nil {
			return nil, err
		}
		return append(out, d), nil
	}
	clients, err := a.pages(ctx, s, "/clients", "clients")
	if err != nil {
		return nil, err
	}
	for _, raw := range clients {
		d, err := a.examineClient(ctx, s, raw)
		if err != nil {
			return nil, err
		}
		out = append(out, d)
	}
	idle, err := a.examineConnections(ctx, s)
	if err != nil {
		return nil, err
	}
	if len(idle) > 0 {
		out = append(out, diagnosis{Findings: idle})
	}
	return out, nil
}

func (a *app) examineClient(ctx context.Context, s session, raw json.RawMessage) (diagnosis, error) {
	c := doctor.Case{Production: doctor.Production(s.domain), Now: time.Now()}
	if err := json.Unmarshal(raw, &c.Client); err != nil {
		return diagnosis{}, fmt.Errorf("reading a client: %w", err)
	}
	d := diagnosis{ClientID: c.Client.ID, Name: c.Client.Name}
	if c.Client.Global {
		d.Findings = doctor.Examine(c)
		return d, nil
	}
	grants, err := a.pages(ctx, s, "/client-grants?client_id="+url.QueryEscape(c.Client.ID), "client_grants")
	if err != nil {
		return d, err
	}
	for _, raw := range grants {
		var grant struct {
			Audience string `json:"audience"`
		}
		if err := json.Unmarshal(raw, &grant); err != nil {
			return d, fmt.Errorf("reading a client grant: %w", err)
		}
		c.Audiences = append(c.Audiences, grant.Audience)
	}
	connections, err := a.pages(ctx, s, cloud.Path("/clients", c.Client.ID)+"/connections", "connections")
	if err != nil {
		return d, err
	}
	for _, raw := range connections {
		var connection doctor.Connection
		if err := json.Unmarshal(raw, &connection); err != nil {
			return d, fmt.Errorf("reading a connection: %w", err)
		}
		c.Connections = append(c.Connections, connection)
	}
	if c.Client.AuthMethods != nil {
		if err := a.cloud.Call(ctx, http.MethodGet, cloud.Path(s.base+"/clients", c.Client.ID)+"/credentials", s.token, nil, &c.Credentials); err != nil {
			return d, err
		}
	}
	d.Findings = doctor.Examine(c)
	return d, nil
}

func (a *app) examineConnections(ctx context.Context, s session) ([]doctor.Finding, error) {
	connections, err := a.pages(ctx, s, "/connections", "connections")
	if err != nil {
		return nil, err
	}
	var out []doctor.Finding
	for _, raw := range connections {
		var connection doctor.Connection
		if err := json.Unmarshal(raw, &connection); err != nil {
			return nil, fmt.Errorf("reading a connection: %w", err)
		}
		clients, err := a.pages(ctx, s, cloud.Path("/connections", connection.ID)+"/clients", "clients")
		if err != nil {
			return nil, err
		}
		out = append(out, doctor.ExamineConnection(connection.Name, len(clients))...)
	}
	return out, nil
}

func diagnosisTable(w io.Writer, diagnoses []diagnosis) {
	for _, d := range diagnoses {
		if len(d.Findings) == 0 {
			fmt.Fprintf(w, "ok\t%s\t%s\n", printable(d.ClientID), printable(d.Name))
		}
		for _, f := range d.Findings {
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s: %s. %s\n", f.Severity, printable(d.ClientID), printable(d.Name), f.Code, f.Property, printable(f.Why), f.Remedy)
		}
	}
}
