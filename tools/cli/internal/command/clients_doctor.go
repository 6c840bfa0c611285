package command

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/postern-id/postern/tools/cli/internal/cloud"
	"github.com/postern-id/postern/tools/cli/internal/doctor"
)

// diagnosis is what the doctor found at one client or one connection.
type diagnosis struct {
	ClientID     string           `json:"client_id,omitempty"`
	ConnectionID string           `json:"connection_id,omitempty"`
	Name         string           `json:"name"`
	Findings     []doctor.Finding `json:"findings"`
}

func (a *app) clientsDoctor(tenant *string) *cobra.Command {
	var all bool
	cmd := &cobra.Command{
		Use: "doctor [<client-id>]", Short: "Name a client's misconfigurations", Args: cobra.MaximumNArgs(1), ValidArgsFunction: a.clientIDs(tenant),
		Long: "Reads a client's settings, its connections, client grants and credentials, and names what is wrong with them: an error lets an attacker\n" +
			"gain or a login fail, a warning is wider or older than it should be, a note is worth a look. It changes nothing, and ends with 1 when\n" +
			"there is an error. With --all it examines every client and connection of the tenant.\n\nIt knows:\n  " + strings.Join(doctor.Codes(), "\n  "),
		RunE: func(cmd *cobra.Command, args []string) error {
			if all == (len(args) == 1) {
				return errors.New("name a client, or all of them with --all")
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
				if doctor.Ill(d.Findings) {
					ill++
				}
			}
			if ill > 0 {
				return fmt.Errorf("%d of %d have an error", ill, len(diagnoses))
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&all, "all", false, "examine every client, and the connections")
	return cmd
}

// surroundings are what the doctor has to know besides the clients themselves.
type surroundings struct {
	grants      []doctor.Grant // a grant without a client stands in for all third-party clients
	connections map[string][]doctor.Connection
	domain      []doctor.Connection // the connections of the whole domain
}

// of gives what belongs to one client.
func (s surroundings) of(c doctor.Client) ([]doctor.Grant, []doctor.Connection) {
	grants := slices.DeleteFunc(slices.Clone(s.grants), func(g doctor.Grant) bool {
		return g.ClientID != c.ID && (g.ClientID != "" || !c.ThirdParty())
	})
	connections := s.connections[c.ID]
	if c.ThirdParty() {
		connections = slices.Concat(connections, s.domain)
	}
	return grants, connections
}

const (
	someConnection = "?fields=id,name,strategy,is_domain_connection" // their options hold secrets
	standIns       = "/client-grants?default_for=third_party_clients"
)

// diagnose examines the client named, or all of them and the connections.
func (a *app) diagnose(ctx context.Context, s session, named []string) ([]diagnosis, error) {
	var clients []doctor.Client
	var around surroundings
	out := []diagnosis{}
	var err error
	if len(named) == 1 {
		clients = make([]doctor.Client, 1)
		if err := a.read(ctx, s, cloud.Path("/clients", named[0])+someClient(), &clients[0]); err != nil {
			return nil, err
		}
		around, err = a.surroundingsOf(ctx, s, clients[0])
	} else {
		if clients, err = collect[doctor.Client](ctx, a, s, "/clients"+someClient(), "clients"); err != nil {
			return nil, err
		}
		around, out, err = a.allSurroundings(ctx, s)
	}
	if err != nil {
		return nil, err
	}
	examined := []diagnosis{}
	for _, client := range clients {
		c := doctor.Case{Client: client, Production: doctor.Production(s.domain), Now: time.Now()}
		c.Grants, c.Connections = around.of(client)
		if client.HasCredentials() {
			err := a.read(ctx, s, cloud.Path("/clients", client.ID)+"/credentials", &c.Credentials)
			if isStatus(err, http.StatusNotFound) && len(named) == 0 {
				continue // deleted since it was listed
			}
			if err != nil {
				return nil, err
			}
		}
		examined = append(examined, diagnosis{ClientID: client.ID, Name: client.Name, Findings: doctor.Examine(c)})
	}
	return append(examined, out...), nil
}

// surroundingsOf asks for what belongs to one client.
func (a *app) surroundingsOf(ctx context.Context, s session, c doctor.Client) (surroundings, error) {
	out := surroundings{connections: map[string][]doctor.Connection{}}
	if c.Global {
		return out, nil // nothing belongs to it
	}
	var err error
	if out.grants, err = collect[doctor.Grant](ctx, a, s, "/client-grants?client_id="+url.QueryEscape(c.ID), "client_grants"); err != nil {
		return out, err
	}
	if out.connections[c.ID], err = collect[doctor.Connection](ctx, a, s, cloud.Path("/clients", c.ID)+"/connections"+someConnection, "connections"); err != nil {
		return out, err
	}
	if !c.ThirdParty() {
		return out, nil
	}
	defaults, err := collect[doctor.Grant](ctx, a, s, standIns, "client_grants")
	if err != nil {
		return out, err
	}
	out.grants = append(out.grants, defaults...)
	all, err := collect[doctor.Connection](ctx, a, s, "/connections"+someConnection, "connections")
	out.domain = slices.DeleteFunc(all, func(on doctor.Connection) bool { return !on.Domain })
	return out, err
}

// allSurroundings asks for what belongs to all clients, in as many calls as there are connections and not clients, and examines the
// connections on the way.
func (a *app) allSurroundings(ctx context.Context, s session) (surroundings, []diagnosis, error) {
	out, found := surroundings{connections: map[string][]doctor.Connection{}}, []diagnosis{}
	var err error
	if out.grants, err = collect[doctor.Grant](ctx, a, s, "/client-grants", "client_grants"); err != nil {
		return out, nil, err
	}
	connections, err := collect[doctor.Connection](ctx, a, s, "/connections"+someConnection, "connections")
	if err != nil {
		return out, nil, err
	}
	for _, on := range connections {
		clients, err := collect[clientRow](ctx, a, s, cloud.Path("/connections", on.ID)+"/clients", "clients")
		if isStatus(err, http.StatusNotFound) {
			continue // deleted since it was listed
		}
		if err != nil {
			return out, nil, err
		}
		for _, c := range clients {
			out.connections[c.ClientID] = append(out.connections[c.ClientID], on)
		}
		if on.Domain {
			out.domain = append(out.domain, on)
		}
		if findings := doctor.ExamineConnection(on, len(clients)); len(findings) > 0 {
			found = append(found, diagnosis{ConnectionID: on.ID, Name: on.Name, Findings: findings})
		}
	}
	return out, found, nil
}

// someClient is the query for what the doctor reads of clients.
func someClient() string { return "?fields=" + strings.Join(doctor.Properties, ",") }

// collect reads a whole collection of one kind.
func collect[T any](ctx context.Context, a *app, s session, path, items string) ([]T, error) {
	raw, err := a.pages(ctx, s, path, items)
	if err != nil {
		return nil, err
	}
	out := make([]T, len(raw))
	for i := range raw {
		if err := json.Unmarshal(raw[i], &out[i]); err != nil {
			return nil, fmt.Errorf("reading %s: %w", items, err)
		}
	}
	return out, nil
}

func diagnosisTable(w io.Writer, diagnoses []diagnosis) {
	fmt.Fprintln(w, "SEVERITY\tID\tNAME\tCODE\tPROPERTY\tWHY\tREMEDY")
	for _, d := range diagnoses {
		id, name := printable(d.ClientID+d.ConnectionID), printable(d.Name)
		if len(d.Findings) == 0 {
			fmt.Fprintf(w, "ok\t%s\t%s\n", id, name)
		}
		for _, f := range d.Findings {
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", f.Severity, id, name, f.Code, f.Property, printable(f.Why), f.Remedy)
		}
	}
}
