package httpapi

import (
	"context"
	"errors"
	"net/url"
	"strconv"
	"strings"

	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/libs/lucene"
	"github.com/postern-id/postern/libs/mgmtkit"
	"github.com/postern-id/postern/libs/tenancy"
	"github.com/postern-id/postern/services/log/internal/auditlog"
)

// page answers with entries: a bare array, or an object around them. Link is set when paging by checkpoint.
type page struct {
	Link string `header:"Link"`
	Body any
}

type listInput struct {
	Fields

	From          string `query:"from" doc:"Checkpoint: the log_id behind which to go on"`
	Take          int    `query:"take" minimum:"1" maximum:"100" doc:"Checkpoint: how many"`
	Q             string `query:"q" doc:"Lucene query"`
	Search        string `query:"search" doc:"The older name of q"`
	Page          int    `query:"page" minimum:"0"`
	PerPage       int    `query:"per_page" minimum:"1" maximum:"100" default:"50"`
	Sort          string `query:"sort" doc:"field:1 or field:-1"`
	IncludeTotals bool   `query:"include_totals"`
}

func (h handler) list(ctx context.Context, t tenancy.Tenant, in *listInput) (*page, error) {
	usersOnly := !mgmtkit.CallerOf(ctx).Has("read:logs")
	if in.From != "" || in.Take > 0 {
		return h.checkpoint(ctx, t, in, usersOnly)
	}
	query := in.Q
	if query == "" {
		query = in.Search
	}
	where, err := lucene.Parse(query)
	if syntax, ok := errors.AsType[*lucene.SyntaxError](err); ok {
		return nil, fault.Invalid("invalid_query_string", "Query validation error: 'The query is malformed: "+syntax.Message+"' on property q.").Because(err)
	}
	return h.search(ctx, t, in.Fields, in.Sort, mgmtkit.Paging{Page: in.Page, PerPage: in.PerPage, IncludeTotals: in.IncludeTotals},
		auditlog.Query{Where: where, UsersOnly: usersOnly})
}

// search answers by pages. total counts the entries of this page alone, as on the wire.
func (h handler) search(ctx context.Context, t tenancy.Tenant, fields Fields, sort string, paging mgmtkit.Paging, q auditlog.Query) (*page, error) {
	if err := paging.Bounded(); err != nil {
		return nil, err
	}
	field, direction, _ := strings.Cut(sort, ":")
	if sort != "" && direction != "1" && direction != "-1" {
		return nil, fault.Invalid("invalid_query_string", "Query validation error: 'String does not match pattern field:1 or field:-1' on property sort.")
	}
	q.Sort, q.Ascending, q.Offset, q.Limit = field, direction == "1", paging.Offset(), paging.Limit()
	entries, err := h.log.Search(ctx, t.ID, q)
	if err != nil {
		return nil, err
	}
	return &page{Body: mgmtkit.Page(paging, "logs", fields.all(entries), len(entries), "").Body}, nil
}

// checkpoint answers with what was taken in behind a place, and always with the link that goes on from there: at the end it is the
// same link again, to be asked until there is more.
func (h handler) checkpoint(ctx context.Context, t tenancy.Tenant, in *listInput, usersOnly bool) (*page, error) {
	take := in.Take
	if take == 0 {
		take = 50
	}
	entries, err := h.log.After(ctx, t.ID, auditlog.ID(in.From), take, usersOnly)
	if err != nil {
		return nil, err
	}
	next := url.Values{"take": {strconv.Itoa(take)}}
	if in.From != "" {
		next.Set("from", in.From)
	}
	if len(entries) > 0 {
		next.Set("from", string(entries[len(entries)-1].ID()))
	}
	return &page{Link: "<" + t.Base + mgmtkit.Base + "/logs?" + next.Encode() + `>; rel="next"`, Body: Fields{}.all(entries)}, nil
}

type findInput struct {
	ID string `path:"id"`
}

type one struct{ Body shown }

func (h handler) find(ctx context.Context, t tenancy.Tenant, in *findInput) (*one, error) {
	e, err := h.log.Find(ctx, t.ID, auditlog.ID(in.ID))
	if err != nil {
		return nil, err
	}
	if e.UserID == "" && !mgmtkit.CallerOf(ctx).Has("read:logs") {
		return nil, auditlog.ErrNotFound
	}
	return &one{Body: shown{entry: toWire(e)}}, nil
}

type userLogsInput struct {
	ID            string `path:"id"`
	Page          int    `query:"page" minimum:"0"`
	PerPage       int    `query:"per_page" minimum:"1" maximum:"100" default:"50"`
	Sort          string `query:"sort" doc:"field:1 or field:-1"`
	IncludeTotals bool   `query:"include_totals"`
}

func (h handler) listOfUser(ctx context.Context, t tenancy.Tenant, in *userLogsInput) (*page, error) {
	return h.search(ctx, t, Fields{}, in.Sort, mgmtkit.Paging{Page: in.Page, PerPage: in.PerPage, IncludeTotals: in.IncludeTotals},
		auditlog.Query{UserID: in.ID})
}
